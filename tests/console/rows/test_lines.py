"""What the logs pane says around its lines, which lines are in scope, and that each is accounted for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from console.feeds.log import LogRing
from console.model.failure import Failure, FailureKind
from console.model.joined import Logs
from console.model.logline import LevelBucket, LevelCounts, LogAccounting, LogLine
from console.model.scope import Scope
from console.model.severity import Severity
from console.rows import lines as rows
from console.rows.pane import Pane
from tests.hand_clock import HandClock
from tests.scene import back, live, log_lines, logs

NOW = HandClock().now()


def ring() -> LogRing:
    filled = LogRing(1000)
    for line in log_lines(NOW):
        filled.append(line)
    return filled


def made(value: Logs | None = None, **scope: str) -> Pane[rows.LineRow]:
    filled = ring()
    return rows.pane(live(value or logs(filled, NOW), NOW), filled.newest(filled.last_seq), Scope(tuple(scope.items())), NOW)


def counted(*buckets: tuple[int, int]) -> Logs:
    """The scene's window with these counts of (all, errors) in buckets of half a minute."""
    levels = LevelCounts(30.0, tuple(LevelBucket(back(NOW, 0), total, errors, 0) for total, errors in buckets))
    return msgspec.structs.replace(logs(ring(), NOW), levels=levels)


def line(**fields: Any) -> LogLine:
    return LogLine(at=NOW.utc, level="error", message="x", **fields)


def test_the_rows_are_the_newest_lines_oldest_first() -> None:
    pane = made()
    assert pane.rows[-1].message.startswith("upstream 504") and pane.rows[-1].is_late
    assert [row.at for row in pane.rows[:50]] == sorted(row.at for row in pane.rows[:50])


def test_a_digest_carries_no_more_than_its_share_and_those_are_the_newest() -> None:
    many = LogRing(1000)
    for number in range(500):
        many.append(LogLine(at=NOW.utc, level="info", message=str(number)))
    pane = rows.pane(live(logs(many, NOW), NOW), many.newest(many.last_seq), Scope(), NOW)
    assert (pane.count, pane.rows[0].message, pane.rows[-1].message) == (200, "300", "499")


def test_the_head_says_rate_errors_and_lag() -> None:
    pane = made()
    assert pane.summary == "80/s · err 37.5 % · lag 2s"
    assert pane.accounting == {"received": 38_211, "shown": 38_211, "dropped": 0, "late": 12, "duplicates": 0, "held_polls": 0}


@pytest.mark.parametrize(
    ("errors", "severity"), [(0, Severity.OK), (49, Severity.OK), (50, Severity.WARN), (1000, Severity.WARN)]
)
def test_the_ratio_of_errors_decides_not_a_single_error_line(errors: int, severity: Severity) -> None:
    assert made(counted((1000, errors), (1000, errors), (5, 5))).severity is severity


def test_the_last_bucket_is_not_complete_and_counts_for_nothing() -> None:
    pane = made(counted((1000, 0), (1000, 0), (1, 1)))
    assert pane.severity is Severity.OK and "err 0.0 %" in pane.summary


def test_without_counts_the_head_says_why_or_nothing() -> None:
    why = Failure(FailureKind.TIMEOUT, "count by level", "elasticsearch", "no answer in 10 s")
    value = msgspec.structs.replace(logs(ring(), NOW), levels=None, levels_error=why)
    assert made(value).summary == "counts: failed · lag 2s"
    assert made(msgspec.structs.replace(value, levels_error=None)).summary == "lag 2s"


@pytest.mark.parametrize(
    ("scope", "fields", "is_in"),
    [
        ({}, {}, True),
        ({"service": "a"}, {"service": "a"}, True),
        ({"service": "a"}, {"service": "b"}, False),
        ({"service": "a"}, {}, False),
        ({"pod": "a-1"}, {"service": "a"}, False),
        ({"channel": "c"}, {"service": "a"}, True),
        ({"channel": "c"}, {"channel": "d"}, False),
        ({"region": "emea"}, {"region": "apac"}, False),
        ({"service": "a"}, {"is_mark": True}, True),
    ],
)
def test_a_line_is_in_scope_unless_it_names_another(scope: dict[str, str], fields: dict[str, Any], is_in: bool) -> None:
    assert rows.in_scope(line(**fields), Scope(tuple(scope.items()))) is is_in


def test_the_account_is_told_in_full() -> None:
    assert rows.accounting_text(LogAccounting(received=38_211, shown=38_199, dropped=12, late=3)) == (
        "received 38 211 · shown 38 199 · dropped 12 · late 3"
    )
    assert rows.accounting_text(LogAccounting(held_polls=2)).endswith("late 0 · held 2")


@pytest.mark.parametrize(
    ("level", "severity"), [("error", "CRIT"), ("fatal", "CRIT"), ("warn", "WARN"), ("warning", "WARN"), ("info", "OK"), ("", "OK")]
)
def test_a_lines_letter_is_that_of_its_level(level: str, severity: str) -> None:
    assert rows.severity_of(msgspec.structs.replace(line(), level=level)).value == severity


def test_the_histograms_have_the_width_asked_for_and_leave_out_what_is_incomplete() -> None:
    levels = logs(ring(), NOW).levels
    assert len(rows.histogram(levels, 20)) == len(rows.errors_histogram(levels, 20)) == 20
    assert rows.histogram(None, 20) == rows.errors_histogram(None, 20) == ""
    assert rows.errors_histogram(levels, 29).index("█") == 24, "the errors begin where the deploy was"
