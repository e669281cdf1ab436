"""An operation as the journal knows it: facts gathered record by record, and what they add up to.

An `Operation` holds facts only. Its state also depends on the moment and on whether the process that was executing it is
still alive, so `state_of` is asked for it and nothing stores it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import msgspec

from console.actions.audit.redaction import NAME_LIMIT, Kept, encodable

MOST_ROLES = 64  # that are kept of a person
Value = str | int | bool | None  # a replica count, a weight, an annotation; never a template or an environment


class Tier(StrEnum):
    """How much an operation must prove before it may run."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Outcome(StrEnum):
    """The three of ECS `event.outcome`. UNKNOWN is an answer of its own, never a polite failure."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


class Ending(StrEnum):
    """What the executor says when it closes an operation."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNDONE = "undone"
    CANCELLED = "cancelled"  # by its requester, before anything was sent
    EXPIRED = "expired"
    ABANDONED = "abandoned"  # stopped or interrupted, and someone decided to leave it so


class State(StrEnum):
    """Where an operation stands. The first five have sent nothing."""

    PLANNED = "planned"
    CONFIRMED = "confirmed"
    AWAITING_APPROVAL = "awaiting approval"
    APPROVED = "approved"
    EXPIRED = "expired"
    RUNNING = "running"
    VERIFYING = "verifying"  # all steps done, not closed
    STOPPED = "stopped"  # by a person, between two steps
    INTERRUPTED = "interrupted"  # its process is gone
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNDOING = "undoing"
    UNDONE = "undone"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


class StepState(StrEnum):
    """BEGUN without an answer is as much in doubt as UNKNOWN once its process is gone."""

    PENDING = "pending"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"  # answered with a refusal
    UNKNOWN = "unknown"  # no answer came
    ABSENT = "absent"  # read back: it had no effect


class Actor(Kept, frozen=True, kw_only=True, omit_defaults=True):
    """Who: in `serve` the name proven by the SSH key or certificate, alone on a host the uid and SUDO_USER."""

    name: str
    id: str = ""  # uid, or the fingerprint of the key
    effective: str = msgspec.field(default="", name="effective.name")  # the account that acts, where it is another
    roles: tuple[str, ...] | None = None  # of what the policy gives the name only these, because the key says so; None: all

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.roles is not None:  # fewer of them is less than the key would give, and never more
            kept = tuple(encodable(role[:NAME_LIMIT]) for role in self.roles[:MOST_ROLES])
            msgspec.structs.force_setattr(self, "roles", kept)

    def is_same_as(self, other: Actor) -> bool:
        """One person by name or by id: a second key does not make a second person."""
        return self.name == other.name or (self.id != "" and self.id == other.id)


class PlannedStep(Kept, frozen=True, kw_only=True, omit_defaults=True):
    """One write as planned, with what is needed to know it again and to take it back."""

    EXACT = frozenset(("what", "target", "uid", "field", "old", "new", "undo"))
    what: str  # a verb: cordon, evict, scale
    target: str  # as in TARGET: kube:apac-1/live/pod/packager-0
    uid: str = ""
    generation: int | None = None
    field: str = ""  # spec.replicas
    old: Value = None
    new: Value = None
    undo: str = ""  # the verb that takes it back; empty: it cannot be taken back


