"""What would be done, and what speaks against it: asked of the embedded balancers and CDN."""

from __future__ import annotations

from collections.abc import AsyncIterator
from math import isnan
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.actions.action import Draft, NoPlan, Order
from console.actions.audit.operation import Operation, Step, StepState
from console.actions.catalogue.traffic.balancing import Drain, Ready, Weigh
from console.actions.catalogue.traffic.switching import Shift
from console.actions.parameters import parsed
from console.actions.policy.policy import Limits
from console.actions.scene import Scene
from console.actions.target import Target
from console.actions.targets.haproxy.hand import HaproxyHand
from console.actions.targets.switch.hand import SwitchHand
from console.actions.verdict import Stand
from console.actions.writes import HaproxyWrite, HttpWrite
from console.assembly import access
from console.model.instant import Instant
from console.model.metric import Capacity, Gauge, GaugeSpec
from console.model.reading import Reading
from console.model.severity import State
from tests.console.actions.traffic.ground import DAWN, MEI, Ground, ground

NOW = Instant(utc=DAWN, mono=1000.0)
TERA = 1e12


def scene(age_s: float = 1.0, **used: float | None) -> Scene:
    """Gauges `cdn own` …, each of 10 Tbit/s."""
    gauges = tuple(
        Gauge(GaugeSpec(f"cdn {name.replace('_', '-')}", "u", "t", "bit/s"), value, 10 * TERA, DAWN) for name, value in used.items()
    )
    at = Instant(utc=DAWN, mono=NOW.mono - age_s)
    return Scene(now=NOW, capacity=Reading(value=Capacity(gauges, {}), state=State.LIVE, received=at, as_of=DAWN))


USUAL = {"own": 3 * TERA, "cdn_a": 3 * TERA, "cdn_b": 2.5 * TERA, "cdn_c": 1.5 * TERA}


class Bench:
    def __init__(self, here: Ground) -> None:
        self.here = here
        site = here.config().sites["demo"]
        self.haproxy = HaproxyHand(site.haproxy)
        switch = site.switches["cdn"]
        bare = msgspec.structs.replace(switch, headers={})
        self.switches = SwitchHand({"cdn": (switch, access(bare), access(msgspec.structs.replace(bare, read=switch.write)))})

    async def draft(self, action: Any, target: str, seen: Scene | None = None, limits: Limits | None = None, **given: str) -> Draft:
        named = {name.replace("_", "-"): value for name, value in given.items()}
        return await action.draft(
            Order(
                op="op-1", target=Target.parse(target), parameters=parsed(action.about.parameters, named), person=MEI, at=DAWN,
                scene=seen or Scene(now=NOW), limits=limits or Limits(),
            )
        )  # fmt: skip

    def set(self, balancer: str, server: str, weight: int | None = None, admin: str = "") -> None:
        backend = "origin" if server.startswith("origin") else "session-api"
        made = self.here.balancers[balancer]
        if weight is not None:
            made.set_weight((backend, server), weight, self.here.clock.utc())
        if admin:
            made.set_admin((backend, server), admin, self.here.clock.utc())


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with ground(tmp_path) as here:
        made = Bench(here)
        yield made
        await made.switches.close()
        assert here.writes() == []  # a draft changes nothing


def refusals(draft: Draft) -> str:
    return "; ".join(verdict.reason for verdict in draft.verdicts if verdict.stand is Stand.REFUSE)


def done(draft: Draft, action: str, target: str) -> Operation:
    """The operation after all steps of a draft."""
    steps = tuple(Step(plan=step.told, state=StepState.DONE, attempts=1) for step in draft.steps)
    return Operation(id="op-1", action=action, target=target, steps=steps)


# --- balancers ---------------------------------------------------------------------------------------------------------


async def test_every_balancer_gets_a_step_of_its_own_with_what_stood_there(bench: Bench):
    bench.set("lb-2", "origin-2", weight=80)
    draft = await bench.draft(Weigh(bench.haproxy), "haproxy:lb/origin/origin-2", weight="50")
    writes = [step.write for step in draft.steps]
    assert all(isinstance(write, HaproxyWrite) for write in writes)
    assert [(write.balancer, write.before, write.after) for write in writes] == [("lb/lb-1", "100", "50"), ("lb/lb-2", "80", "50")]
    assert writes[0].command == "set server origin/origin-2 weight 50"
    assert [step.is_canary for step in draft.steps] == [True, False] and not refusals(draft)
    assert dict(draft.undo.parameters) == {"each": "lb-1:100,lb-2:80"}
    assert draft.survey.services == ("origin",)
    names = [name for name, _ in draft.survey.load_after]
    assert "lb-1 origin/origin-1" in names and "lb-1 origin/origin-2" not in names  # of those that get more
    back = Weigh(bench.haproxy).inverse(done(draft, "haproxy.weight", "haproxy:lb/origin/origin-2"))
    assert back == draft.undo


