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
from console.rows.units import clock, duration
from views.pane import Selection


def described(selection: Selection) -> list[Line]:
    """Every field of the row, under its own name."""
    row = selection.row
    if not isinstance(row, msgspec.Struct):
        return [("", "nothing more is known", Tone.DIM)]
    lines: list[Line] = []
    for field in row.__struct_fields__:
        value = getattr(row, field)
        if field.endswith("trend") or field == "timeline":
            continue
        tone = Tone.of(value) if isinstance(value, Severity) else Tone.NORMAL
        lines.append((field.replace("_", " "), _told(field, value), tone))
    return lines


def evidence(selection: Selection, findings: Iterable[Finding]) -> list[Line]:
    """Why the verdict was given: every finding of the selection with what it stands on."""
    lines: list[Line] = []
    for finding in findings:
        if finding.entity not in (selection.channel, selection.name):
            continue
        tone = Tone.of(finding.severity)
        lines.append((f"{finding.severity.value} {finding.code}", finding.reason, tone))
        lines.append(("layer", f"{finding.layer.value} · confidence {finding.confidence:.2f}", Tone.NORMAL))
        lines.append(("seen", f"{clock(finding.first_seen)} – {clock(finding.last_seen)} UTC", Tone.NORMAL))
        for name, value in finding.evidence.items():
            lines.append(
                (name.replace("_", " "), ", ".join(value) if isinstance(value, list) else str(value), Tone.NORMAL)
            )
        if finding.spec_ref:
            lines.append(("specification", finding.spec_ref, Tone.DIM))
        lines.append(("", "", Tone.NORMAL))
    if lines:
        return lines
    severity = getattr(selection.row, "severity", None)
    if not isinstance(severity, Severity) or severity is Severity.OK:
        return [("", "no finding: nothing is held against it", Tone.DIM)]
    reason = getattr(selection.row, "reason", "") or "by the limits that d tells"
    return [(severity.value, reason, Tone.of(severity))]


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
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return str(value)
