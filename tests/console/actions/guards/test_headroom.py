"""Is what stays enough for the load? Capacity elsewhere never counts, and no number is not zero."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest

from console.actions.audit.operation import Tier
from console.actions.guards import headroom
from console.actions.target import Target
from console.actions.verdict import Stand
from console.model.severity import State as Seen
from tests.console.actions.guards.sample import (
    capacity,
    case,
    channel,
    gauge,
    live,
    pods,
    streams,
    watched,
    workloads,
)  # fmt: skip

PASS, NOTE, REFUSE = Stand.PASS, Stand.NOTE, Stand.REFUSE
LOW, HIGH = Tier.LOW, Tier.HIGH
TRANSCODERS = pods("transcoder-apac", "apac-a", 10)
SHIFT = {"target": Target.parse("haproxy:edge/web/s1"), "survey_affected": ()}


def of(*gauges: Any, down: int = 1, service: str = "transcoder-apac", **fields: Any) -> Any:
    """Ten pods of a service in apac, of which some are down at a time."""
    mine = pods(service, "apac-a", 10)
    seen = workloads(seen=[watched(pod, "apac") for pod in mine])
    return case(
        survey_affected=mine, survey_at_once=down, survey_services=(service,), scene_workloads=seen,
        scene_capacity=capacity(*gauges), **fields,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "stand", "tier", "words"),
    [
        # 1 of 10 down: what 70 carry of 100, they then carry of 90
        (of(gauge("transcoder-apac", 70)), PASS, LOW, "transcoder-apac 70 % → 78 % while 1 of 10 transcoder-apac are down"),
        (of(gauge("transcoder-apac", 75)), PASS, LOW, "75 % → 83 %"),  # exactly the limit
        (of(gauge("transcoder-apac", 76)), REFUSE, LOW, "76 % → 84 % while 1 of 10 transcoder-apac are down; at most 83 %"),
        (of(gauge("transcoder-apac", 40), down=5), PASS, LOW, "40 % → 80 %"),
        (of(gauge("transcoder-apac", 40), down=10), REFUSE, LOW, "40 % → nothing left to carry it while 10 of 10"),
        (of(gauge("transcoder-apac", 76), down=0), PASS, LOW, "takes no ready pod away"),
        # its name without the place, and the place
        (of(gauge("transcoder slots apac", 76)), REFUSE, LOW, "transcoder slots apac 76 % → 84 %"),
        (of(gauge("slots", 76, query='transcoder_slots{service="transcoder-apac"}')), REFUSE, LOW, "slots 76 %"),
        (of(gauge("slots", 76, query='x{region="apac",job="transcoder"}')), REFUSE, LOW, "slots 76 %"),
        # of the place only: over the limit is not known to be too much
        (of(gauge("egress apac", 76)), NOTE, HIGH, "egress apac 76 % → 84 %"),
        (of(gauge("egress apac", 50)), PASS, LOW, "50 % → 56 %"),
        (of(gauge("egress apac", 90), gauge("transcoder-apac", 50)), PASS, LOW, "transcoder-apac 50 %"),
        # elsewhere never counts
        (of(gauge("transcoder slots emea", 10)), NOTE, HIGH, "no gauge tells what transcoder-apac in apac can carry"),
        (of(gauge("transcoder-apac and emea", 10)), NOTE, HIGH, "no gauge tells"),
        (of(gauge("egress", 10, query='x{region=~"apac|emea"}')), NOTE, HIGH, "no gauge tells"),
        (of(gauge("packager-apac", 10)), NOTE, HIGH, "no gauge tells"),
        (of(), NOTE, HIGH, "no gauge tells"),
        # not known
        (of(gauge("transcoder-apac", None)), NOTE, HIGH, "transcoder-apac has no number (no data)"),
        (of(gauge("transcoder-apac", nan)), NOTE, HIGH, "has no number"),
        (of(gauge("transcoder-apac", 70, nan)), NOTE, HIGH, "has no number"),
        (of(gauge("transcoder-apac", 70, 0.0)), NOTE, HIGH, "has no number"),
        (of(gauge("transcoder-apac", -5)), NOTE, HIGH, "has no number"),
        (of(gauge("transcoder-apac", 90), gauge("transcoder slots apac", None)), REFUSE, LOW, "90 %"),
        (of(gauge("transcoder-apac", 10), gauge("transcoder slots apac", None)), NOTE, HIGH, "has no number"),
        (of(gauge("transcoder-apac", 0.7, None)), PASS, LOW, "70 % → 78 %"),  # used is a ratio already
        # the load of the last quarter of an hour
        (of(gauge("transcoder-apac", 50, trend=(0.5,) * 10 + (0.8,) * 5 + (nan,))), REFUSE, LOW, "80 % → 89 %"),
        (of(gauge("transcoder-apac", 50, trend=(0.5,) * 59 + (0.99,))), PASS, LOW, "50 % → 56 %"),
        # readings
        (of(scene_streams=None), NOTE, HIGH, "no gauge tells"),
        (case(scene_capacity=None), NOTE, HIGH, "capacity gauges are not configured"),
        (case(scene_capacity=live(None, state=Seen.ERROR)), NOTE, HIGH, "capacity gauges are error"),
        (case(scene_capacity=live(capacity().value, age_s=61)), NOTE, HIGH, "61 s old"),
        (case(survey_unread={"pods": "403"}), NOTE, HIGH, "which pods go could not be read: pods (403)"),
        (case(survey_affected=()), PASS, LOW, "takes no ready pod away"),
        # moved load
        (case(**SHIFT), NOTE, HIGH, "what load the others get is not known"),
        (case(**SHIFT, survey_load_after=(("cdn-a", 0.8), ("cdn-b", 0.5))), PASS, LOW, "cdn-a at 80 % at most"),
        (case(**SHIFT, survey_load_after=(("cdn-a", 0.84), ("cdn-b", nan))), REFUSE, LOW, "cdn-a would run at 84 %; at most 83 %"),
        (case(**SHIFT, survey_load_after=(("cdn-a", 0.5), ("cdn-b", nan))), NOTE, HIGH, "what load cdn-b would get is not known"),
        (case(**SHIFT, survey_load_after=(("cdn-a", float("inf")),)), REFUSE, LOW, "cdn-a would run"),
    ],
)  # fmt: skip
def test_what_stays_carries_the_load_or_not(given: Any, stand: Stand, tier: Tier, words: str) -> None:
    verdict = headroom.check(given)
    assert words in verdict.reason
    assert (verdict.stand, verdict.at_least) == (stand, tier), verdict.reason


def test_an_edge_is_measured_by_the_pop_that_it_serves_and_not_by_its_neighbour() -> None:
    edges = pods("edge-syd", "apac-a", 10)
    fields: dict[str, Any] = {
        "survey_affected": edges, "survey_services": ("edge-syd",),
        "scene_workloads": workloads(seen=[watched(pod, "apac") for pod in edges]),
        "scene_streams": streams([channel("a", "", pop="syd"), channel("b", "", pop="nrt")], {}),
    }  # fmt: skip
    gauges = (gauge("egress syd", 80), gauge("egress nrt", 5))
    verdict = headroom.check(case(**fields, scene_capacity=capacity(*gauges)))
    assert (verdict.stand, verdict.reason) == (REFUSE, "egress syd 80 % → 89 % while 1 of 10 edge-syd are down; at most 83 %")
    verdict = headroom.check(case(**fields, scene_capacity=capacity(gauges[1])))
    assert verdict.at_least is HIGH


def test_a_gauge_of_the_whole_service_is_held_against_all_its_places() -> None:
    apac, emea = pods("origin", "apac-a", 4), pods("origin", "emea-a", 12)
    seen = workloads(seen=[*(watched(pod, "apac") for pod in apac), *(watched(pod, "emea") for pod in emea)])
    given = case(
        survey_affected=apac, survey_around=emea, survey_services=("origin",), scene_workloads=seen,
        scene_capacity=capacity(gauge("origin connections", 76)),
    )  # fmt: skip
    assert headroom.check(given).reason == "origin connections 76 % → 81 % while 1 of 16 origin are down"
    placed = case(
        survey_affected=apac, survey_around=emea, survey_services=("origin",), scene_workloads=seen,
        scene_capacity=capacity(gauge("origin connections apac", 76)),
    )  # fmt: skip
    assert headroom.check(placed).stand is REFUSE  # one of four, not one of sixteen
