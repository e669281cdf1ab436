"""The verdicts of the nights in which nothing is broken on the air and something is too much: a log storm, a crowd."""

from __future__ import annotations

from itertools import pairwise

import pytest

from console.model.incident import EntryKind
from tests.e2e.nights import CROWD_GONE_WITHIN_S, HEALED_WITHIN_S, Night, Nights, is_calm
from tests.e2e.test_verdicts import seconds

pytestmark = [pytest.mark.proof, pytest.mark.timeout(480)]

STORM_TOLD_WITHIN_S = 90.0
"""Lines that come 15 s late, counted in half minutes of which the newest is left out, every 10 s."""
CROWD_TOLD_WITHIN_S = 100.0
"""It grows for 40 s; the gauge is a rate over a minute of samples that are 15 s apart, asked every 10 s."""
BLOCKED_S = 1.0


def capacity(night: Night) -> dict[str, set[str]]:
    """Severity -> the gauges that ever had it."""
    named: dict[str, set[str]] = {}
    for moment in night.moments:
        for row in moment.panes["capacity"].rows:
            named.setdefault(row.severity, set()).add(row.name)
    return named


def incident_of(night: Night, alert: str) -> None:
    """There is one, it is critical, and it tells that alert and no other."""
    told = [incident for moment in night.moments for incident in moment.incidents]
    assert len({incident.name for incident in told}) == 1
    assert told[-1].timeline and {e.text.partition(":")[0] for i in told for e in i.timeline if e.kind is EntryKind.ALERT} == {alert}
    assert {incident.severity.value for incident in told if not incident.is_closed} == {"CRIT"}


def calm_after(night: Night, within_s: float) -> None:
    calm = next((moment for moment in night.moments if moment.at > night.ended and is_calm(moment)), None)
    assert calm is not None, f"never calm again: {night.moments[-1].panes}"
    assert seconds(calm.at, night.ended) <= within_s


def no_stream_is_accused(night: Night) -> None:
    assert night.was_ready
    for moment in night.moments:
        assert not moment.findings, moment.findings
        assert {row.severity for row in moment.panes["streams"].rows} <= {"UNKNOWN"}, moment.panes["streams"]


@pytest.mark.night("log-storm")
def test_a_storm_is_told_by_the_logs_and_the_shippers_queue_and_nothing_else_is_accused(nights: Nights) -> None:
    night = nights.of("log-storm")
    no_stream_is_accused(night)
    named = capacity(night)
    assert named.pop("CRIT") == {"log shipper queue"} and set().union(*named.values(), set()) <= {"log shipper queue"}
    assert {row.severity for moment in night.moments for row in moment.panes["workloads"].rows} == set()
    assert all(m.panes["logs"].severity in ("OK", "UNKNOWN") for m in night.moments if m.at < night.begun)
    told = next(m for m in night.moments if m.at > night.begun and m.panes["logs"].severity == "WARN")
    assert seconds(told.at, night.begun) <= STORM_TOLD_WITHIN_S
    incident_of(night, "EntitlementPoolExhausted")
    calm_after(night, HEALED_WITHIN_S)


@pytest.mark.night("log-storm")
def test_in_a_storm_every_line_of_the_index_is_accounted_for(nights: Nights) -> None:
    night = nights.of("log-storm")
    accounts = [moment.panes["logs"].accounting or {} for moment in night.logged]
    assert accounts[-1]["received"] > 40_000, "that was no storm"
    for account in accounts:
        assert account["received"] == account["shown"] + account["dropped"]
    taken = accounts[-1]["received"] - accounts[0]["received"]
    assert night.held <= taken <= night.held_most
    lags = [m.panes["logs"].summary for m in night.moments if seconds(m.at, night.begun) > 60 and m.at < night.ended]
    assert any("lag 1" in summary for summary in lags), "it comes a quarter of a minute late, and that is said"


@pytest.mark.night("log-storm")
def test_a_storm_never_blocks_the_loop(nights: Nights) -> None:
    """A moment is written four times a second; what is late was kept from running."""
    night = nights.of("log-storm")
    gaps = sorted(seconds(after.at, before.at) for before, after in pairwise(night.moments) if before.at > night.begun)
    assert gaps[-1] < BLOCKED_S, gaps[-5:]
    assert gaps[int(0.95 * len(gaps))] < 0.5, gaps[int(0.95 * len(gaps))]


@pytest.mark.night("capacity-crunch")
def test_a_crowd_is_told_by_the_edge_it_fills_first_and_nothing_else_is_accused(nights: Nights) -> None:
    night = nights.of("capacity-crunch")
    no_stream_is_accused(night)
    named = capacity(night)
    doors = {"lb-1 session-api", "lb-2 session-api"}
    assert named.pop("CRIT") == {"egress syd"} and named.pop("WARN") <= {"egress syd"} | doors and not named.get("UNKNOWN")
    told = [m for m in night.moments if m.panes["capacity"].severity == "CRIT"]
    assert seconds(told[0].at, night.begun) <= CROWD_TOLD_WITHIN_S
    assert {moment.panes["capacity"].rows[0].name for moment in told} == {"egress syd"}, "the worst thing first"
    assert any({row.name for row in moment.panes["capacity"].rows} >= doors for moment in told)
    pods = {row.name.rsplit("-", 2)[0] for moment in night.moments for row in moment.panes["workloads"].rows}
    assert pods <= {"session-api"}, "its new pods start"
    assert {m.panes["logs"].severity for m in night.logged} <= {"OK", "UNKNOWN"}
    incident_of(night, "EdgeEgressNearCapacity")
    calm_after(night, CROWD_GONE_WITHIN_S)
