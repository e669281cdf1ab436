"""A writer under way in its own process, and the documents that a test writes by hand."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from tests.lab.elasticsearch.server import HERE, Server

LATE_SHARE, LATE_S = 0.03, 5.0
Json = dict[str, Any]


def document(message: str, at: datetime | None = None, **more: Any) -> Json:
    moment = at if at is not None else datetime.now(UTC)
    return {"@timestamp": moment.isoformat(timespec="milliseconds"), "message": message, **more}


class Writing:
    """A writer under way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.began = time.monotonic()

    @property
    def is_over(self) -> bool:
        return self._process.returncode is not None

    async def told(self) -> Json:
        out, _ = await self._process.communicate()
        assert self._process.returncode == 0, "the writer failed"
        told: Json = json.loads(out)
        return {**told, "overdue": len(told["overdue"])}

    async def for_(self, seconds: float) -> None:
        """Until it has written that long: time passing is the condition here, what is written meanwhile the subject."""
        await asyncio.sleep(max(0.0, self.began + seconds - time.monotonic()))


@asynccontextmanager
async def writing(
    server: Server, index: str, per_s: float, seconds: float, late_share: float = LATE_SHARE
) -> AsyncIterator[Writing]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "writer.py"), server.url, index, *map(str, (per_s, seconds, late_share, LATE_S)),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Writing(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
