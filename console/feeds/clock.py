"""The system's clocks, as the rest of the house is given them."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from console.model.instant import Clock, Instant


class SystemClock:
    """The two clocks of this machine."""

    def now(self) -> Instant:
        return Instant(utc=datetime.now(UTC), mono=time.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


async def wait_until(event: asyncio.Event, clock: Clock, deadline_mono: float | None) -> None:
    """Return when `event` is set or the monotonic clock passes `deadline_mono`, whichever is first.

    With a deadline in the past it returns at the next turn of the loop. Leaves no task behind, also when cancelled.
    """
    if deadline_mono is None:
        await event.wait()
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
