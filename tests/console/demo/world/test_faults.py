"""The faults of contribution, delivery and nodes: truth, metrics and alerts of one world."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from console.demo.prometheus import query
from console.demo.prometheus.series import Catalogue
from console.demo.world import truth
from console.demo.world.alerts import Alert, alerts
from console.demo.world.names import CHANNELS, EDGES, RENDITIONS, VANTAGES
from console.demo.world.scenario import GONE_S, KINDS, Fault
from console.demo.world.world import World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
BEFORE = START - timedelta(microseconds=1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def fault(world: World, kind: str) -> Fault:
    found = world.last(kind, at(30))
    assert found is not None
    return found


def test_an_encoder_that_flaps_is_told_as_one_fault_of_the_layer_that_causes_it() -> None:
    lines = truth.events(World(1, "encoder-flap", START), BEFORE, at(500))
    assert {(e.entity, e.layer, e.codes) for e in lines} == {("in-cricket-1", "ingest", ("STALE",))}
    assert [e.kind for e in lines] == ["start"] * 5 + ["end"] * 5
    assert {e.vantages for e in lines} == {tuple(v.name for v in VANTAGES)}


@pytest.mark.parametrize(("duration_s", "spells"), [(180.0, 5), (104.0, 3), (50.0, 2), (30.0, 1), (5.0, 1)])
def test_spells_fill_any_length_and_the_last_ends_with_the_fault(duration_s: float, spells: int) -> None:
    found = fault(World(1, "encoder-flap", START, duration_s=duration_s), "encoder-flap").spells()
    assert len(found) == spells and found[0][0] == at(20) and found[-1][1] == at(20 + duration_s)
    assert all((back - gone).total_seconds() == GONE_S for gone, back in found) or spells == 1


def test_slow_segments_are_told_where_the_viewers_are_and_nothing_freezes() -> None:
    world = World(1, "cdn-slow", START)
    lines = [e for e in truth.events(world, BEFORE, at(30)) if e.kind == "start"]
    watched = {c.name for c in CHANNELS if {"syd", "nrt"} & dict(c.pops).keys()}
    assert {e.entity for e in lines} == watched and len(lines) == len(watched) == 6
    assert {(e.rendition, e.layer, e.codes, e.vantages) for e in lines} == {
        ("1080p", "edge", ("SEG_SLOW",), ("edge-syd", "edge-nrt"))}
    assert {EDGES[n].cdn for n in (1, 2)} == {"own"}, "two POPs of one CDN"
    for channel in CHANNELS:
        for vantage in VANTAGES:
            assert world.frozen_since(channel.name, "1080p", vantage.name, at(60)) is None
            slow = channel.name in watched and vantage.name in ("edge-syd", "edge-nrt")
            assert world.slow(channel.name, "1080p", vantage.name, at(60)) is slow
            assert not world.slow(channel.name, "1080p", vantage.name, at(200))
    assert world.rebuffer_ratio("in-cricket-1", at(150)) > 0.05 > 0.02 > world.rebuffer_ratio("uk-sport-1", at(150))
    assert world.rebuffer_ratio("us-sport-1", at(150)) < 0.008


def test_a_lost_nodes_channels_end_when_they_are_taken_over_and_the_node_with_the_fault() -> None:
    world = World(1, "node-lost", START)
    told = truth.events(world, BEFORE, at(90))
    assert {e.kind for e in told} == {"start"} and len(told) == 2 * len(RENDITIONS) + 1
    world.resume(fault(world, "node-lost"), "uk-sport-1", at(94))
    told += truth.events(world, at(90), at(300))
    ends = {(e.entity, e.t) for e in told if e.kind == "end"}
    assert ends == {("uk-sport-1", truth.rfc3339(at(94))), ("uk-news-1", truth.rfc3339(at(200))),
                    (KINDS["node-lost"].node, truth.rfc3339(at(200)))}
    (node,) = [e for e in told if e.entity == KINDS["node-lost"].node and e.kind == "start"]
    assert (node.rendition, node.codes, node.vantages, node.layer) == (None, (), (), "package")


def firing(world: World, seconds: float) -> dict[str, Alert]:
    return {alert.labels["alertname"]: alert for alert in alerts(world, at(seconds)) if alert.labels["alertname"] != "Watchdog"}


@pytest.mark.parametrize(("scenario", "name", "since"), [
    ("encoder-flap", "IngestUnstable", 20), ("cdn-slow", "EdgeSlow", 20), ("node-lost", "KubeNodeNotReady", 55),
    ("node-lost", "PackagerPublishLate", 20),
])  # fmt: skip
def test_an_alert_fires_and_its_expression_is_true_then_and_not_in_calm(scenario: str, name: str, since: float) -> None:
    world = World(1, scenario, START)
    assert name not in firing(world, 20 + since - 1) and name in firing(world, 20 + since)
    alert = firing(world, 20 + since)[name]
    assert alert.starts_at == at(20 + since)
    for seconds, is_true in ((10, False), (20 + since + 16, True), (500, False)):
        catalogue = Catalogue(world, partial(at, seconds))
        result = query.instant(catalogue, alert.expression, int(at(seconds).timestamp() * 1000), 5000).result
        assert bool(result) is is_true, (seconds, alert.expression)
    assert firing(world, 200) == {}


def test_a_taken_over_channel_is_published_in_time_again() -> None:
    world = World(1, "node-lost", START)
    assert world.publish_delay_s("uk-sport-1", at(80)) > 59 and world.latency_s("uk-sport-1", at(80)) > 60
    for channel in KINDS["node-lost"].entities:
        world.resume(fault(world, "node-lost"), channel, at(94))
    assert set(firing(world, 95)) == {"KubeNodeNotReady"}
    assert world.publish_delay_s("uk-sport-1", at(95)) < 1 and world.latency_s("uk-sport-1", at(95)) < 16
    assert world.rebuffer_ratio("uk-sport-1", at(150)) < 0.01, "its viewers feel it no longer than it lasts"


def test_the_ingest_metrics_prove_the_layer() -> None:
    world = World(1, "encoder-flap", START)
    seen = [world.ingest_bps("in-cricket-1", at(second)) for second in range(20, 200)]
    assert 60 <= seen.count(0.0) <= 80 and max(seen) > 8e6
    catalogue = Catalogue(world, lambda: at(210))
    selector = 'channel_ingest_reconnects_total{channel="in-cricket-1"}'
    counted = query.instant(catalogue, selector, int(at(215).timestamp() * 1000), 5000).result
    assert [float(one.value[1]) for one in counted] == [5.0]
    lowest = query.instant(catalogue, 'min_over_time(channel_ingest_bps{channel="in-cricket-1"}[3m])',
                           int(at(205).timestamp() * 1000), 5000).result
    assert float(lowest[0].value[1]) == 0.0


def test_an_endless_cycle_counts_every_return_of_the_encoder() -> None:
    world = World(1, "cycle", START)
    assert world.ingest_reconnects_total("in-cricket-1", at(1920 * 3)) == 15
    assert world.ingest_reconnects_total("kr-drama-1", at(1920 * 3)) == 0
