"""Conditions of a Deployment: one transition time a change of status, one update time a change of word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from console.demo.kubernetes.store import stamp


def set_condition(standing: Sequence[Mapping[str, Any]], type_: str, status: str, reason: str, message: str,
                  t: datetime, touch: bool = False) -> list[dict[str, Any]]:
    """The conditions with this one put or replaced. `touch` renews the update time even when no word changed."""
    found = [dict(one) for one in standing if one["type"] != type_]
    before = next((one for one in standing if one["type"] == type_), None)
    now = stamp(t)
    new = {"type": type_, "status": status, "lastUpdateTime": now, "lastTransitionTime": now, "reason": reason,
           "message": message}
    if before is not None:
        if before["status"] == status:
            new["lastTransitionTime"] = before["lastTransitionTime"]
            if (before["reason"], before["message"]) == (reason, message) and not touch:
                new["lastUpdateTime"] = before["lastUpdateTime"]
        order = [one["type"] for one in standing]
        found.insert(order.index(type_), new)
    else:
        found.append(new)
    return found


def reason(standing: Sequence[Mapping[str, Any]], type_: str) -> str:
    return next((str(one["reason"]) for one in standing if one["type"] == type_), "")
