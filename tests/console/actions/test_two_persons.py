"""Two people, one service: whatever they do, in whatever order and at whatever time, nothing runs without the yes it needs.

Smaller than `test_invariants.py` and all about consent: the wire itself is held against who said what, and when.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from console.actions.audit.operation import Actor, State
from console.actions.licence import Licence
from console.actions.plan import Plan
from console.actions.policy.policy import Role
from console.actions.refusal import Denied, Unable
from tests.console.actions.thing import ANNA, BORIS, POLICY, LeapClock, Shop, Things, switch

ALIASES = {
    "anna": (ANNA, Actor(name="anna", id="SHA256:anna's other")),
    "boris": (BORIS, Actor(name="boris", id="SHA256:boris' other")),
}
NARROW = Actor(name="boris", id=BORIS.id, roles=("looks",))  # boris by a key that leaves him nothing to say
KEYS = st.sampled_from([*ALIASES["anna"], *ALIASES["boris"], NARROW])
RULES = msgspec.structs.replace(
    POLICY,
    roles={
        "all": Role(people=("anna", "boris"), may=("*",), approve=("*",)),
        "looks": Role(people=("anna", "boris")),
    },
)
STEP_S = st.sampled_from((0.0, 1.0, 200.0, 310.0, 700.0, 950.0))  # past every limit now and then
RAN: list[str] = []


def human(person: Actor) -> str:
    return next(name for name, keys in ALIASES.items() if any(person.is_same_as(key) for key in keys))


class TwoPersons(RuleBasedStateMachine):
    """What each has said of each operation is remembered here, beside the service, and by a person and not a key."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = LeapClock()
        self.things = Things(self.clock)
        self.shop = Shop(Path(self.folder.name), self.clock, self.things, lambda: RULES)
        self.plans: list[Plan] = []
        self.confirmed: dict[str, float] = {}
        self.approved: dict[str, float] = {}
        self.final: set[str] = set()  # denied, or taken back: whatever comes after
        self.value = 0

    def teardown(self) -> None:
        RAN.extend({sent.op for sent in self.things.wire})
        self.loop.run_until_complete(self.shop.service.close())
        self.loop.close()
        self.folder.cleanup()

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        async def contained() -> Any:
            try:
                return await what
            except (Denied, Unable) as refused:
                return refused

        return self.loop.run_until_complete(contained())

    def _licence(self, person: Actor) -> Licence:
        return self.shop.service.licence(person)

    def _chosen(self, which: int) -> Plan:
        return self.plans[-1 - which % len(self.plans)]

    def _requester(self, plan: Plan) -> str:
        return human(plan.requester)

    # -- what people do ------------------------------------------------------------------------------------------------
    @rule(person=KEYS, action=st.sampled_from(("thing.force", "thing.force", "thing.set")), steps=st.integers(1, 3))
    def plan(self, person: Actor, action: str, steps: int) -> None:
        self.value += 10
        given = {"value": str(self.value), "steps": str(steps)}
        made = self._do(self._licence(person).plan(action, switch(f"thing-{self.value}"), given))
        assert isinstance(made, Plan)
        if person is NARROW:
            assert made.refusals, "a key without a role made a plan that can be confirmed"
        self.plans.append(made)

    @rule(
        person=st.sampled_from((ANNA, BORIS)),
        stages=st.one_of(st.just(("confirm", "approve", "run")), st.permutations(("confirm", "approve", "run", "wait", "deny"))),
        seconds=STEP_S,
    )
    def one_stage_after_the_other(self, person: Actor, stages: tuple[str, ...], seconds: float) -> None:
        other = BORIS if person == ANNA else ANNA
        self.plan(person, "thing.force", 2)
        for stage in stages:
            match stage:
                case "confirm":
                    self.confirm(0, person, False)
                case "approve":
                    self.approve(0, other, False)
                case "deny":
                    self.deny(0, other, "no such night")
                case "run":
                    self.run(0, person)
                case "wait":
                    self.wait(seconds)

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 2), person=KEYS, other=st.booleans())
    def confirm(self, which: int, person: Actor, other: bool) -> None:
        plan = self._chosen(which)
        named = self._chosen(which + 1).hash if other else plan.hash
        said = self._do(self.shop.service.confirm(person, plan.op, named, plan.to_type, "because"))
        if said is None:
            assert human(person) == self._requester(plan) and not plan.refusals and named == plan.hash
            self.confirmed[plan.op] = self.clock.mono

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 2), person=KEYS, other=st.booleans())
    def approve(self, which: int, person: Actor, other: bool) -> None:
        plan = self._chosen(which)
        named = self._chosen(which + 1).hash if other else plan.hash
        said = self._do(self._licence(person).approve(plan.op, named))
        if said is None:
            assert human(person) != self._requester(plan), f"{person} approved what was their own"
            assert person is not NARROW and named == plan.hash and plan.op in self.confirmed and plan.op not in self.final
            assert self.clock.mono - self.confirmed[plan.op] <= RULES.limits.approval_s
            self.approved[plan.op] = self.clock.mono

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 2), person=KEYS, reason=st.sampled_from(("no such night", "")))
    def deny(self, which: int, person: Actor, reason: str) -> None:
        plan = self._chosen(which)
        if self._do(self._licence(person).deny(plan.op, plan.hash, reason)) is None:
            assert human(person) != self._requester(plan) and person is not NARROW and reason
            self.final.add(plan.op)

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 2), person=KEYS)
    def take_back(self, which: int, person: Actor) -> None:
        plan = self._chosen(which)
        before = self.shop.service.book.get(plan.op)
        self._do(self._licence(person).cancel(plan.op))
        after = self.shop.service.book.get(plan.op)
        assert before is not None and after is not None
        if after.state is State.CANCELLED and before.state is not State.CANCELLED:
            assert human(person) == self._requester(plan)
            self.final.add(plan.op)

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 2), person=KEYS)
    def run(self, which: int, person: Actor) -> None:
        plan = self._chosen(which)
        self._do(self.shop.service.run(person, plan.op, plan.hash))

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 2), others=st.lists(st.tuples(st.sampled_from(("deny", "cancel", "approve", "run", "stop")), KEYS), max_size=4))
    def run_while_others_speak(self, which: int, others: list[tuple[str, Actor]]) -> None:
        """All at once, in the same loop: whoever comes between two awaits of another."""
        plan, service = self._chosen(which), self.shop.service
        said = {
            "deny": lambda who: service.deny(who, plan.op, plan.hash, "because"),
            "cancel": lambda who: service.cancel(who, plan.op),
            "approve": lambda who: service.approve(who, plan.op, plan.hash),
            "run": lambda who: service.run(who, plan.op, plan.hash),
            "stop": lambda who: service.stop(who, plan.op),
        }

        async def speak(word: str, who: Actor) -> None:
            try:
                await said[word](who)
            except (Denied, Unable):
                return
            known = service.book.get(plan.op)
            if word == "approve":
                assert human(who) != self._requester(plan) and who is not NARROW
                self.approved[plan.op] = self.clock.mono
            elif word == "deny" or (word == "cancel" and known is not None and known.state is State.CANCELLED):
                self.final.add(plan.op)

        async def all_at_once() -> None:
            runs = [service.run(plan.requester, plan.op, plan.hash)]
            await asyncio.gather(*runs, *(speak(*each) for each in others), return_exceptions=True)

        sent = len(self.things.wire)
        was_final = plan.op in self.final
        self._do(all_at_once())
        if was_final:
            assert len(self.things.wire) == sent, "what was denied or taken back was run"

    @rule(seconds=STEP_S)
    def wait(self, seconds: float) -> None:
        self.clock.mono += seconds

    # -- what must hold ------------------------------------------------------------------------------------------------
    @invariant()
    def nothing_went_out_without_what_it_needs(self) -> None:
        plans = {plan.op: plan for plan in self.plans}
        for sent in self.things.wire:
            plan = plans[sent.op]
            assert not plan.refusals and sent.op in self.confirmed and sent.had_intent and sent.confirmed_hash
            if plan.approvals_needed:
                assert sent.op in self.approved, f"{sent.op} was sent, and nobody but its requester had said yes"

    @invariant()
    def nothing_irregular_was_recorded(self) -> None:
        for known in self.shop.service.book.known():
            assert not known.operation.irregular, known.operation.irregular


TwoPersons.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.timeout(120)
class TestTwoPersons(TwoPersons.TestCase):  # type: ignore[misc]
    """And operations did run: else nothing would have been shown."""

    def runTest(self) -> None:
        RAN.clear()
        super().runTest()
        assert RAN


@pytest.mark.proof
@pytest.mark.timeout(1800)
class TestTwoPersonsForLong(TwoPersons.TestCase):  # type: ignore[misc]
    """The same, longer."""

    settings = settings(TwoPersons.TestCase.settings, max_examples=1500, stateful_step_count=40)
