"""Shares that move over the TTL, the load they make, and counters that only ever climb."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from console.demo.configuration import steering_gauges
from console.demo.prometheus import query
from console.demo.prometheus.series import Catalogue
from console.demo.world.names import POPS
from console.demo.world.traffic import CDNS, CODES, DEFAULT, TTL_S, Traffic
from console.demo.world.world import World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def alone(cdn: str) -> dict[str, float]:
    return {one: 100.0 if one == cdn else 0.0 for one in CDNS}


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(World(7, "calm", START))


def test_until_somebody_writes_the_own_cdn_is_what_the_world_says(traffic: Traffic):
    world = traffic.world
    for pop in POPS:
        assert traffic.bytes_total("own", pop, at(99)) == world.edge_bytes_total(pop, at(99))
        for code in CODES:
            assert traffic.requests_total("own", pop, code, at(99)) == world.edge_requests_total(pop, code, at(99))


def test_the_viewers_move_over_the_ttl(traffic: Traffic):
    traffic.set(alone("cdn-a"), at(100))
    assert traffic.weights() == alone("cdn-a")
    own = [traffic.shares(at(100 + s))["own"] for s in (-1, 0, TTL_S / 2, TTL_S, 1000)]
    assert own == pytest.approx([0.3, 0.3, 0.15, 0, 0])
    assert sum(traffic.shares(at(103)).values()) == pytest.approx(1)


def test_a_change_in_the_middle_of_another_goes_on_from_where_the_viewers_are(traffic: Traffic):
    traffic.set(alone("cdn-a"), at(100))
    traffic.set(DEFAULT, at(105))
    assert traffic.shares(at(105))["cdn-a"] == pytest.approx(0.65)
    assert traffic.shares(at(110))["cdn-a"] == pytest.approx(0.475)
    assert traffic.shares(at(115))["cdn-a"] == pytest.approx(0.30)


def test_weights_that_sum_to_0_send_nobody_anywhere(traffic: Traffic):
    traffic.set(dict.fromkeys(CDNS, 0.0), at(100))
    assert set(traffic.shares(at(111)).values()) == {0.0}
    assert traffic.egress_bps("own", "lhr", at(111)) == 0
    assert traffic.requests_per_s("own", "lhr", "503", at(111)) == 0


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_each_cdn_carries_its_share_with_ease_and_all_of_it_at_no_hour(hour: int):
    t = START + timedelta(hours=hour)
    for seed in (1, 7):
        for cdn in CDNS:
            traffic = Traffic(World(seed, "calm", START - timedelta(hours=1)))
            for pop in POPS:
                assert traffic.demand_bps(cdn, pop, t) < 0.80 * traffic.capacity_bps(cdn, pop)
            traffic.set(alone(cdn), t - timedelta(seconds=60))
            for pop in POPS:
                demand = traffic.demand_bps(cdn, pop, t)
                assert demand > traffic.capacity_bps(cdn, pop) == traffic.egress_bps(cdn, pop, t)
                errors = traffic.requests_per_s(cdn, pop, "503", t)
                total = sum(traffic.requests_per_s(cdn, pop, code, t) for code in CODES)
                assert errors / total == pytest.approx(1 - traffic.capacity_bps(cdn, pop) / demand, abs=0.002)


def test_counters_never_fall_and_their_rate_is_the_egress(traffic: Traffic):
    before = [traffic.bytes_total("cdn-a", "lhr", at(s)) for s in range(0, 100, 5)]
    traffic.set(alone("cdn-a"), at(100))
    moving = [traffic.bytes_total("cdn-a", "lhr", at(100 + s / 4)) for s in range(80)]
    traffic.set(DEFAULT, at(130))
    after = [traffic.bytes_total("cdn-a", "lhr", at(130 + 7 * s)) for s in range(60)]
    everything = [*before, *moving, *after]
    assert everything == sorted(everything) and everything[0] > 0
    rate = (after[-1] - after[-5]) / 28 * 8
    assert rate == pytest.approx(traffic.egress_bps("cdn-a", "lhr", at(130 + 7 * 57)), rel=0.01)
    # Asked again in another order, it says the same.
    assert [traffic.bytes_total("cdn-a", "lhr", at(s)) for s in range(0, 100, 5)] == before
    fresh = Traffic(traffic.world)
    fresh.set(alone("cdn-a"), at(100))
    fresh.set(DEFAULT, at(130))
    assert fresh.bytes_total("cdn-a", "lhr", at(130 + 7 * 59)) == pytest.approx(after[-1], rel=1e-9)


def test_prometheus_shows_used_total_and_errors_of_a_cdn_that_has_it_all(traffic: Traffic):
    catalogue = Catalogue(traffic.world, lambda: at(300), traffic)
    traffic.set(alone("cdn-b"), at(100))

    def ask(text: str) -> dict[str, float]:
        result = query.instant(catalogue, text, int(at(300).timestamp() * 1000), 5000).result
        return {series.metric["cdn"]: float(series.value[1]) for series in result}

    load = ask("sum by (cdn) (rate(cdn_bytes_total[1m])) * 8 / sum by (cdn) (cdn_capacity_bps)")
    assert load["cdn-b"] == pytest.approx(1.0, abs=0.001) and load["own"] == load["cdn-a"] == 0
    errors = ask('sum by (cdn) (rate(cdn_requests_total{code="503"}[1m])) / sum by (cdn) (rate(cdn_requests_total[1m]))')
    assert errors["cdn-b"] > 0.1
    assert ask("cdn_weight") == alone("cdn-b")
    own = query.instant(catalogue, "sum(rate(edge_bytes_total[1m]))", int(at(300).timestamp() * 1000), 5000).result
    assert float(own[0].value[1]) == 0


def test_the_gauges_that_are_ready_for_the_console_show_used_and_total(traffic: Traffic):
    toml = "\n".join(steering_gauges())
    catalogue, at_ms = Catalogue(traffic.world, lambda: at(300), traffic), int(at(300).timestamp() * 1000)
    gauges = tomllib.loads(toml)["sites"]["demo"]["gauges"]
    for gauge in gauges:
        used, total = (query.instant(catalogue, gauge[side], at_ms, 5000).result for side in ("used", "total"))
        assert 0.2 < float(used[0].value[1]) / float(total[0].value[1]) < gauge["warn"], gauge["name"]
        assert len(used) == len(total) == 1
