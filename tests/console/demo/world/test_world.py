from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from console.demo.world.names import (
    CHANNELS,
    DEPLOYMENT,
    DEPLOYMENTS,
    EDGES,
    NODES,
    POD_COUNT,
    POPS,
    REGIONS,
    RENDITIONS,
    VANTAGES,
    node_name,
    pod_name,
)
from console.demo.world.scenario import SCENARIOS
from console.demo.world.world import World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)


def world(scenario: str = "calm", seed: int = 7, **shift: float) -> World:
    return World(seed, scenario, START, **shift)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_there_are_400_pods_on_24_nodes_and_every_pod_has_a_name_of_its_own():
    names = {pod_name(7, d.name, d.version, i) for d in DEPLOYMENTS for i in range(d.replicas)}
    assert POD_COUNT == len(names) == 400
    assert len(NODES) == 24
    known = {node.name for node in NODES}
    assert {node_name(d, i) for d in DEPLOYMENTS for i in range(d.replicas)} <= known


def test_the_packagers_of_apac_share_one_node_and_have_one_replica_a_channel():
    packager = DEPLOYMENT["packager-apac"]
    assert {node_name(packager, i) for i in range(packager.replicas)} == {"apac-node-03"}
    for region in REGIONS:
        here = [c for c in CHANNELS if c.region == region]
        assert DEPLOYMENT[f"packager-{region}"].replicas == len(here)
        assert [c.index for c in here] == list(range(len(here)))


def test_every_viewer_is_served_by_some_edge():
    for channel in CHANNELS:
        assert sum(share for _, share in channel.pops) == pytest.approx(1.0)