async def test_an_undo_takes_back_only_the_balancers_that_were_told(bench: Bench):
    draft = await bench.draft(Drain(bench.haproxy), "haproxy:lb/origin/origin-2")
    operation = done(draft, "haproxy.drain", "haproxy:lb/origin/origin-2")
    half = msgspec.structs.replace(operation, steps=(operation.steps[0], Step(plan=operation.steps[1].plan)))
    assert dict(Drain(bench.haproxy).inverse(half).parameters) == {"on": "lb-1"}
    assert Drain(bench.haproxy).inverse(msgspec.structs.replace(operation, steps=(half.steps[1],))) is None


async def test_the_last_server_that_takes_traffic_is_never_taken(bench: Bench):
    for name in ("api-1", "api-2"):
        bench.set("lb-2", name, admin="maint")
    for action, given in ((Drain, {}), (Weigh, {"weight": "0"})):
        draft = await bench.draft(action(bench.haproxy), "haproxy:lb/session-api/api-3", **given)
        assert refusals(draft) == "session-api/api-3 is the last of session-api that takes traffic on lb-2"


async def test_load_after_is_what_the_backend_has_now_on_fewer_servers(bench: Bench):
    before = sum(bench.here.balancers["lb-1"].current(*pair, bench.here.clock.utc()) for pair in _pairs())
    draft = await bench.draft(Drain(bench.haproxy), "haproxy:lb/origin/origin-2", on="lb-1")
    loads = dict(draft.survey.load_after)
    assert set(loads) == {f"lb-1 origin/origin-{n}" for n in (1, 3, 4)}
    assert loads["lb-1 origin/origin-1"] == pytest.approx(before / 3 / 500, rel=0.05)
    assert any("lb-2 was left out" in verdict.reason for verdict in draft.verdicts)


def _pairs() -> list[Any]:
    from console.demo.haproxy.layout import backend

    origin = backend("origin")
    assert origin is not None
    return [(origin, server) for server in origin.servers]


async def test_ready_goes_back_and_a_maintenance_has_no_undo(bench: Bench):
    bench.set("lb-1", "origin-1", admin="drain")
    draft = await bench.draft(Ready(bench.haproxy), "haproxy:lb/origin/origin-1")
    assert [step.write.command for step in draft.steps] == ["set server origin/origin-1 state ready"]
    assert dict(draft.undo.parameters) == {"on": "lb-1"} and draft.survey.load_after
    bench.set("lb-1", "origin-1", admin="maint")
    assert (await bench.draft(Ready(bench.haproxy), "haproxy:lb/origin/origin-1")).undo is None
    bench.set("lb-1", "origin-1", admin="ready")
    assert "nothing to do" in refusals(await bench.draft(Ready(bench.haproxy), "haproxy:lb/origin/origin-1"))


@pytest.mark.parametrize(
    ("target", "given", "why"),
    [
        ("haproxy:lx/origin/origin-1", {"weight": "1"}, "no group of balancers .lx."),
        ("haproxy:lb/origin/origin-9", {"weight": "1"}, "has no server origin-9"),
        ("haproxy:lb/origni/origin-1", {"weight": "1"}, "lb/lb-1"),
        ("haproxy:lb/origin/a;quit", {"weight": "1"}, "no name of HAProxy's"),
        ("haproxy:lb/origin/origin-1", {}, "give either weight"),
        ("haproxy:lb/origin/origin-1", {"weight": "1", "each": "lb-1:2"}, "give either weight"),
        ("haproxy:lb/origin/origin-1", {"each": "lb-9:2"}, "names no balancer"),
        ("haproxy:lb/origin/origin-1", {"each": "lb-1:257"}, "0 to 256"),
        ("haproxy:lb/origin/origin-1", {"weight": "1", "on": "lb-9"}, "no balancer lb-9"),
    ],
)
async def test_a_wish_that_fits_nothing_says_what_there_is(bench: Bench, target: str, given: dict[str, str], why: str):
    with pytest.raises(NoPlan, match=why):
        await bench.draft(Weigh(bench.haproxy), target, **given)


