"""All guards together: every reason is told, and not knowing never makes anything easier."""

from __future__ import annotations

from math import nan
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from console.actions.audit.operation import Actor, State, Tier
from console.actions.guards.judged import GUARDS, judged, tier_of
from console.actions.policy.policy import Policy, Role
from console.actions.survey import Right
from console.actions.target import Target
from console.actions.verdict import TIERS, Stand
from console.model.severity import State as Seen
from tests.console.actions.guards.sample import (
    CALM,
    NODE,
    PACKAGER,
    POLICY,
    capacity,
    case,
    gauge,
    known,
    live,
    pods,
    streams,
    workloads,
)  # fmt: skip

UNKNOWNS: dict[str, Any] = {
    "scene_workloads": (None, live(None, state=Seen.CONNECTING), live(workloads().value, age_s=600)),
    "scene_streams": (None, live(None, state=Seen.ERROR), streams((), {}), live(CALM.streams.value, age_s=600)),
    "scene_capacity": (None, capacity(), capacity(gauge("packager", nan)), capacity(gauge("packager", None))),
    "survey_read_at": (None,),
    "survey_skew_s": (None, nan),
    "survey_budgets": (tuple(msgspec.structs.replace(each, allowed=None) for each in case().survey.budgets),),
    "survey_rights": ((), (Right(verb="patch", resource="deployments.apps", is_allowed=None),)),
    "survey_unread": tuple({name: "403"} for name in ("pods", "nodes", "budgets", "autoscalers", "rights", "owner", "cluster identity")),
    "survey_load_after": ((("cdn-a", nan),),),
}
KNOWN: dict[str, Any] = {
    "action": st.sampled_from(("deployment.restart", "deployment.undo", "deployment.scale", "deployment.pause", "pod.evict", "node.drain")),
    "target": st.sampled_from((PACKAGER, NODE, Target.parse("kube:apac-1/live/pod/packager-apac-a-0"))),
    "is_prod": st.booleans(),
    "base_tier": st.sampled_from(TIERS),
    "survey_affected": st.sampled_from(((), pods("packager", "apac-a", 1), pods("packager", "apac-a", 8), pods("packager", "apac-a", 40, 3))),
    "survey_at_once": st.integers(0, 10),
    "survey_owned_by": st.sampled_from(("", "argo")),
    "survey_owner_heals": st.sampled_from((True, False)),
}  # fmt: skip


def demand(fields: dict[str, Any]) -> tuple[bool, int]:
    """How much a case asks: refused is more than any tier."""
    asked = case(**fields)
    verdicts = judged(asked)
    return any(each.stand is Stand.REFUSE for each in verdicts), TIERS.index(tier_of(asked, verdicts))


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries({}, optional=KNOWN), st.data())
def test_not_knowing_something_never_lowers_the_tier(fields: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(UNKNOWNS)))
    before = demand(fields)
    after = demand({**fields, name: data.draw(st.sampled_from(UNKNOWNS[name]))})
    assert after[0] or after[1] >= before[1]


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({}, optional=KNOWN), st.sampled_from(("tomas", "mеi", "")))
def test_who_has_no_role_is_refused_whatever_else_holds(fields: dict[str, Any], name: str) -> None:
    assert demand({**fields, "actor": Actor(name=name)})[0]


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({}, optional=KNOWN))
def test_the_tier_is_never_below_that_of_any_verdict_nor_of_the_catalogue(fields: dict[str, Any]) -> None:
    asked = case(**fields)
    verdicts = judged(asked)
    tier = TIERS.index(tier_of(asked, verdicts))
    assert all(tier >= TIERS.index(each) for each in (asked.base_tier, *(verdict.at_least for verdict in verdicts)))
    assert [verdict.guard for verdict in verdicts] == [guard.__name__.rpartition(".")[2] for guard in GUARDS]
    assert all(verdict.reason and verdict.reason.isprintable() for verdict in verdicts)


def test_one_refusal_does_not_hide_another() -> None:
    spoilt = case(
        actor=Actor(name="tomas"), survey_is_terminating=True, survey_skew_s=60.0, survey_rights=(),
        recent=(known(State.RUNNING),),
    )  # fmt: skip
    refused = [verdict.guard for verdict in judged(spoilt) if verdict.stand is Stand.REFUSE]
    assert refused == ["roles", "access", "freshness", "standing", "busy"]


def test_a_calm_case_is_held_up_by_nothing_and_asks_for_what_its_pods_ask() -> None:
    asked = case()
    verdicts = judged(asked)
    assert [verdict.guard for verdict in verdicts if verdict.stand is not Stand.PASS] == ["blast"]
    assert tier_of(asked, verdicts) is Tier.MEDIUM


def test_the_policy_raises_a_tier_by_the_highest_of_its_patterns_and_never_lowers_one() -> None:
    tiers = {"*": Tier.LOW, "deployment.*": Tier.HIGH, "deployment.restart": Tier.MEDIUM}
    policy = Policy(version="v", roles=POLICY.roles, tiers=tiers)
    assert tier_of(case(policy=policy), ()) is Tier.HIGH
    assert tier_of(case(policy=policy, action="node.cordon", base_tier=Tier.HIGH), ()) is Tier.HIGH
    assert tier_of(case(policy=policy, action="node.cordon"), ()) is Tier.LOW


def test_nothing_that_takes_pods_away_is_low_in_production() -> None:
    one = {"is_prod": True, "survey_affected": pods("packager", "apac-a", 1), "survey_around": pods("packager", "apac-a", 9)[1:]}
    asked = case(**one, policy=Policy(version="v", roles={"r": Role(people=("*",), may=("*",))}))
    assert tier_of(asked, judged(asked)) is Tier.MEDIUM
    elsewhere = case(**{**one, "is_prod": False})
    assert tier_of(elsewhere, judged(elsewhere)) is Tier.LOW
