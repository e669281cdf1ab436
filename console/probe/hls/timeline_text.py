"""A moment as evidence shows it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_text(unix_s: float) -> str:
    """ISO 8601 with milliseconds; the number itself when no calendar has that day."""
    try:
        return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{unix_s:g}"