async def test_a_balancer_that_does_not_answer_is_named_and_can_be_left_out(tmp_path: Path):
    async with ground(tmp_path) as here:
        hand = HaproxyHand(here.config(lb_2="127.0.0.1:1").sites["demo"].haproxy)
        bench = Bench(here)
        with pytest.raises(NoPlan, match=r"lb-2.*--set on=") as told:
            await bench.draft(Weigh(hand), "haproxy:lb/origin/origin-1", weight="50")
        assert told.value.is_unreachable
        assert len((await bench.draft(Weigh(hand), "haproxy:lb/origin/origin-1", weight="50", on="lb-1")).steps) == 1
        await bench.switches.close()


# --- switches ----------------------------------------------------------------------------------------------------------


async def test_a_shift_goes_in_steps_each_of_which_expects_what_the_one_before_left(bench: Bench):
    draft = await bench.draft(Shift(bench.switches), "switch:cdn", scene(**USUAL), to="own:0,cdn-a:60")
    writes = [step.write for step in draft.steps]
    assert len(writes) == 2 and all(isinstance(write, HttpWrite) and write.takes_etag for write in writes)
    assert writes[0].after == writes[1].before
    assert msgspec.json.decode(writes[1].body) == {"weights": {"own": 0, "cdn-a": 60, "cdn-b": 25, "cdn-c": 15}}
    assert draft.survey.load_after == (("cdn-a", pytest.approx(0.6)),)
    assert dict(draft.undo.parameters)["to"] == "own:30,cdn-a:30,cdn-b:25,cdn-c:15"
    assert Shift(bench.switches).inverse(done(draft, "switch.shift", "switch:cdn")).parameters == draft.undo.parameters
    assert all(step.settle.at_least_s == 20 and len(step.settle.gauges) == 4 for step in draft.steps)


async def test_the_policy_says_how_far_a_step_may_go(bench: Bench):
    small = await bench.draft(Shift(bench.switches), "switch:cdn", scene(**USUAL), Limits(traffic_step=5), to="own:0,cdn-a:60")
    assert len(small.steps) == 6


@pytest.mark.parametrize("gap", [{"cdn_b": None}, {"age_s": 90.0}])
async def test_a_load_that_is_not_known_is_nan_and_not_nothing(bench: Bench, gap: dict[str, Any]):
    draft = await bench.draft(Shift(bench.switches), "switch:cdn", scene(**{**USUAL, **gap}), to="own:20,cdn-a:40")
    assert [(name, isnan(load)) for name, load in draft.survey.load_after] == [("cdn-a", True)]


async def test_a_way_back_is_part_of_the_same_plan_and_says_what_it_is_not(bench: Bench):
    draft = await bench.draft(Shift(bench.switches), "switch:cdn", scene(**USUAL), to="own:0,cdn-a:60", revert_after="10m")
    assert [step.told.what for step in draft.steps] == ["shift 25 points", "shift 5 points", "shift back 25 points", "shift back 5 points"]
    assert [step.settle.at_least_s for step in draft.steps] == [20, 600, 20, 20]
    assert draft.steps[-1].told.new == draft.steps[0].told.old
    assert "if it ends, nothing goes back by itself" in draft.what


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"to": "own:0"}, "sum to 70 and not to 100"),
        ({"to": "own:0,cdn-a:0,cdn-b:0,cdn-c:0"}, "sum to 0"),
        ({"to": "own:20,cdn-x:40"}, "no target 'cdn-x'"),
        ({"to": "own:20,own:10"}, "each name once"),
        ({"to": "own=20"}, "write NAME:WEIGHT"),
        ({"to": "own:101"}, "0 to 100"),
        ({"to": "own:20,cdn-a:40", "with": "property:vod"}, "one of live"),
    ],
)
async def test_a_wish_that_cannot_be_says_why(bench: Bench, given: dict[str, str], why: str):
    with pytest.raises(NoPlan, match=why):
        await bench.draft(Shift(bench.switches), "switch:cdn", scene(**USUAL), **given)


async def test_nothing_to_do_is_a_refusal_and_a_switch_that_is_not_there_is_no_plan(bench: Bench):
    assert "nothing to do" in refusals(await bench.draft(Shift(bench.switches), "switch:cdn", scene(**USUAL), to="own:30"))
    with pytest.raises(NoPlan, match="no switch 'live'"):
        await bench.draft(Shift(bench.switches), "switch:live", to="own:30")
    bench.here.spoiler.looks = ["truncated"]
    with pytest.raises(NoPlan, match="cannot be seen") as told:
        await bench.draft(Shift(bench.switches), "switch:cdn", to="own:30")
    assert told.value.is_unreachable
