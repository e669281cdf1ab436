"""The big digits: each figure now, and beside it the same minute of last week."""

from __future__ import annotations

from console.model.cell import Tone
from console.model.figure import Figure, Figures
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.severity import Severity, State
from console.model.wallboard import BigFigure
from console.rows.units import duration, percent, si

USUAL = ("viewers", "egress", "rebuffer", "start failures")  # what a wall has, by whatever name a site gives it
_SHORT = {"bit/s": "b/s", "viewers": "", "bytes": "B"}


def big_figures(reading: Reading[Figures] | None, now: Instant) -> tuple[BigFigure, ...]:
    """In the order of the configuration; where there are none, the usual ones with the reason."""
    if reading is None:
        return _absent("not configured")
    if reading.value is None:
        return _absent(reading.error.short if reading.error is not None else "connecting …")
    is_old = reading.state in (State.ERROR, State.STALE)
    age_s = reading.age_s(now)
    old = f"as of {duration(age_s)} ago · " if is_old and age_s is not None else ""
    return tuple(_figure(figure, reading.value, old) for figure in reading.value.figures)


def _absent(why: str) -> tuple[BigFigure, ...]:
    return tuple(BigFigure(name, "–", beside=why, tone=Tone.DIM, severity=Severity.UNKNOWN) for name in USUAL)


def _figure(figure: Figure, figures: Figures, old: str) -> BigFigure:
    severity = figures.verdicts.get(figure.name, Severity.UNKNOWN if figure.now is None else Severity.OK)
    if old and severity is Severity.OK:
        severity = Severity.UNKNOWN
    value, unit = _told(figure.now, figure.unit)
    change = figure.change
    was = " ".join(part for part in _told(figure.week_ago, figure.unit) if part)
    beside = figure.why_no_change if change is None else f"{was} a week ago"
    tone = Tone.STRONG if severity is Severity.OK else Tone.of(severity)
    return BigFigure(figure.name, value, unit, _change(change) if change is not None else "", old + beside, tone, severity)


def _change(change: float) -> str:
    """ "+4 %", "×3.2" beyond a doubling."""
    if change > 1:
        return f"×{change + 1:.1f}" if change < 99 else "×99 and more"
    return f"{round(change * 100):+d} %".replace("+0 %", "±0 %").replace("-0 %", "±0 %")


def _told(value: float | None, unit: str) -> tuple[str, str]:
    """(digits, unit): ("1.4M", ""), ("410G", "b/s"), ("0.34", "%"), ("12s", "")."""
    if value is None:
        return "–", ""
    if unit == "ratio":
        share = value * 100
        digits = 0 if abs(share) >= 99.5 else 1 if abs(share) >= 9.95 else 2
        return percent(value, digits).removesuffix(" %"), "%"
    if unit == "s":
        return (duration(value), "") if value >= 1 else (f"{value * 1000:.0f}", "ms")
    return si(value), _SHORT.get(unit, unit)
