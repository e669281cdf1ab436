"""One gauge as a board draws it: a name, a bar, a number, a word of what it means."""

from __future__ import annotations

import msgspec

from console.model.severity import Severity


class Bar(msgspec.Struct, frozen=True):
    """One line of a board. Without a ratio no bar is drawn: `?` and `note`, which then says why it is
    unknown.
    """

    key: str
    severity: Severity
    name: str
    ratio: float | None  # 0..1 and above; None: unknown. Above 1 the bar is full and `text` tells the number
    text: str = ""  # "91 %"; right-aligned
    note: str = ""  # "full in 2 h 10"; for UNKNOWN the reason: "no data since 02:09:30 (exporter refused)"
    trend: tuple[float, ...] = ()  # ratios, oldest first, NaN for holes; drawn as a sparkline when there is room
    warn: float | None = None  # ratio at which a tick stands on the bar
    crit: float | None = None
