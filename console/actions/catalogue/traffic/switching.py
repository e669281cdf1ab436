"""Traffic between the targets of a switch: CDNs, origins. In steps, each of which is looked at for as long as the TTL and
the gauges need to tell of it; halted by itself when a target gets too full or a channel worse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import isfinite, nan

import msgspec

from console.actions.action import About, Draft, NoPlan, Order
from console.actions.audit.operation import Operation, PlannedStep, Tier
from console.actions.catalogue.traffic.shifting import NoWay, Weights, moved, shares, steps
from console.actions.guards.trust import doubt
from console.actions.parameters import Parameter, Type
from console.actions.plan import Change, Inverse, PlanStep, Proof, Settle
from console.actions.survey import Survey
from console.actions.target import TargetKind
from console.actions.targets.switch.hand import SwitchHand, Unseen
from console.actions.targets.switch.template import BadValue, chosen, filled
from console.actions.verdict import Stand, Verdict
from console.actions.writes import Expect, HttpWrite
from console.config.errors import nearest
from console.config.switch import Switch

LATE_S = 90.0  # over its time, until gauges that say nothing stop the operation
VERIFY_S = 90.0
BUSY_S = 60.0  # how long a 429 is asked again
_PAIR = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*):([0-9]{1,10})")


class Shift:
    """Weights that the switch has now, moved to those that are wanted; with `revert-after`, and back."""

    about = About(
        name="switch.shift",
        title="shift traffic",
        about="share out the traffic of a switch by other weights, in steps; halts when a target gets too full",
        kind=TargetKind.SWITCH,
        parameters=(
            Parameter(name="to", type=Type.WORD, about="weights, a:70,b:30; who is not named keeps theirs"),
            Parameter(
                name="revert-after",
                type=Type.DURATION,
                about="go back by itself after so long, while this console runs",
                is_optional=True,
                least=60,
                most=4 * 3600,
            ),
            Parameter(
                name="with", type=Type.WORD, about="the switch's own parameters, NAME:VALUE,…", is_optional=True
            ),
        ),
        tier=Tier.MEDIUM,
        undo="switch.shift",
    )

    def __init__(self, hand: SwitchHand) -> None:
        self._hand = hand

    async def draft(self, order: Order) -> Draft:
        name = order.target.name
        switch = self._hand.switches.get(name)
        if switch is None:
            near = nearest(name, tuple(self._hand.switches))
            hint = f"; did you mean {near}?" if near else f" (there are: {', '.join(self._hand.switches) or 'none'})"
            raise NoPlan(f"no switch {name!r} is configured here{hint}")
        try:
            values = chosen(switch, str(order.parameters.get("with") or ""))
            verify_url = filled(switch, values, dict.fromkeys(switch.targets, 0)).verify_url
            now = await self._hand.weights(name, verify_url)
            wish = _wish(switch, now, str(order.parameters["to"]))
            there = _states(switch, now, wish, order.limits.traffic_step)
            hold_s = order.parameters.get("revert-after")
            back = _states(switch, wish, now, order.limits.traffic_step) if hold_s is not None and there else []
        except (BadValue, NoWay) as error:
            raise NoPlan(str(error)) from error
        except Unseen as error:
            raise NoPlan(f"how {name} stands cannot be seen: {error}", is_unreachable=True) from error
        made = list(_made(order, switch, values, [now, *there], "shift"))
        if back:
            made[-1] = _holding(made[-1], float(str(hold_s)))
            made += _made(order, switch, values, [*there[-1:], *back], "shift back")
        gauges = _gauges(switch)
        loads = _loads(order, switch, now, wish)
        undo = Inverse(action="switch.shift", parameters=_again(now, values), text=f"back to {_told(now)}")
        return Draft(
            what=_what(name, now, wish, there, hold_s, _settle_s(switch)),
            survey=Survey(
                uid=name, read_at=order.scene.now.utc, services=switch.services, load_after=loads
            ),
            changes=tuple(Change(f"weight of {each}", now[each], wish[each]) for each in now if now[each] != wish[each]),
            steps=tuple(made),
            proof=Proof(
                kind="traffic",
                window_s=VERIFY_S,
                text="the weights stand, every target below its total, no channel worse than before",
                wants=(("gauges", "\n".join(gauges)),),
            ),
            undo=undo if there else None,
            undo_text=f"{undo.text}, in steps; it takes the TTL of {switch.ttl_s:g} s too" if there else "none",
            verdicts=tuple(_verdicts(order, switch, now, wish, there)),
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        if not operation.steps or not isinstance(operation.steps[0].plan.old, str):
            return None
        first = operation.steps[0].plan
        with_ = (("with", first.uid),) if first.uid else ()
        return Inverse(
            action="switch.shift", parameters=(("to", str(first.old)), *with_), text=f"back to {first.old}"
        )


def _wish(switch: Switch, now: Weights, text: str) -> dict[str, int]:
    """Raises NoPlan."""
    given: dict[str, int] = {}
    for pair in text.split(","):
        found = _PAIR.fullmatch(pair)
        if found is None or found[1] in given:
            raise NoPlan(f"{pair!r}: write NAME:WEIGHT,NAME:WEIGHT, each name once")
        name, weight = found[1], int(found[2])
        if name not in now:
            near = nearest(name, tuple(now))
            raise NoPlan(
                f"there is no target {name!r}" + (f"; did you mean {near}?" if near else f" (there are: {', '.join(now)})")
            )
        target = switch.targets[name]
        if not target.least <= weight <= target.most:
            raise NoPlan(f"{pair}: the weight of {name} is {target.least} to {target.most}")
        given[name] = weight
    return {**now, **given}


def _states(switch: Switch, now: Weights, wish: Weights, points: int) -> list[dict[str, int]]:
    """Raises NoWay."""
    found = steps(now, wish, points)
    for state in found:
        for name, weight in state.items():
            if weight > switch.targets[name].most and state != dict(now):
                raise NoWay(f"on the way {name} would need the weight {weight}; at most {switch.targets[name].most}")
    return found


def _made(
    order: Order, switch: Switch, values: Mapping[str, str], states: list[dict[str, int]], verb: str
) -> Iterator[PlanStep]:
    """One write for each state after the first."""
    settle_s = _settle_s(switch)
    for index, (old, new) in enumerate(pairwise(states)):
        request = filled(switch, values, new)
        yield PlanStep(
            told=PlannedStep(
                what=f"{verb} {float(moved(old, new)):.3g} points",
                target=order.target.text,
                uid=_pairs(values),
                field="weights",
                old=_pairs(old),
                new=_pairs(new),
                undo="switch.shift",
            ),
            write=HttpWrite(
                switch=order.target.name,
                method=switch.method.value,
                url=request.url,
                headers=request.headers,
                body=request.body,
                takes_etag=switch.if_match,
                expected_status=switch.expected_status,
                verify_url=request.verify_url,
                before=_expected(switch, old),
                after=_expected(switch, new),
            ),
            settle=Settle(kind="load", at_least_s=settle_s, limit_s=settle_s + LATE_S, gauges=_gauges(switch)),
            patience_s=BUSY_S,
            is_canary=index == 0,
        )


def _holding(step: PlanStep, hold_s: float) -> PlanStep:
    """The last step of the way there rests for as long as the wish is to last, watched all the while."""
    at_least_s = max(hold_s, step.settle.at_least_s)
    settle = msgspec.structs.replace(step.settle, at_least_s=at_least_s, limit_s=at_least_s + LATE_S)
    return msgspec.structs.replace(step, settle=settle)


def _expected(switch: Switch, weights: Weights) -> tuple[Expect, ...]:
    return tuple(Expect(target.pointer, weights[name]) for name, target in switch.targets.items())


def _settle_s(switch: Switch) -> float:
    return max(switch.ttl_s, switch.settle_s or 0.0)


def _gauges(switch: Switch) -> tuple[str, ...]:
    return tuple(target.gauge for target in switch.targets.values() if target.gauge is not None)


def _loads(order: Order, switch: Switch, now: Weights, wish: Weights) -> tuple[tuple[str, float], ...]:
    """Used over total of each target that gets more: what all of them carry now, parted by the weights of then. One of
    them not known, and none of it is: NaN. What lies between is never more, since each goes one way only.
    """
    old, new = shares(now), shares(wish)
    gaining = [name for name in switch.targets if new[name] > old[name]]
    reading = order.scene.capacity
    blind = doubt(reading, order.scene.now, order.limits.max_age_s)
    gauges = {} if blind or reading is None or reading.value is None else {g.spec.name: g for g in reading.value.gauges}
    found = {name: gauges.get(target.gauge or "") for name, target in switch.targets.items()}
    units = {gauge.spec.unit for gauge in found.values() if gauge is not None}
    used = [gauge.used if gauge is not None and gauge.spec.total is not None else None for gauge in found.values()]
    whole = sum(value for value in used if value is not None)
    is_known = None not in used and len(units) == 1 and isfinite(whole)
    loads = []
    for name in gaining:
        gauge = found[name]
        total = gauge.total if gauge is not None else None
        is_sure = is_known and total is not None and isfinite(total) and total > 0
        loads.append((name, whole * float(new[name]) / total if is_sure and total else nan))
    return tuple(loads)


def _verdicts(
    order: Order, switch: Switch, now: Weights, wish: Weights, there: list[dict[str, int]]
) -> Iterable[Verdict]:
    if not there:
        yield Verdict("change", Stand.REFUSE, "the weights stand so already: there is nothing to do")
        return
    old, new = shares(now), shares(wish)
    yield Verdict(
        "steps",
        Stand.PASS,
        f"{float(moved(now, wish)):.3g} points in {len(there)} steps of {order.limits.traffic_step} at most",
    )
    alone = [name for name in new if new[name] == 1]
    if alone:
        yield Verdict("steps", Stand.NOTE, f"{alone[0]} would carry all of it alone", at_least=Tier.HIGH)
    cold = [name for name in new if new[name] > 0 and old[name] == 0]
    if cold:
        yield Verdict("steps", Stand.NOTE, f"{', '.join(cold)} carries nothing now: its caches are cold")
    if not switch.if_match:
        reason = "this switch has no If-Match: who writes between our look and our write is written over"
        yield Verdict("steps", Stand.NOTE, reason)


def _what(
    name: str, now: Weights, wish: Weights, there: list[dict[str, int]], hold_s: object, settle_s: float
) -> str:
    old, new = shares(now), shares(wish)
    told = ", ".join(
        f"{each} {float(old[each]):.0%} → {float(new[each]):.0%}" for each in now if now[each] != wish[each]
    )
    text = f"shift {name}: {told or 'nothing changes'}, in {len(there)} steps, each watched for {settle_s:g} s"
    if hold_s is not None:
        minutes = float(str(hold_s)) / 60
        text += f"; back after {minutes:g} min, as long as this console runs: if it ends, nothing goes back by itself"
    return text


def _again(now: Weights, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return (("to", _pairs(now)), *((("with", _pairs(values)),) if values else ()))


def _pairs(values: Mapping[str, object]) -> str:
    return ",".join(f"{name}:{value}" for name, value in values.items())


def _told(weights: Weights) -> str:
    return ", ".join(f"{name} {weight}" for name, weight in weights.items())
