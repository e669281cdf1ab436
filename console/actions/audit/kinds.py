"""Every kind of entry. What each does to an operation's state stands in `derive.py`, and nowhere else.

A kind is added here, to `Known`, and to `derive.py`; its fields are names, numbers and closed structs. A reader of an older
version keeps such a record in the chain, tells that it cannot read it, and offers neither resume nor undo.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal

import msgspec

from console.actions.audit.entry import Entry, OperationEntry
from console.actions.audit.operation import Actor, Ending, Operation, Outcome, PlannedStep, Tier, Value

_REASON = frozenset(("reason",))
_ANSWER = frozenset(("answer",))


class Planned(OperationEntry, frozen=True, kw_only=True, tag="operation.planned"):
    """A plan that can be confirmed. Once more before the intent: planned anew, and confirmations are void.

    After the intent an operation is never planned anew: it is closed, and another is planned.
    """

    EXACT = frozenset(("op", "action", "target", "plan_hash", "undoes"))
    by: Actor = msgspec.field(name="user")
    action: str = msgspec.field(name="midwatch.action")
    target: str = msgspec.field(name="midwatch.target")
    plan_hash: str = msgspec.field(name="midwatch.plan_hash")
    tier: Tier = msgspec.field(name="midwatch.tier")
    steps: tuple[PlannedStep, ...] = msgspec.field(name="midwatch.steps")
    approvals_needed: int = msgspec.field(default=0, name="midwatch.approvals_needed")
    expires_at: datetime | None = msgspec.field(default=None, name="midwatch.expires_at")
    diff_hash: str = msgspec.field(default="", name="midwatch.diff_hash")
    policy: str = msgspec.field(default="", name="rule.version")
    site: str = msgspec.field(default="", name="midwatch.site")
    incident: str = msgspec.field(default="", name="midwatch.incident")
    undoes: str = msgspec.field(default="", name="midwatch.undoes")


class Refused(OperationEntry, frozen=True, kw_only=True, tag="operation.refused"):
    """A guard said no, at the plan or at the recheck before executing."""

    FREE = _REASON
    TYPE = "denied"
    guard: str = msgspec.field(name="rule.name")
    reason: str = msgspec.field(name="event.reason")
    action: str = msgspec.field(default="", name="midwatch.action")  # where it was refused before there was a plan
    target: str = msgspec.field(default="", name="midwatch.target")


class Confirmed(OperationEntry, frozen=True, kw_only=True, tag="operation.confirmed"):
    """The requester typed what had to be typed, for this plan. From here on the plan's own time does not count any more, but
    `expires_at`: until when it must be approved, or where nobody is needed for that, executed.
    """

    FREE = frozenset(("reason", "ticket"))
    TYPE = "allowed"
    by: Actor = msgspec.field(name="user")
    plan_hash: str = msgspec.field(name="midwatch.plan_hash")
    reason: str = msgspec.field(default="", name="event.reason")
    ticket: str = msgspec.field(default="", name="midwatch.ticket")
    expires_at: datetime | None = msgspec.field(default=None, name="midwatch.expires_at")


class Approved(OperationEntry, frozen=True, kw_only=True, tag="operation.approved"):
    """A second person agreed to this plan. The requester's own counts for nothing, whoever wrote it. `expires_at`: until when
    it must be executed.
    """

    TYPE = "allowed"
    by: Actor = msgspec.field(name="user")
    plan_hash: str = msgspec.field(name="midwatch.plan_hash")
    expires_at: datetime | None = msgspec.field(default=None, name="midwatch.expires_at")


class Denied(OperationEntry, frozen=True, kw_only=True, tag="operation.denied"):
    """A second person said no to this plan; that is final."""

    FREE = _REASON
    TYPE = "denied"
    by: Actor = msgspec.field(name="user")
    plan_hash: str = msgspec.field(name="midwatch.plan_hash")
    reason: str = msgspec.field(default="", name="event.reason")


class Intent(OperationEntry, frozen=True, kw_only=True, tag="operation.intent"):
    """From here on bytes may go out. Nothing is sent before this one is acknowledged."""

    TYPE = "start"
    by: Actor = msgspec.field(name="user")
    plan_hash: str = msgspec.field(name="midwatch.plan_hash")


class StepBegun(OperationEntry, frozen=True, kw_only=True, tag="step.begun"):
    """This step's request is about to be sent; also the beginning of another attempt at it."""

    TYPE = "change"
    step: int = msgspec.field(name="midwatch.step")  # from 1


