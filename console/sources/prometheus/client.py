"""The async face of one Prometheus: instant and range queries, cached by (query, step-aligned time)."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec

from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.model.reading import SKEW_SHOWN_S
from console.sources.access import Access, Credentials, place
from console.sources.meter import Meter
from console.sources.prometheus.answer import Answered, Series
from console.sources.prometheus.pool import WORKERS, WorkerPool
from console.sources.prometheus.session import KIND, Connection, Exchange
from console.sources.sanitise import clean
from console.sources.status import date_of

T = TypeVar("T")
CACHED = 512
ALIGN_S = 5.0  # questions of the same 5 s share one answer: several panes and sessions cost what one does


class PrometheusClient:
    """Asks one Prometheus for several sources; all of them share its threads, its cache and its meter.

    Evaluation times are aligned down to `align_s`, by the server's clock as its `Date` told it (ours until
    then), so that a console with a wrong clock does not ask about another hour. A question for a time that
    was asked already, by anyone in this process, is not asked again; failures are not kept.
    """

    def __init__(
        self, access: Access, clock: Clock, meter: Meter, workers: int = WORKERS, align_s: float = ALIGN_S
    ) -> None:
        self.on = place(KIND, access.url)
        self._access = access
        self._clock = clock
        self._meter = meter
        self._align_s = align_s
        self._workers = workers
        self._credentials = Credentials(access, self.on)
        self._pool = WorkerPool("prometheus", access.timeout_s, workers)
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._ahead_s: float | None = None  # the server's clock beside `mono`, when its skew to our UTC matters
        self._cache: OrderedDict[tuple[str, float, float, float], asyncio.Task[Answered]] = OrderedDict()

    @property
    def workers(self) -> int:
        """How many questions it asks at once; more are queued by the asker, not here."""
        return self._workers

    def server_now(self) -> datetime:
        """The server's time as far as known: ours, corrected by a skew that matters."""
        now = self._clock.now()
        return now.utc if self._ahead_s is None else datetime.fromtimestamp(now.mono + self._ahead_s, UTC)

    async def query(self, query: str, ago_s: float = 0.0, align_s: float | None = None) -> Answered:
        """One value per series, now or as it was `ago_s` ago (aligned down to `align_s`). Raises SourceError."""
        step_s = self._align_s if align_s is None else align_s
        at = math.floor((self.server_now().timestamp() - ago_s) / step_s) * step_s
        params = {"time": f"{at:.3f}", "timeout": self._timeout}
        return await self._shared((query, at, at, 0.0), lambda c, h: c.query(query, params, h))

    async def query_range(self, query: str, span_s: float, points: int) -> Answered:
        """The last `span_s` in at most `points` points per series, on whole steps. Raises SourceError."""
        step_s = max(1.0, math.ceil(span_s / max(1, points)))
        end = math.floor(self.server_now().timestamp() / step_s) * step_s
        start = end - step_s * (max(1, points) - 1)
        params = {"timeout": self._timeout}
        first, last = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
        return await self._shared(
            (query, start, end, step_s), lambda c, h: c.query_range(query, first, last, step_s, params, h)
        )

    async def get(self, path: str, kind: type[T]) -> T:
        """The `data` of another endpoint of the API, decoded. Raises SourceError."""
        result, _ = await self._ask(path, lambda c, h: c.get(path, h))
        return msgspec.json.decode(result, type=kind)

    @property
    def _timeout(self) -> str:
        return f"{max(1, int(self._access.timeout_s))}s"

    async def _shared(
        self,
        key: tuple[str, float, float, float],
        call: Callable[[Connection, Mapping[str, str]], tuple[Series, ...]],
    ) -> Answered:
        task = self._cache.get(key)
        if task is None:
            task = asyncio.create_task(self._answer(key, call))
            self._cache[key] = task
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
            task.add_done_callback(lambda done: self._forget(key, done))
        await asyncio.wait((task,))  # who is cancelled while waiting leaves the question, and its failure, to the others
        return task.result()

    def _forget(self, key: tuple[str, float, float, float], task: asyncio.Task[Answered]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._cache.get(key) is task:
            del self._cache[key]

    async def _answer(
        self,
        key: tuple[str, float, float, float],
        call: Callable[[Connection, Mapping[str, str]], tuple[Series, ...]],
    ) -> Answered:
        series, last = await self._ask(key[0], call)
        server_date = date_of(last.headers)
        self._learn(server_date)
        warnings = tuple(clean(word, 200) for word in (last.frame.warnings if last.frame else [])[:5])
        return Answered(
            series=series, at=datetime.fromtimestamp(key[2], UTC), server_date=server_date, warnings=warnings
        )

    def _learn(self, server_date: datetime | None) -> None:
        if server_date is not None:
            now = self._clock.now()
            is_skewed = abs((server_date - now.utc).total_seconds()) > SKEW_SHOWN_S
            # not beside our UTC: when that is set right, the next question would still be asked for the wrong time
            self._ahead_s = server_date.timestamp() - now.mono if is_skewed else None

    async def _ask(self, what: str, call: Callable[[Connection, Mapping[str, str]], T]) -> tuple[T, Exchange]:
        tried = f"ask {clean(what, 80)!r}"
        again = True
        while True:
            headers = await self._credentials.headers()
            spent: list[int] = []  # bytes, once the thread has ended; a question refused by the pool spends nothing
            work = partial(self._in_thread, call, headers, spent)
            try:
                result = await self._pool.run(work, tried, self.on)
            except SourceError as error:
                if spent or error.failure.kind is not FailureKind.OVERLOADED:
                    self._meter.asked(sum(spent), failed=True)
                is_401 = error.failure.got.startswith("HTTP 401")
                if not (is_401 and again and self._credentials.refused()):
                    raise
                again = False
            else:
                self._meter.asked(sum(spent))
                return result

    def _in_thread(
        self, call: Callable[[Connection, Mapping[str, str]], T], headers: Mapping[str, str], spent: list[int]
    ) -> tuple[T, Exchange]:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            self._local.connection = connection = Connection(self._access)
            self._connections.append(connection)
        try:
            return call(connection, headers), connection.last
        finally:
            spent.append(connection.last.bytes_in)

    async def close(self) -> None:
        """Ends threads and connections; the next question opens anew."""
        tasks = [task for task in self._cache.values() if not task.done()]
        self._cache.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.close()
        self._local = threading.local()
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()
