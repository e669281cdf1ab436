"""What holds whatever happens: people, faults, clocks, restarts in any order."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from console.actions.audit.operation import Actor, State, StepState
from console.actions.audit.verify import checked
from console.actions.plan import Plan
from console.actions.policy.policy import Policy, PolicyError
from console.actions.refusal import Denied, Unable
from tests.console.actions.thing import ANNA, BORIS, CARLA, POLICY, LeapClock, Shop, Things, switch

PEOPLE = st.sampled_from((ANNA, BORIS, CARLA))
SAME_PERSON = st.sampled_from((ANNA, Actor(name="anna", id="sha256:other-key"), Actor(name="ann4", id="1000")))
FAULTS = st.lists(
    st.sampled_from(("ok", "ok", "refused", "busy", "unsent", "dropped", "applied-then-dropped", "garbled", "late")),
    max_size=6,
)
ENDED = (State.SUCCEEDED, State.FAILED, State.UNKNOWN, State.UNDONE, State.UNDOING, State.ABANDONED)
OPEN = (State.STOPPED, State.INTERRUPTED)
THINGS = st.sampled_from([f"thing-{number}" for number in range(12)])  # one that is in doubt is closed to further changes
WAYS = {State.SUCCEEDED, State.FAILED, State.INTERRUPTED}
COUNTED: list[State] = []  # of every operation that was begun


class Pipeline(RuleBasedStateMachine):
    """Every rule is something that a person, the network or a clock may do."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = LeapClock()
        self.things = Things(self.clock)
        self.is_broken = False
        self.plans: list[Plan] = []
        self.value = 100
        self.shop = Shop(Path(self.folder.name), self.clock, self.things, self._policy)

    def _policy(self) -> Policy:
        if self.is_broken:
            raise PolicyError("policy.toml line 3: roles: no such key")
        return POLICY

    def _do(self, what: Coroutine[Any, Any, Any]) -> Any:
        """Refusals are answers; whatever else is raised is a fault of ours."""
        async def contained() -> Any:
            try:
                return await what
            except (Denied, Unable) as refused:
                return refused

        return self.loop.run_until_complete(contained())

    def teardown(self) -> None:
        COUNTED.extend(known.state for known in self.shop.service.book.known() if known.operation.intent_at is not None)
        self.loop.run_until_complete(self.shop.service.close())
        audit = Path(self.folder.name) / "audit"
        if audit.exists():
            assert all(chain.chain.standing.value in ("closed", "growing", "unproven") for chain in checked(audit))
        self.loop.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        """Nothing yet."""

    # --- people ------------------------------------------------------------------------------------------------------

    @rule(
        person=PEOPLE,
        action=st.sampled_from(("thing.set", "thing.force", "thing.touch")),
        thing=THINGS,
        steps=st.integers(1, 4),
    )
    def plan(self, person: Actor, action: str, thing: str, steps: int) -> None:
        self.value += 10
        given = {"value": str(self.value), "steps": str(steps)}
        made = self._do(self.shop.service.plan(person, action, switch(thing), given))
        if isinstance(made, Plan):
            self.plans.append(made)
            assert not (person == CARLA and not made.refusals), "a person without a role got a plan that can be confirmed"

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 3), person=PEOPLE, typed=st.sampled_from(("right", "right", "y", "")), other=st.booleans())
    def confirm(self, which: int, person: Actor, typed: str, other: bool) -> None:
        plan = self._chosen(which)
        word = plan.to_type if typed == "right" else typed
        digest = self._chosen(which + 1).hash if other else plan.hash
        self._do(self.shop.service.confirm(person, plan.op, digest, word, "because"))

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 3), person=PEOPLE)
    def approve(self, which: int, person: Actor) -> None:
        plan = self._chosen(which)
        self._do(self.shop.service.approve(person, plan.op, plan.hash))

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 3), person=SAME_PERSON, times=st.integers(1, 3))
    def approve_ones_own(self, which: int, person: Actor, times: int) -> None:
        plan = self._chosen(which)
        if plan.requester == ANNA:
            for _ in range(times):
                assert isinstance(self._do(self.shop.service.approve(person, plan.op, plan.hash)), Denied | Unable)

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 3), person=PEOPLE, faults=FAULTS, looks=st.lists(st.sampled_from(("ok", "no")), max_size=4))
    def run(self, which: int, person: Actor, faults: list[str], looks: list[str]) -> None:
        self.things.faults, self.things.looks = iter(faults), iter(looks)
        plan = self._chosen(which)
        self._do(self.shop.service.run(person, plan.op, plan.hash))

    @rule(
        operations=st.lists(
            st.tuples(
                st.sampled_from((ANNA, BORIS)),
                st.sampled_from(("thing.set", "thing.force", "thing.touch")),
                THINGS,
                st.integers(1, 4),
                FAULTS,
                st.lists(st.sampled_from(("ok", "no")), max_size=4),
                st.sampled_from(("wait", "wait", "stop", "die")),
                st.integers(0, 60),
            ),
            min_size=2,
            max_size=6,
        )
    )
    def whole_operations(self, operations: list[Any]) -> None:
        for operation in operations:
            self._a_whole_operation(*operation)

    def _a_whole_operation(
        self, person: Actor, action: str, thing: str, steps: int, faults: list[str], looks: list[str], end: str, turns: int
    ) -> None:
        self.plan(person, action, thing, steps)
        if self.is_broken or not self.plans or self.plans[-1].requester != person:
            return
        plan, service = self.plans[-1], self.shop.service
        other = BORIS if person == ANNA else ANNA
        self._do(service.confirm(person, plan.op, plan.hash, plan.to_type, "because"))
        if plan.approvals_needed:
            for again in (person, Actor(name=person.name, id="sha256:other-key"), Actor(name="alias", id=person.id)):
                refused = self._do(service.approve(again, plan.op, plan.hash))
                assert isinstance(refused, Denied | Unable), f"{again.name} approved their own operation"
            self._do(service.approve(other, plan.op, plan.hash))
        if end == "die":
            self.die_in_the_middle(0, turns, faults)
            return
        self.things.faults, self.things.looks = iter(faults), iter(looks)

        async def run() -> None:
            task = asyncio.ensure_future(service.run(person, plan.op, plan.hash))
            await self._so_far(task, turns)
            if end == "stop" and plan.op in service.book.running:
                await service.stop(other, plan.op)
            await task

        self._do(run())

    @precondition(lambda self: len(self.plans) > 1)
    @rule(faults=FAULTS, stop_after=st.integers(0, 60))
    def run_beside_each_other(self, faults: list[str], stop_after: int) -> None:
        self.things.faults = iter(faults)
        first, second = self._chosen(0), self._chosen(1)

        async def both() -> None:
            service = self.shop.service
            runs = [service.run(plan.requester, plan.op, plan.hash) for plan in (first, second, first)]
            gathered = asyncio.gather(*runs, return_exceptions=True)
            for _ in range(stop_after):
                await asyncio.sleep(0)
            for op in service.book.running:
                await service.stop(BORIS, op)
            for outcome in await gathered:
                if isinstance(outcome, Exception) and not isinstance(outcome, Denied | Unable):
                    raise outcome

        self._do(both())

    async def _so_far(self, task: asyncio.Future[Any], turns: int) -> None:
        """Until so many requests were sent, and some turns of the loop more; or it is over."""
        wanted = len(self.things.wire) + turns % 4
        while len(self.things.wire) < wanted and not task.done():  # noqa: ASYNC110 - many requests, no one event
            await asyncio.sleep(0)
        for _ in range(turns // 4):
            await asyncio.sleep(0)

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 3), after=st.integers(0, 40), faults=FAULTS)
    def die_in_the_middle(self, which: int, after: int, faults: list[str]) -> None:
        """The task is gone between any two turns of the loop; another process takes over the state directory."""
        self.things.faults = iter(faults)
        plan = self._chosen(which)

        async def broken_off() -> None:
            task = asyncio.ensure_future(self.shop.service.run(plan.requester, plan.op, plan.hash))
            await self._so_far(task, after)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.shop.service.close()

        self._do(broken_off())
        sent = len(self.things.wire)
        self.shop = Shop(Path(self.folder.name), self.clock, self.things, self._policy)
        self._do(self.shop.service.book.read())
        assert len(self.things.wire) == sent, "something happened by itself after a restart"

    @precondition(lambda self: self.plans)
    @rule(which=st.integers(0, 5), person=PEOPLE, choice=st.sampled_from(("resume", "undo", "abandon")), faults=FAULTS)
    def decide(self, which: int, person: Actor, choice: str, faults: list[str]) -> None:
        self.things.faults = iter(faults)
        op = self._chosen(which).op
        service = self.shop.service
        if choice == "resume":
            self._do(service.resume(person, op))
        elif choice == "abandon":
            self._do(service.abandon(person, op, "leave it"))
        else:
            made = self._do(service.plan_undo(person, op))
            if isinstance(made, Plan):
                self.plans.append(made)

    def _chosen(self, which: int) -> Plan:
        return self.plans[-1 - which % len(self.plans)]

    # --- the world ---------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from((1.0, 250.0, 301.0, 601.0, 901.0)))
    def wait(self, seconds: float) -> None:
        self.clock.mono += seconds

    @rule(seconds=st.sampled_from((-600.0, 600.0)))
    def the_clock_is_set(self, seconds: float) -> None:
        self.clock.step_s += seconds

    @rule(thing=THINGS)
    def somebody_else_changes_it(self, thing: str) -> None:
        self.things.get(thing)
        self.things.values[thing] += 1_000_000
        self.things.generations[thing] += 1

    @rule(broken=st.booleans())
    def the_policy_breaks_or_is_mended(self, broken: bool) -> None:
        self.is_broken = broken

    # --- what holds --------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_goes_out_without_what_must_stand_on_the_disk(self) -> None:
        for sent in self.things.wire:
            assert sent.had_intent, f"{sent} had no durable intent"
            assert sent.had_begun, f"{sent} had no durable beginning of its step"
            assert sent.confirmed_hash, f"{sent} was for a plan that nobody confirmed"
            assert sent.beside == 0, f"{sent} was not alone on its target"

    @invariant()
    def what_needs_two_had_two(self) -> None:
        for known in self.shop.service.book.known():
            operation = known.operation
            if operation.intent_at is not None and operation.approvals_needed:
                assert operation.approved_by
                assert operation.requested_by is not None
                assert not any(each.is_same_as(operation.requested_by) for each in operation.approved_by)

    @invariant()
    def every_state_is_what_happened_or_says_unknown(self) -> None:
        took: dict[str, set[int]] = {}
        for op, _, value in self.things.took:
            took.setdefault(op, set()).add(value)
        for known in self.shop.service.book.known():
            operation = known.operation
            if operation.intent_at is None:
                assert operation.id not in took
                continue
            assert known.state in (*ENDED, *OPEN), f"{operation.id} is {known.state}, and nothing runs"
            for step in operation.steps:
                happened = step.plan.new in took.get(operation.id, set())
                if step.state is StepState.DONE:
                    assert happened, f"{operation.id} says done, and {step.plan.new} never arrived"
                if step.state in (StepState.PENDING, StepState.FAILED) and known.state is not State.UNKNOWN:
                    assert not happened, f"{operation.id} says {step.state}, and {step.plan.new} did arrive"
            if known.state is State.SUCCEEDED:
                assert all(step.plan.new in took[operation.id] for step in operation.steps)

    @invariant()
    def nothing_irregular_was_recorded(self) -> None:
        for known in self.shop.service.book.known():
            assert not known.operation.irregular, known.operation.irregular


Pipeline.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(300)
class TestWhateverHappens(Pipeline.TestCase):  # type: ignore[misc]
    """And it did happen: as many operations were begun as are promised, and ended in every way."""

    operations = 60

    def runTest(self) -> None:
        COUNTED.clear()
        for _ in range(self.operations // 10):  # chance decides how many a schedule holds
            super().runTest()
            if len(COUNTED) >= self.operations and set(COUNTED) >= WAYS:
                break
        assert len(COUNTED) >= self.operations
        assert set(COUNTED) >= WAYS


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestTwoHundredOperations(TestWhateverHappens):
    """The same, longer."""

    operations = 200


@pytest.mark.proof
@pytest.mark.timeout(1800)
class TestTwoThousandOperations(TestWhateverHappens):
    """The same, longer."""

    operations = 2000
