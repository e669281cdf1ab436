from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.judge.gauges import gauge_severity
from console.model.metric import Gauge, GaugeSpec
from console.model.severity import Severity

OK, WARN, CRIT, UNKNOWN = Severity.OK, Severity.WARN, Severity.CRIT, Severity.UNKNOWN


def gauge(used: float | None, total: float | None = 100.0) -> Gauge:
    return Gauge(GaugeSpec("g", "used", "total", warn=0.8, crit=0.9), used, total, datetime.now(UTC))


@pytest.mark.parametrize(
    ("used", "previous", "severity"),
    [
        (79.9, OK, OK),
        (80.0, OK, WARN),
        (79.0, WARN, WARN),  # above 0.98 of the level
        (78.3, WARN, OK),
        (90.0, WARN, CRIT),
        (89.0, CRIT, CRIT),
        (88.0, CRIT, WARN),
        (79.0, CRIT, WARN),
        (0.0, CRIT, OK),
        (80.0, UNKNOWN, WARN),
        (79.0, UNKNOWN, OK),
    ],
)
def test_a_gauge_is_raised_at_its_level_and_cleared_a_little_below(
    used: float, previous: Severity, severity: Severity
):
    assert gauge_severity(gauge(used), previous) is severity


@pytest.mark.parametrize(("used", "total"), [(None, 100.0), (5.0, None), (5.0, 0.0), (float("nan"), 100.0)])
def test_a_ratio_that_cannot_be_known_is_unknown_never_ok(used: float | None, total: float | None):
    assert gauge_severity(gauge(used, total), OK) is UNKNOWN
