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
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from console.judge.fleet import with_nodes
from console.judge.members import of_alerts, of_verdicts
from console.judge.rollouts import RolloutMemory, rolled
from console.judge.telling import QUIET_S, in_order, told
from console.model.alert import Alert
from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.incident import EntryKind, Incident, Member
from console.model.instant import Instant
from console.model.kube import Deployment
from console.model.severity import Severity

KEPT_S = 3600.0
LIMIT = 200  # incidents, the oldest closed ones go first
MEMBERS_LIMIT = 500
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
    incidents = [_faded(one, live, blind, now.utc) for one in known]
    for member in live:
        _place(incidents, member)
    incidents = _merged(incidents, {member.group for member in live if member.node})
    incidents = [_timed(one, blind, now) for one in incidents]
    kept = [one for one in incidents if one.closed_mono is None or now.mono - one.closed_mono < KEPT_S]
    kept.sort(key=lambda one: (one.closed_at is not None, -one.opened_at.timestamp()))
    kept = kept[:LIMIT]
    found_now = (
        told(one.id, one.opened_at, one.closed_at, tuple(one.members.values()), rollouts.rollouts) for one in kept
    )
    return IncidentMemory(tuple(kept), rollouts), in_order(found_now)


def regrouped(members: Iterable[Member]) -> tuple[OpenIncident, ...]:
    """The incidents that these members alone would have opened; one that none of them would have, is none."""
    found: list[OpenIncident] = []
    able = [
        msgspec.structs.replace(one, opens=one.opens or one.severity is Severity.CRIT or bool(one.node)) for one in members
    ]
    for member in sorted(able, key=lambda m: (not m.opens, m.at, m.key)):
        _place(found, member)
    return tuple(found)


def identity(group: str, opened_at: datetime) -> str:
    """See the module's docstring for what is promised."""
    bucket = int(opened_at.timestamp() // ID_STEP_S)
    return f"INC-{hashlib.sha256(f'{group}|{bucket}'.encode()).hexdigest()[:6]}"


def _later(incident: OpenIncident, unwatched_s: float) -> OpenIncident:
    """An incident after a time in which nobody looked: that was no minute of quiet."""
    if incident.quiet_since is None or incident.closed_at is not None:
        return incident
    return msgspec.structs.replace(incident, quiet_since=incident.quiet_since + unwatched_s)


def _faded(incident: OpenIncident, live: list[Member], blind: set[str], now: datetime) -> OpenIncident:
    """Members that are no longer live are over, unless nobody can see whether they are."""
    keys = {member.key for member in live}
    members = {
        key: member
        if key in keys or member.is_over or (member.kind is EntryKind.FINDING and member.channel in blind)
        else msgspec.structs.replace(member, is_over=True, over_at=now)
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
