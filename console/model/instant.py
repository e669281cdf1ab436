"""A moment on both clocks, and the protocol by which time is injected.

Wall clocks step and laptops sleep, so ages and deadlines are reckoned on the monotonic clock and only shown in UTC. On
Linux the monotonic clock is one for all processes of a host: the prober's stamps and the console's compare directly.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import msgspec


class Instant(msgspec.Struct, frozen=True):
    """One moment: `utc` to show, `mono` (seconds, monotonic) to reckon with."""

    utc: datetime
    mono: float

    def plus(self, seconds: float) -> Instant:
        """The instant `seconds` later on both clocks; used by tables of tests and for deadlines."""
        return Instant(utc=self.utc + timedelta(seconds=seconds), mono=self.mono + seconds)


class Clock(Protocol):
    """Time as a dependency: the system's in the program, a hand-turned one in tests."""

    def now(self) -> Instant:
        """This moment on both clocks."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed on the monotonic clock; cancellable."""
        ...
