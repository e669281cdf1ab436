"""The Date header of an answer, as a moment.

Servers write one form only (RFC 9110 5.6.7, IMF-fixdate); whatever else one may write is left to the standard library, which
is imported for it then: it costs a start 8 ms of CPU.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FIXED = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_LIMIT = 64  # characters


def parsed_date(text: str) -> datetime | None:
    """In UTC; None for what is no date."""
    fixed = _FIXED.fullmatch(text)
    try:
        if fixed is not None and (month := _MONTHS.find(fixed[2])) % 3 == 0:
            day, year, hour, minute, second = map(int, fixed.group(1, 3, 4, 5, 6))
            return datetime(year, month // 3 + 1, day, hour, minute, min(second, 59), tzinfo=UTC)  # 60: a leap second
        from email.utils import parsedate_to_datetime

        read = parsedate_to_datetime(text[:_LIMIT])
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
