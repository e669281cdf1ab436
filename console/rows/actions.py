"""What the actions pane says of operations: what runs, what was left half done, what waits for somebody, what is over."""

from __future__ import annotations

from datetime import datetime

import msgspec

from console.model.cell import NOTHING, Cell, Column, Tone
from console.model.instant import Instant
from console.model.operation import OperationLine, Operations
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Severity, worst
from console.rows.pane import Pane, framed
from console.rows.units import clock, duration

VIEW = "actions"
RECENT_S = 3600.0  # for so long a failure that nobody undid or left counts in the verdict of the pane
AT_WORK = ("running", "verifying", "undoing")
HALF_DONE = ("interrupted", "stopped")
WAITING = ("planned", "confirmed", "awaiting approval", "approved")
NOTHING_SENT = ("refused", "cancelled", "expired")
_GROUPS = (("unknown",), HALF_DONE, AT_WORK, ("awaiting approval",), ("approved",), ("confirmed", "planned"))


class OperationRow(msgspec.Struct, frozen=True):
    """One operation as the pane and the digests show it."""

    name: str  # its id
    severity: Severity
    action: str
    target: str
    state: str
    tier: str
    by: str
    at: datetime | None
    age_s: float | None  # since its last record
    done: int
    steps: int
    text: str  # what there is to know of it: what it does now, what is left, why it ended so
    reason: str
    ticket: str
    incident: str
    is_open: bool  # something is left to happen or to be decided
    may_resume: bool
    may_undo: bool

    @property
    def key(self) -> str:
        return self.name

    @property
    def brief(self) -> str:
        """ "node.drain apac-1/worker-3 interrupted: 7 of 12 done" """
        text = f": {self.text}" if self.text else ""
        return f"{self.action} {bare(self.target)} {self.state}{text}"


def bare(target: str) -> str:
    """What people call a target: without its kind, and without the kind of object, which the action's name tells."""
    kind, _, path = target.partition(":")
    parts = path.split("/")
    return "/".join((*parts[:2], *parts[3:])) if kind == "kube" and len(parts) == 4 else path or target


def severity_of(line: OperationLine, now: datetime) -> Severity:
    """UNKNOWN and interrupted ones have left something nobody has looked at: they are critical until somebody decides. A
    failure is told as a warning for an hour, and as long as it can be taken back.
    """
    if line.state in ("unknown", "interrupted"):
        return Severity.CRIT
    if line.state == "stopped" or line.irregular:
        return Severity.WARN
    if line.state == "failed":
        age_s = (now - line.last_at).total_seconds() if line.last_at is not None else 0.0
        return Severity.WARN if line.may_undo or age_s < RECENT_S else Severity.OK
    return Severity.OK


def told(line: OperationLine) -> str:
    """What there is to know of it in a line."""
    count = f"{line.done} of {len(line.steps)}"
    if line.is_here and line.progress:
        hands = f", in the hands of {line.runs_by}" if line.runs_by not in ("", line.by) else ""
        return f"{count} done, {line.progress}{hands}" + (" · stopping before the next step" if line.is_stopping else "")
    if line.state in HALF_DONE:
        doubt = sum(step.state in ("begun", "unknown") for step in line.steps)
        ways = [word for word, is_on in (("resume", line.may_resume), ("undo", line.may_undo)) if is_on]
        offered = f"; {' or '.join(ways)}" if ways else ""
        by = f", stopped by {line.stopped_by}" if line.stopped_by not in ("", line.by) else ""
        return f"{count} steps done" + (f", {doubt} in doubt" if doubt else "") + by + offered
    if line.state in AT_WORK:
        return f"{count} done" + ("" if line.is_here else ", in another process")
    if line.state == "awaiting approval":
        return f"asked by {line.by}"
    if line.state == "approved":
        return f"approved by {', '.join(line.approved_by)}"
    if line.undone_by:
        return f"undone by {line.undone_by}"
    return line.refusal if line.state == "refused" else line.ending


def row_of(line: OperationLine, now: datetime) -> OperationRow:
    """The row of one operation."""
    return OperationRow(
        name=line.id,
        severity=severity_of(line, now),
        action=line.action,
        target=line.target,
        state=line.state,
        tier=line.tier,
        by=line.by,
        at=line.at,
        age_s=max(0.0, (now - line.last_at).total_seconds()) if line.last_at is not None else None,
        done=line.done,
        steps=len(line.steps),
        text=told(line),
        reason=line.reason,
        ticket=line.ticket,
        incident=line.incident,
        is_open=_group(line) < len(_GROUPS),
        may_resume=line.may_resume,
        may_undo=line.may_undo,
    )