class StepDone(OperationEntry, frozen=True, kw_only=True, tag="step.done"):
    """The server answered: success took effect, failure did not. UNKNOWN is for an answer that says neither."""

    FREE = _ANSWER
    TYPE = "change"
    step: int = msgspec.field(name="midwatch.step")
    outcome: Outcome = msgspec.field(name="event.outcome")
    status: int | None = msgspec.field(default=None, name="http.response.status_code")
    answer: str = msgspec.field(default="", name="midwatch.answer")
    uid: str = msgspec.field(default="", name="midwatch.target_uid")
    generation: int | None = msgspec.field(default=None, name="midwatch.generation")
    old: Value = msgspec.field(default=None, name="midwatch.old")
    new: Value = msgspec.field(default=None, name="midwatch.new")
    duration_ns: int | None = msgspec.field(default=None, name="event.duration")


class StepUnknown(OperationEntry, frozen=True, kw_only=True, tag="step.unknown"):
    """Bytes went out and no answer came back that can be believed."""

    FREE = _REASON
    TYPE = "error"
    step: int = msgspec.field(name="midwatch.step")
    reason: str = msgspec.field(name="error.message")
    outcome: Literal["unknown"] = msgspec.field(default="unknown", name="event.outcome")


class Found(StrEnum):
    """What reading back showed of a step."""

    APPLIED = "applied"
    ABSENT = "absent"
    UNCLEAR = "unclear"


class ReadBack(OperationEntry, frozen=True, kw_only=True, tag="step.read_back"):
    """The target was asked whether a lost request took effect."""

    FREE = _ANSWER
    TYPE = "access"
    step: int = msgspec.field(name="midwatch.step")
    found: Found = msgspec.field(name="midwatch.found")
    answer: str = msgspec.field(default="", name="midwatch.answer")  # by what it was known
    uid: str = msgspec.field(default="", name="midwatch.target_uid")
    generation: int | None = msgspec.field(default=None, name="midwatch.generation")


class Stopped(OperationEntry, frozen=True, kw_only=True, tag="operation.stopped"):
    """A person stopped it between two steps."""

    FREE = _REASON
    by: Actor = msgspec.field(name="user")
    reason: str = msgspec.field(default="", name="event.reason")


class Resumed(OperationEntry, frozen=True, kw_only=True, tag="operation.resumed"):
    """A person had it carried on, in the process of this chain, from the record that `after_*` names.

    Where the records come from several boots of a host, that reference and not the clock says what came first.
    """

    TYPE = "start"
    by: Actor = msgspec.field(name="user")
    after_chain: str = msgspec.field(name="midwatch.after.chain")
    after_sequence: int = msgspec.field(name="midwatch.after.sequence")
    known: Operation = msgspec.field(name="midwatch.operation")  # so that this chain alone tells its state


class Verified(OperationEntry, frozen=True, kw_only=True, tag="operation.verified"):
    """What the feeds said over the declared window. UNKNOWN: no data, and that is never green."""

    FREE = _REASON
    outcome: Outcome = msgspec.field(name="event.outcome")
    reason: str = msgspec.field(default="", name="event.reason")
    window_s: int = msgspec.field(default=0, name="midwatch.window_s")


class UndoOffered(OperationEntry, frozen=True, kw_only=True, tag="operation.undo_offered"):
    """The way back was put before a person."""

    FREE = _REASON
    reason: str = msgspec.field(default="", name="event.reason")


class Undone(OperationEntry, frozen=True, kw_only=True, tag="operation.undone"):
    """The operation `undone_by` ended, and this is what it achieved."""

    undone_by: str = msgspec.field(name="midwatch.undone_by")
    outcome: Outcome = msgspec.field(name="event.outcome")


class Closed(OperationEntry, frozen=True, kw_only=True, tag="operation.closed"):
    """Its executor is finished with it. Believed only as far as the steps bear it out."""

    FREE = _REASON
    TYPE = "end"
    ending: Ending = msgspec.field(name="midwatch.ending")
    reason: str = msgspec.field(default="", name="event.reason")


class ChainOpened(Entry, frozen=True, kw_only=True, tag="chain.opened"):
    """The first record of every chain, and nowhere else."""

    CATEGORY = "process"
    TYPE = "start"
    by: Actor = msgspec.field(name="user")
    version: str = msgspec.field(name="service.version")


class Why(StrEnum):
    """Why a chain closes its books."""

    DAY = "day"  # and goes on: the state is what this record lists, plus what follows
    END = "end"  # and has told its end


