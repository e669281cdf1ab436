"""Prometheus durations (`5m`, `1h30m`, `250ms`) as whole milliseconds, the unit every time in this room
has."""

from __future__ import annotations

import re

_UNIT_MS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_DURATION = re.compile(r"(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m(?!s))?(?:\d+s)?(?:\d+ms)?")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")


def parse_duration(text: str) -> int:
    """Milliseconds of a duration such as `1h30m`; units must descend, as Prometheus demands.

    Raises ValueError naming the text when it is no duration.
    """
    if not text or _DURATION.fullmatch(text) is None:
        raise ValueError(f"not a valid duration string: {text!r}")
    return sum(int(number) * _UNIT_MS[unit] for number, unit in _PART.findall(text))


def format_duration(milliseconds: int) -> str:
    """The shortest spelling Prometheus itself would use, for error texts."""
    if milliseconds == 0:
        return "0s"
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, milliseconds = divmod(milliseconds, _UNIT_MS[unit])
        if count:
            text += f"{count}{unit}"
    return text
