"""The system's clocks, as the rest of the house is given them.

`mono` also runs while the machine sleeps. `utc` is the system's, followed as long as it runs
evenly. When it is set (a step), `utc` goes on as it was: verdicts compare it with what servers say, and a clock set wrong
must raise and hide nothing. Which of the two is right the servers tell by their `Date`: once they agree with the system, it
is followed again (`agreed`). Without a server that tells, ours goes on until midwatch is started anew; the screen says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from statistics import median

from console.model.instant import Clock, Instant, reckoned

STEP_S = 2.0  # a smaller difference is followed: time servers slew, and step by less
AGREES_S = 5.0  # a Date has whole seconds, and travels
LOOK_S = 1.0  # how soon sleepers notice that the machine slept: the loop's timers stood still with it


class SystemClock:
    """The two clocks of this machine. `wall` and `mono` are given by tests."""

    def __init__(self, wall: Callable[[], float] = time.time, mono: Callable[[], float] = reckoned) -> None:
        self._wall = wall
        self._mono = mono
        self._offset_s = wall() - mono()  # from mono to UTC
        self.stepped_s = 0.0  # how far the system's clock has been set away from ours
        self.held_s = 0.0  # for how long it has let sleep longer than was asked, on purpose
        self._sleepers: dict[asyncio.Timeout, float] = {}  # until when they sleep on our clock
        self._looking: asyncio.TimerHandle | None = None

    def now(self) -> Instant:
        mono = self._mono()
        off_s = self._wall() - mono - self._offset_s
        if abs(off_s) <= STEP_S:
            self._offset_s += off_s
            self.stepped_s = 0.0
        else:
            self.stepped_s = off_s
        return Instant(utc=datetime.fromtimestamp(mono + self._offset_s, UTC), mono=mono)

    def agreed(self, skews_s: Iterable[float]) -> None:
        """What servers' clocks say beside ours: most of them know whether the step was a correction."""
        told = list(skews_s)
        if self.stepped_s and told and abs(median(told) - self.stepped_s) <= AGREES_S:
            self._offset_s += self.stepped_s
            self.stepped_s = 0.0

    async def sleep(self, seconds: float) -> None:
        if seconds <= LOOK_S:
            await asyncio.sleep(max(0.0, seconds))
        else:
            await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """`sleep` that ends early when `event` is set; without a task of its own, for it is done many times a second."""
        is_looked_after = False
        try:
            async with asyncio.timeout(max(0.0, seconds)) as limit:
                if seconds > LOOK_S:
                    is_looked_after = True
                    self._sleepers[limit] = self._mono() + seconds
                    if self._looking is None:
                        self._looking = asyncio.get_running_loop().call_later(LOOK_S, self._look)
                await event.wait()
        except TimeoutError:
            pass
        finally:
            if is_looked_after:
                del self._sleepers[limit]
                if not self._sleepers and self._looking is not None:
                    self._looking.cancel()
                    self._looking = None

    def _look(self) -> None:
        """Wake whom the loop's own timers, which stood still while the machine slept, would wake too late."""
        mono = self._mono()
        loop = asyncio.get_running_loop()
        for limit, due in self._sleepers.items():
            if due <= mono and not limit.expired():
                limit.reschedule(loop.time())
        self._looking = loop.call_later(LOOK_S, self._look)


async def wait_until(event: asyncio.Event, clock: Clock, deadline_mono: float | None) -> None:
    """Return when `event` is set or the monotonic clock passes `deadline_mono`, whichever is first.

    With a deadline in the past it returns at the next turn of the loop. Leaves no task behind, also when cancelled.
    """
    if deadline_mono is None:
        await event.wait()
        return
    if isinstance(clock, SystemClock):
        await clock.wait(event, deadline_mono - clock.now().mono)
        return
    waits = {
        asyncio.ensure_future(event.wait()),
        asyncio.ensure_future(clock.sleep(deadline_mono - clock.now().mono)),
    }
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
