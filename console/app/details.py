"""What the pages of describe, evidence and timeline say of a selection. Pure: rows in, lines out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from console.app.detail import Line
from console.model.cell import Tone
from console.model.finding import Finding
from console.model.kube import KubeEvent
from console.model.severity import Severity
from console.rows.changes import Change
from console.rows.findings import FindingRow
from console.rows.units import clock, duration
from views.pane import Selection

LISTED = ("diff", "headers", "body", "timing")  # evidence of which each line stands for itself


def described(selection: Selection) -> list[Line]:
    """Every field of the row, under its own name."""
    row = selection.row
    if not isinstance(row, msgspec.Struct):
        return [("", "nothing more is known", Tone.DIM)]
    lines: list[Line] = []
    for field in row.__struct_fields__:
        value = getattr(row, field)
        if field.endswith("trend") or field in ("timeline", "finding", "signals"):
            continue
        tone = Tone.of(value) if isinstance(value, Severity) else Tone.NORMAL
        lines.append((field.replace("_", " "), _told(field, value), tone))
    return lines


def evidence(selection: Selection, findings: Iterable[Finding]) -> list[Line]:
    """Why the verdict was given: every finding of the selection with what it stands on; of a selected finding, that one."""
    if isinstance(selection.row, FindingRow):
        return _stands_on(selection.row.finding)
    lines: list[Line] = []
    for finding in findings:
        if finding.entity in (selection.channel, selection.name):
            lines += [*_stands_on(finding), ("", "", Tone.NORMAL)]
    if lines:
        return lines
    severity = getattr(selection.row, "severity", None)
    if not isinstance(severity, Severity) or severity is Severity.OK:
        return [("", "no finding: nothing is held against it", Tone.DIM)]
    reason = getattr(selection.row, "reason", "") or "by the limits that d tells"
    return [(severity.value, reason, Tone.of(severity))]


def _stands_on(finding: Finding) -> list[Line]:
    """One finding: what, whose, since when, what was measured, what was said by whom, and what changed between two copies."""
    tone = Tone.of(finding.severity)
    lines: list[Line] = [
        (f"{finding.severity.value} {finding.code}", finding.reason, tone),
        ("layer", f"{finding.layer.value} · confidence {finding.confidence:.2f}", Tone.NORMAL),
        ("seen", f"{clock(finding.first_seen)} – {clock(finding.last_seen)} UTC", Tone.NORMAL),
    ]
    listed: list[Line] = []
    for name, value in finding.evidence.items():
        label = name.replace("_", " ")
        if isinstance(value, list) and name in LISTED:
            listed += [(label if number == 0 else "", each, _line_tone(name, each)) for number, each in enumerate(value)]
        else:
            lines.append((label, ", ".join(value) if isinstance(value, list) else str(value), Tone.NORMAL))
    if finding.spec_ref:
        lines.append(("specification", finding.spec_ref, Tone.DIM))
    return [*lines, *listed]


def _line_tone(name: str, line: str) -> Tone:
    """Of a difference, what is gone and what came is told by its sign first, and then by its tone."""
    if name != "diff":
        return Tone.NORMAL
    return Tone.WARN if line.startswith("-") else Tone.ACCENT if line.startswith("+") else Tone.DIM


def events(selection: Selection, known: Iterable[KubeEvent]) -> list[Line]:
    """The cluster's events about the selection, newest first."""
    about = [
        event
        for event in known
        if event.regarding == selection.pod
        or (selection.service is not None and event.regarding.startswith(selection.service))
    ]
    about.sort(key=lambda event: event.last_at or event.first_at or datetime.min, reverse=True)
    return [
        (
            f"{clock(event.last_at or event.first_at)} ×{event.count}",
            f"{event.kind}/{event.regarding} {event.reason}: {event.message}",
            Tone.WARN if event.is_warning else Tone.NORMAL,
        )
        for event in about[:200]
    ] or [("", "the cluster tells no event about it", Tone.DIM)]


def _told(field: str, value: Any) -> str:
    if value is None or value == "" or value == ():
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if field.endswith("_s") and isinstance(value, float):
        return duration(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Change):
        return f"{value.text}, {value.at:%Y-%m-%d %H:%M} UTC"
    if field == "renditions":
        return ", ".join(f"{name} {severity}" for name, severity in value)
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return str(value)
