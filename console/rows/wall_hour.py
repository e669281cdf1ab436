"""The last hour: what was changed, and what broke, in its order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from console.model.cell import Tone
from console.model.incident import EntryKind
from console.model.instant import Instant
from console.model.severity import Severity
from console.model.wallboard import Line, Notch
from console.rows.actions import OperationRow
from console.rows.incidents import IncidentRow
from console.rows.pods import RolloutRow
from console.rows.units import clock

HOUR_S = 3600.0
CHANGES = (EntryKind.ROLLOUT, EntryKind.ACTION)


class Moment(msgspec.Struct, frozen=True):
    """One thing of the last hour."""

    at: datetime
    severity: Severity
    kind: str  # "rollout" "action" "alert" "incident"
    text: str
    is_change: bool
    is_over: bool = False


def moments(
    incidents: Iterable[IncidentRow], rollouts: Iterable[RolloutRow], operations: Iterable[OperationRow], now: Instant
) -> tuple[Moment, ...]:
    """The newest first. Findings are told by their incidents: a deploy that breaks four channels is not twenty moments."""
    found: dict[tuple[str, str], Moment] = {}

    def add(moment: Moment, key: str) -> None:
        known = found.get((moment.kind, key))
        if 0 <= (now.utc - moment.at).total_seconds() <= HOUR_S and (known is None or known.at > moment.at):
            found[moment.kind, key] = moment

    for incident in incidents:
        severity = Severity.OK if incident.is_closed else incident.severity
        add(Moment(incident.opened_at, severity, "incident", incident.title, False, incident.is_closed), incident.name)
        for entry in incident.timeline:
            if entry.kind is not EntryKind.FINDING:
                worst = Severity.OK if entry.kind in CHANGES else entry.severity
                add(
                    Moment(entry.at, worst, entry.kind.value, entry.text, entry.kind in CHANGES, entry.is_over),
                    entry.entity if entry.kind is EntryKind.ROLLOUT else f"{entry.entity} {entry.text}",
                )
    for rollout in rollouts:
        if rollout.at is not None:
            by = f" by {rollout.by}" if rollout.by else ""
            how = "rolling out" if rollout.is_rolling else "rolled out"
            text = f"{rollout.name} {rollout.version or ''} {how}{by}".replace("  ", " ")
            add(Moment(rollout.at, Severity.OK, "rollout", text, True, not rollout.is_rolling), rollout.service or rollout.name)
    for operation in operations:
        if operation.at is not None:
            who = f" by {operation.by}" if operation.by else ""
            text = f"{operation.brief}{who}"
            add(Moment(operation.at, Severity.OK, "action", text, True, not operation.is_open), operation.name)
    return tuple(sorted(found.values(), key=lambda moment: (moment.at, moment.text), reverse=True))


def lines(found: Sequence[Moment]) -> tuple[Line, ...]:
    """As a list says them."""
    return tuple(
        Line(
            key=f"{moment.at.isoformat()} {moment.text}",
            severity=Severity.OK if moment.is_over else moment.severity,
            lead=clock(moment.at, with_seconds=False),
            text=f"{'✓ ' if moment.is_over and not moment.is_change else ''}{moment.text}",
            kind=moment.kind,
            tone=Tone.ACCENT if moment.is_change else Tone.DIM if moment.is_over else Tone.NORMAL,
        )
        for moment in found
    )


def notches(found: Sequence[Moment], now: Instant) -> tuple[Notch, ...]:
    """On the axis, by minutes: what moves with every second would never stand still."""
    minute = now.utc.replace(second=0, microsecond=0)
    return tuple(
        Notch(
            at=1.0 - min(1.0, max(0.0, (minute - moment.at).total_seconds() / HOUR_S)),
            severity=moment.severity,
            is_change=moment.is_change,
        )
        for moment in found
    )