class Step(Kept, frozen=True, kw_only=True, omit_defaults=True):
    """A planned step and what became of it. `old` is what the server had, where that was read at the moment of writing."""

    FREE = frozenset(("answer",))
    plan: PlannedStep
    state: StepState = StepState.PENDING
    attempts: int = 0
    status: int | None = None  # HTTP, where the target speaks it
    answer: str = ""  # the server's words
    uid: str = ""
    generation: int | None = None
    old: Value = None
    new: Value = None

    @property
    def in_doubt(self) -> bool:
        """Sent, and not known whether it took effect: to be read back before anything else."""
        return self.state in (StepState.BEGUN, StepState.UNKNOWN)


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that the journal says of one operation. Times are aware UTC; step numbers count from 1."""

    id: str
    action: str = ""  # deployment.restart
    target: str = ""
    site: str = ""
    incident: str = ""
    plan_hash: str = ""
    tier: Tier = Tier.HIGH  # until a plan says less
    approvals_needed: int = 0
    requested_by: Actor | None = None
    planned_at: datetime | None = None
    expires_at: datetime | None = None
    steps: tuple[Step, ...] = ()
    confirmed_by: Actor | None = None
    reason: str = ""
    ticket: str = ""
    approved_by: tuple[Actor, ...] = ()
    refusal: str = ""  # of a guard, or of the second person
    intent_at: datetime | None = None
    chain: str = ""  # whose process executes it; empty before the intent
    stopped_by: Actor | None = None
    stop_reason: str = ""
    verified: Outcome | None = None  # None: not looked at yet
    undo_offered: bool = False
    undoes: str = ""  # the operation that this one takes back
    undoing: str = ""  # the operation that is taking this one back
    undone_by: str = ""
    ending: Ending | None = None
    ending_reason: str = ""
    last_at: datetime | None = None
    last_chain: str = ""
    last_sequence: int = 0
    irregular: tuple[str, ...] = ()  # what should not have been recorded: a step without an intent, a wrong plan hash
    unread: int = 0  # records about it that this version cannot read

    @property
    def done(self) -> int:
        return sum(step.state is StepState.DONE for step in self.steps)

    @property
    def in_doubt(self) -> tuple[int, ...]:
        """Numbers of the steps that must be read back first."""
        return tuple(number for number, step in enumerate(self.steps, 1) if step.in_doubt)

    @property
    def remaining(self) -> tuple[int, ...]:
        """Numbers of the steps that are not done, those in doubt among them."""
        return tuple(number for number, step in enumerate(self.steps, 1) if step.state is not StepState.DONE)

    @property
    def to_undo(self) -> tuple[int, ...]:
        """Numbers of the steps that took, or may have taken, effect and can be taken back: the last one first."""
        taken = (
            number
            for number, step in enumerate(self.steps, 1)
            if step.plan.undo and (step.state is StepState.DONE or step.in_doubt)
        )
        return tuple(taken)[::-1]

    @property
    def is_over(self) -> bool:
        """Nothing more will happen to it by itself, and nothing is left to decide."""
        return self.ending is not None or bool(self.undone_by) or (bool(self.refusal) and self.intent_at is None)


_BY_ENDING = {
    Ending.FAILED: State.FAILED,
    Ending.UNKNOWN: State.UNKNOWN,
    Ending.UNDONE: State.UNDONE,
    Ending.CANCELLED: State.CANCELLED,
    Ending.EXPIRED: State.EXPIRED,
    Ending.ABANDONED: State.ABANDONED,
}
_RESUMABLE = frozenset((State.INTERRUPTED, State.STOPPED))
_UNDOABLE = _RESUMABLE | {State.SUCCEEDED, State.FAILED, State.UNKNOWN, State.ABANDONED}


def state_of(operation: Operation, now: datetime, alive: Collection[str]) -> State:
    """Where it stands at `now`. `alive`: names of the chains whose process holds its lock.

    An ending is believed only as far as the steps bear it out: success with a step in doubt is unknown.
    """
    if operation.undone_by:
        return State.UNDONE
    if operation.undoing:
        return State.UNDOING
    if operation.ending is Ending.SUCCEEDED:
        return State.UNKNOWN if operation.in_doubt else State.FAILED if operation.remaining else State.SUCCEEDED
    if operation.ending is not None:
        return _BY_ENDING[operation.ending]
    if operation.intent_at is not None:
        if operation.chain not in alive:
            return State.INTERRUPTED
        if operation.stopped_by is not None:
            return State.STOPPED
        return State.RUNNING if operation.remaining else State.VERIFYING
    if operation.refusal:
        return State.REFUSED
    if operation.expires_at is not None and now >= operation.expires_at:
        return State.EXPIRED
    if operation.confirmed_by is None:
        return State.PLANNED
    if operation.approvals_needed == 0:
        return State.CONFIRMED
    return State.APPROVED if len(operation.approved_by) >= operation.approvals_needed else State.AWAITING_APPROVAL


def may_resume(operation: Operation, state: State) -> bool:
    """Whether carrying on can be offered. It never happens by itself, and steps in doubt are read back first."""
    return state in _RESUMABLE and not operation.unread


def may_undo(operation: Operation, state: State) -> bool:
    """Whether taking back can be offered."""
    return state in _UNDOABLE and not operation.unread and bool(operation.to_undo)