class ChainClosed(Entry, frozen=True, kw_only=True, tag="chain.closed"):
    """The books of a day or of a process, with every operation of this chain that is not over."""

    CATEGORY = "process"
    TYPE = "end"
    why: Why = msgspec.field(name="midwatch.why")
    day: date = msgspec.field(name="midwatch.day")
    open: tuple[Operation, ...] = msgspec.field(name="midwatch.open")


class Checkpointed(Entry, frozen=True, kw_only=True, tag="chain.checkpoint"):
    """A signed checkpoint of the record named here went to the checkpoint file, or could not."""

    FREE = _REASON
    CATEGORY = "process"
    sequence: int = msgspec.field(name="midwatch.checkpoint.sequence")
    hash: str = msgspec.field(name="midwatch.checkpoint.hash")
    key: str = msgspec.field(name="midwatch.checkpoint.key")
    outcome: Outcome = msgspec.field(name="event.outcome")
    reason: str = msgspec.field(default="", name="error.message")


class LoggedIn(Entry, frozen=True, kw_only=True, tag="session.login"):
    """A person proved who they are, to `serve`. A count above 1 stands for as many of them within a minute."""

    CATEGORY = "authentication"
    TYPE = "start"
    by: Actor = msgspec.field(name="user")
    address: str = msgspec.field(default="", name="source.ip")
    certificate: str = msgspec.field(default="", name="midwatch.certificate")  # its id, serial and authority
    count: int = msgspec.field(default=1, name="midwatch.count")
    outcome: Outcome = msgspec.field(default=Outcome.SUCCESS, name="event.outcome")


class LoggedOut(Entry, frozen=True, kw_only=True, tag="session.logout"):
    """Their connection is gone, whoever ended it."""

    CATEGORY = "authentication"
    TYPE = "end"
    by: Actor = msgspec.field(name="user")
    address: str = msgspec.field(default="", name="source.ip")
    duration_ns: int = msgspec.field(default=0, name="event.duration")
    count: int = msgspec.field(default=1, name="midwatch.count")


class LoginRefused(Entry, frozen=True, kw_only=True, tag="session.login_refused"):
    """Somebody was not let in. They are nobody that is proven, so `claimed` stands where no person does."""

    FREE = _REASON
    CATEGORY = "authentication"
    TYPE = "denied"
    claimed: str = msgspec.field(default="", name="midwatch.claimed_name")
    address: str = msgspec.field(default="", name="source.ip")  # of a count: the network that counts as one
    key: str = msgspec.field(default="", name="midwatch.key")  # the fingerprint of what was shown
    method: str = msgspec.field(default="", name="midwatch.method")
    why: str = msgspec.field(default="", name="event.reason")  # one word
    reason: str = msgspec.field(default="", name="error.message")
    count: int = msgspec.field(default=1, name="midwatch.count")
    outcome: Outcome = msgspec.field(default=Outcome.FAILURE, name="event.outcome")


class RequestRefused(Entry, frozen=True, kw_only=True, tag="session.request_refused"):
    """A person who is logged in asked for what `serve` does not give: a forwarding, a command, a subsystem."""

    FREE = frozenset(("what",))
    CATEGORY = "session"
    TYPE = "denied"
    address: str = msgspec.field(default="", name="source.ip")
    why: str = msgspec.field(default="", name="event.reason")  # one word
    what: str = msgspec.field(default="", name="midwatch.what")
    count: int = msgspec.field(default=1, name="midwatch.count")
    outcome: Outcome = msgspec.field(default=Outcome.FAILURE, name="event.outcome")


class SnapshotPosted(Entry, frozen=True, kw_only=True, tag="snapshot.posted"):
    """A person sent what they saw to a chat: from here on it may leave. What became of it, the queue's receipts say."""

    CATEGORY = "session"
    by: Actor = msgspec.field(name="user")
    destination: str = msgspec.field(name="midwatch.destination")
    message: str = msgspec.field(name="midwatch.message_id")
    site: str = msgspec.field(name="midwatch.site")
    view: str = msgspec.field(name="midwatch.view")
    scope: str = msgspec.field(default="", name="midwatch.scope")
    right: str = msgspec.field(default="", name="rule.name")  # by which role; empty: alone on a host


class Unread(msgspec.Struct, frozen=True):
    """A record in an unbroken chain that this version has no kind for."""

    action: str
    op: str


Known = (
    Planned | Refused | Confirmed | Approved | Denied | Intent | StepBegun | StepDone | StepUnknown | ReadBack | Stopped
    | Resumed | Verified | UndoOffered | Undone | Closed | ChainOpened | ChainClosed | Checkpointed
    | LoggedIn | LoggedOut | LoginRefused | RequestRefused | SnapshotPosted
)  # fmt: skip
