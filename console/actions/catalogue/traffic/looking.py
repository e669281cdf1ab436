"""What the balancers of a group say of one backend, and what would follow from a change. Asks; changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from math import nan

import msgspec

from console.actions.action import NoPlan, Order
from console.actions.targets.haproxy.hand import BACKEND, HaproxyHand, Unknown
from console.actions.targets.haproxy.tables import READY, Figures, Server
from console.config.balancers import Balancers
from console.config.errors import nearest
from console.config.traffic import HAPROXY_NAME


class Standing(msgspec.Struct, frozen=True):
    """One backend on one balancer."""

    balancer: str  # its name within the group
    servers: Mapping[str, Server]
    figures: Mapping[str, Figures]


class Change(msgspec.Struct, frozen=True):
    """What one balancer would be told: `field` (weight, state) of the server from `old` to `new`."""

    standing: Standing
    field: str
    old: str
    new: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The target of an order, taken apart."""

    group: str
    backend: str
    server: str
    config: Balancers

    @property
    def name(self) -> str:
        return f"{self.backend}/{self.server}"


def place(hand: HaproxyHand, order: Order) -> Place:
    """Raises NoPlan for a group that is not configured, and for names that HAProxy itself would not take."""
    group, backend, server = order.target.path
    config = hand.groups.get(group)
    if config is None:
        near = nearest(group, tuple(hand.groups))
        hint = f"; did you mean {near}?" if near else f" (there are: {', '.join(hand.groups) or 'none'})"
        raise NoPlan(f"no group of balancers {group!r} is configured here{hint}")
    for name in (backend, server):
        if not HAPROXY_NAME.fullmatch(name):
            raise NoPlan(f"{name!r} is no name of HAProxy's: letters, digits and _ . : - only")
    return Place(group=group, backend=backend, server=server, config=config)


def chosen(config: Balancers, on: object) -> tuple[str, ...]:
    """The balancers of `--set on=lb-1,lb-2`; all of the group if it is not given. Raises NoPlan."""
    if on is None:
        return tuple(config.balancers)
    names = [name for name in str(on).split(",") if name]
    unknown = [name for name in names if name not in config.balancers]
    if unknown or not names:
        raise NoPlan(f"no balancer {', '.join(unknown) or on} in this group (there are: {', '.join(config.balancers)})")
    return tuple(name for name in config.balancers if name in names)


async def standings(hand: HaproxyHand, where: Place, names: Iterable[str]) -> tuple[Standing, ...]:
    """Every one of them is asked. Raises NoPlan, naming the balancer that does not answer: a plan over half of the truth
    would leave the other half as it was.
    """

    async def ask(name: str) -> Standing:
        balancer = f"{where.group}/{name}"
        try:
            found = await hand.servers(balancer, where.backend)
            if where.server not in found:
                near = nearest(where.server, tuple(found))
                hint = f"; did you mean {near}?" if near else f" (there are: {', '.join(found) or 'none'})"
                raise NoPlan(f"{name}: backend {where.backend} has no server {where.server}{hint}")
            return Standing(name, found, await hand.figures(balancer, found))
        except Unknown as error:
            raise NoPlan(f"{error}; --set on=NAME,NAME leaves a balancer out", is_unreachable=True) from error

    return tuple(await asyncio.gather(*map(ask, names)))


def after(change: Change, server: str) -> dict[str, int]:
    """By server, the weight by which new sessions would come; 0 where none do."""
    found = dict(before(change.standing))
    one = change.standing.servers[server]
    weight = int(change.new) if change.field == "weight" else one.weight
    admin = change.new if change.field == "state" else one.admin
    found[server] = weight if one.is_running and admin == READY else 0
    return found


def before(standing: Standing) -> dict[str, int]:
    """The same now."""
    return {name: each.weight if each.takes_traffic else 0 for name, each in standing.servers.items()}


def loads(changes: Iterable[Change], where: Place) -> tuple[tuple[str, float], ...]:
    """Sessions over limit that each server which gets more is expected to have: all sessions of the backend on its
    balancer now, parted by the weights of then. NaN where it has no limit or no figures.
    """
    found: list[tuple[str, float]] = []
    for change in changes:
        old, new = before(change.standing), after(change, where.server)
        old_sum, new_sum = sum(old.values()), sum(new.values())
        figures = change.standing.figures
        sessions = sum(each.sessions for name, each in figures.items() if name != BACKEND)
        for name, weight in new.items():
            if not new_sum or (old_sum and weight * old_sum <= old[name] * new_sum):
                continue
            limit = figures[name].limit if name in figures else None
            expected = sessions * weight / new_sum / limit if limit else nan
            found.append((f"{change.standing.balancer} {where.backend}/{name}", expected))
    return tuple(found)
