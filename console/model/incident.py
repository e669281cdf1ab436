"""An incident: what belongs together, in the order in which it happened."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from console.model.severity import Layer, Severity


class EntryKind(StrEnum):
    """What a line of the timeline tells."""

    ALERT = "alert"
    FINDING = "finding"
    ROLLOUT = "rollout"
    ACTION = "action"
    NOTE = "note"


class TimelineEntry(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at: datetime
    kind: EntryKind
    severity: Severity
    text: str
    entity: str
    is_over: bool = False  # the alert resolved, the finding cleared, the rollout finished


class Incident(msgspec.Struct, frozen=True):
    """Opened from an alert or a CRIT finding and grouped by causality. `id` is the same in every process."""

    id: str  # "INC-7f3a": from group key and opening time
    title: str
    severity: Severity
    opened_at: datetime
    entities: tuple[str, ...]  # channels and workloads it concerns, worst first
    layer: Layer | None
    service: str | None  # the workload at fault, when one is known: the way to its pods
    timeline: tuple[TimelineEntry, ...]  # oldest first
    acknowledged_by: str | None = None
    closed_at: datetime | None = None
    alerts: tuple[str, ...] = ()  # fingerprints of its alerts, those that still fire first
    before_it: str = ""  # the last change before it opened: "packager 3.8.2 rolled out 02:01"
