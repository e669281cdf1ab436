"""From records to operations: a pure fold, the only place that knows what each kind of record does to a state.

The fold believes what was recorded and notes in `irregular` what should not have been: it is read after a crash, and what
a server answered stays true even where the order of events is a scandal. What counts for permission is stricter: a
confirmation or an approval that names another plan, or is the requester's own, counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import singledispatch

import msgspec

from console.actions.audit import kinds
from console.actions.audit.entry import Entry, OperationEntry
from console.actions.audit.operation import Ending, Operation, Outcome, State, Step, StepState, Value, state_of
from console.actions.audit.record import Record

IRREGULAR_KEPT = 8


def operations(records: Iterable[Record], known: Iterable[Operation] = ()) -> dict[str, Operation]:
    """All operations by id, in the order in which they appear. Records of several chains must have been merged.

    `known`: what was open at the closing record after which `records` begin.
    """
    found = {operation.id: operation for operation in known}
    for record in records:
        header = record.header
        follow(found, record.entry, header.at, header.chain, header.sequence)
    return linked(found)


def since_closing(records: Iterable[Record]) -> tuple[tuple[Operation, ...], list[Record]]:
    """Of one chain: what was open at its last closing record, and the records after it."""
    known: tuple[Operation, ...] = ()
    after: list[Record] = []
    for record in records:
        if isinstance(record.entry, kinds.ChainClosed):
            known, after = record.entry.open, []
        else:
            after.append(record)
    return known, after


def follow(
    found: dict[str, Operation], entry: Entry | kinds.Unread, at: datetime, chain: str, sequence: int
) -> None:
    """Lay one entry over the operation it is about; entries about none change nothing."""
    if not (isinstance(entry, kinds.Unread | OperationEntry) and entry.op):
        return
    before = found.get(entry.op)
    if before is None:
        before = entry.known if isinstance(entry, kinds.Resumed) else Operation(id=entry.op)
    after = laid(entry, before, at, chain)
    found[entry.op] = msgspec.structs.replace(after, last_at=at, last_chain=chain, last_sequence=sequence)


def linked(found: Mapping[str, Operation]) -> dict[str, Operation]:
    """The same, where an operation knows of the one that takes it back, even if nobody lived to record that."""
    whole = dict(found)
    for undo in found.values():
        undone = whole.get(undo.undoes)
        if undone is None or undo.intent_at is None or undone.undone_by:
            continue
        if undo.ending is None:
            whole[undone.id] = msgspec.structs.replace(undone, undoing=undo.id)
        elif state_of(undo, undo.intent_at, ()) is State.SUCCEEDED:
            whole[undone.id] = msgspec.structs.replace(undone, undone_by=undo.id, undoing="")
    return whole


def _noted(operation: Operation, what: str) -> Operation:
    if len(operation.irregular) >= IRREGULAR_KEPT:
        return operation
    return msgspec.structs.replace(operation, irregular=(*operation.irregular, what))


@singledispatch
def laid(entry: object, operation: Operation, at: datetime, chain: str) -> Operation:
    """The operation after this entry. Raises TypeError for a kind that nobody taught it."""
    raise TypeError(f"no rule for {type(entry).__name__}")


@laid.register
def _(_entry: kinds.Unread, operation: Operation, at: datetime, chain: str) -> Operation:
    return msgspec.structs.replace(operation, unread=operation.unread + 1)


@laid.register
def _(entry: kinds.Planned, operation: Operation, at: datetime, chain: str) -> Operation:
    if operation.intent_at is not None:
        return _noted(operation, "planned anew after its intent")
    return msgspec.structs.replace(
        operation,
        action=entry.action,
        target=entry.target,
        site=entry.site,
        incident=entry.incident,
        plan_hash=entry.plan_hash,
        tier=entry.tier,
        approvals_needed=entry.approvals_needed,
        requested_by=entry.by,
        planned_at=at,
        expires_at=entry.expires_at,
        steps=tuple(Step(plan=step) for step in entry.steps),
        undoes=entry.undoes,
        confirmed_by=None,
        approved_by=(),
        refusal="",
    )


@laid.register
def _(entry: kinds.Refused, operation: Operation, at: datetime, chain: str) -> Operation:
    return msgspec.structs.replace(
        operation,
        refusal=f"{entry.guard}: {entry.reason}",
        action=operation.action or entry.action,
        target=operation.target or entry.target,
        requested_by=operation.requested_by or entry.by,
        planned_at=operation.planned_at or at,
    )


@laid.register
def _(entry: kinds.Confirmed, operation: Operation, at: datetime, chain: str) -> Operation:
    if entry.plan_hash != operation.plan_hash:
        return _noted(operation, "another plan was confirmed")
    if operation.requested_by is not None and not entry.by.is_same_as(operation.requested_by):
        return _noted(operation, "confirmed by another than its requester")
    return msgspec.structs.replace(
        operation,
        confirmed_by=entry.by,
        reason=entry.reason,
        ticket=entry.ticket,
        expires_at=entry.expires_at or operation.expires_at,
    )


@laid.register
def _(entry: kinds.Approved, operation: Operation, at: datetime, chain: str) -> Operation:
    if entry.plan_hash != operation.plan_hash:
        return _noted(operation, "another plan was approved")
    if operation.requested_by is None or entry.by.is_same_as(operation.requested_by):
        return _noted(operation, "approved by its requester")
    if any(entry.by.is_same_as(other) for other in operation.approved_by):
        return operation
    return msgspec.structs.replace(
        operation,
        approved_by=(*operation.approved_by, entry.by),
        expires_at=entry.expires_at or operation.expires_at,
    )


@laid.register
def _(entry: kinds.Denied, operation: Operation, at: datetime, chain: str) -> Operation:
    if entry.plan_hash != operation.plan_hash:
        return _noted(operation, "another plan was denied")
    return msgspec.structs.replace(operation, refusal=f"denied by {entry.by.name}: {entry.reason}".rstrip(": "))


@laid.register
def _(entry: kinds.Intent, operation: Operation, at: datetime, chain: str) -> Operation:
    state = state_of(operation, at, ())
    if entry.plan_hash != operation.plan_hash:
        operation = _noted(operation, "the intent names another plan")
    elif state not in (State.CONFIRMED, State.APPROVED):
        operation = _noted(operation, f"an intent while {state}")
    return msgspec.structs.replace(operation, intent_at=operation.intent_at or at, chain=chain)


@laid.register
def _(entry: kinds.StepBegun, operation: Operation, at: datetime, chain: str) -> Operation:
    if operation.intent_at is None:
        operation = _noted(operation, f"step {entry.step} begun without an intent")
    elif operation.stopped_by is not None:
        operation = _noted(operation, f"step {entry.step} begun after it was stopped")
    return _stepped(operation, entry.step, StepState.BEGUN, is_attempt=True)


_BY_OUTCOME = {
    Outcome.SUCCESS: StepState.DONE,
    Outcome.FAILURE: StepState.FAILED,
    Outcome.UNKNOWN: StepState.UNKNOWN,
}


@laid.register
def _(entry: kinds.StepDone, operation: Operation, at: datetime, chain: str) -> Operation:
    if _state_of_step(operation, entry.step) is not StepState.BEGUN:
        operation = _noted(operation, f"step {entry.step} answered without having begun")
    return _stepped(
        operation,
        entry.step,
        _BY_OUTCOME[entry.outcome],
        status=entry.status,
        answer=entry.answer,
        uid=entry.uid,
        generation=entry.generation,
        old=entry.old,
        new=entry.new,
    )


@laid.register
def _(entry: kinds.StepUnknown, operation: Operation, at: datetime, chain: str) -> Operation:
    return _stepped(operation, entry.step, StepState.UNKNOWN, answer=entry.reason)


_BY_FINDING = {
    kinds.Found.APPLIED: StepState.DONE,
    kinds.Found.ABSENT: StepState.ABSENT,
    kinds.Found.UNCLEAR: StepState.UNKNOWN,
}


@laid.register
def _(entry: kinds.ReadBack, operation: Operation, at: datetime, chain: str) -> Operation:
    return _stepped(
        operation,
        entry.step,
        _BY_FINDING[entry.found],
        answer=entry.answer,
        uid=entry.uid,
        generation=entry.generation,
    )


def _state_of_step(operation: Operation, number: int) -> StepState | None:
    return operation.steps[number - 1].state if 1 <= number <= len(operation.steps) else None


def _stepped(
    operation: Operation,
    number: int,
    state: StepState,
    *,
    is_attempt: bool = False,
    status: int | None = None,
    answer: str = "",
    uid: str = "",
    generation: int | None = None,
    old: Value = None,
    new: Value = None,
) -> Operation:
    """Step `number` in its new state; what a record leaves out keeps what was known."""
    if not 1 <= number <= len(operation.steps):
        return _noted(operation, f"there is no step {number}")
    step = operation.steps[number - 1]
    after = msgspec.structs.replace(
        step,
        state=state,
        attempts=step.attempts + is_attempt,
        status=status,
        answer=answer,
        uid=uid or step.uid,
        generation=generation if generation is not None else step.generation,
        old=old if old is not None else step.old,
        new=new if new is not None else step.new,
    )
    return msgspec.structs.replace(
        operation, steps=(*operation.steps[: number - 1], after, *operation.steps[number:])
    )


@laid.register
def _(entry: kinds.Stopped, operation: Operation, at: datetime, chain: str) -> Operation:
    return msgspec.structs.replace(operation, stopped_by=entry.by, stop_reason=entry.reason)


@laid.register
def _(entry: kinds.Resumed, operation: Operation, at: datetime, chain: str) -> Operation:
    if operation.intent_at is None:
        operation = _noted(operation, "resumed without an intent")
    return msgspec.structs.replace(operation, chain=chain, stopped_by=None, stop_reason="")


@laid.register
def _(entry: kinds.Verified, operation: Operation, at: datetime, chain: str) -> Operation:
    return msgspec.structs.replace(operation, verified=entry.outcome)


@laid.register
def _(_entry: kinds.UndoOffered, operation: Operation, at: datetime, chain: str) -> Operation:
    return msgspec.structs.replace(operation, undo_offered=True)


@laid.register
def _(entry: kinds.Undone, operation: Operation, at: datetime, chain: str) -> Operation:
    if entry.outcome is not Outcome.SUCCESS:
        return msgspec.structs.replace(operation, undoing="")
    return msgspec.structs.replace(operation, undone_by=entry.undone_by, undoing="")


@laid.register
def _(entry: kinds.Closed, operation: Operation, at: datetime, chain: str) -> Operation:
    if operation.ending is not None:
        operation = _noted(operation, f"closed again as {entry.ending}")
    if entry.ending is Ending.SUCCEEDED and operation.remaining:
        operation = _noted(operation, f"closed as succeeded with {len(operation.remaining)} steps not done")
    return msgspec.structs.replace(operation, ending=entry.ending, ending_reason=entry.reason)
