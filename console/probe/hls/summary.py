"""What the judge is told of a copy that follows from its lists: the newest segment's name, and when it begins and ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from console.probe.hls.define import Variables
from console.probe.hls.place import resolved, told


def named(url: str, uri: str, variables: Variables) -> str:
    """The URL of a segment as it may be told. Raises PlaylistError for what is no URI."""
    resolved(url, uri, variables)
    return told(url, uri, variables)


def moment(unix_s: float) -> datetime | None:
    """None past the years that a date can have."""
    try:
        return datetime.fromtimestamp(unix_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def starts_at(
    sequence: int, dates: Sequence[float | None], durations: Sequence[float], discontinuities: Collection[int]
) -> datetime | None:
    """When the oldest segment began, by the first date that follows without a discontinuity."""
    earlier_s = 0.0
    for place, date in enumerate(dates):
        if place and discontinuities and sequence + place in discontinuities:
            return None
        if date is not None:
            return moment(date - earlier_s)
        earlier_s += durations[place]
    return None
