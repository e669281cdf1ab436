"""The faults of size, a log storm and a capacity crunch: truth, metrics and alerts of one world, at whatever hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from console.demo.haproxy.balancer import Balancer
from console.demo.haproxy.layout import BACKENDS
from console.demo.prometheus import query
from console.demo.prometheus.series import Catalogue
from console.demo.world import truth
from console.demo.world.alerts import Alert, alerts
from console.demo.world.names import CHANNELS, POPS, RENDITIONS, VANTAGES
from console.demo.world.world import SHIPPERS, World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
BEFORE = START - timedelta(microseconds=1)
KINDS = ("log-storm", "capacity-crunch")
HOURS = (0, 5, 11, 17, 22)


def at(seconds: float, start: datetime = START) -> datetime:
    return start + timedelta(seconds=seconds)


def ratio(world: World, expression: str, seconds: float) -> float:
    now = at(seconds, world.start)
    found = query.instant(Catalogue(world, lambda: now), expression, int(now.timestamp() * 1000), 5000).result
    assert len(found) == 1, found
    return float(found[0].value[1])


@pytest.mark.parametrize(("kind", "told"), [
    ("log-storm", {("entitlement-api", "drm", ()), ("elasticsearch", "source", ())}),
    ("capacity-crunch", {("edge-syd", "edge", ("edge-syd",)), ("session-api", "edge", ())}),
], ids=KINDS)  # fmt: skip
def test_the_truth_names_what_broke_and_what_suffers_and_no_code(kind: str, told: set[tuple[str, str, tuple[str, ...]]]) -> None:
    lines = truth.events(World(1, kind, START), BEFORE, at(300))
    assert {(e.entity, e.layer, e.vantages) for e in lines} == told
    assert {(e.rendition, e.codes) for e in lines} == {(None, ())}
    assert [(e.kind, e.t) for e in lines] == [("start", truth.rfc3339(at(20)))] * 2 + [("end", truth.rfc3339(at(200)))] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_no_playlist_freezes_and_no_viewer_who_is_in_feels_it(kind: str) -> None:
    world = World(1, kind, START)
    for channel in CHANNELS:
        for seconds in (30, 90, 150, 199, 230):
            assert world.rebuffer_ratio(channel.name, at(seconds)) < 0.008
            assert all(world.frozen_since(channel.name, rendition, vantage.name, at(seconds)) is None
                       for rendition in RENDITIONS for vantage in VANTAGES)  # fmt: skip


@pytest.mark.parametrize("hour", HOURS)
@pytest.mark.parametrize("seed", [1, 7])
def test_the_crowd_fills_one_edge_at_any_hour_and_no_other(seed: int, hour: int) -> None:
    world = World(seed, "capacity-crunch", START + timedelta(hours=hour))
    share = 'sum(rate(edge_bytes_total{pop="syd"}[1m])) * 8 / sum(edge_capacity_bps{pop="syd"})'
    for seconds in (135, 199):
        assert 0.93 < ratio(world, share, seconds) < 0.995, seconds
    assert ratio(world, share, 15) < 0.78 and ratio(world, share, 330) < 0.78
    for seconds in range(0, 400, 20):
        for pop in POPS:
            full = world.edge_egress_bps(pop, at(seconds, world.start)) / world.edge_capacity_bps(pop)
            assert full < (0.995 if pop == "syd" else 0.78), (pop, seconds)


@pytest.mark.parametrize("hour", HOURS)
def test_the_door_is_busy_and_never_full_and_says_whom_it_refuses(hour: int) -> None:
    world = World(3, "capacity-crunch", START + timedelta(hours=hour))
    door = next(one for one in BACKENDS if one.name == "session-api")
    balancer = Balancer("lb-1", world)
    full = sum(server.maxconn for server in door.servers)
    for seconds, least, most in ((10, 0.3, 0.6), (120, 0.8, 0.92), (199, 0.8, 0.92), (300, 0.3, 0.6)):
        busy = sum(balancer.current(door, server, at(seconds, world.start)) for server in door.servers) / full
        assert least < busy < most, seconds
        assert sum(balancer.queued(door, server, at(seconds, world.start)) for server in door.servers) == 0
    assert world.sessions_refused_total(at(20, world.start)) == 0
    assert world.sessions_refused_total(at(199, world.start)) > 60_000
    assert world.sessions_refused_total(at(2000, world.start)) == world.sessions_refused_total(at(240, world.start))
    assert world.edge_requests_per_s("syd", "503", at(150, world.start)) > 50 * world.edge_requests_per_s("syd", "503", at(10, world.start))


def test_the_shippers_fill_in_a_storm_and_while_the_index_is_down() -> None:
    storm, down = World(1, "log-storm", START), World(1, "backend-down", START)
    share = "logshipper_queue_events / logshipper_queue_events_max"
    assert ratio(storm, share, 18) < 0.01 and 0.96 < ratio(storm, share, 199) <= 1.0 and ratio(storm, share, 260) < 0.01
    assert ratio(down, share, 199) == pytest.approx(180 * 60 / storm.shipper_queue_max, rel=0.12)
    assert storm.shipper_queue_max % SHIPPERS == 0
    assert 12 < storm.log_delay_s(at(100)) < 20 > storm.log_delay_s(at(199)) and storm.log_delay_s(at(230)) == 0.0


def firing(world: World, seconds: float) -> dict[str, Alert]:
    return {alert.labels["alertname"]: alert for alert in alerts(world, at(seconds)) if alert.labels["alertname"] != "Watchdog"}


@pytest.mark.parametrize(("kind", "name", "since", "severity"), [
    ("log-storm", "EntitlementPoolExhausted", 20, "critical"), ("log-storm", "LogShippersRejected", 45, "warning"),
    ("capacity-crunch", "EdgeEgressNearCapacity", 75, "critical"), ("capacity-crunch", "SessionsRefused", 60, "warning"),
])  # fmt: skip
def test_an_alert_fires_and_its_expression_is_true_then_and_not_in_calm(kind: str, name: str, since: float, severity: str) -> None:
    world = World(1, kind, START)
    assert name not in firing(world, 20 + since - 1) and name in firing(world, 20 + since)
    alert = firing(world, 20 + since)[name]
    assert alert.starts_at == at(20 + since) and alert.labels["severity"] == severity
    for seconds, is_true in ((10, False), (20 + since + 16, True), (500, False)):
        catalogue = Catalogue(world, partial(at, seconds))
        result = query.instant(catalogue, alert.expression, int(at(seconds).timestamp() * 1000), 5000).result
        assert bool(result) is is_true, (seconds, alert.expression)
    assert firing(world, 200) == {}


def test_only_one_alert_of_each_is_critical() -> None:
    for kind, name in zip(KINDS, ("EntitlementPoolExhausted", "EdgeEgressNearCapacity"), strict=True):
        told = firing(World(1, kind, START), 150)
        assert [alert.labels["alertname"] for alert in told.values() if alert.labels["severity"] == "critical"] == [name]


def test_in_an_endless_cycle_a_crunch_counts_what_the_ones_before_it_added() -> None:
    """Heights that depend on the hour are summed one by one."""
    world = World(2, "cycle", START)
    turn = 1920.0
    for begun in (1700.0, 1700.0 + 40 * turn):
        before, after = (world.edge_bytes_total("syd", at(begun + seconds)) for seconds in (0.0, 400.0))
        summed = sum(world.edge_egress_bps("syd", at(begun + second + 0.5)) for second in range(400)) / 8
        assert after - before == pytest.approx(summed, rel=1e-4), begun
