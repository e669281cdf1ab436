"""How guards say numbers and names, so that two of them never say the same thing differently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime


def several(count: int, noun: str) -> str:
    """`1 pod`, `12 pods`."""
    return f"{count:,} {noun}{'s' * (count != 1)}".replace(",", " ")


def listed(names: Iterable[str], most: int = 3) -> str:
    """A few names, and how many more there are."""
    chosen: Sequence[str] = tuple(names)
    rest = len(chosen) - most
    return ", ".join(chosen[:most]) + (f" and {rest} more" if rest > 0 else "")


def people(count: float) -> str:
    """`402k`, as one says a number of viewers."""
    if count >= 999_500:
        return f"{count / 1e6:.1f}M"
    return f"{count / 1000:.0f}k" if count >= 1000 else f"{count:.0f}"


def percent(ratio: float) -> str:
    return f"{ratio * 100:.0f} %"


def moment(at: datetime, now: datetime) -> str:
    """`22:00 UTC`, with the day where it is not today's."""
    at, now = at.astimezone(UTC), now.astimezone(UTC)
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%a %d %b %H:%M} UTC"
