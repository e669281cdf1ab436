"""What the logs pane says above and below its lines, and which lines are in scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from console.model.instant import Instant
from console.model.joined import Logs
from console.model.logline import LevelCounts, LogAccounting, LogLine
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Severity
from console.model.spark import spark
from console.rows.pane import Pane, framed
from console.rows.units import duration, percent, si

VIEW = "logs"
ERRORS_WARN = 0.05  # of all lines in a minute; a baseline of the same hour is not computed yet
DIGEST_LINES = 200  # the newest of the lines in scope that a digest carries
_SEVERITY = {
    "error": Severity.CRIT,
    "fatal": Severity.CRIT,
    "critical": Severity.CRIT,
    "warn": Severity.WARN,
    "warning": Severity.WARN,
}


class LineRow(msgspec.Struct, frozen=True):
    """One line as the digests carry it."""

    name: str  # the workload it came from
    severity: Severity
    at: datetime
    level: str
    message: str
    service: str | None
    pod: str | None
    channel: str | None
    is_late: bool
    is_mark: bool


def pane(reading: Reading[Logs], newest: Iterable[LogLine], scope: Scope, now: Instant) -> Pane[LineRow]:
    """`newest`: lines of the ring, newest first. A line of level error is no CRIT pane: the ratio of errors decides."""
    logs = reading.value
    rows: list[LineRow] = []
    for line in newest:
        if len(rows) == DIGEST_LINES:
            break
        if in_scope(line, scope):
            rows.append(_row(line))
    ratio = logs.levels.error_ratio if logs is not None and logs.levels is not None else None
    severity = Severity.OK if logs is not None else Severity.UNKNOWN
    if ratio is not None and ratio >= ERRORS_WARN:
        severity = Severity.WARN
    return framed(
        VIEW,
        "Logs",
        reading,
        now,
        severity=severity,
        summary=_summary(logs),
        rows=tuple(reversed(rows)),
        accounting=counted(logs.window.accounting) if logs is not None else None,
        note=reading.partial_reason or (logs.window.note if logs is not None else ""),
    )


def in_scope(line: LogLine, scope: Scope) -> bool:
    """Whether a line belongs to the scope. A mark of ours always does; so does a line that names no channel or region."""
    if line.is_mark or not scope:
        return True
    return scope.admits(
        {
            "service": line.service or "-",
            "pod": line.pod or "-",
            "namespace": line.namespace,
            "region": line.region,
            "channel": line.channel,
        }
    )


def severity_of(line: LogLine) -> Severity:
    """The letter at the line's head."""
    return _SEVERITY.get(line.level, Severity.OK)


def counted(accounting: LogAccounting) -> Mapping[str, int]:
    """The account of every line, for the digests and the pane's foot."""
    return {
        "received": accounting.received,
        "shown": accounting.shown,
        "dropped": accounting.dropped,
        "late": accounting.late,
        "duplicates": accounting.duplicates,
        "held_polls": accounting.held_polls,
    }


def accounting_text(accounting: LogAccounting) -> str:
    """ "received 38 211 · shown 38 211 · dropped 0 · late 12" """
    parts = (
        ("received", accounting.received),
        ("shown", accounting.shown),
        ("dropped", accounting.dropped),
        ("late", accounting.late),
    )
    text = " · ".join(f"{word} {count:,}".replace(",", " ") for word, count in parts)
    return f"{text} · held {accounting.held_polls}" if accounting.held_polls else text


def histogram(levels: LevelCounts | None, width: int) -> str:
    """All lines over the last quarter of an hour."""
    return spark([float(bucket.total) for bucket in levels.buckets[:-1]], width) if levels is not None else ""


def errors_histogram(levels: LevelCounts | None, width: int) -> str:
    """Error lines over the last quarter of an hour."""
    return spark([float(bucket.errors) for bucket in levels.buckets[:-1]], width) if levels is not None else ""


def _row(line: LogLine) -> LineRow:
    return LineRow(
        name=line.service or line.host or "",
        severity=severity_of(line),
        at=line.at,
        level=line.level,
        message=line.message,
        service=line.service,
        pod=line.pod,
        channel=line.channel,
        is_late=line.is_late,
        is_mark=line.is_mark,
    )


def _summary(logs: Logs | None) -> str:
    if logs is None:
        return ""
    parts = []
    if logs.levels is not None:
        rate, ratio = logs.levels.rate_per_s, logs.levels.error_ratio
        parts += [f"{si(rate)}/s"] if rate is not None else []
        parts += [f"err {percent(ratio, 1)}"] if ratio is not None else []
    elif logs.levels_error is not None:
        parts.append("counts: failed")
    if logs.window.lag_s is not None:
        parts.append(f"lag {duration(logs.window.lag_s)}")
    return " · ".join(parts) or "no lines yet"
