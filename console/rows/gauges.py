"""What the capacity pane says: one bar a gauge, the fullest first within its severity."""

from __future__ import annotations

import msgspec

from console.model.bar import Bar
from console.model.instant import Instant
from console.model.metric import Capacity, Gauge
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Severity, State, worst
from console.rows.pane import Pane, framed
from console.rows.units import clock, percent, si

VIEW = "capacity"


class GaugeRow(msgspec.Struct, frozen=True):
    """One gauge as the pane and the digests show it. None is unknown, never zero."""

    name: str
    severity: Severity
    used: float | None
    total: float | None
    ratio: float | None
    unit: str
    warn: float
    crit: float
    reason: str  # why a number is missing
    trend: tuple[float, ...]

    @property
    def key(self) -> str:
        return self.name

    @property
    def bar(self) -> Bar:
        """The same for the board."""
        amount = (
            "" if self.used is None or self.total is None else f"{si(self.used)}/{si(self.total)}{_unit(self.unit)}"
        )
        return Bar(
            key=self.name,
            severity=self.severity,
            name=self.name,
            ratio=self.ratio,
            text=percent(self.ratio),
            note=self.reason or amount,
            trend=self.trend,
            warn=self.warn,
            crit=self.crit,
        )


def pane(reading: Reading[Capacity], scope: Scope, now: Instant) -> Pane[GaugeRow]:
    """Every gauge of the site; gauges carry no dimensions, so a scope does not narrow them and the note says so."""
    gauges = reading.value.gauges if reading.value is not None else ()
    rows = tuple(sorted((_row(gauge, reading, now) for gauge in gauges), key=_order))
    return framed(
        VIEW,
        "Capacity",
        reading,
        now,
        severity=worst((row.severity for row in rows), nothing=Severity.OK),
        summary=_summary(rows),
        rows=rows,
        note=reading.partial_reason or ("gauges are of the whole site" if scope and rows else ""),
    )


def _order(row: GaugeRow) -> tuple[float, float, str]:
    return (-row.severity.rank, -(row.ratio if row.ratio is not None else -1.0), row.name)


def _row(gauge: Gauge, reading: Reading[Capacity], now: Instant) -> GaugeRow:
    severity = reading.value.verdicts.get(gauge.spec.name, Severity.UNKNOWN) if reading.value else Severity.UNKNOWN
    if reading.state in (State.ERROR, State.STALE) and severity is Severity.OK:
        severity = Severity.UNKNOWN
    reason = gauge.missing
    if gauge.ratio is None and not reason:
        reason = "no data"
    if gauge.ratio is None and gauge.as_of is not None:
        reason = f"{reason} since {clock(gauge.as_of)}"
    return GaugeRow(
        name=gauge.spec.name,
        severity=severity,
        used=gauge.used,
        total=gauge.total,
        ratio=gauge.ratio,
        unit=gauge.spec.unit,
        warn=gauge.spec.warn,
        crit=gauge.spec.crit,
        reason=reason,
        trend=gauge.trend,
    )


def _summary(rows: tuple[GaugeRow, ...]) -> str:
    known = [row for row in rows if row.ratio is not None]
    missing = len(rows) - len(known)
    parts = []
    if known:
        top = max(known, key=lambda row: row.ratio or 0.0)
        parts.append(f"worst: {top.name} {percent(top.ratio)}")
    if missing:
        parts.append(f"{missing} without data")
    return " · ".join(parts) or "no gauges configured"


def _unit(unit: str) -> str:
    short = {"bit/s": "b/s", "bytes": "B"}.get(unit, unit)
    return f" {short}" if short else ""
