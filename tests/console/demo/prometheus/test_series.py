"""The metrics against the world they are made from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.demo.prometheus import query
from console.demo.prometheus.series import METRICS, Catalogue
from console.demo.world.names import CHANNELS, POPS
from console.demo.world.world import World


def ask(catalogue: Catalogue, text: str, at: datetime) -> dict[str, float]:
    result: Any = query.instant(catalogue, text, int(at.timestamp() * 1000), 5000).result
    return {s.metric.get("pop") or s.metric.get("channel") or "": float(s.value[1]) for s in result}


@pytest.mark.parametrize("days", [0, 1, 7])
def test_the_rate_of_a_counter_is_the_rate_of_the_world(
    catalogue: Catalogue, world: World, clock: Any, days: int
) -> None:
    at = clock.now - timedelta(days=days)
    rates = ask(catalogue, "rate(edge_bytes_total[1m]) * 8", at)
    assert set(rates) == set(POPS)
    for pop, rate in rates.items():
        # The mean over the window; audiences move by well under 1 % in a minute.
        middle = at - timedelta(seconds=30)
        assert rate == pytest.approx(world.edge_egress_bps(pop, middle), rel=0.01)


def test_a_counter_never_falls_through_a_fault_and_its_healing(
    catalogue: Catalogue, world: World, clock: Any
) -> None:
    end = int(clock.now.timestamp() * 1000)
    for text in ("edge_bytes_total", "edge_requests_total"):
        result: Any = query.over_range(catalogue, text, end - 600_000, end, 15_000, 5000).result
        for series in result:
            values = [float(v) for _, v in series.values]
            assert values == sorted(values)
            assert values[0] > 0


def test_there_is_no_sample_of_the_future_and_none_before_the_retention(
    catalogue: Catalogue, clock: Any
) -> None:
    assert ask(catalogue, "channel_viewers", clock.now + timedelta(minutes=6)) == {}
    assert ask(catalogue, "channel_viewers", clock.now - timedelta(days=9)) == {}
    assert len(ask(catalogue, "channel_viewers", clock.now - timedelta(days=8) + timedelta(minutes=10))) == 12
    newest = ask(catalogue, "max(timestamp(channel_viewers))", clock.now)[""]
    assert 0 <= clock.now.timestamp() - newest < 15


def test_every_metric_of_the_table_has_series_with_its_labels(catalogue: Catalogue) -> None:
    found = {}
    for name in METRICS:
        from console.demo.prometheus.matchers import Matcher

        series = catalogue.select((Matcher("__name__", "=", name),))
        assert series, name
        found[name] = {label for label, _ in series[0].labels} - {"__name__"}
    assert found["up"] == {"job", "instance"}
    assert found["channel_rebuffer_ratio"] == {"channel", "region"}
    assert found["edge_requests_total"] == {"pop", "code"}
    assert found["transcoder_slots_used"] == {"region"}
    assert found["origin_connections"] == set()
    assert found["packager_publish_delay_seconds"] == {"channel", "service", "region"}


def test_all_targets_are_up_and_a_bad_deploy_shows_in_the_publish_delay(
    catalogue: Catalogue, world: World
) -> None:
    at = world.start + timedelta(seconds=140)
    up: Any = query.instant(catalogue, "up", int(at.timestamp() * 1000), 1000).result
    assert {s.value[1] for s in up} == {"1"}
    late = ask(catalogue, "packager_publish_delay_seconds > 60", at)
    assert set(late) == {c.name for c in CHANNELS if c.region == "emea"}


def test_a_start_moved_at_readiness_forgets_what_was_computed_before(world: World, clock: Any) -> None:
    catalogue = Catalogue(world, clock)
    at = world.start + timedelta(seconds=140)
    assert ask(catalogue, "packager_publish_delay_seconds > 60", at)
    world.start = world.start + timedelta(hours=1)
    assert ask(catalogue, "packager_publish_delay_seconds > 60", at) == {}


def test_the_same_arguments_tell_the_same_story() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    one, other = (Catalogue(World(3, "cycle", start), lambda: start + timedelta(hours=1)) for _ in range(2))
    at = start + timedelta(minutes=17)
    assert ask(one, "edge_bytes_total", at) == ask(other, "edge_bytes_total", at)
