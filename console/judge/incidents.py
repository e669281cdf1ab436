"""Incidents: what belongs together, in the order in which it happened.

An incident is opened by an active alert of severity critical or page, by a CRIT finding, or by a node that many
channels share and that fails them together (`fleet.py`). It is grouped by cause: findings that point at the same
workload are one incident however many channels show it; an alert joins by its labels `service` and `channel`;
everything else is its own. It closes when all of it has been over for a minute (what has become UNKNOWN is not
over), and is kept for an hour.

The id is `INC-` and six hex digits of SHA-256 over the group it was opened for and its opening time in steps
of ten minutes. So two consoles that both saw it open give it the same id, and so does one that was started
later if an alert is among what opened it, since `starts_at` is the same for all. Not promised: two consoles
whose polls saw the opening on two sides of a ten-minute step. A group that breaks again within its step is
the same incident, opened again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from console.judge.fleet import with_nodes
from console.judge.members import Member, of_alerts, of_verdicts
from console.judge.rollouts import WINDOW_S, Rollout, RolloutMemory, before, rolled
from console.model.alert import Alert
from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.incident import EntryKind, Incident, TimelineEntry
from console.model.instant import Instant
from console.model.kube import Deployment
from console.model.severity import Layer, Severity, worst

QUIET_S = 60.0
KEPT_S = 3600.0
LIMIT = 200  # incidents, the oldest closed ones go first
MEMBERS_LIMIT = 500
OTHER_ROLLOUTS = 5
ID_STEP_S = 600


class OpenIncident(msgspec.Struct, frozen=True):
    """An incident as it is remembered."""

    id: str
    groups: frozenset[str]  # the group it was opened for, and those that joined it
    opened_at: datetime
    members: Mapping[str, Member]
    quiet_since: float | None = None  # monotonic
    closed_at: datetime | None = None
    closed_mono: float | None = None

    @property
    def channels(self) -> frozenset[str]:
        return frozenset(member.channel for member in self.members.values() if member.channel)

    @property
    def services(self) -> frozenset[str]:
        return frozenset(member.service for member in self.members.values() if member.service)


class IncidentMemory(msgspec.Struct, frozen=True):
    """What must be remembered between steps."""

    incidents: tuple[OpenIncident, ...] = ()
    rollouts: RolloutMemory = RolloutMemory()


def step(
    memory: IncidentMemory,
    verdicts: Mapping[str, ChannelVerdict],
    channels: Mapping[str, Channel],
    alerts: Mapping[str, Alert],
    deployments: Mapping[str, Deployment],
    now: Instant,
    unwatched_s: float = 0.0,
) -> tuple[IncidentMemory, tuple[Incident, ...]]:
    """The incidents now: open ones first, worst first, then newest first. `unwatched_s`: for so long before this step
    nobody looked (a machine that slept); that is no time of quiet.
    """
    rollouts = rolled(memory.rollouts, deployments, now.utc)
    found = with_nodes(of_verdicts(verdicts, channels), verdicts, channels)
    live = sorted([*of_alerts(alerts), *found], key=lambda m: (not m.opens, m.at, m.key))
    blind = {name for name, verdict in verdicts.items() if verdict.severity is Severity.UNKNOWN}
    known = [_later(one, unwatched_s) for one in memory.incidents] if unwatched_s else memory.incidents
    incidents = [_faded(one, live, blind) for one in known]
    for member in live:
        _place(incidents, member)
    incidents = _merged(incidents, {member.group for member in live if member.node})
    incidents = [_timed(one, blind, now) for one in incidents]
    kept = [one for one in incidents if one.closed_mono is None or now.mono - one.closed_mono < KEPT_S]
    kept.sort(key=lambda one: (one.closed_at is not None, -one.opened_at.timestamp()))
    kept = kept[:LIMIT]
    told = sorted(
        (_told(one, rollouts.rollouts) for one in kept),
        key=lambda i: (i.closed_at is not None, -i.severity.rank, -i.opened_at.timestamp()),
    )
    return IncidentMemory(tuple(kept), rollouts), tuple(told)


def identity(group: str, opened_at: datetime) -> str:
    """See the module's docstring for what is promised."""
    bucket = int(opened_at.timestamp() // ID_STEP_S)
    return f"INC-{hashlib.sha256(f'{group}|{bucket}'.encode()).hexdigest()[:6]}"


def _later(incident: OpenIncident, unwatched_s: float) -> OpenIncident:
    """An incident after a time in which nobody looked: that was no minute of quiet."""
    if incident.quiet_since is None or incident.closed_at is not None:
        return incident
    return msgspec.structs.replace(incident, quiet_since=incident.quiet_since + unwatched_s)


def _faded(incident: OpenIncident, live: list[Member], blind: set[str]) -> OpenIncident:
    """Members that are no longer live are over, unless nobody can see whether they are."""
    keys = {member.key for member in live}
    members = {
        key: member
        if key in keys or member.is_over or (member.kind is EntryKind.FINDING and member.channel in blind)
        else msgspec.structs.replace(member, is_over=True)
        for key, member in incident.members.items()
    }
    return msgspec.structs.replace(incident, members=members)


def _place(incidents: list[OpenIncident], member: Member) -> None:
    """Put a live member where it belongs, opening or reopening an incident when it may."""
    index = _home(incidents, member)
    if index is None:
        if member.opens:
            incidents.append(
                OpenIncident(
                    identity(member.group, member.at),
                    frozenset({member.group}),
                    member.at,
                    {member.key: member},
                )
            )
        return
    home = incidents[index]
    known = home.members.get(member.key)
    if known is None and len(home.members) >= MEMBERS_LIMIT:
        return
    at = min(known.at, member.at) if known is not None else member.at
    severity = max(known.severity, member.severity, key=lambda s: s.rank) if known is not None else member.severity
    node = member.node or (known.node if known is not None else "")
    placed = msgspec.structs.replace(member, at=at, severity=severity, node=node)
    incidents[index] = msgspec.structs.replace(
        home,
        groups=home.groups | {member.group},
        members={**home.members, member.key: placed},
        closed_at=None if member.opens else home.closed_at,
        closed_mono=None if member.opens else home.closed_mono,
    )


def _merged(incidents: list[OpenIncident], nodes: set[str]) -> list[OpenIncident]:
    """One incident a node: what its channels opened before it was known to be the node goes into the oldest of them."""
    for group in nodes:
        same = [one for one in incidents if one.closed_at is None and group in one.groups]
        if len(same) < 2:
            continue
        first = min(same, key=lambda one: (one.opened_at, one.id))
        members = {key: member for one in same if one is not first for key, member in one.members.items()}
        groups = frozenset[str]().union(*(one.groups for one in same))
        whole = msgspec.structs.replace(
            first, groups=groups, members=dict([*first.members.items(), *members.items()][:MEMBERS_LIMIT])
        )
        incidents = [whole if one is first else one for one in incidents if one is first or one not in same]
    return incidents


def _home(incidents: list[OpenIncident], member: Member) -> int | None:
    """The incident a member belongs to: the one that has it, else one of its group, else one of its
    channel.
    """
    for index, one in enumerate(incidents):
        if one.closed_at is None and member.key in one.members:
            return index
    for index, one in enumerate(incidents):
        if one.closed_at is None and member.group in one.groups:
            return index
    for index, one in enumerate(incidents):
        is_of_channel = member.channel is not None and f"channel:{member.channel}" in one.groups
        if one.closed_at is None and (is_of_channel or _is_about(one, member)):
            return index
    if member.opens:  # the same group broke again within the step its id stands for
        wanted = identity(member.group, member.at)
        for index, one in enumerate(incidents):
            if one.id == wanted:
                return index
    return None


def _is_about(incident: OpenIncident, member: Member) -> bool:
    """What knows only its channel (an alert, a finding without a workload) joins what is open on that
    channel; an alert of one of a PoP's workloads what is open on the PoP.
    """
    if member.service is not None and member.kind is EntryKind.ALERT:
        return any(one.node and one.service == member.service for one in incident.members.values())
    return member.service is None and member.channel is not None and member.channel in incident.channels


def _timed(incident: OpenIncident, blind: set[str], now: Instant) -> OpenIncident:
    """Closes an incident that has been quiet long enough."""
    if incident.closed_at is not None:
        return incident
    if any(not member.is_over for member in incident.members.values()):
        return msgspec.structs.replace(incident, quiet_since=None)
    quiet_since = incident.quiet_since if incident.quiet_since is not None else now.mono
    if now.mono - quiet_since < QUIET_S:
        return msgspec.structs.replace(incident, quiet_since=quiet_since)
    return msgspec.structs.replace(incident, quiet_since=quiet_since, closed_at=now.utc, closed_mono=now.mono)


def _told(incident: OpenIncident, rollouts: tuple[Rollout, ...]) -> Incident:
    members = sorted(incident.members.values(), key=lambda m: (m.is_over, -m.severity.rank, m.at))
    lasting = [member for member in members if not member.is_over] or members
    lead = max(lasting, key=lambda m: (m.kind is EntryKind.FINDING, m.severity.rank))
    services = incident.services
    service = lead.service or next((member.service for member in members if member.service), None)
    entities = list(dict.fromkeys([*([service] if service else []), *(m.channel or m.entity for m in members)]))
    return Incident(
        id=incident.id,
        title=_title(lead, lasting, service),
        severity=worst(member.severity for member in lasting),
        opened_at=incident.opened_at,
        entities=tuple(entities),
        layer=lead.layer or _layer(members),
        service=service,
        timeline=_timeline(incident, rollouts),
        closed_at=incident.closed_at,
        alerts=tuple(m.key.removeprefix("alert:") for m in members if m.kind is EntryKind.ALERT),
        before_it=before(rollouts, incident.opened_at, services),
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


def _timeline(incident: OpenIncident, rollouts: tuple[Rollout, ...]) -> tuple[TimelineEntry, ...]:
    entries = [
        TimelineEntry(member.at, member.kind, member.severity, member.text, member.entity, member.is_over)
        for member in incident.members.values()
    ]
    since = incident.opened_at - timedelta(seconds=WINDOW_S)
    near = [r for r in rollouts if since <= r.at and (incident.closed_at is None or r.at <= incident.closed_at)]
    mine = [r for r in near if r.service in incident.services]
    others = [r for r in near if r.service not in incident.services][-OTHER_ROLLOUTS:]
    entries += [
        TimelineEntry(r.at, EntryKind.ROLLOUT, Severity.OK, r.text, r.service, r.is_over) for r in (*mine, *others)
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.kind.value, entry.entity)))
