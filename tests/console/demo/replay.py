"""Replays what a real Alertmanager was asked, so that its answers can be laid beside the demo's.

Ids and times differ from run to run: in a step they are written as `{ID1}` (the first id that an answer named) and
`{T+60}` (a minute from now), and in an answer they are taken out the same way.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

UUID = re.compile(r"(?!0{8}-)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
Ask = Callable[[str, str, bytes | None, str], Awaitable[tuple[int, str]]]
"""method, path, body, content type -> status, text."""


class Replay:
    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._ids: list[str] = []

    async def step(self, step: dict[str, Any]) -> dict[str, Any]:
        """status and answer, without what differs from run to run."""
        body = self._filled(step["body"]).encode() if step.get("body") is not None else None
        status, text = await self._ask(
            step["method"], self._filled(step["path"]), body, step.get("type", "application/json")
        )
        return {"status": status, "answer": TIME.sub("{T}", UUID.sub(self._named, text))}

    def _named(self, found: re.Match[str]) -> str:
        if found.group() not in self._ids:
            self._ids.append(found.group())
        return f"{{ID{self._ids.index(found.group()) + 1}}}"

    def _filled(self, text: str) -> str:
        def moment(found: re.Match[str]) -> str:
            then = datetime.now(UTC) + timedelta(seconds=float(found.group(1)))
            return then.isoformat().replace("+00:00", "Z")

        text = re.sub(r"\{T([+-]\d+)\}", moment, text)
        return re.sub(r"\{ID(\d+)\}", lambda found: self._ids[int(found.group(1)) - 1], text)
