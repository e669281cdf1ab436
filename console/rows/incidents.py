"""What the incidents pane and the strip under every screen say."""

from __future__ import annotations

from datetime import datetime

import msgspec

from console.model.alert import Alerts
from console.model.cell import Cell, Column, Tone
from console.model.incident import Incident, TimelineEntry
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Layer, Severity, worst
from console.rows.pane import Pane, framed
from console.rows.units import clock, duration

VIEW = "incidents"


class IncidentRow(msgspec.Struct, frozen=True):
    """One incident as the pane and the digests show it."""

    name: str  # its id
    severity: Severity
    title: str
    opened_at: datetime
    age_s: float
    layer: Layer | None
    service: str | None
    entities: tuple[str, ...]
    acknowledged_by: str | None
    before_it: str
    is_closed: bool
    timeline: tuple[TimelineEntry, ...]
    alerts: tuple[str, ...] = ()  # fingerprints

    @property
    def key(self) -> str:
        return self.name

    @property
    def strip(self) -> str:
        """The one line under every screen."""
        parts = [self.title, duration(self.age_s)]
        parts += [f"ack {self.acknowledged_by}"] if self.acknowledged_by else ["no ack"]
        parts += [f"before it: {self.before_it}"] if self.before_it else []
        return f"{self.name}  {' · '.join(parts)}"


def pane(reading: Reading[tuple[Incident, ...]], scope: Scope, now: Instant) -> Pane[IncidentRow]:
    """Open incidents first, worst first, then the newest; an incident is in scope when one of its entities is."""
    incidents = reading.value or ()
    rows = tuple(
        sorted(
            (_row(incident, now) for incident in incidents if _in_scope(incident, scope)),
            key=lambda row: (row.is_closed, -row.severity.rank, -row.opened_at.timestamp()),
        )
    )
    open_rows = [row for row in rows if not row.is_closed]
    return framed(
        VIEW,
        "Incidents",
        reading,
        now,
        severity=worst(row.severity for row in open_rows),
        summary=f"{len(open_rows)} open"
        + (f" · {len(rows) - len(open_rows)} closed" if len(rows) > len(open_rows) else ""),
        rows=rows,
    )


def alerts_summary(alerts: Reading[Alerts]) -> str:
    """ "3 alerts · 1 suppressed", or why not."""
    if alerts.value is None:
        return alerts.error.short if alerts.error is not None else "connecting …"
    told = list(alerts.value.alerts.values())
    suppressed = sum(alert.state == "suppressed" for alert in told)
    return f"{len(told) - suppressed} alerts" + (f" · {suppressed} suppressed" if suppressed else "")


def _in_scope(incident: Incident, scope: Scope) -> bool:
    channel, service = scope.get("channel"), scope.get("service")
    if channel is not None and channel not in incident.entities:
        return False
    return not (service is not None and incident.service is not None and service != incident.service)


def _row(incident: Incident, now: Instant) -> IncidentRow:
    ended = incident.closed_at or now.utc
    return IncidentRow(
        name=incident.id,
        severity=incident.severity if incident.closed_at is None else Severity.OK,
        title=incident.title,
        opened_at=incident.opened_at,
        age_s=max(0.0, (ended - incident.opened_at).total_seconds()),
        layer=incident.layer,
        service=incident.service,
        entities=incident.entities,
        acknowledged_by=incident.acknowledged_by,
        before_it=incident.before_it,
        is_closed=incident.closed_at is not None,
        timeline=incident.timeline,
        alerts=incident.alerts,
    )


COLUMNS: tuple[Column[IncidentRow], ...] = (
    Column("id", "INCIDENT", lambda row: Cell(row.name, Tone.STRONG, row.name), "the same in every console", 10, 0, 0),
    Column(
        "title",
        "WHAT",
        lambda row: Cell(row.title, Tone.of(row.severity), row.title),
        "what belongs together",
        24,
        4,
        1,
    ),
    Column("age", "AGE", lambda row: Cell(duration(row.age_s), sort=row.age_s), "since it opened", 5, 0, 2, True),
    Column(
        "opened", "OPENED", lambda row: Cell(clock(row.opened_at), Tone.DIM, row.opened_at.timestamp()), "UTC", 8, 0, 5
    ),
    Column("layer", "LAYER", lambda row: Cell(row.layer.value if row.layer else "–"), "the layer at fault", 9, 0, 4),
    Column("service", "SERVICE", lambda row: Cell(row.service or "–"), "the workload at fault", 14, 1, 3),
    Column(
        "ack",
        "ACK",
        lambda row: Cell(row.acknowledged_by or "–", Tone.DIM),
        "who acknowledged it, while that lasts: a on the incident; from the audit",
        6,
        0,
        6,
    ),
    Column(
        "before",
        "BEFORE IT",
        lambda row: Cell(row.before_it, Tone.ACCENT),
        "the last change before it opened",
        20,
        2,
        7,
    ),
)
