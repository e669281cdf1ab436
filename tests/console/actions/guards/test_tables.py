"""Each guard as a table: what it passes, what it notes, what it refuses, and what it makes of not knowing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from console.actions.audit.operation import Actor, State, Tier
from console.actions.case import Case
from console.actions.guards import (
    access,
    blast,
    budget,
    busy,
    freeze,
    freshness,
    ownership,
    prod,
    rate,
    roles,
    standing,
)
from console.actions.plan import Blast
from console.actions.policy.policy import Freeze, Policy, Role, Weekly
from console.actions.survey import Budget, Right, Scaler
from console.actions.target import Target
from console.actions.verdict import Stand, Verdict
from console.model.failure import Failure, FailureKind
from console.model.severity import State as Seen
from tests.console.actions.guards.sample import (
    MEI,
    NODE,
    NOW,
    PACKAGER,
    RIGHT,
    capacity,
    case,
    known,
    live,
    pods,
    workloads,
)  # fmt: skip

PASS, NOTE, REFUSE = Stand.PASS, Stand.NOTE, Stand.REFUSE
LOW, MEDIUM, HIGH = Tier.LOW, Tier.MEDIUM, Tier.HIGH
Row = tuple[dict[str, Any], Stand, Tier, str]


def says(verdict: Verdict, row: Row) -> None:
    _, stand, tier, words = row
    assert words in verdict.reason
    assert (verdict.stand, verdict.at_least) == (stand, tier), verdict.reason
    assert verdict.reason.isprintable() and len(verdict.reason) < 400


def alone(**fields: Any) -> Policy:
    return Policy(version="v", roles={"r": Role(**fields)})


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "role operator"),
    ({"actor": Actor(name="tomas")}, REFUSE, LOW, "tomas has no role"),
    ({"actor": Actor(name="tomas", roles=("operator",))}, REFUSE, LOW, "tomas has no role"),  # the policy now, not then
    ({"actor": Actor(name="mеi")}, REFUSE, LOW, "is no name that can be compared"),
    ({"policy": alone(people=("mei",), may=("*",), on=("kube:emea-1/*",))}, REFUSE, LOW, "but not on kube:apac-1/live"),
])  # fmt: skip
def test_roles(row: Row) -> None:
    says(roles.check(case(**row[0])), row)


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "the cluster allows patch deployments.apps"),
    ({"survey_rights": (RIGHT, Right(verb="create", resource="pods/eviction", is_allowed=True))}, PASS, LOW, "all 2 writes"),
    ({"survey_rights": (RIGHT, Right(verb="create", resource="pods/eviction", is_allowed=False, reason="no RBAC policy matched"))}, REFUSE, LOW, "does not let mei create pods/eviction: no RBAC policy matched"),
    ({"survey_rights": (Right(verb="patch", resource="deployments.apps", is_allowed=None, reason="503"),)}, REFUSE, LOW, "could not be asked: 503"),
    ({"survey_rights": ()}, REFUSE, LOW, "no access review was made"),
    ({"survey_unread": {"rights": "403"}}, REFUSE, LOW, "could not be made: rights (403)"),
    ({"survey_rights": (), "target": Target.parse("silence:7f")}, PASS, LOW, "no cluster to ask"),
])  # fmt: skip
def test_access(row: Row) -> None:
    says(access.check(case(**row[0])), row)


CUP = Freeze(name="cup", begin=NOW.utc, until=NOW.utc + timedelta(hours=2))
PEAK = Freeze(name="peak", begin=NOW.utc, until=NOW.utc + timedelta(days=2), override=True)
NOWHERE = Freeze(name="odd", override=True, weekly=Weekly(days=("mon",), begin="01:00", until="02:00", timezone="Mars/Olympus"))


def frozen(*freezes: Freeze, override: bool = False) -> Policy:
    return Policy(version="v", roles={"r": Role(people=("mei",), may=("*",), override_freeze=override)}, freezes=freezes)


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "no freeze"),
    ({"policy": frozen(CUP)}, REFUSE, LOW, "freeze `cup` until 04:14 UTC"),
    ({"policy": frozen(CUP, override=True), "is_override": True}, REFUSE, LOW, "freeze `cup`"),
    ({"policy": frozen(PEAK)}, REFUSE, LOW, "freeze `peak` until Tue 24 Nov 02:14 UTC; no role of mei (r) may override"),
    ({"policy": frozen(PEAK), "is_override": True}, REFUSE, LOW, "may override a freeze there"),
    ({"policy": frozen(PEAK, override=True)}, REFUSE, HIGH, "role r may override it"),
    ({"policy": frozen(PEAK, override=True), "is_override": True}, NOTE, HIGH, "overridden by mei (role r)"),
    ({"policy": frozen(PEAK, CUP, override=True), "is_override": True}, REFUSE, LOW, "freeze `peak` until Tue 24 Nov 02:14 UTC, freeze `cup`"),
    ({"policy": frozen(NOWHERE, override=True), "is_override": True}, REFUSE, LOW, "freeze `odd` cannot be reckoned (no time zone: 'No time zone found with key Mars/Olympus'), so it counts as frozen"),
])  # fmt: skip
def test_freeze(row: Row) -> None:
    says(freeze.check(case(**row[0])), row)


def test_only_a_freeze_that_the_person_may_override_is_marked_so() -> None:
    assert freeze.check(case(policy=frozen(PEAK, override=True))).is_overridable
    assert not freeze.check(case(policy=frozen(PEAK))).is_overridable
    assert not freeze.check(case(policy=frozen(PEAK, CUP, override=True))).is_overridable


def seen(clusters: dict[str, Seen], state: Seen, *failed: str, age_s: float = 1.0) -> Any:
    """The workloads of several clusters, with what fails in them."""
    failure = Failure(kind=FailureKind.UNAUTHORIZED, tried="list", on="kubernetes", got="403")
    value = msgspec.structs.replace(workloads().value, clusters=clusters, errors=dict.fromkeys(failed, failure))
    return live(value, age_s=age_s, state=state)


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "no data older than 60 s"),
    ({"scene_workloads": None}, REFUSE, LOW, "the workloads are not configured"),
    ({"scene_workloads": live(workloads().value, age_s=61)}, REFUSE, LOW, "61 s old, more than 60 s"),
    ({"scene_workloads": live(workloads().value, state=Seen.ERROR)}, REFUSE, LOW, "the workloads are error"),
    ({"scene_workloads": live(workloads().value, state=Seen.STALE)}, REFUSE, LOW, "the workloads are stale"),
    ({"scene_workloads": live(workloads().value, state=Seen.PARTIAL)}, PASS, LOW, ""),  # another cluster may have failed
    ({"scene_workloads": live(workloads(Seen.ERROR).value, state=Seen.PARTIAL)}, REFUSE, LOW, "the workloads of apac-1 are error"),
    ({"scene_workloads": seen({"apac-1": Seen.STALE, "b": Seen.LIVE}, Seen.STALE)}, REFUSE, LOW, "the workloads of apac-1 are stale"),
    # another cluster must not keep hands off this one
    ({"scene_workloads": seen({"apac-1": Seen.LIVE, "b": Seen.ERROR}, Seen.PARTIAL)}, PASS, LOW, ""),
    ({"scene_workloads": seen({"apac-1": Seen.LIVE, "b": Seen.STALE}, Seen.STALE)}, NOTE, HIGH, "another cluster fails, so the age of the workloads of apac-1 is not known"),
    ({"scene_workloads": seen({"apac-1": Seen.LIVE, "b": Seen.ERROR}, Seen.PARTIAL, age_s=600)}, NOTE, HIGH, "is not known"),
    ({"scene_workloads": seen({"apac-1": Seen.LIVE, "b": Seen.ERROR}, Seen.ERROR)}, REFUSE, LOW, "the workloads are error"),
    # of this cluster, only some kinds fail
    ({"scene_workloads": seen({"apac-1": Seen.ERROR}, Seen.PARTIAL, "apac-1 events")}, PASS, LOW, ""),
    ({"scene_workloads": seen({"apac-1": Seen.ERROR}, Seen.PARTIAL, "apac-1 events", "apac-1 pods")}, REFUSE, LOW, "the workloads of apac-1 are error: 403"),
    ({"scene_workloads": seen({"apac-1": Seen.ERROR}, Seen.PARTIAL, "apac-1 nodes")}, PASS, LOW, ""),
    ({"scene_workloads": seen({"apac-1": Seen.ERROR}, Seen.PARTIAL, "apac-1 nodes"), "target": NODE}, REFUSE, LOW, "are error: 403"),
    ({"scene_workloads": seen({"apac-1": Seen.ERROR}, Seen.PARTIAL, "apac-10 events")}, REFUSE, LOW, "are error"),
    ({"scene_workloads": seen({"apac-1": Seen.PARTIAL}, Seen.PARTIAL)}, NOTE, HIGH, "the workloads of apac-1 are partial: some namespaces do not answer"),
    ({"target": Target.parse("node:emea-9/w")}, REFUSE, LOW, "cluster emea-9 is not among those that are watched"),
    ({"scene_streams": live(None, age_s=90)}, NOTE, HIGH, "the streams are without an answer"),
    ({"scene_streams": None, "scene_capacity": None}, PASS, LOW, ""),  # a site without them; blast and headroom tell
    ({"scene_capacity": live(capacity().value, age_s=90)}, NOTE, HIGH, "the capacity gauges are 90 s old"),
    ({"survey_skew_s": 5.0}, PASS, LOW, ""),
    ({"survey_skew_s": -6.0}, REFUSE, LOW, "6 s apart"),
    ({"survey_skew_s": float("nan")}, REFUSE, LOW, "apart"),
    ({"survey_skew_s": None}, NOTE, HIGH, "its clock is not known"),
    ({"survey_read_at": None}, NOTE, HIGH, "when the target was looked at"),
    ({"survey_read_at": NOW.utc - timedelta(seconds=61)}, REFUSE, LOW, "looked at 61 s ago; plan again"),
    ({"survey_read_at": NOW.utc + timedelta(seconds=90)}, REFUSE, LOW, "plan again"),
    ({"survey_unread": {"cluster identity": "403"}}, NOTE, HIGH, "could not be read: cluster identity (403)"),
    ({"survey_unread": {"budgets": "403"}}, PASS, LOW, ""),  # told by the guard that needs it
    ({"target": Target.parse("alert:ab"), "scene_workloads": None}, PASS, LOW, ""),
    ({"target": Target.parse("alert:ab"), "action": "alert.silence", "scene_alerts": live(None)}, NOTE, HIGH, "the alerts are without an answer"),
    ({"target": Target.parse("alert:ab"), "action": "alert.acknowledge", "scene_alerts": live(None), "scene_streams": live(None)}, PASS, LOW, ""),
])  # fmt: skip
def test_freshness(row: Row) -> None:
    says(freshness.check(case(**row[0])), row)


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "it is there"),
    ({"survey_exists": False}, REFUSE, LOW, "is not there"),
    ({"survey_is_terminating": True}, REFUSE, LOW, "is being deleted already"),
    ({"survey_is_paused": True}, REFUSE, LOW, "packager is paused: nothing would roll out; resume it first"),
    ({"survey_is_paused": True, "action": "deployment.undo"}, REFUSE, LOW, "is paused"),
    ({"survey_is_paused": True, "action": "deployment.resume"}, PASS, LOW, "does not matter"),
    ({"survey_is_paused": True, "action": "deployment.scale"}, PASS, LOW, ""),
])  # fmt: skip
def test_standing(row: Row) -> None:
    says(standing.check(case(**row[0])), row)


HPA = Scaler(name="packager", least=3, most=12, wants=5)
SCALE = {"action": "deployment.scale"}
UNDO = {"action": "deployment.undo"}
ARGO = {"survey_owned_by": "argo"}


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "nobody else owns it"),
    ({"survey_scaler": HPA}, PASS, LOW, ""),
    ({"survey_scaler": HPA, **SCALE}, REFUSE, LOW, "autoscaler packager keeps 3 to 12 pods, now 5 and would set it back; change its minReplicas instead (deployment.autoscale)"),
    ({"survey_scaler": HPA, "action": "deployment.autoscale"}, PASS, LOW, ""),
    ({"survey_unread": {"autoscalers": "403"}, **SCALE}, REFUSE, LOW, "could not be read"),
    ({"survey_unread": {"autoscalers": "403"}}, PASS, LOW, ""),
    ({**ARGO, "survey_owner_keeps": True}, NOTE, LOW, "owned by argo: it will keep this"),
    ({**ARGO}, NOTE, MEDIUM, "whether it puts this back by itself is not known"),
    ({**ARGO, "survey_owner_heals": True}, NOTE, MEDIUM, "it will put this back"),
    ({**ARGO, "survey_owner_heals": False}, NOTE, LOW, "until its next sync"),
    ({**ARGO, **UNDO, "survey_owner_heals": True}, REFUSE, LOW, "argo would put it back at once: revert the change in its source"),
    ({**ARGO, **UNDO}, NOTE, HIGH, "not known"),
    ({**ARGO, **UNDO, "survey_owner_keeps": True}, NOTE, LOW, "will keep"),
    ({"survey_unread": {"owned_by": "403"}}, NOTE, HIGH, "who owns it could not be read"),
])  # fmt: skip
def test_ownership(row: Row) -> None:
    says(ownership.check(case(**row[0])), row)


POD = "kube:apac-1/live/pod/packager-apac-a-0"
EVICT = {"action": "pod.evict", "target": Target.parse(POD), "survey_affected": pods("packager", "apac-a", 1)}
SHIFT = {"action": "haproxy.weight", "target": Target.parse("haproxy:edge/web/s1")}


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "nothing else is under way"),
    ({"recent": (known(State.RUNNING),)}, REFUSE, LOW, "deployment.restart on kube:apac-1/live/deployment/packager by tomas is running (op-9): wait for it"),
    ({"recent": (known(State.RUNNING),), "own_op": "op-9"}, PASS, LOW, ""),
    ({"recent": (known(State.SUCCEEDED),)}, PASS, LOW, ""),
    ({"recent": (known(State.RUNNING, target="kube:apac-1/vod/deployment/packager"),)}, PASS, LOW, ""),
    ({"recent": (known(State.VERIFYING, target="node:apac-1/apac-a-w-3", action="node.drain"),)}, REFUSE, LOW, "node.drain"),  # a pod of ours stands there
    ({"recent": (known(State.RUNNING, target="node:emea-1/apac-a-w-3"),)}, PASS, LOW, ""),
    ({"recent": (known(State.RUNNING, target=POD),)}, REFUSE, LOW, "is running"),  # one pod of the deployment
    ({"recent": (known(State.RUNNING),), **EVICT}, REFUSE, LOW, "is running"),  # and the other way round
    ({"recent": (known(State.RUNNING, target="node:apac-1/apac-a-w-0"),), **EVICT}, REFUSE, LOW, "is running"),
    ({"recent": (known(State.RUNNING, target="node:apac-1/other", steps=(POD,)),)}, REFUSE, LOW, "is running"),
    ({"recent": (known(State.RUNNING),), "action": "node.drain", "target": NODE}, REFUSE, LOW, "is running"),
    ({"recent": (known(State.INTERRUPTED, steps=(POD, POD)),)}, REFUSE, LOW, "was interrupted after 0 of 2 steps (op-9): resume or undo it"),
    ({"recent": (known(State.STOPPED),), "undoes": "op-9"}, PASS, LOW, ""),
    ({"recent": (known(State.RUNNING),), "undoes": "op-9"}, REFUSE, LOW, "wait for it"),
    ({"recent": (known(State.UNKNOWN),)}, NOTE, HIGH, "is not known (op-9): look before adding to it"),
    ({"recent": (known(State.AWAITING_APPROVAL, minutes_ago=None),)}, NOTE, LOW, "is awaiting approval"),
    ({"recent": (known(State.PLANNED, minutes_ago=None),)}, PASS, LOW, ""),
    ({"recent": (known(State.AWAITING_APPROVAL, minutes_ago=None), known(State.RUNNING, op="op-8"))}, REFUSE, LOW, "op-8"),
    ({"recent": (known(State.RUNNING, target="haproxy:edge/web/s2"),), **SHIFT}, REFUSE, LOW, "is running"),  # shares the load
    ({"recent": (known(State.RUNNING, target="haproxy:edge/api/s1"),), **SHIFT}, PASS, LOW, ""),
    ({"recent": (known(State.RUNNING, target="no target at all"),)}, PASS, LOW, ""),
])  # fmt: skip
def test_busy(row: Row) -> None:
    says(busy.check(case(**row[0])), row)


BY_MEI = {"requested_by": MEI}
ELSEWHERE = "kube:apac-1/live/deployment/other"


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "1 of 20 this hour by mei, 1 of 4 on it"),
    ({"recent": tuple(known(State.SUCCEEDED, op=f"o{n}", minutes_ago=10 * n) for n in range(1, 5))}, REFUSE, LOW, "packager has seen 4 operations within the hour, and 4 are allowed; again at 02:34 UTC"),
    ({"recent": tuple(known(State.SUCCEEDED, op=f"o{n}", minutes_ago=10 * n) for n in range(1, 5)), "undoes": "o1"}, NOTE, HIGH, "an undo is not held back"),
    ({"recent": tuple(known(State.SUCCEEDED, op=f"o{n}", minutes_ago=61) for n in range(9))}, PASS, LOW, "1 of 4"),
    ({"recent": tuple(known(State.REFUSED, op=f"o{n}", minutes_ago=None) for n in range(9))}, PASS, LOW, "1 of 4"),
    ({"recent": tuple(known(State.SUCCEEDED, op=f"o{n}", minutes_ago=-30) for n in range(4))}, REFUSE, LOW, "has seen 4"),  # the clock was set back
    ({"recent": (known(State.RUNNING, op="mine", **BY_MEI),), "own_op": "mine"}, PASS, LOW, "1 of 20"),
    ({"limit_per_person_per_hour": 2, "recent": tuple(known(State.FAILED, ELSEWHERE, op=f"o{n}", minutes_ago=n, **BY_MEI) for n in (5, 50))}, REFUSE, LOW, "mei has begun 2 operations within the hour, and 2 are allowed; again at 02:24 UTC"),
    ({"limit_per_person_per_hour": 2, "recent": tuple(known(State.FAILED, ELSEWHERE, op=f"o{n}", requested_by=Actor(name="root", id="1000")) for n in (5, 50))}, REFUSE, LOW, "mei has begun 2"),  # the same person by id
    ({"limit_per_person_per_hour": 0}, REFUSE, LOW, "0 are allowed"),
])  # fmt: skip
def test_rate(row: Row) -> None:
    says(rate.check(case(**row[0])), row)


EIGHT = pods("packager", "apac-a", 8)


def pdb(allowed: int | None, name: str = "packager", covers: Any = EIGHT) -> Budget:
    return Budget(namespace="live", name=name, allowed=allowed, pods=frozenset(pod.key for pod in covers))


DRAIN = {"action": "node.drain", "target": NODE, "survey_at_once": 1}
EVICT_8 = {"action": "pod.evict"}


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "budget live/packager allows 1, 1 at once"),
    ({"survey_affected": ()}, PASS, LOW, "takes no pod away"),
    ({"survey_budgets": ()}, PASS, LOW, "no disruption budget covers"),
    ({"survey_budgets": (pdb(1, covers=pods("origin", "apac-a", 3)),)}, PASS, LOW, "no disruption budget covers"),
    ({"survey_unread": {"budgets": "403"}}, NOTE, HIGH, "could not be read: budgets (403)"),
    ({"survey_unread": {"budgets": "403"}, **DRAIN}, NOTE, HIGH, "could not be read"),
    ({"survey_budgets": (pdb(None),)}, NOTE, HIGH, "what budget live/packager allows now is not known"),
    ({"survey_budgets": (pdb(None),), **DRAIN}, NOTE, HIGH, "not known"),
    # a rollout does not ask the budget
    ({"survey_at_once": 3}, NOTE, MEDIUM, "allows 1, and this takes 3 without asking it"),
    ({"survey_budgets": (pdb(0),)}, NOTE, HIGH, "allows 0, and this takes 1"),
    # many pods under a budget of one, which a rehearsal of each would let pass
    ({**EVICT_8, "survey_at_once": 8}, REFUSE, LOW, "8 pods at once under budget live/packager, which allows 1"),
    ({**EVICT_8, "survey_at_once": 0}, REFUSE, LOW, "8 pods at once"),  # not said is all of them
    ({**EVICT_8, "survey_at_once": 1}, PASS, LOW, "allows 1"),
    ({**EVICT_8, "survey_budgets": (pdb(0),)}, REFUSE, LOW, "allows no disruption now"),
    ({**EVICT_8, "survey_budgets": (pdb(-1),)}, REFUSE, LOW, "allows no disruption now"),
    ({**DRAIN}, NOTE, LOW, "8 pods under budget live/packager, which allows 1: 8 rounds, each until the last is replaced"),
    ({**DRAIN, "survey_at_once": 3, "survey_budgets": (pdb(2),)}, NOTE, LOW, "4 rounds"),
    ({**DRAIN, "survey_budgets": (pdb(8),)}, PASS, LOW, "allows 8 of 8 pods"),
    ({**DRAIN, "survey_budgets": (pdb(0),)}, NOTE, MEDIUM, "allows none now: it waits until the budget does"),
    ({**DRAIN, "survey_budgets": (pdb(1), pdb(5, "all"))}, REFUSE, LOW, "is under 2 budgets (all, packager): the server refuses"),
    ({"survey_budgets": (pdb(1), pdb(5, "all"))}, PASS, LOW, ""),
    ({**DRAIN, "survey_budgets": (pdb(8), pdb(0, "o", pods("o", "z", 1))), "survey_affected": (*EIGHT, *pods("o", "z", 1))}, NOTE, MEDIUM, "live/o allows none"),
    # what does not run does not ask
    ({**EVICT_8, "survey_affected": pods("packager", "apac-a", 0, 8, phase="Pending"), "survey_budgets": (pdb(0),)}, PASS, LOW, "no disruption budget covers"),
    ({**EVICT_8, "survey_affected": pods("packager", "apac-a", 0, 8), "survey_budgets": (pdb(0),)}, REFUSE, LOW, "no disruption now"),
])  # fmt: skip
def test_budget(row: Row) -> None:
    says(budget.check(case(**row[0])), row)


@pytest.mark.parametrize("row", [
    ({"blast": Blast(pods=1, channels=(), viewers=0)}, PASS, LOW, "1 pod, 0 channels, 0 viewers"),
    ({"blast": Blast(pods=2, channels=("a",), viewers=9_999)}, NOTE, MEDIUM, "2 pods"),
    ({"blast": Blast(pods=25, channels=("a",), viewers=9_999)}, NOTE, HIGH, "25 pods"),
    ({"blast": Blast(pods=1, channels=("a",), viewers=10_000)}, NOTE, MEDIUM, "10k viewers"),
    ({"blast": Blast(pods=1, channels=("a",), viewers=1_500_000)}, NOTE, HIGH, "1.5M viewers"),
    ({"blast": Blast(pods=1, channels=tuple("abcdefghij"), viewers=0)}, NOTE, HIGH, "10 channels"),
    ({"blast": Blast(pods=None, channels=(), viewers=0)}, NOTE, HIGH, "how many pods is not known"),
    ({"blast": Blast(pods=0, channels=None, viewers=0)}, NOTE, HIGH, "which channels is not known"),
    ({"blast": Blast(pods=0, channels=(), viewers=None)}, NOTE, HIGH, "how many viewers is not known"),
    ({"blast": Blast(pods=0, channels=(), viewers=0), "limit_medium_pods": 0, "limit_high_channels": 0}, PASS, LOW, ""),
])  # fmt: skip
def test_blast(row: Row) -> None:
    says(blast.check(case(**row[0])), row)


NOTHING = Blast(pods=0, channels=(), viewers=0)


@pytest.mark.parametrize("row", [
    ({}, PASS, LOW, "apac is no production site"),
    ({"is_prod": True}, NOTE, MEDIUM, "apac is production"),
    ({"is_prod": True, "survey_affected": (), "blast": NOTHING}, PASS, LOW, "takes nothing away"),
    ({"is_prod": True, "survey_affected": (), "blast": Blast(pods=None)}, NOTE, MEDIUM, ""),
    ({"is_prod": True, "survey_affected": (), "blast": NOTHING, "survey_is_reversible": False}, NOTE, MEDIUM, ""),
    ({"is_prod": True, "survey_affected": (), "blast": NOTHING, "survey_load_after": (("cdn-a", 0.5),)}, NOTE, MEDIUM, ""),
])  # fmt: skip
def test_prod(row: Row) -> None:
    says(prod.check(case(**row[0])), row)


def test_a_calm_case_passes_everywhere() -> None:
    given: Case = case()
    for guard in (roles, access, freeze, freshness, standing, ownership, busy, rate, budget, prod):
        assert guard.check(given).stand is PASS
    assert given.target is PACKAGER