def test_two_worlds_with_the_same_arguments_agree_and_another_seed_tells_another_story():
    program = (
        "from datetime import UTC, datetime\n"
        "from console.demo.world.world import World\n"
        "w = World(7, 'cycle', datetime(2026, 3, 4, 2, 30, tzinfo=UTC))\n"
        "t = datetime(2026, 3, 4, 2, 33, tzinfo=UTC)\n"
        "name = 'uk-sport-1'\n"
        "print(repr((w.viewers(name, t), w.edge_bytes_total('lhr', t), w.rebuffer_ratio(name, t))))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    w, t = world("cycle"), at(180)
    here = (w.viewers("uk-sport-1", t), w.edge_bytes_total("lhr", t), w.rebuffer_ratio("uk-sport-1", t))
    assert there.stdout.strip() == repr(here)
    assert world("cycle", seed=8).viewers("uk-sport-1", t) != here[0]


@pytest.mark.parametrize("seed", [1, 2, 99])
def test_calm_stays_inside_every_warn_threshold_for_eight_days(seed: int):
    w = world(seed=seed)
    for minutes in range(0, 8 * 1440, 97):
        t = START - timedelta(minutes=minutes)
        for channel in (c.name for c in CHANNELS):
            assert w.rebuffer_ratio(channel, t) < 0.008
            assert w.ingest_bps(channel, t) / w.ingest_declared_bps(channel) > 0.9
            assert w.latency_s(channel, t) < 15.5
            assert w.publish_delay_s(channel, t) < 1.0
            assert w.viewers(channel, t) > 1000
        for pop in POPS:
            assert 0.1 < w.edge_egress_bps(pop, t) / w.edge_capacity_bps(pop) < 0.78
            assert w.edge_requests_per_s(pop, "503", t) < 0.002 * w.edge_requests_per_s(pop, "200", t)
        for region in REGIONS:
            assert w.transcoder_slots_used(region, t) / w.transcoder_slots_total(region) < 0.78
        assert w.origin_connections(t) / w.origin_connections_max < 0.78
        assert w.redis_memory_used_bytes(t) / w.redis_memory_max_bytes < 0.78
        assert w.vod_queue_oldest_s(t) / w.vod_queue_oldest_limit_s < 0.5
        assert w.vod_queue_jobs(t) >= 0


@pytest.mark.parametrize("scenario", list(SCENARIOS))
def test_no_fault_drives_a_gauge_over_its_warn_ratio(scenario: str):
    w = world(scenario)
    for seconds in range(0, 1460, 10):
        for pop in POPS if scenario != "capacity-crunch" else ("lhr", "nrt", "iad"):
            assert w.edge_egress_bps(pop, at(seconds)) / w.edge_capacity_bps(pop) < 0.78
        assert w.origin_connections(at(seconds)) / w.origin_connections_max < 0.78


def test_nothing_breaks_before_the_start_or_in_calm():
    for scenario in SCENARIOS:
        w = world(scenario)
        assert w.faults(START - timedelta(days=3)) == ()
        assert w.faults(at(19.99)) == ()
    assert all(world().faults(at(seconds)) == () for seconds in range(0, 2000, 7))
    assert world().next_change(START) is None


@pytest.mark.parametrize("kind", [kind for kind in SCENARIOS if kind not in ("calm", "cycle")])
def test_a_fault_starts_20_s_after_ready_lasts_180_s_and_heals_for_good(kind: str):
    w = world(kind)
    assert [w.active(kind, at(s)) is not None for s in (19.9, 20, 199.9, 200, 10_000)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert w.next_change(START) == at(20)
    assert w.next_change(at(20)) == at(200)
    assert w.next_change(at(200)) is None
    healed = w.last(kind, at(10_000))
    assert healed is not None and healed.end == at(200)


def test_a_cycle_runs_all_eight_with_60_s_of_calm_between_them_for_ever():
    w = world("cycle")
    t, seen = START, []
    for _ in range(24):
        change = w.next_change(t)
        assert change is not None and change > t
        seen.append(((change - START).total_seconds(), [f.kind for f in w.faults(change)]))
        t = change
    assert seen[:17] == [
        (20, ["edge-stale"]),
        (200, []),
        (260, ["bad-deploy"]),
        (440, []),
        (500, ["backend-down"]),
        (680, []),
        (740, ["encoder-flap"]),
        (920, []),
        (980, ["cdn-slow"]),
        (1160, []),
        (1220, ["node-lost"]),
        (1400, []),
        (1460, ["log-storm"]),
        (1640, []),
        (1700, ["capacity-crunch"]),
        (1880, []),
        (1940, ["edge-stale"]),
    ]
    assert w.occurrences("bad-deploy", at(30 * 86400)) == 30 * 86400 // 1920
    numbers = [f.number for f in w.begun(START, at(2 * 1920 + 60)) if f.kind == "edge-stale"]
    assert numbers == [0, 1, 2]


def test_edge_stale_freezes_one_rendition_at_three_edges_only():
    w, t = world("edge-stale"), at(60)
    frozen = {
        (c.name, r, v.name)
        for c in CHANNELS
        for r in RENDITIONS
        for v in VANTAGES
        if w.frozen_since(c.name, r, v.name, t)
    }
    assert frozen == {("uk-sport-1", "1080p", f"edge-{pop}") for pop in ("lhr", "syd", "nrt")}
    assert w.frozen_since("uk-sport-1", "1080p", "edge-lhr", t) == at(20)
    assert w.frozen_since("uk-sport-1", "1080p", "edge-lhr", at(200)) is None
    assert w.rebuffer_ratio("uk-sport-1", at(150)) == pytest.approx(0.034)
    assert w.rebuffer_ratio("uk-news-1", at(150)) < 0.008
    assert w.errors_per_s("edge-lhr", at(100)) > 0 == w.errors_per_s("edge-iad", at(100))


def test_bad_deploy_freezes_all_of_emea_everywhere_and_the_packager_says_so():
    w, t = world("bad-deploy"), at(100)
    frozen = {
        (c.name, r, v.name)
        for c in CHANNELS
        for r in RENDITIONS
        for v in VANTAGES
        if w.frozen_since(c.name, r, v.name, t)
    }
    emea = [c.name for c in CHANNELS if c.region == "emea"]
    assert frozen == {(c, r, v.name) for c in emea for r in RENDITIONS for v in VANTAGES}
    assert len(emea) == 4 and len(frozen) == 4 * 5 * 5
    assert w.publish_delay_s("uk-news-1", t) > 80
    assert w.publish_delay_s("us-news-1", t) < 1
    assert w.errors_per_s("packager-emea", t) == pytest.approx(40)
    assert (
        w.packager_version("packager-emea", at(19)),
        w.packager_version("packager-emea", t),
        w.packager_version("packager-emea", at(200)),
    ) == ("3.8.1", "3.8.2", "3.8.1")
    assert w.packager_version("packager-apac", t) == "3.8.1"
    assert w.viewers("uk-news-1", at(199)) < 0.85 * w.viewers("uk-news-1", at(19))


def test_backend_down_touches_no_stream():
    w = world("backend-down")
    assert w.up("elasticsearch", at(60)) == 0.0 and w.up("elasticsearch", at(201)) == 1.0
    assert not any(
        w.frozen_since(c.name, r, v.name, at(60)) for c in CHANNELS for r in RENDITIONS for v in VANTAGES
    )


@pytest.mark.parametrize("scenario", ["calm", "edge-stale", "bad-deploy", "cdn-slow", "node-lost", "capacity-crunch", "cycle"])
def test_a_counter_is_the_integral_of_its_rate_and_never_goes_back(scenario: str):
    w = world(scenario)
    for pop in POPS:
        before = w.edge_bytes_total(pop, at(0))
        summed = 0.0
        for second in range(800):
            now = w.edge_bytes_total(pop, at(second + 1))
            assert now >= before
            before = now
            summed += w.edge_egress_bps(pop, at(second + 0.5)) / 8
        grown = w.edge_bytes_total(pop, at(800)) - w.edge_bytes_total(pop, at(0))
        assert grown == pytest.approx(summed, rel=1e-5)
    for code in ("200", "304", "404", "503"):
        rate = sum(w.edge_requests_per_s("lhr", code, at(s + 0.5)) for s in range(700))
        assert w.edge_requests_total("lhr", code, at(700)) - w.edge_requests_total("lhr", code, START) == (
            pytest.approx(rate, rel=1e-3, abs=2)
        )


def test_a_counter_is_nothing_before_eight_days_ago():
    w = world()
    assert w.edge_bytes_total("lhr", START - timedelta(days=8, seconds=1)) == 0.0
    assert w.edge_bytes_total("lhr", START - timedelta(days=7)) > 0.0


def test_a_wave_lies_between_0_and_1_and_repeats_with_its_period():
    w = world()
    values = [w.wave("x", at(s), 100.0) for s in range(100)]
    assert min(values) >= 0 and max(values) <= 1 and max(values) - min(values) > 0.99
    assert w.wave("x", at(3), 100.0) == pytest.approx(w.wave("x", at(103), 100.0), abs=1e-6)


def test_an_unknown_scenario_is_refused_with_the_list_of_known_ones():
    with pytest.raises(ValueError, match="backend-down"):
        world("earthquake")


def test_the_scenario_can_be_shifted_without_changing_the_calm():
    short = world("edge-stale", start_after_s=1, duration_s=3)
    assert short.active("edge-stale", at(1)) and not short.active("edge-stale", at(4))
    assert short.viewers("us-news-1", at(2)) == world("edge-stale").viewers("us-news-1", at(2))
    assert len(EDGES) == 4
