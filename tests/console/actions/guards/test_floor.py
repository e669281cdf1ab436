"""The floor where it goes beyond a single location: rollouts in steps, dark zones, drains."""

from __future__ import annotations

from typing import Any

import pytest

from console.actions.audit.operation import Tier
from console.actions.guards import floor
from console.actions.guards.removal import by_zone, shares
from console.actions.verdict import Stand
from tests.console.actions.guards.sample import NODE, case, pods, watched, workloads

PASS, NOTE, REFUSE = Stand.PASS, Stand.NOTE, Stand.REFUSE
LOW, HIGH = Tier.LOW, Tier.HIGH
A, B = "apac-a", "apac-b"
DRAIN = {"action": "node.drain", "target": NODE}


@pytest.mark.parametrize(
    ("fields", "stand", "tier", "words"),
    [
        ({}, PASS, LOW, "7 of 8 ready pods of packager in apac-a stay"),
        ({"survey_at_once": 0}, PASS, LOW, "8 of 8"),  # a rollout that only surges
        ({"survey_at_once": 5}, REFUSE, LOW, "leaves 3 of 8 ready pods of packager in apac-a (38 %); 40 % must stay"),
        ({"survey_at_once": 8}, REFUSE, LOW, "takes all 8 ready pods of packager in apac-a"),
        # the worst zone decides, and another one does not make up for it
        ({"survey_affected": (*pods("packager", A, 8), *pods("packager", B, 1))}, REFUSE, LOW, "the last ready pod of packager in apac-b"),
        # a rollout counts what is not ready among its unavailable ones: of a deployment that is broken, the good one stays
        ({"survey_affected": pods("packager", A, 1, 7), "survey_at_once": 2}, PASS, LOW, "1 of 1"),
        ({"survey_affected": pods("packager", A, 1, 1), "survey_at_once": 2}, REFUSE, LOW, "the last ready pod"),
        # an eviction does not ask who is ready
        ({"survey_affected": pods("packager", A, 1, 7), "survey_at_once": 1, **DRAIN}, REFUSE, LOW, "the last ready pod"),
        ({"survey_affected": pods("packager", A, 5), "survey_at_once": 1, **DRAIN}, NOTE, HIGH, "all 5 ready pods of packager in apac-a are taken, 1 at a time"),
        ({"survey_affected": pods("packager", A, 2), "survey_around": pods("packager", A, 8)[2:], "survey_at_once": 1, **DRAIN}, PASS, LOW, "7 of 8"),
        ({"survey_affected": pods("packager", A, 2), "survey_around": pods("packager", A, 8, is_terminating=True)[2:], "survey_at_once": 1, **DRAIN}, NOTE, HIGH, "all 2"),
        # a zone that is dark already
        ({"survey_around": pods("packager", B, 0, 8)}, NOTE, HIGH, "packager has nothing ready in apac-b already, and the other zones carry it"),
        ({"survey_around": pods("origin", B, 0, 8)}, PASS, LOW, ""),
        ({"survey_affected": pods("packager", B, 0, 4), "survey_around": pods("packager", A, 4)}, PASS, LOW, "takes no ready pod away"),
        # without zones all pods of a service count as one place
        ({"survey_affected": pods("packager", "", 4), "survey_unread": {"nodes": "403"}}, NOTE, HIGH, "which zones the pods are in could not be read: nodes (403)"),
        ({"survey_affected": pods("packager", "", 1), "survey_unread": {"nodes": "403"}}, REFUSE, LOW, "the last ready pod of packager"),
        # a pod without a service stands for its owner
        ({"survey_affected": pods("", A, 1, owner="job-1")}, REFUSE, LOW, "the last ready pod of job-1"),
        # and one that is nobody's is part of nothing that could run low
        ({"survey_affected": pods("", A, 1, owner="", owner_kind="")}, PASS, LOW, "takes no ready pod away"),
    ],
)  # fmt: skip
def test_what_must_stay_up(fields: dict[str, object], stand: Stand, tier: Tier, words: str) -> None:
    verdict = floor.check(case(**fields))
    assert words in verdict.reason
    assert (verdict.stand, verdict.at_least) == (stand, tier), verdict.reason


ZONES = ("apac-a", "apac-b", "apac-c")


def spread(per_zone: int) -> tuple[Any, ...]:
    """A service in three zones of one region."""
    return tuple(pod for zone in ZONES for pod in pods("packager", zone, per_zone))


@pytest.mark.parametrize(
    ("per_zone", "at_once", "stand"),
    [(10, 3, PASS), (10, 18, PASS), (10, 19, REFUSE), (2, 3, PASS), (2, 4, REFUSE), (1, 1, REFUSE)],
)
def test_a_rollout_takes_its_part_of_every_zone_rounded_up(per_zone: int, at_once: int, stand: Stand) -> None:
    assert floor.check(case(survey_affected=spread(per_zone), survey_at_once=at_once)).stand is stand


def test_evictions_may_all_fall_into_one_zone() -> None:
    assert floor.check(case(survey_affected=spread(2), survey_at_once=2, **DRAIN)).stand is REFUSE


@pytest.mark.parametrize(
    ("region", "zones", "stand", "words"),
    [
        ("apac", ZONES, NOTE, "takes the only ready pod of packager in apac-a; the rest of the region stays"),
        ("apac", ZONES[:1], REFUSE, "the last ready pod of packager in apac-a"),  # the region has no other
        (None, ZONES, REFUSE, "the last ready pod"),  # a region that is not known keeps nothing
    ],
)
def test_a_single_pod_of_a_zone_may_go_while_its_region_keeps_others(
    region: str | None, zones: tuple[str, ...], stand: Stand, words: str
) -> None:
    mine = [pods("packager", zone, 1)[0] for zone in zones]
    far = pods("packager", "emea-a", 8)
    seen = [*(watched(pod, region or "") for pod in mine), *(watched(pod, "emea") for pod in far)]
    verdict = floor.check(
        case(survey_affected=(mine[0],), survey_around=(*mine[1:], *far), scene_workloads=workloads(seen=seen), survey_at_once=1, **DRAIN)
    )
    assert (verdict.stand, words in verdict.reason) == (stand, True), verdict.reason
    assert verdict.at_least is (HIGH if stand is NOTE else LOW)


def test_the_worst_share_is_told_first_and_each_pod_counts_once() -> None:
    twice = case(survey_affected=(*pods("packager", A, 4), *pods("origin", A, 2)), survey_around=pods("packager", A, 4))
    assert [(share.service, share.ready, share.taken, share.down) for share in shares(twice, by_zone)] == [
        ("origin", 2, 2, 1),
        ("packager", 4, 4, 1),
    ]
