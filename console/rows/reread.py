"""The way back from the contract's document to a digest, for one that another midwatch took: `snapshot --from HOST --post`.

Rows are read as the structs they were written from. What this version does not know is passed over; what it needs and does not
find makes the document none of ours. Why a pane cannot be believed comes back as its note: only the words were written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from console.model.finding import Finding
from console.model.scope import Scope
from console.model.severity import Severity, State, worst
from console.rows import actions, gauges, incidents, lines, pods, sources, streams
from console.rows.digest import SCHEMA, Digest
from console.rows.pane import Pane

BYTES = 64 * 1024 * 1024
_ROWS: dict[str, Any] = {
    streams.VIEW: streams.StreamRow,
    lines.VIEW: lines.LineRow,
    pods.VIEW: pods.PodRow,
    gauges.VIEW: gauges.GaugeRow,
    incidents.VIEW: incidents.IncidentRow,
    actions.VIEW: actions.OperationRow,
    sources.VIEW: sources.SourceRow,
}


class NoDigest(ValueError):
    """These bytes are no document of a snapshot; the text says what is wrong with them."""


class _Pane(msgspec.Struct, frozen=True):
    name: str
    state: State
    severity: Severity
    summary: str
    rows: tuple[dict[str, Any], ...]
    configured: bool = True
    title: str = ""
    as_of: datetime | None = None
    age_s: float | None = None
    watched_s: float | None = None
    note: str = ""
    error: str | None = None
    findings: tuple[Finding, ...] = ()
    children: tuple[Finding, ...] = ()
    accounting: Mapping[str, int] | None = None


class _Document(msgspec.Struct, frozen=True):
    schema: int
    site: str
    view: str
    scope: dict[str, str]
    taken_at: datetime
    panes: tuple[_Pane, ...]
    incidents: tuple[incidents.IncidentRow, ...]
    sources: tuple[sources.SourceRow, ...]
    incidents_error: str | None = None
    rollouts: tuple[pods.RolloutRow, ...] = ()


def digest_of(content: bytes) -> Digest:
    """A digest that says what the document does. Raises NoDigest."""
    if len(content) > BYTES:
        raise NoDigest(f"{len(content)} bytes are more than the {BYTES} that a snapshot may have")
    try:
        told = msgspec.json.decode(content, type=_Document)
        if told.schema != SCHEMA:
            raise NoDigest(f"its schema is {told.schema}, and this version reads {SCHEMA}")
        scope = Scope.parse([f"{dimension}={value}" for dimension, value in told.scope.items()])
        panes = tuple(map(_pane, told.panes))
    except NoDigest:
        raise
    except (ValueError, RecursionError) as wrong:  # msgspec's own are ValueErrors, and so is a scope of an unknown dimension
        raise NoDigest(f"it is not the JSON of a snapshot: {wrong}") from wrong
    worst_of_all = worst([row.severity for row in told.incidents if not row.is_closed], nothing=Severity.OK)
    return Digest(
        site=told.site,
        view=told.view,
        scope=scope,
        taken_at=told.taken_at,
        panes=panes,
        incidents=Pane(
            name=incidents.VIEW,
            title="Incidents",
            state=State.LIVE if told.incidents_error is None else State.ERROR,
            severity=worst_of_all,
            summary="",
            rows=told.incidents,
            note=told.incidents_error or "",
        ),
        sources=Pane(
            name=sources.VIEW, title="Sources", state=State.LIVE, severity=Severity.OK, summary="", rows=told.sources
        ),
        rollouts=told.rollouts,
    )


def _pane(told: _Pane) -> Pane[Any]:
    row = _ROWS.get(told.name)
    if row is None:
        raise NoDigest(f"this version knows no pane {told.name[:40]!r}")
    return Pane(
        name=told.name,
        title=told.title or told.name.capitalize(),
        state=told.state,
        severity=told.severity,
        summary=told.summary,
        rows=tuple(msgspec.convert(each, row) for each in told.rows),
        as_of=told.as_of,
        age_s=told.age_s,
        watched_s=told.watched_s,
        findings=told.findings,
        children=told.children,
        accounting=told.accounting,
        note=told.error or told.note,
        is_configured=told.configured,
    )
