"""Incidents as told to those who may not see all of their members.

An incident is made of its members (`judge/telling.py`), so it is told again of those that may be seen: its title, entities,
timeline and what changed before it know nothing of the others. One that no visible member would have opened is not there. Its
id stays that of the whole, so that two people on the phone speak of the same one; it is a hash, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from console.feeds.veil import HIDDEN, Veil
from console.judge.acted import acted
from console.judge.incidents import regrouped
from console.judge.telling import QUIET_S, in_order, told
from console.model.incident import Incident, Member, Rollout
from console.model.operation import OperationLine

KEPT_S = 3600.0  # as the judge keeps them


def told_to(
    incidents: Iterable[Incident], veil: Veil, now: datetime, lines: Iterable[OperationLine] = ()
) -> tuple[Incident, ...]:
    """The incidents of what may be seen, with the operations that may be: `lines`."""
    found = [one for incident in incidents for one in _seen(incident, veil, now)]
    return acted(in_order(found), lines, now)


def sees_named(namespaces: tuple[str, ...], names: tuple[str, ...], veil: Veil) -> bool:
    """Whether what labels speak of may be seen: every namespace and every name; a name without a namespace must be nobody's
    hidden one, and while a cluster has not answered, a readable one.
    """
    if veil.is_clear:
        return True
    if namespaces:
        return all(veil.reads(each) for each in namespaces)
    return all(veil.named(each) is not None for each in names)


def _seen(incident: Incident, veil: Veil, now: datetime) -> Iterator[Incident]:
    """One, or none; or several, that only something hidden held together."""
    members = tuple(_told(member, veil) for member in incident.members if _is_seen(member, veil))
    rollouts = tuple(rollout for rollout in incident.rollouts if _is_readable(rollout, veil))
    if len(members) == len(incident.members):
        yield told(incident.id, incident.opened_at, incident.closed_at, members, rollouts)
        return
    for number, one in enumerate(regrouped(members)):
        closed_at = _closed_at(one.members.values(), now)
        if closed_at is None or (now - closed_at).total_seconds() < KEPT_S:
            id = incident.id if number == 0 else one.id
            yield told(id, one.opened_at, closed_at, tuple(one.members.values()), rollouts)


def _closed_at(members: Iterable[Member], now: datetime) -> datetime | None:
    """When these would have closed, whatever else goes on in the incident that they are of."""
    ended = [member.over_at if member.is_over else None for member in members]
    over = [at for at in ended if at is not None]
    if len(over) < len(ended):
        return None
    closed_at = max(over) + timedelta(seconds=QUIET_S)
    return closed_at if closed_at <= now else None


def _is_seen(member: Member, veil: Veil) -> bool:
    return sees_named(member.namespaces, member.names, veil)


def _is_readable(rollout: Rollout, veil: Veil) -> bool:
    parts = rollout.key.split("/")
    return veil.is_clear or (len(parts) == 3 and veil.reads(parts[1]))


def _told(member: Member, veil: Veil) -> Member:
    service = member.service if member.namespaces else veil.named(member.service)  # an alert's own, of a readable namespace
    if member.channel is not None or service == member.service:
        entity = member.entity if member.namespaces else veil.text(member.entity)
    else:
        entity = HIDDEN
    node = HIDDEN if member.node and member.node == member.service and service is None else veil.text(member.node)
    text = veil.text(member.text)
    if veil.is_blind and not member.namespaces:  # what lies in a readable namespace speaks for itself
        text = f"{member.text.partition(':')[0]}{': ' if member.code else ''}{member.code}"
    group = member.group if service == member.service else f"channel:{member.channel}"  # as one that points at no workload
    return msgspec.structs.replace(member, service=service, entity=entity, text=text, node=node, group=group)
