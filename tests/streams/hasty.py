"""An event loop in which waiting costs nothing: when no socket has anything to say and nothing is on its way between two of
them, the clock is moved on to the next timer.

Bytes on loopback are in the peer's buffer when `send` returns, but not always: so `is_quiet` is asked before the clock moves, and
while it says that something is under way, or while a thread works (a name is resolved), real time is waited for instead. The
clock stands still while callbacks run: a slow machine makes no timer late.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

BEGIN_S = 100_000.0  # the loop's own time at its begin
PATIENCE_S = 0.004  # real seconds for which bytes that are under way are waited for, once
PATIENCE_TIMES = 50  # that often in a row, before the clock moves on all the same
THREAD_S = 0.02


class HastyLoop(asyncio.SelectorEventLoop):
    """`is_quiet` tells whether nothing is under way; `pace` makes it wait: seconds of real time a second (0: none)."""

    def __init__(self, pace: float = 0.0) -> None:
        self.now_s = BEGIN_S
        self.is_quiet: Callable[[], bool] = lambda: True
        self.working = 0  # threads of the executor that have not answered yet
        self.hurried = 0  # how often the clock moved on though something seemed to be under way
        self.skips = 0
        self.pace = pace
        super().__init__(_Skipping(self))

    def time(self) -> float:
        return self.now_s

    def stall(self, seconds: float) -> None:
        """All timers are late by so much: what a machine that gives the process no time looks like from inside."""
        self.now_s += seconds

    def next_timer(self) -> float | None:
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return scheduled[0].when() if scheduled else None

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        self.working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: object) -> None:
        self.working -= 1


class _Skipping(selectors.BaseSelector):
    """The system's selector, which never waits for a timer."""

    def __init__(self, loop: HastyLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()
        self._patient = 0

    def select(self, timeout: float | None = None) -> Any:
        events = self._real.select(0)
        if events or (timeout is not None and timeout <= 0):
            self._patient = 0
            return events
        loop = self._loop
        if timeout is None or loop.working:
            return self._real.select(THREAD_S)
        if not loop.is_quiet() and self._patient < PATIENCE_TIMES:
            self._patient += 1
            return self._real.select(PATIENCE_S)
        if self._patient >= PATIENCE_TIMES:
            loop.hurried += 1
        self._patient = 0
        if loop.pace and timeout > 0:
            began = time.monotonic()
            events = self._real.select(timeout * loop.pace)
            if events:
                loop.now_s += min(timeout, (time.monotonic() - began) / loop.pace)
                return events
        loop.skips += 1
        at = loop.next_timer()
        loop.now_s = max(loop.now_s + timeout, at) if at is not None and at <= loop.now_s + timeout + 1e-6 else loop.now_s + timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def get_map(self) -> Any:
        return self._real.get_map()
