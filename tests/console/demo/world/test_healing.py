"""A fault whose cause was removed before its time, and a place given to another pod."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from console.demo.world import truth
from console.demo.world.alerts import alerts
from console.demo.world.names import POPS
from console.demo.world.pods import pod_at
from console.demo.world.world import OCCUPANTS, World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_everything_that_shows_the_fault_ends_with_its_cause():
    world = World(1, "bad-deploy", START)
    assert world.frozen_since("uk-sport-1", "720p", "origin", at(80)) == at(20)
    world.heal("bad-deploy", 0, at(90))
    assert world.frozen_since("uk-sport-1", "720p", "origin", at(89)) == at(20)
    assert world.frozen_since("uk-sport-1", "720p", "origin", at(90)) is None
    assert len(alerts(world, at(89))) == 2 and len(alerts(world, at(90))) == 1
    assert world.publish_delay_s("uk-sport-1", at(91)) < 1
    assert world.next_change(at(91)) is None
    assert world.rebuffer_ratio("uk-sport-1", at(130)) < 0.01


def test_the_truth_tells_the_end_once_and_at_its_moment():
    world = World(1, "bad-deploy", START)
    told = truth.events(world, at(0), at(60))
    world.heal("bad-deploy", 0, at(75))
    told += truth.events(world, at(60), at(100)) + truth.events(world, at(100), at(500))
    assert [one.kind for one in told] == ["start"] * 20 + ["end"] * 20
    assert {one.t for one in told if one.kind == "end"} == {truth.rfc3339(at(75))}


def test_only_the_first_healing_counts_and_none_prolongs_a_fault():
    world = World(1, "bad-deploy", START)
    world.heal("bad-deploy", 0, at(900))
    assert world.active("bad-deploy", at(201)) is None
    world = World(1, "bad-deploy", START)
    world.heal("bad-deploy", 0, at(60))
    world.heal("bad-deploy", 0, at(120))
    assert world.active("bad-deploy", at(61)) is None


def test_counters_rise_on_without_a_jump_and_are_the_integral_of_their_rate():
    world = World(1, "cycle", START)
    before = {pop: world.edge_bytes_total(pop, at(330)) for pop in POPS}
    world.heal("bad-deploy", 0, at(330))
    assert {pop: world.edge_bytes_total(pop, at(330)) for pop in POPS} == before
    for pop in POPS:
        for begin in (300, 329, 331, 400, 700, 1000, 1400):
            steps = [world.edge_egress_bps(pop, at(begin + n / 10 + 0.05)) / 8 * 0.1 for n in range(100)]
            rise = world.edge_bytes_total(pop, at(begin + 10)) - world.edge_bytes_total(pop, at(begin))
            assert abs(rise - sum(steps)) < 1e-3 * sum(steps) + 2


def test_a_place_given_to_a_pod_bears_its_name_from_then_on_and_the_past_is_bounded():
    world = World(1, "calm", START)
    old = pod_at(world, "origin", 3, at(10))
    world.occupy("origin", 3, at(20), "origin-new")
    assert [pod_at(world, "origin", 3, at(s)) for s in (10, 19, 20, 900)] == [old, old, "origin-new", "origin-new"]
    for n in range(OCCUPANTS + 5):
        world.occupy("origin", 3, at(100 + n), f"origin-{n}")
    assert pod_at(world, "origin", 3, at(10_000)) == f"origin-{OCCUPANTS + 4}"
    assert pod_at(world, "origin", 3, at(60)) == old
