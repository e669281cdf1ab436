"""How an incident is told: its title, its timeline and what changed before it, made of its members.

Apart from what is remembered (`incidents.py`), because the same members are told again, without some of them, to those who may
not see all of it (`feeds/sight.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from console.judge.rollouts import WINDOW_S, before
from console.model.incident import EntryKind, Incident, Member, Rollout, TimelineEntry
from console.model.severity import Layer, Severity, worst

QUIET_S = 60.0  # all of it has been over for so long: it closes
OTHER_ROLLOUTS = 5


def in_order(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    """Open ones first, worst first, then newest first."""
    return tuple(
        sorted(incidents, key=lambda i: (i.closed_at is not None, -i.severity.rank, -i.opened_at.timestamp()))
    )


def told(
    id: str, opened_at: datetime, closed_at: datetime | None, members: tuple[Member, ...], rollouts: tuple[Rollout, ...]
) -> Incident:
    """The incident that these members are; there is at least one."""
    worst_first = sorted(members, key=lambda m: (m.is_over, -m.severity.rank, m.at))
    lasting = [member for member in worst_first if not member.is_over] or worst_first
    lead = max(lasting, key=lambda m: (m.kind is EntryKind.FINDING, m.severity.rank))
    services = frozenset(member.service for member in members if member.service)
    service = lead.service or next((member.service for member in worst_first if member.service), None)
    entities = list(dict.fromkeys([*([service] if service else []), *(m.channel or m.entity for m in worst_first)]))
    return Incident(
        id=id,
        title=_title(lead, lasting, service),
        severity=worst(member.severity for member in lasting),
        opened_at=opened_at,
        entities=tuple(entities),
        layer=lead.layer or _layer(worst_first),
        service=service,
        timeline=_timeline(opened_at, closed_at, members, services, rollouts),
        closed_at=closed_at,
        alerts=tuple(m.key.removeprefix("alert:") for m in worst_first if m.kind is EntryKind.ALERT),
        before_it=before(rollouts, opened_at, services),
        members=members,
        rollouts=rollouts,
    )


def _layer(members: list[Member]) -> Layer | None:
    return next((member.layer for member in members if member.layer is not None), None)


def _title(lead: Member, lasting: list[Member], service: str | None) -> str:
    if (node := next((member.node for member in lasting if member.node), "")) != "":
        here = [member for member in lasting if member.node == node]
        codes = ", ".join(dict.fromkeys(member.code for member in here))
        return f"{node}: {codes} on {len({member.channel for member in here})} channels"
    affected = {member.channel for member in lasting if member.channel and member.kind is EntryKind.FINDING}
    if service and len(affected) > 1:
        code = lead.key.split(":")[2] if lead.kind is EntryKind.FINDING else lead.text
        return f"{service}: {code} on {len(affected)} channels"
    return lead.text if service is None or service in lead.text else f"{service}: {lead.text}"


def _timeline(
    opened_at: datetime,
    closed_at: datetime | None,
    members: tuple[Member, ...],
    services: frozenset[str],
    rollouts: tuple[Rollout, ...],
) -> tuple[TimelineEntry, ...]:
    entries = [
        TimelineEntry(member.at, member.kind, member.severity, member.text, member.entity, member.is_over)
        for member in members
    ]
    since = opened_at - timedelta(seconds=WINDOW_S)
    near = [r for r in rollouts if since <= r.at and (closed_at is None or r.at <= closed_at)]
    mine = [r for r in near if r.service in services]
    others = [r for r in near if r.service not in services][-OTHER_ROLLOUTS:]
    entries += [
        TimelineEntry(r.at, EntryKind.ROLLOUT, Severity.OK, r.text, r.service, r.is_over) for r in (*mine, *others)
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.kind.value, entry.entity)))
