"""Backends that go and come again: their pane says why, the others live on, and it is live again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.forwarder import Forwarders, forwarders
from tests.e2e.midwatch import Ran, Running, midwatch
from tests.e2e.nights import FEW, is_live
from tests.e2e.platform import NICE, VANTAGES, Platform
from tests.e2e.record import Record, watching
from tests.e2e.waiting import until
from tests.e2e.watch import Moment

BACKENDS = ("prometheus", "elasticsearch", "kubernetes", *VANTAGES)
PANES = ("streams", "logs", "workloads", "capacity")
SNAPSHOT = ("snapshot", "overview", "--format", "json")


class Way:
    """A watch that looks at the platform through forwarders."""

    def __init__(self, between: Forwarders, config: Path, bare: Path, record: Record) -> None:
        self.between = between
        self.config = config
        self.bare = bare  # without a channel, so that a snapshot need not watch streams for 1.5 T
        self.record = record


@pytest.fixture(scope="module")
def way(calm: Platform) -> Iterator[Way]:
    ports = calm.ports
    with forwarders({name: ports[name] for name in BACKENDS}) as between:
        config = calm.view("forwarded", FEW, between.ports)
        with watching(config, "forwarded", NICE) as record:
            record.until(is_live, "four live panes", 180)
            yield Way(between, config, calm.view("bare", (), between.ports), record)


def states(moment: Moment) -> dict[str, str]:
    return {name: pane.state for name, pane in moment.panes.items()}


def test_streams_that_cannot_be_had_anywhere_are_down_while_the_other_panes_live(way: Way) -> None:
    begun = len(way.record.renew())
    way.between.shut(VANTAGES)
    try:
        snapshot = Running(way.config, *SNAPSHOT, "--exit-status", "--wait", "40s")
        down = way.record.until(
            lambda moment: {f.entity for f in moment.findings if f.code == "DOWN"} == set(FEW), "both channels DOWN"
        )
        ran = snapshot.ended()
    finally:
        way.between.open(VANTAGES)
    assert {(f.severity.value, f.layer.value) for f in down.findings if f.code == "DOWN"} == {("CRIT", "origin")}
    assert {row.severity for row in down.panes["streams"].rows} == {"CRIT"}
    assert ran.code == 1, ran.err
    assert {row["name"]: row["severity"] for row in ran.panes["streams"]["rows"]} == dict.fromkeys(FEW, "CRIT")
    for name in ("logs", "workloads", "capacity"):
        assert ran.panes[name]["state"] == "live", ran.panes[name]
        assert {moment.panes[name].state for moment in way.record.moments[begun:]} == {"live"}


@pytest.mark.parametrize(
    ("backend", "pane"), [("prometheus", "capacity"), ("kubernetes", "workloads")]
)
def test_a_backend_that_closes_is_told_with_its_reason_and_is_live_again_by_itself(
    way: Way, backend: str, pane: str
) -> None:
    record = way.record
    record.until(is_live, "four live panes")
    begun = len(record.moments)
    way.between.shut([backend])
    try:
        snapshot = Running(way.bare, *SNAPSHOT, "--wait", "40s")
        # The first error may still be that of the connection that was cut.
        failed = record.until(
            lambda moment: moment.panes[pane].state == "error"
            and "connection refused" in (moment.panes[pane].error or "").lower()
            and f" on {backend} " in (moment.panes[pane].error or ""),
            f"{pane} to say that {backend} refuses",
        ).panes[pane]
        ran = snapshot.ended()
    finally:
        way.between.open([backend])
    assert failed.severity != "OK", "what nobody can see is never well"
    assert ran.code == 5, (ran.code, ran.err)
    assert ran.panes[pane]["state"] == "error" and f" on {backend} " in ran.panes[pane]["error"]
    record.until(is_live, f"{pane} live again")
    others = {(name, state) for m in record.moments[begun:] for name, state in states(m).items() if name != pane}
    assert others == {(name, "live") for name in set(PANES) - {pane}}


def test_when_nothing_can_be_reached_a_snapshot_ends_with_3(calm: Platform) -> None:
    taken: list[Ran] = []

    def nothing_reached() -> bool:
        taken.append(midwatch(closed, *SNAPSHOT, "--wait", "40s"))
        # A prober that is starved says so, and then nobody knows whether the streams are there.
        return not any(row["reason"].startswith("probe:") for row in taken[-1].panes["streams"]["rows"])

    with forwarders(calm.ports) as between:
        between.shut(between.ports)
        closed = calm.view("closed", FEW, between.ports)
        until(nothing_reached, "a snapshot by a prober that can see", 120)
    ran = taken[-1]
    assert ran.code == 3, (ran.code, ran.states, ran.panes["streams"]["rows"])
    assert ran.document["severity"] != "OK"


def test_a_snapshot_that_may_not_wait_is_never_well(calm: Platform) -> None:
    ran = midwatch(calm.config, *SNAPSHOT, "--wait", "0")
    assert ran.code in (4, 5), ran.err
    assert ran.document["severity"] == "UNKNOWN"
    assert all(pane["severity"] != "OK" for pane in ran.panes.values())


def test_with_exit_status_an_unhealthy_platform_is_1_and_without_it_0(broken: Platform) -> None:
    config = broken.view("emea", FEW)
    told, silent = Running(config, *SNAPSHOT, "--exit-status", "--wait", "40s"), Running(config, *SNAPSHOT, "--wait", "40s")
    ran, ran_silently = told.ended(), silent.ended()
    assert ran.code == 1, ran.err
    assert ran_silently.code == 0, (ran_silently.states, ran_silently.document["sources"])
    for each in (ran, ran_silently):
        rows = {row["name"]: row["severity"] for row in each.panes["streams"]["rows"]}
        assert rows["uk-sport-1"] in ("WARN", "CRIT") and rows["us-news-1"] == "OK"


def test_streams_that_can_be_had_again_are_well_again_by_themselves(way: Way) -> None:
    well = way.record.until(lambda moment: moment.panes["streams"].severity == "OK", "the streams to be well")
    assert not well.findings
