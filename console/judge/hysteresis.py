"""Sampled values do not shout at the first bad sample and do not calm down at the first good one.

WARN at 2 bad of the last 3, CRIT at 2 in a row that are that bad; clear after 5 good samples and at least
max(30 s, 5 T) since the last bad one. Age checks and what a playlist proves by itself do not come through
here.
"""

from __future__ import annotations

import msgspec

from console.model.instant import Instant
from console.model.severity import Severity

GOOD_TO_CLEAR = 5
CLEAR_FLOOR_S = 30.0
CLEAR_TARGETS = 5.0
_OK = Severity.OK  # on Python 3.11 asking the enumeration costs ten times a global, and every answer asks several times
CLEAR_LEVEL = 0.8  # of the raise level: between the two a value is neither bad nor good


class Samples(msgspec.Struct, frozen=True):
    """The last samples of one value, and the verdict they add up to."""

    recent: tuple[Severity, ...] = ()  # oldest first, at most 3
    good: int = 0  # in a row
    level: Severity = Severity.OK
    first: Instant | None = None  # the first bad sample of the present spell
    last: Instant | None = None  # the newest bad sample

    def with_sample(self, sample: Severity, at: Instant, target_s: float) -> Samples:
        """One more sample: OK, WARN or CRIT. `target_s` is T, which scales the clearing time."""
        recent = (*self.recent[-2:], sample)
        if sample is _OK:
            return self._with_good(recent, at, target_s)
        bad = sum(one is not Severity.OK for one in recent)
        level = self.level
        if recent[-2:] == (Severity.CRIT, Severity.CRIT):
            level = Severity.CRIT
        elif bad >= 2 and level is Severity.OK:
            level = Severity.WARN
        return Samples(recent, 0, level, self.first or at, at)

    def _with_good(self, recent: tuple[Severity, ...], at: Instant, target_s: float) -> Samples:
        good = self.good + 1
        if self.level is _OK:
            is_spell = recent.count(_OK) < len(recent)
            return Samples(recent, good, _OK, self.first if is_spell else None, self.last if is_spell else None)
        quiet_s = at.mono - self.last.mono if self.last is not None else 0.0
        if good >= GOOD_TO_CLEAR and quiet_s >= max(CLEAR_FLOOR_S, CLEAR_TARGETS * target_s):
            return Samples()
        return Samples(recent, good, self.level, self.first, self.last)


def sampled(value: float, warn: float, crit: float, level: Severity) -> Severity | None:
    """The sample that a number makes; None while it lies between the clear level and the raise level of a
    raised value.
    """
    if value >= crit:
        return Severity.CRIT
    if value >= warn:
        return Severity.WARN
    if level is not Severity.OK and value >= CLEAR_LEVEL * warn:
        return None
    return Severity.OK
