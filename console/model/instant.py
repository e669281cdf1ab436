"""A moment on both clocks, and the protocol by which time is injected.

Wall clocks step and laptops sleep, so ages and deadlines are reckoned on a monotonic clock that runs on while the machine
sleeps (`reckoned`), and only shown in UTC. On Linux it is one for all processes of a host: the prober's stamps and the
console's compare directly.
"""

from __future__ import annotations

import time
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


def reckoned() -> float:
    """Seconds on the clock that the processes of this host reckon with.

    CLOCK_MONOTONIC stands still while the machine sleeps: what a laptop heard an hour ago would be two seconds old.
    """
    return time.clock_gettime(_BOOTTIME) if _BOOTTIME is not None else time.monotonic()


_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux


class Clock(Protocol):
    """Time as a dependency: the system's in the program, a hand-turned one in tests."""

    def now(self) -> Instant:
        """This moment on both clocks."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed on the monotonic clock; cancellable."""
        ...
