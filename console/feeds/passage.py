"""Whether time passed as it should between two looks at the clock. What the clock held us back for was no time away."""

from __future__ import annotations

from console.feeds.clock import SystemClock
from console.model.instant import Clock, Instant
from console.rows.units import clock as shown
from console.rows.units import duration

AWAY_S = 4.0  # who looks every second and comes so late was stopped, asleep or starved
TOLD_S = 60.0
PAUSED_S = 10.0  # a step forward by so much may be a machine that was paused, and whose clocks stood still


class Passage:
    """For one that looks about once a second. `mark` is what the screen says about it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: Instant | None = None
        self._stepped_s = self._held_s = 0.0
        self._away = ""
        self._away_until = 0.0
        self.gap_s = 0.0  # between the last two looks

    def looked(self, now: Instant) -> tuple[bool, bool]:
        """(we were away, time may have passed that no clock of ours counted)."""
        last, self._last = self._last, now
        held_s, self._held_s = self._held_s, self._clock.held_s if isinstance(self._clock, SystemClock) else 0.0
        gap_s = self.gap_s = now.mono - last.mono - (self._held_s - held_s) if last is not None else 0.0
        if gap_s > AWAY_S:
            self._away = f"away {duration(gap_s)} until {shown(now.utc)}"
            self._away_until = now.mono + TOLD_S
        before, self._stepped_s = self._stepped_s, self._clock.stepped_s if isinstance(self._clock, SystemClock) else 0.0
        return gap_s > AWAY_S, self._stepped_s - before > PAUSED_S

    def mark(self, now: Instant) -> str:
        """"away 52m until 02:14:07", or that the system's clock was set; "" when all is as it should be."""
        if self._stepped_s:
            word = "ahead of" if self._stepped_s > 0 else "behind"
            return f"system clock was set: {duration(round(abs(self._stepped_s)))} {word} ours"
        return self._away if now.mono < self._away_until else ""
