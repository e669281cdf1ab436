"""A few threads for a synchronous client, and the honesty to refuse when all of them hang.

A cancelled await leaves its thread running, so slots are counted by threads that really ended, not by awaits
that did. When every worker has been busy for longer than a question may take, nothing more is submitted: the
failure is OVERLOADED at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from console.model.failure import Failure, FailureKind, SourceError

T = TypeVar("T")
WORKERS = 3
GRACE = 1.5  # of the timeout: a thread busy for longer is stuck


class WorkerPool:
    """At most `workers` calls at once. Times are real seconds (a thread cannot wait on an injected clock)."""

    def __init__(self, name: str, timeout_s: float, workers: int = WORKERS) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._workers = workers
        self._executor: ThreadPoolExecutor | None = None
        self._busy: dict[Future[Any], float] = {}  # running or abandoned -> since when
        self._free = asyncio.Event()

    @property
    def busy(self) -> int:
        """Threads that have not returned."""
        return len(self._busy)

    def _stuck(self) -> int:
        limit = time.monotonic() - GRACE * self._timeout_s
        return sum(1 for since in self._busy.values() if since < limit)

    async def run(self, call: Callable[[], T], tried: str, on: str) -> T:
        """`call()` in a thread. Raises SourceError OVERLOADED without a free thread in time, TIMEOUT when it
        took too long.
        """
        deadline = time.monotonic() + self._timeout_s
        while len(self._busy) >= self._workers:
            wait_s = deadline - time.monotonic()
            if self._stuck() >= self._workers or wait_s <= 0:
                raise SourceError(
                    Failure(
                        kind=FailureKind.OVERLOADED,
                        tried=tried,
                        on=on,
                        got=f"all {self._workers} connections wait for earlier answers",
                        hint="it answers too slowly; nothing more is asked until one returns",
                    )
                )
            self._free.clear()
            try:
                await asyncio.wait_for(self._free.wait(), min(wait_s, 0.25))
            except TimeoutError:
                continue
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._workers, thread_name_prefix=self._name)
        loop = asyncio.get_running_loop()
        future: Future[T] = self._executor.submit(call)
        self._busy[future] = time.monotonic()
        future.add_done_callback(lambda done: _tell(loop, self._ended, done))
        try:
            async with asyncio.timeout(GRACE * self._timeout_s):
                return await asyncio.shield(asyncio.wrap_future(future))
        except TimeoutError:
            raise SourceError(
                Failure(
                    kind=FailureKind.TIMEOUT,
                    tried=tried,
                    on=on,
                    got=f"no answer within {GRACE * self._timeout_s:.1f} s",
                    hint="raise timeout_s, or is it overloaded?",
                )
            ) from None

    def _ended(self, future: Future[Any]) -> None:
        self._busy.pop(future, None)
        self._free.set()
        if not future.cancelled():
            future.exception()

    def close(self) -> None:
        """No new calls on these threads; those that run end by their own timeouts."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


def _tell(loop: asyncio.AbstractEventLoop, ended: Callable[[Future[Any]], None], future: Future[Any]) -> None:
    try:
        loop.call_soon_threadsafe(ended, future)
    except RuntimeError:
        return  # the loop is closed: nobody counts any more
