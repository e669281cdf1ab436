"""Elasticsearch's dates as whole nanoseconds: `date_nanos` is finer than a datetime, and a watermark must not
round.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

NS = 1_000_000_000
FORMAT = "strict_date_optional_time_nanos"
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9})\d*)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?")
_LONGEST = len("2026-01-01T00:00:00.123456789Z")
_WORTH: tuple[int, ...] = tuple(10 ** (9 - digits) for digits in range(10))  # nanoseconds of the last of so many digits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def nanos(value: object) -> int:
    """Nanoseconds since 1970 of an ISO text, or of a number of milliseconds (of nanoseconds when it is that
    large).

    Without an offset it is UTC, as everywhere in Elasticsearch. Raises ValueError for anything else.
    """
    if isinstance(value, str) and 20 < len(value) <= _LONGEST and value[19] == "." and value[-1] == "Z":
        fraction = value[20:-1]
        if fraction.isascii() and fraction.isdigit() and (second := _second(value[:19])) is not None:
            return second + int(fraction) * _WORTH[len(fraction)]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"no date: {type(value).__name__}")
    if isinstance(value, str):
        match = _ISO.fullmatch(value.strip()) if len(value) < 64 else None
        if match is None:
            if value.strip().isascii() and value.strip().isdigit() and 5 <= len(value.strip()) <= 19:
                return nanos(int(value))
            raise ValueError(f"no date: {value[:40]!r}")
        day, clock, parts, offset = match.groups()
        if offset is None or offset == "Z":
            offset = "+00:00"
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{offset}")
        since = moment - _EPOCH
        return (since.days * 86_400 + since.seconds) * NS + int((parts or "0").ljust(9, "0"))
    if 1e17 <= abs(value) < 2**63:
        return int(value)
    if not abs(value) < 1e15:
        raise ValueError("no date: out of range")
    return int(value * 1_000_000)


@lru_cache(maxsize=256)
def _second(text: str) -> int | None:
    """Of the form that nearly every document has: many lines share their second, and only their fractions differ."""
    try:
        return nanos(text + "Z") if text[16] == ":" and text[-1].isdigit() else None
    except ValueError:
        return None


def moment(at: int) -> datetime:
    """Aware UTC, rounded down to microseconds. Raises ValueError outside the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(microseconds=at // 1000)
    except OverflowError as error:
        raise ValueError(f"no date: {at} ns") from error


def spelt(at: int) -> str:
    """As Elasticsearch reads it without losing a nanosecond."""
    return f"{moment(at):%Y-%m-%dT%H:%M:%S}.{at % NS:09d}Z"
