"""What an operation's records add up to, whoever is left to ask."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.actions.audit import kinds
from console.actions.audit.derive import laid, operations, since_closing
from console.actions.audit.entry import Entry, OperationEntry
from console.actions.audit.operation import (
    Actor,
    Ending,
    Operation,
    Outcome,
    PlannedStep,
    State,
    Step,
    StepState,
    Tier,
    may_resume,
    may_undo,
    state_of,
)
from console.actions.audit.record import NOTHING, Record, opened
from tests.console.actions.audit.sample import ANNA, BORIS, NOW, PLAN, WHOLE, chained, confirmed, done, intent, planned
from tests.hand_clock import START

CHAIN = "edge-1-b00t-1"
BEGUN = (planned(), confirmed(), intent())
UNKNOWN = kinds.StepUnknown(op="op-1", step=2, reason="connection reset after 212 bytes")
APPROVED = kinds.Approved(op="op-1", by=BORIS, plan_hash=PLAN)


def records(entries: Sequence[Entry]) -> list[Record]:
    found: list[Record] = []
    digest = NOTHING
    for number, line in enumerate(chained(*entries), 1):
        found.append(opened(line[:-1], CHAIN, number, digest))
        digest = found[-1].header.hash
    return found


def derived(*entries: Entry, op: str = "op-1") -> Operation:
    return operations(records(entries))[op]


def closed(ending: Ending) -> kinds.Closed:
    return kinds.Closed(op="op-1", ending=ending)


def read_back(step: int, found: kinds.Found) -> kinds.ReadBack:
    return kinds.ReadBack(op="op-1", step=step, found=found)


NEEDS_TWO = planned(approvals_needed=1, tier=Tier.HIGH)


@pytest.mark.parametrize(
    ("entries", "alive", "dead"),
    [
        ((planned(),), State.PLANNED, State.PLANNED),
        ((planned(), confirmed()), State.CONFIRMED, State.CONFIRMED),
        ((planned(), confirmed(plan_hash="other")), State.PLANNED, State.PLANNED),
        ((planned(), confirmed(), planned()), State.PLANNED, State.PLANNED),
        ((NEEDS_TWO, confirmed()), State.AWAITING_APPROVAL, State.AWAITING_APPROVAL),
        ((NEEDS_TWO, confirmed(), APPROVED), State.APPROVED, State.APPROVED),
        ((NEEDS_TWO, APPROVED), State.PLANNED, State.PLANNED),
        ((NEEDS_TWO, confirmed(), APPROVED, NEEDS_TWO, confirmed()), State.AWAITING_APPROVAL, State.AWAITING_APPROVAL),
        ((planned(), kinds.Denied(op="op-1", by=BORIS, plan_hash=PLAN)), State.REFUSED, State.REFUSED),
        ((kinds.Refused(op="op-1", guard="freeze", reason="frozen"),), State.REFUSED, State.REFUSED),
        ((planned(expires_at=NOW - timedelta(seconds=1)), confirmed()), State.EXPIRED, State.EXPIRED),
        ((planned(), closed(Ending.CANCELLED)), State.CANCELLED, State.CANCELLED),
        (BEGUN, State.RUNNING, State.INTERRUPTED),
        ((*BEGUN, *done(1)), State.RUNNING, State.INTERRUPTED),
        ((*BEGUN, *done(1), kinds.Stopped(op="op-1", by=BORIS)), State.STOPPED, State.INTERRUPTED),
        ((*BEGUN, *done(1), *done(2), *done(3)), State.VERIFYING, State.INTERRUPTED),
        ((*BEGUN, *done(1), kinds.Refused(op="op-1", guard="lease", reason="stolen")), State.RUNNING, State.INTERRUPTED),
        (WHOLE, State.SUCCEEDED, State.SUCCEEDED),
        ((*WHOLE, kinds.Undone(op="op-1", undone_by="op-2", outcome=Outcome.FAILURE)), State.SUCCEEDED, State.SUCCEEDED),
        ((*WHOLE, kinds.Undone(op="op-1", undone_by="op-2", outcome=Outcome.SUCCESS)), State.UNDONE, State.UNDONE),
        ((*BEGUN, *done(1, outcome=Outcome.FAILURE), closed(Ending.FAILED)), State.FAILED, State.FAILED),
        ((*BEGUN, *done(1), closed(Ending.ABANDONED)), State.ABANDONED, State.ABANDONED),
        # Success is believed only as far as the steps bear it out.
        ((*BEGUN, *done(1), closed(Ending.SUCCEEDED)), State.FAILED, State.FAILED),
        ((*BEGUN, *done(1), kinds.StepBegun(op="op-1", step=2), UNKNOWN, closed(Ending.SUCCEEDED)), State.UNKNOWN, State.UNKNOWN),
        ((*BEGUN, *done(1), kinds.StepBegun(op="op-1", step=2), UNKNOWN, closed(Ending.UNKNOWN)), State.UNKNOWN, State.UNKNOWN),
    ],
)  # fmt: skip
def test_the_state_is_what_the_records_add_up_to(entries: tuple[Entry, ...], alive: State, dead: State) -> None:
    operation = derived(*entries)
    assert state_of(operation, NOW, {CHAIN}) is alive
    assert state_of(operation, NOW, ()) is dead


@pytest.mark.parametrize(
    ("tail", "state", "doubt"),
    [
        ((), StepState.PENDING, ()),
        ((kinds.StepBegun(op="op-1", step=2),), StepState.BEGUN, (2,)),
        ((kinds.StepBegun(op="op-1", step=2), UNKNOWN), StepState.UNKNOWN, (2,)),
        ((kinds.StepBegun(op="op-1", step=2), UNKNOWN, read_back(2, kinds.Found.UNCLEAR)), StepState.UNKNOWN, (2,)),
        ((kinds.StepBegun(op="op-1", step=2), UNKNOWN, read_back(2, kinds.Found.APPLIED)), StepState.DONE, ()),
        ((kinds.StepBegun(op="op-1", step=2), read_back(2, kinds.Found.ABSENT)), StepState.ABSENT, ()),
        (done(2), StepState.DONE, ()),
        (done(2, outcome=Outcome.FAILURE), StepState.FAILED, ()),
        (done(2, outcome=Outcome.UNKNOWN), StepState.UNKNOWN, (2,)),
        ((*done(2, outcome=Outcome.FAILURE), *done(2)), StepState.DONE, ()),
    ],
)
def test_a_step_is_in_doubt_from_its_sending_until_an_answer_or_a_reading_back(
    tail: tuple[Entry, ...], state: StepState, doubt: tuple[int, ...]
) -> None:
    operation = derived(*BEGUN, *done(1), *tail)
    assert (operation.steps[1].state, operation.in_doubt) == (state, doubt)
    assert operation.done == 1 + (state is StepState.DONE)
    assert not operation.irregular
    assert may_resume(operation, State.INTERRUPTED)


def test_a_step_keeps_what_the_server_answered_and_how_often_it_was_tried() -> None:
    step = derived(*BEGUN, *done(1, outcome=Outcome.FAILURE), *done(1)).steps[0]
    assert (step.attempts, step.status, step.answer, step.uid, step.old) == (2, 200, "ok", "u-1", 1)


def test_what_can_be_undone_is_what_took_or_may_have_taken_effect_the_last_first() -> None:
    steps = tuple(PlannedStep(what="scale", target=f"t-{number}", undo="scale") for number in range(1, 5))
    operation = derived(msgspec.structs.replace(planned(), steps=steps), *BEGUN[1:], *done(1), *done(2, outcome=Outcome.FAILURE), kinds.StepBegun(op="op-1", step=3))
    assert operation.to_undo == (3, 1)
    assert may_undo(operation, State.INTERRUPTED)
    assert not may_undo(operation, State.RUNNING)
    assert not may_undo(derived(*BEGUN), State.INTERRUPTED), "nothing was sent"


def test_an_operation_is_undone_when_the_one_that_undoes_it_succeeded_even_if_nobody_lived_to_say_so() -> None:
    undo = (planned("op-2", steps=("uncordon",), undoes="op-1"), confirmed("op-2"), intent("op-2"))
    assert state_of(derived(*WHOLE, *undo[:2]), NOW, {CHAIN}) is State.SUCCEEDED
    assert state_of(derived(*WHOLE, *undo), NOW, {CHAIN}) is State.UNDOING
    ended = (*undo, *done(1, op="op-2"), kinds.Closed(op="op-2", ending=Ending.SUCCEEDED))
    assert state_of(derived(*WHOLE, *ended), NOW, {CHAIN}) is State.UNDONE
    failed = (*undo, kinds.Closed(op="op-2", ending=Ending.FAILED))
    assert state_of(derived(*WHOLE, *failed), NOW, {CHAIN}) is State.SUCCEEDED


@pytest.mark.parametrize(
    "approver",
    [ANNA, Actor(name="anna", id="another key"), Actor(name="Annas second account", id=ANNA.id)],
)
def test_nobody_approves_his_own_by_name_or_by_id(approver: Actor) -> None:
    operation = derived(NEEDS_TWO, confirmed(), kinds.Approved(op="op-1", by=approver, plan_hash=PLAN))
    assert operation.approved_by == ()
    assert operation.irregular == ("approved by its requester",)


def test_one_approver_counts_once_and_an_approval_of_another_plan_not_at_all() -> None:
    two = planned(approvals_needed=2)
    once = derived(two, confirmed(), APPROVED, APPROVED, kinds.Approved(op="op-1", by=Actor(name="carla"), plan_hash="other"))
    assert once.approved_by == (BORIS,)
    assert state_of(once, NOW, ()) is State.AWAITING_APPROVAL


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ((planned(), intent()), "an intent while planned"),
        ((NEEDS_TWO, confirmed(), intent()), "an intent while awaiting approval"),
        ((planned(), confirmed(), kinds.Intent(op="op-1", by=ANNA, plan_hash="x")), "the intent names another plan"),
        ((planned(), confirmed(by=BORIS)), "confirmed by another than its requester"),
        ((planned(), kinds.StepBegun(op="op-1", step=1)), "step 1 begun without an intent"),
        ((*BEGUN, kinds.StepBegun(op="op-1", step=9)), "there is no step 9"),
        ((*BEGUN, kinds.StepBegun(op="op-1", step=0)), "there is no step 0"),
        ((*BEGUN, done(1)[1]), "step 1 answered without having begun"),
        ((*BEGUN, planned()), "planned anew after its intent"),
        ((*BEGUN, kinds.Stopped(op="op-1", by=BORIS), kinds.StepBegun(op="op-1", step=1)), "step 1 begun after it was stopped"),
        ((*BEGUN, closed(Ending.SUCCEEDED)), "closed as succeeded with 3 steps not done"),
        ((*WHOLE, closed(Ending.FAILED)), "closed again as failed"),
    ],
)  # fmt: skip
def test_what_should_never_have_been_recorded_is_noted(entries: tuple[Entry, ...], told: str) -> None:
    assert told in derived(*entries).irregular


def test_a_flood_of_irregular_records_is_noted_a_few_times() -> None:
    assert len(derived(*BEGUN, *[planned()] * 50).irregular) == 8


def test_an_operation_with_a_record_that_cannot_be_read_is_offered_nothing() -> None:
    operation = msgspec.structs.replace(derived(*BEGUN, *done(1)), unread=1)
    assert not may_resume(operation, State.INTERRUPTED)
    assert not may_undo(operation, State.INTERRUPTED)


def test_every_kind_of_entry_about_an_operation_has_its_rule_and_its_own_tag() -> None:
    every = get_args(kinds.Known)
    assert len({kind.__struct_config__.tag for kind in every}) == len(every)
    for kind in every:
        if issubclass(kind, OperationEntry):
            assert laid.dispatch(kind) is not laid.dispatch(object), kind


ENTRIES = st.sampled_from(
    [
        planned(), planned("op-2", undoes="op-1"), confirmed(), confirmed("op-2"), intent(), intent("op-2"), APPROVED, *done(1), *done(2),
        *done(3), *done(1, op="op-2"), UNKNOWN, read_back(2, kinds.Found.APPLIED), kinds.Stopped(op="op-1", by=ANNA),
        kinds.Verified(op="op-1", outcome=Outcome.UNKNOWN), kinds.UndoOffered(op="op-1"), closed(Ending.SUCCEEDED),
        kinds.Closed(op="op-2", ending=Ending.SUCCEEDED), kinds.Refused(op="op-2", guard="pdb", reason="0 of 1"),
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(ENTRIES, max_size=30), st.integers(0, 30))
def test_the_state_is_the_last_closing_record_plus_what_followed(entries: list[Entry], at: int) -> None:
    before = records(entries[:at])
    found = operations(before)
    open_then = tuple(each for each in found.values() if not each.is_over)
    over = {each.id for each in found.values() if each.is_over}  # and nothing more happens to those
    closing = kinds.ChainClosed(why=kinds.Why.DAY, day=START.date(), open=open_then)
    whole = records([*entries[:at], closing, *(entry for entry in entries[at:] if entry.op not in over)])
    all_of_it = operations(whole)
    known, after = since_closing(whole)
    shorter = operations(after, known)
    for op in {each.id for each in open_then}:
        assert shorter[op] == all_of_it[op]


@settings(max_examples=40, deadline=None)
@given(st.lists(ENTRIES, max_size=30))
def test_no_records_in_whatever_order_are_taken_for_a_success_that_was_not_shown(entries: list[Entry]) -> None:
    random.Random(len(entries)).shuffle(entries)
    for operation in operations(records(entries)).values():
        if state_of(operation, NOW, {CHAIN}) is State.SUCCEEDED:
            assert all(step.state is StepState.DONE for step in operation.steps)
        if operation.approved_by:
            assert ANNA not in operation.approved_by


def test_a_step_and_an_operation_survive_the_way_through_a_closing_record() -> None:
    operation = derived(*BEGUN, *done(1), kinds.StepBegun(op="op-1", step=2))
    closing = kinds.ChainClosed(why=kinds.Why.DAY, day=START.date(), open=(operation,))
    (kept,) = [each.entry for each in records([closing]) if isinstance(each.entry, kinds.ChainClosed)]
    assert kept.open == (operation,)
    assert isinstance(kept.open[0].steps[0], Step)
