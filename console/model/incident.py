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


class Member(msgspec.Struct, frozen=True):
    """One thing that belongs to an incident while it lasts and after."""

    key: str  # the same for the same thing at every step
    group: str  # "service:packager-emea", "channel:uk-sport-1", "alert:<fingerprint>"
    kind: EntryKind
    severity: Severity  # the worst it was
    opens: bool  # whether it may open an incident, or only join one
    at: datetime
    text: str
    entity: str
    channel: str | None
    service: str | None
    layer: Layer | None
    is_over: bool = False
    code: str = ""  # of a finding
    node: str = ""  # "PoP lhr": what is at fault for many channels at once
    namespaces: tuple[str, ...] = ()  # of an alert, as its labels name them: who may not read one of them does not see it
    names: tuple[str, ...] = ()  # of an alert, the workloads and pods that its labels name
    over_at: datetime | None = None


class Rollout(msgspec.Struct, frozen=True):
    """One change of one deployment's template."""

    key: str  # of the deployment: cluster/namespace/name
    service: str
    version: str
    at: datetime
    is_over: bool  # rolled out everywhere
    text: str


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
    members: tuple[Member, ...] = ()  # what it was made of, so that it can be told to those who may not see all of it
    rollouts: tuple[Rollout, ...] = ()  # all that are remembered, not only its own
