"""What the sources pane says: every backend, how fresh, and what midwatch costs it."""

from __future__ import annotations

import msgspec

from console.model.cell import NOTHING, Cell, Column, Tone
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.severity import Severity, State, worst
from console.model.source import SourceStatus
from console.rows.pane import Pane, framed
from console.rows.units import duration, si

VIEW = "sources"
_SEVERITY = {
    State.LIVE: Severity.OK,
    State.PARTIAL: Severity.WARN,
    State.STALE: Severity.WARN,
    State.CONNECTING: Severity.UNKNOWN,
    State.ERROR: Severity.CRIT,
}


class SourceRow(msgspec.Struct, frozen=True):
    """One source as the pane and the digests show it."""

    name: str
    severity: Severity
    kind: str
    state: State
    age_s: float | None
    error: str | None
    requests_per_s: float
    bytes_per_s: float
    requests: int
    errors: int
    skew_s: float | None
    note: str

    @property
    def key(self) -> str:
        return self.name


def pane(reading: Reading[tuple[SourceStatus, ...]], now: Instant) -> Pane[SourceRow]:
    """Every source that runs, those in trouble first."""
    rows = tuple(sorted((_row(status) for status in reading.value or ()), key=lambda row: -row.severity.rank))
    live = sum(row.state is State.LIVE for row in rows)
    return framed(
        VIEW,
        "Sources",
        reading,
        now,
        severity=worst((row.severity for row in rows), nothing=Severity.UNKNOWN),
        summary=f"{live}/{len(rows)} live",
        rows=rows,
        is_settled=reading.value is not None and all(row.state is not State.CONNECTING for row in rows),
    )


def _row(status: SourceStatus) -> SourceRow:
    return SourceRow(
        name=status.name,
        severity=_SEVERITY[status.state],
        kind=status.kind,
        state=status.state,
        age_s=status.age_s,
        error=str(status.error) if status.error is not None else None,
        requests_per_s=status.cost.requests_per_s,
        bytes_per_s=status.cost.bytes_per_s,
        requests=status.cost.requests,
        errors=status.cost.errors,
        skew_s=status.skew_s,
        note=status.note,
    )


COLUMNS: tuple[Column[SourceRow], ...] = (
    Column("source", "SOURCE", lambda row: Cell(row.name, Tone.STRONG, row.name), "backend and question", 20, 1, 0),
    Column(
        "state",
        "STATE",
        lambda row: Cell(row.state.value, Tone.of(row.severity)),
        "connecting, live, stale, partial, error",
        10,
        0,
        1,
    ),
    Column(
        "age",
        "AGE",
        lambda row: Cell(duration(row.age_s), sort=row.age_s),
        "since what it last said was true",
        5,
        0,
        2,
        True,
    ),
    Column(
        "requests",
        "REQ/S",
        lambda row: Cell(f"{row.requests_per_s:.2f}", sort=row.requests_per_s),
        "what we ask, over the last minute",
        6,
        0,
        3,
        True,
    ),
    Column(
        "bytes",
        "B/S",
        lambda row: Cell(si(row.bytes_per_s), sort=row.bytes_per_s),
        "what we receive, over the last minute",
        6,
        0,
        4,
        True,
    ),
    Column(
        "errors",
        "ERR",
        lambda row: Cell(str(row.errors), Tone.WARN if row.errors else Tone.DIM, row.errors),
        "failed questions since start",
        5,
        0,
        5,
        True,
    ),
    Column(
        "skew",
        "SKEW",
        lambda row: (
            NOTHING
            if row.skew_s is None
            else Cell(f"{row.skew_s:+.1f}s", Tone.WARN if abs(row.skew_s) > 5 else Tone.DIM)
        ),
        "the server's clock against ours; shown, never added",
        6,
        0,
        6,
        True,
    ),
    Column(
        "why",
        "WHY",
        lambda row: Cell(row.error or row.note, Tone.of(row.severity) if row.error else Tone.DIM),
        "the last error, or what it does",
        24,
        6,
        7,
    ),
)
