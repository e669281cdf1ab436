"""What was done about an incident: the operations of the audit joined to its timeline, and who has acknowledged it.

An operation belongs to an incident that it names, whose alert it is about, or whose workload it touched while the incident
was open or shortly before. Names are compared as the targets write them; nothing here asks a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from console.model.incident import EntryKind, Incident, TimelineEntry
from console.model.operation import OperationLine
from console.model.severity import Severity

BEFORE = timedelta(minutes=30)  # what was done shortly before it opened may be why it did
ACKNOWLEDGE = ".acknowledge"
# plans that nobody confirmed, and what was refused or taken back before anything was sent, happened to nobody
_NOTHING_HAPPENED = frozenset(("planned", "confirmed", "refused", "cancelled", "expired"))
_SEVERITY = {"unknown": Severity.CRIT, "interrupted": Severity.CRIT, "failed": Severity.WARN, "stopped": Severity.WARN}


def acted(incidents: tuple[Incident, ...], lines: Iterable[OperationLine], now: datetime) -> tuple[Incident, ...]:
    """The same incidents with what was done; those about which nothing was are handed on as they are."""
    done = [line for line in lines if line.at is not None and line.state not in _NOTHING_HAPPENED]
    return tuple(_with(incident, done, now) for incident in incidents) if done else incidents


def _with(incident: Incident, lines: list[OperationLine], now: datetime) -> Incident:
    mine = [line for line in lines if _belongs(line, incident, now)]
    if not mine:
        return incident
    entries = [*incident.timeline, *(entry for line in mine for entry in _entries(line))]
    entries.sort(key=lambda entry: (entry.at, entry.kind.value, entry.entity))
    return msgspec.structs.replace(
        incident, timeline=tuple(entries), acknowledged_by=_acknowledged(mine, incident, now)
    )


def _belongs(line: OperationLine, incident: Incident, now: datetime) -> bool:
    if line.incident == incident.id or _is_of_alert(line, incident):
        return True
    at = line.at
    if at is None or not incident.opened_at - BEFORE <= at <= (incident.closed_at or now):
        return False
    return incident.service is not None and _touches(line.target, incident.service)


def _is_of_alert(line: OperationLine, incident: Incident) -> bool:
    kind, _, name = line.target.partition(":")
    return (kind == "incident" and name == incident.id) or (kind == "alert" and name in incident.alerts)


def _touches(target: str, service: str) -> bool:
    """Whether a target is this workload or a pod of it: pods are named after what owns them."""
    kind, _, path = target.partition(":")
    name = path.rpartition("/")[2]
    return kind == "kube" and (
        name == service or (path.split("/")[-2:-1] == ["pod"] and name.startswith(f"{service}-"))
    )


def _entries(line: OperationLine) -> Iterator[TimelineEntry]:
    """When it was asked for and why; when it ended and how."""
    assert line.at is not None
    name = line.target.rpartition("/")[2].rpartition(":")[2]
    words = f"{line.action} {name}"
    why = f": {line.reason}" if line.reason else ""
    is_over = line.is_over and line.last_at is not None
    severity = _SEVERITY.get(line.state, Severity.OK)
    state = "" if is_over else f", {line.state}"
    yield TimelineEntry(
        line.at, EntryKind.ACTION, Severity.OK if is_over else severity, f"{line.by} {words}{why}{state}", name, is_over
    )
    if is_over and line.last_at is not None:
        ending = f": {line.ending}" if line.ending else ""
        yield TimelineEntry(
            line.last_at, EntryKind.ACTION, severity, f"{words} {line.state}{ending}", name, not severity.rank
        )


def _acknowledged(lines: list[OperationLine], incident: Incident, now: datetime) -> str | None:
    """Who did last, while it lasts."""
    lasting = [
        line
        for line in lines
        if line.action.endswith(ACKNOWLEDGE)
        and line.state == "succeeded"
        and line.until is not None
        and line.until > now
        and _is_of_alert(line, incident)
    ]
    newest = max(lasting, key=lambda line: line.at or now, default=None)
    return newest.by if newest is not None else incident.acknowledged_by
