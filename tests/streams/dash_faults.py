"""What breaks a DASH channel: each fault bends the show of `dash.py` and names the code that has to be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.streams.station import Reply

if TYPE_CHECKING:
    from tests.streams.dash import Copy, DashShow

TIMESCALE = 90_000


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Bends a show from `start` (seconds since the epoch) on; `code` is what has to be said of it, `within_s` by when, and
    `crit_within_s` by when as CRIT. `may` are other codes that are true of it as well.
    """

    start: float
    length_s: float = 1e9
    vantages: tuple[str, ...] = ()  # empty: everywhere

    code = ""
    may: frozenset[str] = frozenset()

    def is_at(self, vantage: str, t: float) -> bool:
        return self.start <= t < self.start + self.length_s and (not self.vantages or vantage in self.vantages)

    def shown_at(self, t: float) -> float:
        return t

    def copied(self, show: DashShow, copy: Copy, t: float) -> Copy:
        return copy

    def is_gone(self, show: DashShow, n: int, t: float) -> bool:
        return False

    def carried_s(self, show: DashShow, n: int, t: float) -> float:
        """Seconds by which the decode time in a segment is wrong."""
        return 0.0

    def clock_s(self) -> float:
        """Seconds by which the time source is wrong."""
        return 0.0


class Frozen(Fault, frozen=True, kw_only=True):
    """The MPD stands still; segments go on."""

    code = "DASH_MPD_STALE"
    may = frozenset({"LATENCY", "SKEW"})

    def shown_at(self, t: float) -> float:
        return self.start


class AstMoved(Fault, frozen=True, kw_only=True):
    by_s: float = -30.0
    code = "DASH_AST_CHANGED"
    may = frozenset({"LATENCY", "FUTURE", "DASH_AVAIL", "SEG_404", "DASH_DRIFT", "PDT_DRIFT"})

    def copied(self, show: DashShow, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, ast=copy.ast + self.by_s)


class ClockOff(Fault, frozen=True, kw_only=True):
    by_s: float = 5.0
    code = "DASH_UTC"

    def clock_s(self) -> float:
        return self.by_s


class NoClock(Fault, frozen=True, kw_only=True):
    """UTCTiming is gone."""

    code = "DASH_UTC"


class Gap(Fault, frozen=True, kw_only=True):
    """From one segment on the timeline is written later than it should be: a gap that moves through the window."""

    by_s: float = 0.4
    code = "DASH_TL_GAP"
    may = frozenset({"DASH_DRIFT"})

    def copied(self, show: DashShow, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, shifts={show.newest(self.start) + 1: round(self.by_s * TIMESCALE)})


class Edited(Fault, frozen=True, kw_only=True):
    """A published S gets another duration, and the one after it the rest."""

    by_s: float = 0.3
    code = "DASH_TL_EDIT"
    may = frozenset({"DASH_TL_GAP", "TD_EXCEEDED", "DASH_DRIFT", "SEG_404", "DASH_AVAIL", "DASH_TSB"})

    def copied(self, show: DashShow, copy: Copy, t: float) -> Copy:
        n = show.newest(self.start) - 2
        ticks = round(self.by_s * TIMESCALE)
        return msgspec.structs.replace(copy, lengths={n: ticks, n + 1: -ticks})


class Missing(Fault, frozen=True, kw_only=True):
    """Segments come `late_s` after they are due; the MPD says they are there."""

    late_s: float = 1e9
    code = "DASH_AVAIL"
    may = frozenset({"SEG_404", "SEG_LATE", "DASH_TSB", "SEG_GONE"})

    def is_gone(self, show: DashShow, n: int, t: float) -> bool:
        due = show.listed_at(n)
        return due >= self.start and t < due + self.late_s


class BufferGone(Fault, frozen=True, kw_only=True):
    """Only the newest `kept` segments are there; the MPD promises more."""

    kept: int = 4
    code = "DASH_TSB"
    may = frozenset({"SEG_GONE", "SEG_404"})

    def is_gone(self, show: DashShow, n: int, t: float) -> bool:
        return n <= show.newest(t) - self.kept


class Ended(Fault, frozen=True, kw_only=True):
    """minimumUpdatePeriod vanishes (or the MPD becomes static), though the event goes on."""

    to_static: bool = False
    code = "DASH_END"
    may = frozenset({"UNEXPECTED_END"})

    def shown_at(self, t: float) -> float:
        return self.start

    def copied(self, show: DashShow, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, update_s=None, is_dynamic=not self.to_static)


class Drifting(Fault, frozen=True, kw_only=True):
    """What segments carry runs away from the timeline."""

    rate: float = 0.2
    code = "DASH_DRIFT"
    may = frozenset({"PDT_DRIFT"})

    def carried_s(self, show: DashShow, n: int, t: float) -> float:
        return max(0.0, (show.listed_at(n) - self.start) * self.rate)


class Hole(Fault, frozen=True, kw_only=True):
    """Periods begin later than the ones before them end."""

    by_s: float = 0.5
    code = "DASH_PERIOD"
    may = frozenset({"DASH_TL_EDIT", "DASH_DRIFT", "DASH_AVAIL", "SEG_404", "DASH_TSB"})

    def copied(self, show: DashShow, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, hole_s=self.by_s)


class HastyDelay(Fault, frozen=True, kw_only=True):
    """suggestedPresentationDelay is shorter than a segment."""

    code = "DASH_DELAY"

    def copied(self, show: DashShow, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, delay_s=0.4 * show.style.target_s)


class Unreadable(Fault, frozen=True, kw_only=True):
    """In the MPD's place comes something else."""

    reply: Reply = Reply(headers={"Content-Type": "text/html"}, body=b"<html><body>maintenance</body></html>")
    code = "NOT_PLAYLIST"
    may = frozenset({"DOWN"})


class Refused(Unreadable, frozen=True, kw_only=True):
    """The MPD cannot be had."""

    reply: Reply = Reply(503, body=b"no\n")
    code = "FETCH_FAIL"
    may = frozenset({"DOWN", "NOT_PLAYLIST"})
