"""Numbers for people: short, with their unit, the same width for the same magnitude where it can be had."""

from __future__ import annotations

import math
from datetime import datetime

_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def si(value: float | None, unit: str = "") -> str:
    """182345 -> "182k", 5.91e6 -> "5.9M"; "–" for None and NaN."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    size = abs(value)
    for scale, letter in _SCALES:
        if size >= scale * 0.9995:
            scaled = value / scale
            return f"{scaled:.1f}{letter}{unit}" if abs(scaled) < 9.95 else f"{scaled:.0f}{letter}{unit}"
    return f"{value:.0f}{unit}" if size >= 9.95 or value == int(value) else f"{value:.1f}{unit}"


def percent(ratio: float | None, digits: int = 0) -> str:
    """0.912 -> "91 %"; "–" for None and NaN."""
    if ratio is None or math.isnan(ratio):
        return "–"
    return f"{ratio * 100:.{digits}f} %"


def duration(seconds: float | None) -> str:
    """How long, in two digits' worth: "1.4s" "31s" "12m" "3h" "9d"; "–" for None. For ages in tables."""
    if seconds is None or math.isnan(seconds):
        return "–"
    if math.isinf(seconds):
        return "∞"
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f}s" if seconds % 1 >= 0.05 and seconds < 2 else f"{seconds:.0f}s"
    for size, letter in ((86400.0, "d"), (3600.0, "h"), (60.0, "m")):
        if seconds >= size * 2 or (seconds >= size and letter != "m"):
            return f"{seconds // size:.0f}{letter}"
    return f"{seconds:.0f}s"


def clock(at: datetime | None, with_seconds: bool = True) -> str:
    """ "02:14:06", UTC; "–" for None."""
    if at is None:
        return "–"
    return at.strftime("%H:%M:%S" if with_seconds else "%H:%M")
