"""What the sources pane says: who is asked, how fresh the answer is, and what it costs."""

from __future__ import annotations

import msgspec
import pytest

from console.model.severity import Severity, State
from console.model.source import Cost, SourceStatus
from console.rows import sources as rows
from console.rows.pane import Pane
from tests.hand_clock import HandClock
from tests.scene import REFUSED, live, sources

NOW = HandClock().now()


def made(*statuses: SourceStatus) -> Pane[rows.SourceRow]:
    return rows.pane(live(statuses, NOW), NOW)


def status(state: State, name: str = "elasticsearch.tail", **fields: object) -> SourceStatus:
    plain = SourceStatus(name, "elasticsearch", state, 1.0, None, Cost(requests=7, errors=2, requests_per_s=0.4, bytes_per_s=1800))
    return msgspec.structs.replace(plain, **fields)


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        (State.LIVE, Severity.OK), (State.PARTIAL, Severity.WARN), (State.STALE, Severity.WARN),
        (State.CONNECTING, Severity.UNKNOWN), (State.ERROR, Severity.CRIT),
    ],
)  # fmt: skip
def test_only_a_source_that_answers_is_well(state: State, severity: Severity) -> None:
    pane = made(status(state))
    assert (pane.rows[0].severity, pane.severity) == (severity, severity)


def test_those_in_trouble_come_first() -> None:
    pane = made(*sources(), status(State.STALE, "b"), status(State.ERROR, "a", error=REFUSED))
    assert [row.name for row in pane.rows[:2]] == ["a", "b"]
    assert pane.summary == "5/7 live"


def test_a_row_says_what_it_costs_and_why_it_fails() -> None:
    row = made(status(State.ERROR, error=REFUSED, skew_s=-7.25)).rows[0]
    texts = {column.key: column.cell(row).text for column in rows.COLUMNS}
    assert (texts["requests"], texts["bytes"], texts["errors"], texts["skew"]) == ("0.40", "1.8k", "2", "-7.2s")
    assert texts["why"] == "poll the log tail on elasticsearch http://127.0.0.1:9200: connection refused (is it up? midwatch doctor)"


def test_the_pane_has_settled_when_none_still_connects() -> None:
    assert made(status(State.LIVE), status(State.ERROR)).is_settled
    assert not made(status(State.LIVE), status(State.CONNECTING)).is_settled


def test_no_source_at_all_is_not_well() -> None:
    assert made().severity is Severity.UNKNOWN
