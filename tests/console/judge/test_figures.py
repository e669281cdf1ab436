"""The verdict on a figure beside last week's."""

from __future__ import annotations

import pytest

from console.judge.figures import figure_severity
from console.model.figure import Better, Figure, FigureSpec
from console.model.severity import Severity

MORE = FigureSpec("viewers", "q", better=Better.HIGHER, warn=0.8, crit=0.5)
LESS = FigureSpec("rebuffer", "q", better=Better.LOWER, warn=1.5, crit=3.0)
OK, WARN, CRIT, UNKNOWN = Severity.OK, Severity.WARN, Severity.CRIT, Severity.UNKNOWN


@pytest.mark.parametrize(
    ("spec", "now", "week_ago", "severity"),
    [
        (MORE, 100.0, 100.0, OK),
        (MORE, 81.0, 100.0, OK),
        (MORE, 80.0, 100.0, WARN),
        (MORE, 50.0, 100.0, CRIT),
        (MORE, 0.0, 100.0, CRIT),
        (MORE, 500.0, 100.0, OK),
        (LESS, 0.01, 0.01, OK),
        (LESS, 0.015, 0.01, WARN),
        (LESS, 0.03, 0.01, CRIT),
        (LESS, 0.0, 0.01, OK),
        (MORE, None, 100.0, UNKNOWN),
        (MORE, 100.0, None, UNKNOWN),
        (MORE, 0.0, 0.0, OK),
        (MORE, 5.0, 0.0, OK),
        (LESS, 5.0, 0.0, UNKNOWN),
        (MORE, -5.0, 100.0, UNKNOWN),
        (MORE, 5.0, -100.0, UNKNOWN),
    ],
)
def test_the_verdict_is_the_ratio_and_what_cannot_be_compared_is_never_ok(
    spec: FigureSpec, now: float | None, week_ago: float | None, severity: Severity
) -> None:
    assert figure_severity(Figure(spec, now, week_ago)) is severity


@pytest.mark.parametrize("spec", [FigureSpec("n", "q"), FigureSpec("n", "q", better=Better.HIGHER)])
def test_without_thresholds_a_change_is_not_judged_but_a_missing_value_is_told(spec: FigureSpec) -> None:
    assert figure_severity(Figure(spec, 1.0, 100.0)) is None
    assert figure_severity(Figure(spec, None, 100.0)) is UNKNOWN


def test_a_figure_on_its_level_does_not_flicker() -> None:
    assert figure_severity(Figure(MORE, 81.0, 100.0), WARN) is WARN
    assert figure_severity(Figure(MORE, 83.0, 100.0), WARN) is OK
    assert figure_severity(Figure(LESS, 1.48, 1.0), WARN) is WARN
    assert figure_severity(Figure(LESS, 1.46, 1.0), CRIT) is OK


@pytest.mark.parametrize(
    ("now", "week_ago", "change", "why"),
    [
        (75.0, 100.0, -0.25, ""),
        (0.0, 0.0, 0.0, ""),
        (0.0, 100.0, -1.0, ""),
        (5.0, 0.0, None, "it was 0 a week ago"),
        (-5.0, 10.0, None, "below zero: not to be compared"),
        (5.0, -10.0, None, "below zero: not to be compared"),
        (None, 10.0, None, "no data"),
        (5.0, None, None, "no data a week ago"),
    ],
)
def test_a_change_that_cannot_be_said_says_why(
    now: float | None, week_ago: float | None, change: float | None, why: str
) -> None:
    figure = Figure(MORE, now, week_ago)
    assert (figure.change, figure.why_no_change) == (change, why)
