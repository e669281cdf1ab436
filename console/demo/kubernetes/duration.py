"""Ages as server-side tables print them: two units at most, whole numbers."""

from __future__ import annotations

from datetime import UTC, datetime


def human(seconds: float) -> str:
    """apimachinery's HumanDuration."""
    s = int(seconds)
    if s < -1:
        return "<invalid>"
    if s < 0:
        return "0s"
    m, h = s // 60, s // 3600
    if s < 120:
        return f"{s}s"
    if m < 10:
        return _two(m, "m", s % 60, "s")
    if m < 180:
        return f"{m}m"
    if h < 8:
        return _two(h, "h", m % 60, "m")
    if h < 48:
        return f"{h}h"
    if h < 24 * 8:
        return _two(h // 24, "d", h % 24, "h")
    if h < 24 * 365 * 2:
        return f"{h // 24}d"
    if h < 24 * 365 * 8:
        return _two(h // 24 // 365, "y", h // 24 % 365, "d")
    return f"{h // 24 // 365}y"


def _two(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def parse(text: str) -> datetime:
    """RFC 3339 as the API writes it, with or without fractions."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def since(text: str | None, now: datetime) -> str:
    return human((now - parse(text)).total_seconds()) if text else "<unknown>"
