"""The findings of one channel as the rows of its page: what is wrong, worst first, and what only follows from it.

A child is a finding downstream of another one on the same channel: it is told, indented and without a letter, because who
repairs the cause repairs it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from console.model.cell import NOTHING, Cell, Column, Tone
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.severity import Layer, Severity
from console.rows.about import in_order, where
from console.rows.streams import service_at_fault
from console.rows.units import clock, duration

CHILD = "└ "


class FindingRow(msgspec.Struct, frozen=True):
    """One finding. `severity` is what the row's letter says: none for a child."""

    key: str
    name: str  # the channel's
    severity: Severity
    code: str
    where: str  # "1080p @ edge-lhr"
    layer: Layer
    since: datetime
    since_s: float
    reason: str
    service: str | None  # the workload at fault: where `p` and `l` lead
    is_child: bool
    finding: Finding


def rows_of(channel: Channel, verdict: ChannelVerdict, now: Instant) -> tuple[FindingRow, ...]:
    """The findings, worst first as judged, each with its children under it."""
    findings = in_order(verdict)
    under: dict[int, list[Finding]] = {}
    for child in verdict.children:
        under.setdefault(_parent_of(child, findings), []).append(child)
    rows: list[FindingRow] = []
    for number, finding in enumerate(findings):
        rows.append(_row(channel, finding, now, is_child=False))
        rows += [_row(channel, child, now, is_child=True) for child in under.get(number, ())]
    return tuple(msgspec.structs.replace(row, key=f"{number}:{row.key}") for number, row in _numbered(rows))


def _parent_of(child: Finding, findings: Sequence[Finding]) -> int:
    """The worst finding that may have brought it about: of its rendition, or of all; else the worst of all."""
    likely = (number for number, each in enumerate(findings) if each.rendition in (None, child.rendition))
    return next(likely, 0)


def _numbered(rows: list[FindingRow]) -> list[tuple[int, FindingRow]]:
    """Equal keys told apart by their count: the same fault may be told of two vantages."""
    seen: dict[str, int] = {}
    numbered = []
    for row in rows:
        seen[row.key] = seen.get(row.key, 0) + 1
        numbered.append((seen[row.key], row))
    return numbered


def _row(channel: Channel, finding: Finding, now: Instant, *, is_child: bool) -> FindingRow:
    return FindingRow(
        key=f"{'child:' if is_child else ''}{finding.code}:{finding.rendition or ''}:{finding.layer.value}",
        name=finding.entity,
        severity=Severity.OK if is_child else finding.severity,
        code=finding.code,
        where=where(channel, finding),
        layer=finding.layer,
        since=finding.first_seen,
        since_s=(now.utc - finding.first_seen).total_seconds(),
        reason=f"downstream: {finding.reason}" if is_child else finding.reason,
        service=service_at_fault(channel, finding.layer, finding),
        is_child=is_child,
        finding=finding,
    )


def _tone(row: FindingRow) -> Tone:
    return Tone.DIM if row.is_child else Tone.of(row.severity)


COLUMNS: tuple[Column[FindingRow], ...] = (
    Column(
        "code",
        "FINDING",
        lambda row: Cell(f"{CHILD if row.is_child else ''}{row.code}", _tone(row), row.code),
        "the code of the fault; indented: it follows from the one above it and is no alarm of its own",
        14,
        0,
        0,
    ),
    Column("where", "WHERE", lambda row: Cell(row.where, Tone.NORMAL, row.where), "rendition @ vantage", 18, 0, 2),
    Column("layer", "LAYER", lambda row: Cell(row.layer.value, _tone(row)), "the layer at fault", 9, 0, 4),
    Column(
        "since",
        "FOR",
        lambda row: Cell(duration(row.since_s), sort=row.since_s) if row.since else NOTHING,
        "how long it has been so",
        4,
        0,
        3,
        True,
    ),
    Column("at", "SINCE", lambda row: Cell(clock(row.since), Tone.DIM, row.since.timestamp()), "UTC", 8, 0, 6),
    Column(
        "reason",
        "REASON",
        lambda row: Cell(row.reason, _tone(row)),
        "in one sentence; v shows what it stands on",
        30,
        4,
        1,
    ),
)
