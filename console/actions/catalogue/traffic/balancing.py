"""One server behind a group of balancers: its weight, out of rotation, back into it. Every balancer by itself: read,
compare, tell, look; the first alone, and the rest only when it came to rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.actions import plan as planned
from console.actions.action import About, Draft, NoPlan, Order
from console.actions.audit.operation import Operation, PlannedStep, Tier
from console.actions.catalogue.traffic.looking import (
    Change,
    Place,
    Standing,
    after,
    before,
    chosen,
    loads,
    place,
    standings,
)
from console.actions.catalogue.traffic.shifting import rungs
from console.actions.parameters import Parameter, Type
from console.actions.plan import Inverse, PlanStep, Proof, Settle
from console.actions.survey import Survey
from console.actions.target import TargetKind
from console.actions.targets.haproxy.hand import HaproxyHand
from console.actions.targets.haproxy.tables import DRAIN, MAINT, READY
from console.actions.verdict import Stand, Verdict
from console.actions.writes import HaproxyWrite

LATE_S = 30.0  # over its time, until a balancer that cannot be seen stops the operation
VERIFY_S = 60.0
_ON = Parameter(name="on", type=Type.WORD, about="balancers, a,b; all of the group if not given", is_optional=True)
_RUNTIME = "a reload of a balancer goes back to its configuration"


class _Balancing:
    """What the three have in common: a change of one field, balancer by balancer."""

    about: About
    empties = False  # its server must lose its sessions

    def __init__(self, hand: HaproxyHand) -> None:
        self._hand = hand

    def _changes(self, order: Order, found: tuple[Standing, ...], where: Place) -> Iterable[Change]:
        raise NotImplementedError

    def _back(self, told: Mapping[str, str]) -> Inverse | None:
        """What takes it back: by balancer, what stood there before."""
        raise NotImplementedError

    async def draft(self, order: Order) -> Draft:
        where = place(self._hand, order)
        found = await standings(self._hand, where, chosen(where.config, order.parameters.get("on")))
        changes = tuple(self._changes(order, found, where))
        rungs = [rung for change in changes for rung in _rungs(change, where, order.limits.traffic_step)]
        steps = tuple(self._step(order, where, rung, is_first=not index) for index, rung in enumerate(rungs))
        service = where.config.services.get(where.backend)
        back = self._back({change.standing.balancer: change.old for change in changes}) if changes else None
        empty = [step.settle.subject for step in steps if step.settle.subject]
        told = ", ".join(f"{change.standing.balancer} {change.field} {change.old} → {change.new}" for change in changes)
        return Draft(
            what=f"{where.name}: {told or 'nothing changes'}",
            survey=Survey(
                uid=where.name,
                read_at=order.scene.now.utc,
                services=(service,) if service else (),
                load_after=loads(changes, where),
            ),
            changes=tuple(
                planned.Change(f"{each.standing.balancer} {where.name} {each.field}", each.old, each.new)
                for each in changes
            ),
            steps=steps,
            proof=Proof(
                kind="traffic",
                window_s=where.config.empty_s + VERIFY_S if empty else VERIFY_S,
                text="set on every balancer, "
                + ("empty, " if empty else "")
                + "no server over its limit, no channel worse than before",
                wants=(("empty", "\n".join(empty)),),
            ),
            undo=back,
            undo_text=f"{back.text}; {_RUNTIME}" if back else f"none: {_RUNTIME}",
            verdicts=tuple(_verdicts(changes, found, where)),
        )

    def _step(self, order: Order, where: Place, change: Change, *, is_first: bool) -> PlanStep:
        name = change.standing.balancer
        limit_s = where.config.settle_s + (where.config.empty_s if self.empties else LATE_S)
        return PlanStep(
            told=PlannedStep(
                what=f"set {change.field} {change.new} on {name}",
                target=order.target.text,
                uid=name,
                field=change.field,
                old=change.old,
                new=change.new,
                undo=self.about.undo,
            ),
            write=HaproxyWrite(
                balancer=f"{where.group}/{name}",
                backend=where.backend,
                server=where.server,
                command=f"set server {where.name} {change.field} {change.new}",
                field=change.field,
                before=change.old,
                after=change.new,
            ),
            settle=Settle(
                kind="load",
                at_least_s=where.config.settle_s,
                limit_s=limit_s,
                subject=f"{name} {where.name}" if self.empties else "",
            ),
            is_canary=is_first,
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        """Of the balancers that were told, or may have been."""
        taken = [operation.steps[number - 1].plan for number in operation.to_undo]
        told = {plan.uid: str(plan.old) for plan in taken}  # the last is the first that was done: what stood there before
        told = dict(reversed(told.items()))
        return self._back(told) if told else None


def _rungs(change: Change, where: Place, points: int) -> Iterable[Change]:
    """A weight that moves much goes there in several steps, for as long as the server takes traffic at all."""
    server = change.standing.servers[where.server]
    if change.field != "weight" or not server.is_running or server.admin != READY:
        yield change
        return
    others = sum(weight for name, weight in before(change.standing).items() if name != where.server)
    old = change.old
    for rung in rungs(int(change.old), int(change.new), others, points) if others else [int(change.new)]:
        yield Change(change.standing, "weight", old, str(rung))
        old = str(rung)


def _verdicts(changes: tuple[Change, ...], found: tuple[Standing, ...], where: Place) -> Iterable[Verdict]:
    if not changes:
        yield Verdict("change", Stand.REFUSE, "it stands so on every balancer already: there is nothing to do")
        return
    left_out = [each.balancer for each in found if each.balancer not in {one.standing.balancer for one in changes}]
    others = [name for name in where.config.balancers if name not in {each.balancer for each in found}]
    emptied = [
        change.standing.balancer
        for change in changes
        if any(before(change.standing).values()) and not any(after(change, where.server).values())
    ]
    if emptied:
        reason = f"{where.name} is the last of {where.backend} that takes traffic on {', '.join(emptied)}"
        yield Verdict("last server", Stand.REFUSE, reason)
    else:
        least = min(sum(weight > 0 for weight in after(change, where.server).values()) for change in changes)
        yield Verdict("last server", Stand.PASS, f"{least} servers of {where.backend} take traffic then")
    if left_out or others:
        told = [f"{name} stands so already or is in maint" for name in left_out]
        told += [f"{name} was left out" for name in others]
        yield Verdict("balancers", Stand.NOTE, "; ".join(told))


def _same(told: Mapping[str, str]) -> str:
    """The one value that all had, or empty."""
    values = set(told.values())
    return values.pop() if len(values) == 1 else ""


class Weigh(_Balancing):
    """A share of the new sessions."""

    about = About(
        name="haproxy.weight",
        title="weight of a server",
        about="change what share of the new sessions a server gets, balancer by balancer",
        kind=TargetKind.HAPROXY,
        parameters=(
            Parameter(
                name="weight", type=Type.INTEGER, about="0 to 256, on all of them", is_optional=True, least=0, most=256
            ),
            Parameter(
                name="each", type=Type.WORD, about="or by balancer: lb-1:100,lb-2:80", is_optional=True
            ),
            _ON,
        ),
        tier=Tier.MEDIUM,
        undo="haproxy.weight",
    )

    def _changes(self, order: Order, found: tuple[Standing, ...], where: Place) -> Iterable[Change]:
        each = _each(order.parameters.get("each"), where)
        weight = order.parameters.get("weight")
        if (weight is None) == (not each):
            raise NoPlan("give either weight (--set weight=50) or each (--set each=lb-1:50,lb-2:40)")
        for standing in found:
            old = standing.servers[where.server].field("weight")
            new = each.get(standing.balancer, old) if each else str(weight)
            if new != old:
                yield Change(standing, "weight", old, new)

    def _back(self, told: Mapping[str, str]) -> Inverse | None:
        each = ",".join(f"{name}:{value}" for name, value in told.items())
        return Inverse(
            action="haproxy.weight",
            parameters=(("each", each),),
            text=f"weight back to {_same(told) or each}",
        )


def _each(text: object, where: Place) -> dict[str, str]:
    """`lb-1:100,lb-2:80`. Raises NoPlan."""
    found: dict[str, str] = {}
    for pair in filter(None, str(text or "").split(",")):
        name, _, value = pair.rpartition(":")
        if name not in where.config.balancers or name in found:
            raise NoPlan(f"{pair!r} names no balancer, or one twice (there are: {', '.join(where.config.balancers)})")
        if not value.isascii() or not value.isdecimal() or len(value) > 3 or int(value) > 256:
            raise NoPlan(f"{pair!r}: a weight is 0 to 256")
        found[name] = str(int(value))
    return found


class Drain(_Balancing):
    """No new sessions; those that are there end by themselves."""

    about = About(
        name="haproxy.drain",
        title="drain a server",
        about="give a server no new sessions, balancer by balancer; those it has end by themselves",
        kind=TargetKind.HAPROXY,
        parameters=(_ON,),
        tier=Tier.MEDIUM,
        undo="haproxy.ready",
    )
    empties = True

    def _changes(self, order: Order, found: tuple[Standing, ...], where: Place) -> Iterable[Change]:
        for standing in found:
            if standing.servers[where.server].admin == READY:
                yield Change(standing, "state", READY, DRAIN)

    def _back(self, told: Mapping[str, str]) -> Inverse | None:
        return Inverse(action="haproxy.ready", parameters=(("on", ",".join(told)),), text="ready again")


class Ready(_Balancing):
    """Back into rotation, with the weight that it has."""

    about = About(
        name="haproxy.ready",
        title="server ready",
        about="give a server sessions again, balancer by balancer",
        kind=TargetKind.HAPROXY,
        parameters=(_ON,),
        tier=Tier.MEDIUM,
        undo="haproxy.drain",
    )

    def _changes(self, order: Order, found: tuple[Standing, ...], where: Place) -> Iterable[Change]:
        for standing in found:
            admin = standing.servers[where.server].admin
            if admin != READY:
                yield Change(standing, "state", admin, READY)

    def _back(self, told: Mapping[str, str]) -> Inverse | None:
        if MAINT in told.values():
            return None  # who put it there knows why; a drain would not be the same
        return Inverse(action="haproxy.drain", parameters=(("on", ",".join(told)),), text="drain it again")
