"""What every pane has, whatever is in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from console.model.failure import Failure
from console.model.finding import Finding
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Severity, State

R = TypeVar("R")


class Pane(msgspec.Struct, Generic[R], frozen=True):
    """One pane at one moment: the head, the rows in scope, and how far they can be trusted."""

    name: str  # the VIEW
    title: str
    state: State
    severity: Severity
    summary: str  # one line: "12 live · 1 crit · 3 warn"
    rows: tuple[R, ...]
    as_of: datetime | None = None
    age_s: float | None = None
    watched_s: float | None = None  # streams only
    findings: tuple[Finding, ...] = ()
    children: tuple[Finding, ...] = ()  # streams only: findings that follow from one of `findings`
    accounting: Mapping[str, int] | None = None  # logs only
    error: Failure | None = None
    note: str = ""  # why partial, or what else must be known: "viewers: prometheus down"
    is_settled: bool = True  # first answer in hand (streams: watched for 1.5 T)
    skew_s: float | None = None  # only when it must be shown
    is_configured: bool = True  # False: this site has no such backend; no fault, and no verdict either

    @property
    def count(self) -> int:
        return len(self.rows)


def framed(
    name: str,
    title: str,
    reading: Reading[Any],
    now: Instant,
    *,
    severity: Severity,
    summary: str,
    rows: tuple[R, ...],
    **more: Any,
) -> Pane[R]:
    """A pane around rows, with the state, age and error of the reading they came from.

    No data is never green: without a value the severity is UNKNOWN, and OK on a failed or stale reading, or on one of which a
    part has not yet been heard, becomes UNKNOWN. Nor is such a one settled.
    """
    if reading.value is None or (severity is Severity.OK and reading.state in (State.ERROR, State.STALE, State.CONNECTING)):
        severity = Severity.UNKNOWN
    is_settled = more.pop("is_settled", reading.value is not None or reading.state is State.ERROR)
    more["is_settled"] = is_settled and reading.state is not State.CONNECTING
    more.setdefault("note", reading.partial_reason)
    return Pane(
        name=name,
        title=title,
        state=reading.state,
        severity=severity,
        summary=summary if reading.value is not None else absence(reading),
        rows=rows,
        as_of=reading.as_of,
        age_s=reading.age_s(now),
        error=reading.error,
        skew_s=reading.skew_s if reading.skewed else None,
        **more,
    )


def unconfigured(name: str, title: str, section: str) -> Pane[Any]:
    """A pane whose backend this site does not have: it says what would fill it, and counts for nothing."""
    return Pane(
        name=name,
        title=title,
        state=State.ERROR,
        severity=Severity.UNKNOWN,
        summary=f"not configured: {section} would fill it",
        rows=(),
        is_configured=False,
    )


def of_nothing(scope: Scope, *, is_known: bool = True) -> Severity:
    """The verdict on no rows at all: a scope that matches nothing may be a mistyped one, and nothing is then known."""
    return Severity.OK if is_known and not scope else Severity.UNKNOWN


def absence(reading: Reading[Any]) -> str:
    """The one line of a pane that has nothing to show yet."""
    if reading.error is not None:
        return reading.error.short
    return "connecting …"
