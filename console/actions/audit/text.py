"""The journal as lines for people: plain text, at most 120 columns, and nothing in it that a terminal would obey.

Names and answers in a record came from clusters and balancers. They are kept as they came, so that the record is the
truth, and are cleaned here, on their way to an eye.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from console.actions.audit import kinds
from console.actions.audit.entry import Entry
from console.actions.audit.history import Known
from console.actions.audit.operation import Operation, StepState
from console.actions.audit.reading import Standing
from console.actions.audit.record import Record
from console.actions.audit.verify import Checked
from console.sources.sanitise import clean

WIDTH = 120
_OPERATION = (19, 14, 18, 18, 30)
_RECORD = (19, 5, 22, 14, 12)


def operation_lines(known: Iterable[Known]) -> Iterator[str]:
    """The table of operations; under each what a person must know of it."""
    yield _row(("BEGAN (UTC)", "OPERATION", "STATE", "ACTION", "TARGET", "BY"), _OPERATION)
    for each in known:
        operation = each.operation
        by = operation.requested_by.name if operation.requested_by else "-"
        began = operation.planned_at or operation.last_at
        cells = (f"{began:%Y-%m-%d %H:%M:%S}" if began else "-", operation.id, each.state.value)
        yield _row((*cells, operation.action, operation.target, by), _OPERATION)
        for text in _remarks(each):
            yield from textwrap.wrap(clean(text), WIDTH, initial_indent=" " * 20, subsequent_indent=" " * 22)


def progress(operation: Operation) -> str:
    """How far it came, by verb: `cordon 1 of 1, evict 7 of 12`."""
    planned = Counter(step.plan.what for step in operation.steps)
    done = Counter(step.plan.what for step in operation.steps if step.state is StepState.DONE)
    return ", ".join(f"{what} {done[what]} of {count}" for what, count in planned.items())


def _remarks(known: Known) -> Iterator[str]:
    operation = known.operation
    if operation.intent_at is not None:
        yield progress(operation)
    if operation.in_doubt:
        yield f"in doubt, to be read back first: step {', '.join(map(str, operation.in_doubt))}"
    offers = [word for word, may in (("resumed", known.may_resume), ("undone", known.may_undo)) if may]
    if offers:
        yield f"can be {' or '.join(offers)}"
    if operation.undone_by or operation.undoing:
        yield f"undo: {operation.undone_by or operation.undoing}"
    if operation.verified is not None:
        yield f"verification: {operation.verified.value}"
    approved = ", ".join(actor.name for actor in operation.approved_by)
    for word, text in (
        ("target", operation.target if len(operation.target) > _OPERATION[4] else ""),
        ("reason", operation.reason),
        ("ticket", operation.ticket),
        ("approved by", approved),
        ("refused", operation.refusal),
        ("ended", operation.ending_reason),
        ("irregular", "; ".join(operation.irregular)),
    ):
        if text:
            yield f"{word}: {text}"
    if operation.unread:
        yield f"{operation.unread} records about it were written by a newer version and cannot be read by this one"


def record_lines(records: Iterable[Record]) -> Iterator[str]:
    """The table of records."""
    yield _row(("AT (UTC)", "SEQ", "RECORD", "OPERATION", "BY", ""), _RECORD)
    for record in records:
        entry, header = record.entry, record.header
        by = entry.by if isinstance(entry, Entry) else None
        op = getattr(entry, "op", "")
        action = entry.action if isinstance(entry, kinds.Unread) else str(type(entry).__struct_config__.tag)
        cells = (f"{header.at:%Y-%m-%d %H:%M:%S}", str(header.sequence), action, op, by.name if by else "")
        yield _row((*cells, _told(entry) or f"chain {header.chain}"), _RECORD)


def _told(entry: kinds.Known | kinds.Unread) -> str:
    match entry:
        case kinds.Planned():
            return f"{entry.action} {entry.target}, {len(entry.steps)} steps, tier {entry.tier.value}"
        case kinds.Refused():
            return f"{entry.guard}: {entry.reason}"
        case kinds.StepDone():
            status = f" {entry.status}" if entry.status is not None else ""
            return f"step {entry.step} {entry.outcome.value}{status} {entry.answer}"
        case kinds.StepBegun():
            return f"step {entry.step}"
        case kinds.StepUnknown():
            return f"step {entry.step} {entry.reason}"
        case kinds.ReadBack():
            return f"step {entry.step} {entry.found.value} {entry.answer}"
        case kinds.Resumed():
            return f"after record {entry.after_sequence} of {entry.after_chain}"
        case kinds.Verified():
            return f"{entry.outcome.value} {entry.reason}"
        case kinds.Undone():
            return f"{entry.outcome.value} by {entry.undone_by}"
        case kinds.Closed():
            return f"{entry.ending.value} {entry.reason}"
        case kinds.ChainClosed():
            return f"{entry.why.value} {entry.day}, {len(entry.open)} operations open, chain"
        case kinds.Checkpointed():
            return f"of record {entry.sequence}, {entry.outcome.value} {entry.reason}"
        case kinds.LoggedIn():
            return _times(f"from {entry.address} {entry.certificate}", entry.count)
        case kinds.LoggedOut():
            return _times(f"{entry.address} after {entry.duration_ns / 1e9:.0f} s", entry.count)
        case kinds.LoginRefused():
            who = entry.claimed or "somebody"
            return _times(f"{entry.why}: {who} {entry.address} {entry.reason} {entry.key}", entry.count)
        case kinds.RequestRefused():
            return _times(f"{entry.why}: {entry.what} ({entry.address})", entry.count)
        case kinds.SnapshotPosted():
            return " ".join(filter(None, (f"to {entry.destination}:", entry.view, entry.scope, entry.message, entry.right)))
        case kinds.Unread():
            return "written by a newer version"
        case kinds.Confirmed() | kinds.Denied() | kinds.Stopped() | kinds.UndoOffered():
            return entry.reason or f"plan {getattr(entry, 'plan_hash', '')[:12]}".removesuffix("plan ")
        case kinds.Approved() | kinds.Intent():
            return f"plan {entry.plan_hash[:12]}"
    return ""


def _times(text: str, count: int) -> str:
    return text.rstrip() if count == 1 else f"{count} times {text.rstrip()}"


def chain_line(checked: Checked) -> str:
    """The verdict on one chain."""
    chain = checked.chain
    name = clean(chain.name)
    upto = f"{chain.records} record{'s' * (chain.records != 1)}"
    signed = f", signed up to {checked.proven}" if checked.proven else ""
    after = chain.records + 1
    match chain.standing:
        case Standing.CLOSED:
            return f"intact         {name}: {upto}, closed{signed}"
        case Standing.GROWING:
            return f"intact         {name}: {upto} so far{signed}; its process lives and still writes it"
        case Standing.UNPROVEN:
            return (
                f"tail unproven  {name}: {upto} intact{signed}; it does not end with a closing record, so whether there "
                f"was a record {after} is unproven"
            )
        case Standing.TORN:
            return (
                f"torn           {name}: {upto} intact{signed}; then {chain.torn_bytes} bytes without an end, as a crash "
                f"leaves them: record {after} is set aside"
            )
        case Standing.TAMPERED:
            return f"TAMPERED       {name}: record {chain.bad} {clean(chain.why)}"
        case Standing.UNREADABLE:
            return f"unreadable     {name}: {clean(chain.why)} ({clean(str(chain.path))})"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    *fixed, last = (clean(cell) for cell in cells)
    text = "  ".join(_cut(cell, width).ljust(width) for cell, width in zip(fixed, widths, strict=True))
    return f"{text}  {_cut(last, max(8, WIDTH - len(text) - 2))}".rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
