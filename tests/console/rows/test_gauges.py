"""What the capacity pane says: the fullest first within its severity, and a missing number never as a small one."""

from __future__ import annotations

import msgspec
import pytest

from console.model.metric import Capacity, Gauge, GaugeSpec
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows import gauges as rows
from console.rows.pane import Pane
from tests.hand_clock import HandClock
from tests.scene import back, capacity, live

NOW = HandClock().now()


def made(value: Capacity | None = None, scope: Scope = Scope()) -> Pane[rows.GaugeRow]:  # noqa: B008 - frozen
    return rows.pane(live(value or capacity(NOW), NOW), scope, NOW)


def only(used: float | None, total: float | None, severity: Severity, missing: str = "", total_query: str | None = "t") -> rows.GaugeRow:
    """The row of one gauge alone."""
    gauge = Gauge(GaugeSpec("egress lhr", "u", total_query, "bit/s"), used, total, back(NOW, 7), missing)
    return made(Capacity((gauge,), {"egress lhr": severity})).rows[0]


def test_the_worst_come_first_and_the_fullest_first_among_equals() -> None:
    assert [(row.severity.letter, row.name) for row in made().rows] == [
        ("W", "egress lhr"), ("W", "transcoder slots emea"), ("?", "redis memory"),
        (" ", "egress syd"), (" ", "origin connections"), (" ", "egress nrt"),
    ]  # fmt: skip


def test_the_head_names_the_fullest_and_counts_those_without_data() -> None:
    pane = made()
    assert pane.summary == "worst: egress lhr 91 % · 1 without data"
    assert pane.severity is Severity.WARN


@pytest.mark.parametrize(
    ("used", "total", "missing", "text", "note"),
    [
        (410e9, 450e9, "", "91 %", "410G/450G b/s"),
        (0, 450e9, "", "0 %", "0/450G b/s"),
        (None, 8e9, "exporter refused", "–", "exporter refused since 02:14:00"),
        (None, None, "", "–", "no data since 02:14:00"),
        (410e9, None, "3 series, expected 1", "–", "3 series, expected 1 since 02:14:00"),
        (410e9, 0, "", "–", "no data since 02:14:00"),
    ],
)
def test_a_gauge_says_its_amount_or_why_it_cannot(used: float | None, total: float | None, missing: str, text: str, note: str) -> None:
    bar = only(used, total, Severity.UNKNOWN, missing).bar
    assert (bar.text, bar.note) == (text, note)
    assert (bar.ratio is None) == (text == "–")


def test_a_gauge_that_is_a_ratio_itself_has_no_amount() -> None:
    row = only(0.85, None, Severity.WARN, total_query=None)
    assert (row.ratio, row.bar.text, row.bar.note) == (0.85, "85 %", "")


def test_a_gauge_that_nobody_judged_is_unknown() -> None:
    value = msgspec.structs.replace(capacity(NOW), verdicts={})
    assert {row.severity for row in made(value).rows} == {Severity.UNKNOWN}


def test_a_scope_does_not_narrow_gauges_and_the_note_says_so() -> None:
    pane = made(scope=Scope((("region", "emea"),)))
    assert pane.count == 6 and pane.note == "gauges are of the whole site"
    assert made().note == ""


def test_a_site_without_gauges_is_live_with_no_rows() -> None:
    pane = made(Capacity((), {}))
    assert (pane.state, pane.summary, pane.rows) == (State.LIVE, "no gauges configured", ())
