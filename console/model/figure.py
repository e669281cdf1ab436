"""A number of the whole platform beside what it was at the same minute of last week.

Viewers of a Monday at four in the morning are few, and were a week ago too: what a number is worth is told by its own past,
and the past that is like now is a whole number of weeks away. A week is 604,800 s: across a change to or from summer time
it is the same minute in UTC, and another one for the viewers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from console.model.severity import Severity

WEEK_S = 604_800.0


class Better(StrEnum):
    """Which way is good. NEITHER: a change is shown and means nothing by itself."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class FigureSpec(msgspec.Struct, frozen=True):
    """What to ask for one figure (config `[[sites.X.figures]]`): PromQL of one value, asked for now and for a week ago.

    `warn` and `crit` are ratios now / a week ago, and bad when they are reached: at or below with `better` higher, at or above
    with lower. Without them no verdict hangs on the comparison.
    """

    name: str
    query: str
    unit: str = ""  # viewers | bit/s | ratio (0..1) | /s | s | anything
    better: Better = Better.NEITHER
    warn: float | None = None
    crit: float | None = None


class Figure(msgspec.Struct, frozen=True):
    """One figure as answered. A number that is missing stays None with its reason: unknown is not zero."""

    spec: FigureSpec
    now: float | None
    week_ago: float | None
    missing: str = ""  # why `now` is None: "no data", "3 series, expected 1", "NaN"
    missing_week: str = ""  # the same of `week_ago`: "younger than a week: first seen about 2 d ago"
    as_of: datetime | None = None  # what `now` was evaluated for, by the server's clock
    week_as_of: datetime | None = None  # the same of `week_ago`

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def unit(self) -> str:
        return self.spec.unit

    @property
    def better(self) -> Better:
        return self.spec.better

    @property
    def ratio(self) -> float | None:
        """now / a week ago; 1 for nothing beside nothing. None wherever it would say something that is not so."""
        if self.now is None or self.week_ago is None:
            return None
        if self.now == 0 and self.week_ago == 0:
            return 1.0
        return self.now / self.week_ago if self.week_ago > 0 and self.now >= 0 else None

    @property
    def change(self) -> float | None:
        """The ratio less one: -0.25 is a quarter less than a week ago."""
        return self.ratio - 1 if self.ratio is not None else None

    @property
    def why_no_change(self) -> str:
        """Why there is no `change`; "" when there is one."""
        if self.ratio is not None:
            return ""
        if self.now is None:
            return self.missing or "no data"
        if self.week_ago is None:
            return self.missing_week or "no data a week ago"
        return "it was 0 a week ago" if self.week_ago == 0 else "below zero: not to be compared"


class Figures(msgspec.Struct, frozen=True):
    """All figures of a site in the order of the configuration.

    `verdicts` are by name. A figure on which nothing is to be judged (no thresholds, and a value) has none.
    """

    figures: tuple[Figure, ...]
    verdicts: Mapping[str, Severity] = {}
