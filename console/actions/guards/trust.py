"""Whether a reading may be built upon, and which parts of a survey could not be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from console.actions.survey import Survey
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.severity import State

# As those who survey name them; each is claimed by the guard that needs it, and the rest by `freshness`.
PODS = ("pods", "affected", "around")
ZONES = ("nodes", "zones")
BUDGETS = ("budgets",)
SCALER = ("autoscalers", "scaler")
RIGHTS = ("rights",)
OWNER = ("owner", "owned_by")
CLAIMED = frozenset((*PODS, *ZONES, *BUDGETS, *SCALER, *RIGHTS, *OWNER))


def doubt(reading: Reading[Any] | None, now: Instant, max_age_s: float) -> str:
    """Why this reading is no ground for a decision; empty when it is one. A part of a partial one may still be missing."""
    if reading is None:
        return "not configured"
    if reading.state in (State.ERROR, State.STALE, State.CONNECTING):
        why = f": {reading.error.short}" if reading.error is not None else ""
        return f"{reading.state}{why}"
    age_s = reading.age_s(now)
    if reading.value is None or age_s is None:
        return "without an answer so far"
    if age_s > max_age_s:
        return f"{age_s:.0f} s old, more than {max_age_s:.0f} s"
    return ""


def unread(survey: Survey, names: Iterable[str]) -> str:
    """What of these could not be read, with why; empty when all could."""
    found = (f"{name} ({survey.unread[name]})" for name in names if name in survey.unread)
    return ", ".join(found)