def pane(reading: Reading[Operations], scope: Scope, now: Instant) -> Pane[OperationRow]:
    """What must be decided first, then what runs, what waits for a second person, and what is over, the newest first.

    Plans that nobody confirmed and that have run out are no operations: they are left to the audit.
    """
    lines = reading.value.lines if reading.value is not None else ()
    shown = [line for line in lines if _in_scope(line, scope) and not (line.state == "expired" and not line.reason)]
    shown.sort(key=_group)
    rows = tuple(row_of(line, now.utc) for line in shown)
    trouble = reading.value.trouble if reading.value is not None else ""
    severity = worst(row.severity for row in rows)
    return framed(
        VIEW,
        "Actions",
        reading,
        now,
        severity=worst((severity, Severity.WARN)) if trouble else severity,
        summary=_summary(shown),
        rows=rows,
        note=trouble or reading.partial_reason,
    )


def _group(line: OperationLine) -> int:
    return next((number for number, states in enumerate(_GROUPS) if line.state in states), len(_GROUPS))


def _in_scope(line: OperationLine, scope: Scope) -> bool:
    """A scope of a cluster, namespace, service, node or pod leaves what is done to others aside."""
    words = set(line.target.partition(":")[2].split("/"))
    if (service := scope.get("service")) is not None and not any(word.startswith(service) for word in words):
        return False
    wanted = [scope.get(dimension) for dimension in ("cluster", "namespace", "node", "pod")]
    return all(each is None or each in words for each in wanted)


def _summary(lines: list[OperationLine]) -> str:
    counts = {
        "unknown": sum(line.state == "unknown" for line in lines),
        "half done": sum(line.state in HALF_DONE for line in lines),
        "running": sum(line.state in AT_WORK for line in lines),
        "awaiting approval": sum(line.state == "awaiting approval" for line in lines),
    }
    parts = [f"{count} {word}" for word, count in counts.items() if count]
    over = sum(_group(line) == len(_GROUPS) for line in lines)
    return " · ".join([*parts, f"{over} ended"]) if lines else "nothing was done"


_TONES = {
    **dict.fromkeys(("unknown", "interrupted", "failed"), Tone.CRIT),
    **dict.fromkeys(("stopped", "awaiting approval", "approved"), Tone.WARN),
    **dict.fromkeys(AT_WORK, Tone.ACCENT),
    **dict.fromkeys(("succeeded", "undone"), Tone.OK),
}


def _state(row: OperationRow) -> Cell:
    return Cell(row.state, _TONES.get(row.state, Tone.DIM), row.state)


COLUMNS: tuple[Column[OperationRow], ...] = (
    Column(
        "action", "ACTION", lambda row: Cell(row.action, Tone.STRONG, row.action), "what was or is to be done", 19, 0, 0
    ),
    Column(
        "target",
        "TARGET",
        lambda row: Cell(bare(row.target), sort=row.target),
        "to what; cluster, namespace, kind and name",
        24,
        1,
        1,
        keeps_end=True,
    ),
    Column("state", "STATE", _state, "as the audit bears it out, not as anybody remembers it", 17, 0, 0),
    Column(
        "done",
        "STEPS",
        lambda row: Cell(f"{row.done}/{row.steps}", Tone.DIM if row.done == row.steps else Tone.NORMAL, row.done),
        "steps done, of all",
        5,
        0,
        3,
        True,
    ),
    Column("text", "WHAT", lambda row: Cell(row.text), "what it does now, what is left, how it ended", 24, 4, 4),
    Column("by", "BY", lambda row: Cell(row.by or "–", Tone.DIM, row.by), "who asked for it", 8, 0, 2),
    Column(
        "at",
        "AT",
        lambda row: Cell(clock(row.at), Tone.DIM, row.at.timestamp()) if row.at is not None else NOTHING,
        "when it was planned, UTC",
        8,
        0,
        2,
    ),
    Column(
        "age",
        "LAST",
        lambda row: Cell(duration(row.age_s), Tone.DIM, row.age_s),
        "since its last record in the audit",
        5,
        0,
        5,
        True,
    ),
    Column(
        "reason", "REASON", lambda row: Cell(row.reason or "–", Tone.DIM), "why, in the words of who asked", 16, 2, 6
    ),
    Column("tier", "TIER", lambda row: Cell(row.tier, Tone.DIM), "how much it had to prove", 6, 0, 7),
)
