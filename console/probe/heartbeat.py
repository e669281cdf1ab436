"""Once a second: that the prober lives, and how late it was itself."""

from __future__ import annotations

from console.model.instant import Instant
from console.model.observation import Heartbeat

BEAT_S = 1.0


class Pulse:
    """Collects between two beats; `beat` tells and forgets."""

    def __init__(self) -> None:
        self._poll_lag_s = 0.0
        self._loop_lag_s = 0.0
        self._polls = 0
        self._bytes = 0

    def started(self, lag_s: float) -> None:
        """A poll began `lag_s` after it was due."""
        self._polls += 1
        self._poll_lag_s = max(self._poll_lag_s, lag_s)

    def received(self, bytes_in: int) -> None:
        """A body came."""
        self._bytes += bytes_in

    def overslept(self, lag_s: float) -> None:
        """The loop woke `lag_s` later than asked."""
        self._loop_lag_s = max(self._loop_lag_s, lag_s)

    def beat(self, at: Instant, channels: int, in_flight: int) -> Heartbeat:
        """The heartbeat of the second that ends now."""
        told = Heartbeat(
            at=at,
            poll_lag_s=round(self._poll_lag_s, 4),
            loop_lag_s=round(self._loop_lag_s, 4),
            channels=channels,
            polls=self._polls,
            bytes_in=self._bytes,
            in_flight=in_flight,
        )
        self.__init__()  # type: ignore[misc]
        return told
