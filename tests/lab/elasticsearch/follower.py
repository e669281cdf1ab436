"""The product's own tail, as the engine assembles it, and a ledger of what it showed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from console.assembly import access, log_fields
from console.config.scope import ScopeNames
from console.config.site import Elasticsearch
from console.feeds.clock import SystemClock
from console.model.logline import LogBatch
from console.model.reading import Reading
from console.model.severity import State
from console.sources.elasticsearch.tail import tail_source
from console.sources.meter import Meter
from tests.lab.elasticsearch.server import Server
from tests.lab.elasticsearch.writing import Json, document


class Follower:
    """Reads a tail to the end of the test. Every line is counted by its `_index/_id`."""

    def __init__(self, url: str, index: str, timeout_s: float = 10.0) -> None:
        clock = SystemClock()
        self.meter = Meter(clock)
        backend = Elasticsearch(url=url, index=index, timeout_s=timeout_s)
        self.source = tail_source(
            "elasticsearch.tail", access(backend), index, clock, self.meter, fields=log_fields(ScopeNames())
        )
        self.ids: Counter[str] = Counter()
        self.lags: list[float] = []  # of what did not come late: from @timestamp to the hand-over
        self.marks: list[str] = []
        self.states: list[tuple[State, str]] = []  # every change, with why
        self.reading: Reading[LogBatch] | None = None
        self.batch: LogBatch | None = None  # the newest
        self.polls = 0
        self.largest_lines = 0
        self._changed = asyncio.Event()

    async def run(self) -> None:
        async for reading in self.source.readings():
            self.polls += 1
            self._take(reading)
            self._changed.set()

    def _take(self, reading: Reading[LogBatch]) -> None:
        why = reading.error.got if reading.error is not None else reading.partial_reason
        if not self.states or self.states[-1] != (reading.state, why):
            self.states.append((reading.state, why))
        self.reading = reading
        if reading.error is not None or reading.value is None:
            return
        self.batch = reading.value
        now = datetime.now(UTC)
        self.largest_lines = max(self.largest_lines, len(reading.value.lines))
        for line in reading.value.lines:
            if line.is_mark:
                self.marks.append(line.message)
                continue
            self.ids[line.doc_id] += 1
            if not line.is_late:
                self.lags.append((now - line.at).total_seconds())

    async def until(self, what: str, holds: Callable[[], bool], within_s: float) -> None:
        """Looks at every reading."""
        deadline = time.monotonic() + within_s
        while not holds():
            self._changed.clear()
            left = deadline - time.monotonic()
            assert left > 0, f"not {what} within {within_s:.0f} s: {self.states[-5:]} {self.accounting} {self.note!r}"
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                continue

    @property
    def state(self) -> State | None:
        return self.reading.state if self.reading is not None else None

    @property
    def why(self) -> str:
        return self.states[-1][1] if self.states else ""

    @property
    def note(self) -> str:
        return self.batch.note if self.batch is not None else ""

    @property
    def accounting(self) -> dict[str, int]:
        if self.batch is None:
            return {}
        account = self.batch.accounting
        return {name: getattr(account, name) for name in account.__struct_fields__}

    @property
    def received(self) -> int:
        return self.accounting.get("received", 0)

    @property
    def twice(self) -> int:
        return sum(count - 1 for count in self.ids.values())

    def lag(self, part: float) -> float:
        """Of 100 lines that were not late, `part` were shown within this many seconds."""
        ordered = sorted(self.lags)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * part / 100))], 2) if ordered else float("nan")


@asynccontextmanager
async def following(url: str, index: str, timeout_s: float = 10.0) -> AsyncIterator[Follower]:
    follower = Follower(url, index, timeout_s)
    running = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def begun(
    server: Server, index: str, pattern: str = "logs-*", timeout_s: float = 10.0
) -> AsyncIterator[Follower]:
    """A tail that has shown the first line, so that all that is written from now on is its to show."""
    async with following(server.url, pattern, timeout_s) as follower:
        await asyncio.to_thread(server.put, index, document("the first line"))
        await follower.until("the first line is shown", lambda: follower.received == 1, 30)
        yield follower


async def closed(follower: Follower, indexed: int, overdue: int = 0, within_s: float = 60.0) -> Json:
    """Waits until the account is closed, and some polls longer, in which nothing may come that was not expected.

    Of what the server itself confirmed only when the overlap was nearly over (`overdue`, none on a machine that is not
    starved) some may be missing: the tail says that it does not show those, and does not know of them.
    """
    await follower.until(f"{indexed} accounted for", lambda: follower.received >= indexed - overdue, within_s)
    polls = follower.polls
    await follower.until("asked thrice more", lambda: follower.polls >= polls + 3, within_s)
    account = follower.accounting
    assert account["received"] == account["shown"] + account["dropped"]
    assert account["received"] <= indexed, "more lines than there are documents"
    missed = indexed - account["received"]
    assert missed <= overdue, f"{missed} documents neither shown nor accounted for, of which {overdue} were overdue"
    assert account["shown"] == len(follower.ids) == sum(follower.ids.values()), "a line was shown twice"
    return {"indexed": indexed, **account, "twice": follower.twice, "overdue_not_shown": missed}
