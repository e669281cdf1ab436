"""A value, how old it is, and how good: what every feed carries."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from console.model.failure import Failure
from console.model.instant import Instant
from console.model.severity import State

T = TypeVar("T")
U = TypeVar("U")
SKEW_SHOWN_S = 5.0  # a server clock further off than this is told on the screen, never added to an age


class Reading(msgspec.Struct, Generic[T], frozen=True):
    """What a source last said.

    `value` is None only before the first answer. When a source fails, the last good value stays, with its old times, and
    `state`/`error` say that it is old: nothing is invented and nothing is thrown away.
    """

    value: T | None
    state: State
    received: Instant | None = None  # when this value (not this state) reached us
    as_of: datetime | None = None  # when it was true, by the server's own clock
    server_age_s: float = 0.0  # server's Date - as_of at reception: how old it already was
    skew_s: float | None = None  # server's Date - our UTC at reception; None when the server told no Date
    error: Failure | None = None
    partial_reason: str = ""  # why `partial`: "2 of 3 shards answered", "warming"

    def age_s(self, now: Instant) -> float | None:
        """Seconds since the value was true: monotonic since reception plus what the server said. None without a value."""
        if self.received is None:
            return None
        return max(0.0, now.mono - self.received.mono) + max(0.0, self.server_age_s)

    @property
    def skewed(self) -> bool:
        """True when the server's clock is off by more than is polite to hide."""
        return self.skew_s is not None and abs(self.skew_s) > SKEW_SHOWN_S

    def failed(self, failure: Failure) -> Reading[T]:
        """The same value with the failure that keeps it from being renewed."""
        return msgspec.structs.replace(self, state=State.ERROR, error=failure)

    def carrying(self, value: U | None) -> Reading[U]:
        """Another value made of this one, as good and as old."""
        return Reading(
            value=value,
            state=self.state,
            received=self.received,
            as_of=self.as_of,
            server_age_s=self.server_age_s,
            skew_s=self.skew_s,
            error=self.error,
            partial_reason=self.partial_reason,
        )

    def aged(self) -> Reading[T]:
        """The same value, too old to be called live."""
        return msgspec.structs.replace(self, state=State.STALE)


def connecting() -> Reading[T]:
    """Before the first answer: nothing is known, and nothing pretends."""
    return Reading(value=None, state=State.CONNECTING)
