"""The severity of a gauge: its ratio against two levels, with a small gap so that it does not flicker on
one.
"""

from __future__ import annotations

from console.model.metric import Gauge
from console.model.severity import Severity

CLEAR_RATIO = 0.98  # a raised gauge clears below this part of its level


def gauge_severity(gauge: Gauge, previous: Severity = Severity.OK) -> Severity:
    """Raised at or above a level, cleared below 0.98 of it; `previous` is what this gauge was told to be
    last.

    A ratio that cannot be known is UNKNOWN, never OK.
    """
    ratio = gauge.ratio
    if ratio is None or ratio != ratio:
        return Severity.UNKNOWN
    if ratio >= _level(gauge.spec.crit, previous is Severity.CRIT):
        return Severity.CRIT
    if ratio >= _level(gauge.spec.warn, previous in (Severity.WARN, Severity.CRIT)):
        return Severity.WARN
    return Severity.OK


def _level(level: float, is_raised: bool) -> float:
    return level * CLEAR_RATIO if is_raised else level
