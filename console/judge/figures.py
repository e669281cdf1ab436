"""The severity of a figure: its ratio to last week against two levels, with a small gap so that it does not flicker on one."""

from __future__ import annotations

from console.judge.gauges import CLEAR_RATIO
from console.model.figure import Better, Figure
from console.model.severity import Severity

_RAISED_BY = {Severity.WARN: (Severity.WARN, Severity.CRIT), Severity.CRIT: (Severity.CRIT,)}


def figure_severity(figure: Figure, previous: Severity = Severity.OK) -> Severity | None:
    """None: nothing is judged here. A figure without a value, or one to be compared that cannot be, is UNKNOWN; but less than
    nothing of what should be much cannot be, so whatever is more than last week's zero is well.
    """
    spec = figure.spec
    if figure.now is None:
        return Severity.UNKNOWN
    if spec.better is Better.NEITHER or (spec.warn is None and spec.crit is None):
        return None
    ratio = figure.ratio
    if ratio is None:
        is_more_than_none = spec.better is Better.HIGHER and figure.week_ago == 0 and figure.now > 0
        return Severity.OK if is_more_than_none else Severity.UNKNOWN
    for severity, level in ((Severity.CRIT, spec.crit), (Severity.WARN, spec.warn)):
        if level is None:
            continue
        gap = CLEAR_RATIO if previous in _RAISED_BY[severity] else 1.0
        if ratio <= level / gap if spec.better is Better.HIGHER else ratio >= level * gap:
            return severity
    return Severity.OK
