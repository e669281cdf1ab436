"""The simple types of an MPD's attributes: durations, dates, counts. Each error names the attribute and what stood there."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from console.probe.dash.errors import MpdError

LARGEST = 2**63 - 1  # ticks: xs:unsignedLong, less the bit that signed readers lack
LARGEST_TIMESCALE = 2**32 - 1  # xs:unsignedInt
LONGEST_S = 100 * 366 * 86_400.0  # a century: no presentation is longer
FOREVER_S = 1e9  # what availabilityTimeOffset="INF" comes to
_DURATION = re.compile(
    r"(-)?P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?"
    r"(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})S)?)?"
)
_UNITS_S = (365 * 86_400.0, 30 * 86_400.0, 86_400.0, 3600.0, 60.0, 1.0)
_FRACTION = re.compile(r"(\.\d{6})\d+")


def _shown(text: str) -> str:
    return repr(text[:40])


def duration_s(name: str, text: str | None) -> float | None:
    """An xs:duration in seconds; None when it is not there. A year counts as 365 days and a month as 30."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()[1:]):
        raise MpdError(f"{name} is {_shown(text)}, not a duration such as PT2S")
    total = sum(float(part) * unit for part, unit in zip(match.groups()[1:], _UNITS_S, strict=True) if part)
    if match[1] and total > 0:
        raise MpdError(f"{name} is negative: {_shown(text)}")
    if total > LONGEST_S:
        raise MpdError(f"{name} is {_shown(text)}, longer than a century")
    return total


def moment(name: str, text: str | None) -> datetime | None:
    """An xs:dateTime in UTC; one without a zone is taken as UTC (ISO/IEC 23009-1, 5.3.1.2)."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(_FRACTION.sub(r"\1", text.strip()[:64]))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MpdError(f"{name} is {_shown(text)}, not a date and time") from None


def whole(name: str, text: str | None, default: int, least: int = 0, most: int = LARGEST) -> int:
    """A whole number within bounds."""
    if text is None:
        return default
    if len(text) < 19 and text.isascii() and text.isdigit():  # nearly all of them, three times for every S
        value = int(text)
        if least <= value <= most:
            return value
    plain = text.strip()
    digits = plain[1:] if plain[:1] in ("-", "+") else plain
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 24:
        raise MpdError(f"{name} is {_shown(text)}, not a whole number")
    value = int(plain)
    if not least <= value <= most:
        raise MpdError(f"{name} is {_shown(text)}, outside {least} to {most}")
    return value


def offset_s(name: str, text: str | None) -> float | None:
    """availabilityTimeOffset: seconds, or INF."""
    if text is None:
        return None
    if text.strip().upper() in ("INF", "+INF"):
        return FOREVER_S
    try:
        value = float(text.strip()[:32])
    except ValueError:
        raise MpdError(f"{name} is {_shown(text)}, not a number of seconds") from None
    if not -LONGEST_S <= value <= LONGEST_S:
        raise MpdError(f"{name} is {_shown(text)}, no offset that can be meant")
    return value
