"""A log storm and a capacity crunch at their height: the worst thing first, nothing else accused.

The story began before the platform did, so that nobody waits for it; whole nights of both are in test_verdicts_of_scale.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.platform import NICE, platform
from tests.e2e.record import Record, watching
from tests.e2e.watch import Moment, PaneSeen

pytestmark = pytest.mark.timeout(240)
SCENARIOS = ("log-storm", "capacity-crunch")
WITHIN_S = 100.0


@pytest.fixture(scope="module")
def heights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Record]]:
    """What is said of each, from when it is at its height; both at once, to wait but once."""
    with ExitStack() as stack:
        records = {}
        for scenario in SCENARIOS:
            place = tmp_path_factory.mktemp(scenario)
            running = stack.enter_context(platform(place, scenario, NICE, begun_s=125, start_after_s=5, duration_s=3600))
            records[scenario] = stack.enter_context(watching(running.view("bare", ()), "watch", NICE))
        yield records


def accused(pane: PaneSeen) -> dict[str, str]:
    return {row.name: row.severity for row in pane.rows}


def is_told(moment: Moment, logs: str) -> bool:
    """All that has an answer has one, the alert too."""
    panes = moment.panes
    seen = all(panes[name].state == "live" for name in ("logs", "workloads", "capacity"))
    return seen and panes["logs"].severity == logs and "err" in panes["logs"].summary and bool(moment.incidents)


def test_a_storm_is_seen_in_the_logs_and_in_the_shippers_queue(heights: dict[str, Record]) -> None:
    moment = heights["log-storm"].until(lambda m: is_told(m, "WARN"), "the storm to be told", WITHIN_S)
    panes = moment.panes
    assert "err 9" in panes["logs"].summary, panes["logs"].summary
    account = panes["logs"].accounting or {}
    assert account["received"] == account["shown"] + account["dropped"] > 0
    assert accused(panes["capacity"]) == {"log shipper queue": "CRIT"} and accused(panes["workloads"]) == {}
    assert [one.title.partition(":")[0] for one in moment.incidents] == ["EntitlementPoolExhausted"]


def test_a_crowd_is_seen_at_the_edge_it_fills_and_at_the_door(heights: dict[str, Record]) -> None:
    moment = heights["capacity-crunch"].until(lambda m: is_told(m, "OK"), "the crowd to be told", WITHIN_S)
    panes = moment.panes
    assert accused(panes["capacity"]) == {"egress syd": "CRIT", "lb-1 session-api": "WARN", "lb-2 session-api": "WARN"}
    assert panes["capacity"].rows[0].name == "egress syd", "the worst thing first"
    assert {name.rsplit("-", 2)[0] for name in accused(panes["workloads"])} <= {"session-api"}
    assert [one.title.partition(":")[0] for one in moment.incidents] == ["EdgeEgressNearCapacity"]
