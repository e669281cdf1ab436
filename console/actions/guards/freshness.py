"""Is what the decision rests on true now?

Each source has its own consequence. Without the workloads nobody sees what the action does to them, and acting blind on a
cluster is refused. Streams, capacity and alerts tell how much is at stake; a metrics store that is down in the incident must
not forbid its repair, so without them the highest tier is asked for. A clock that is off makes every age a lie: refused.
"""

from __future__ import annotations

from typing import Any

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards.removal import verb
from console.actions.guards.trust import CLAIMED, doubt
from console.actions.guards.words import listed
from console.actions.target import TargetKind
from console.actions.verdict import Stand, Verdict
from console.model.joined import Workloads
from console.model.reading import SKEW_SHOWN_S, Reading
from console.model.severity import State

_IN_A_CLUSTER = (TargetKind.KUBE, TargetKind.NODE)
_ABOUT_ALERTS = (TargetKind.ALERT, TargetKind.SILENCE)
_UNSEEN = (State.ERROR, State.STALE, State.CONNECTING)
_NEEDED = ("pods", "deployments")  # without the events of a cluster its workloads are seen all the same


def check(case: Case) -> Verdict:
    refusals, doubts = _clocks(case)
    if case.target.kind in _IN_A_CLUSTER:
        if why := _blind(case):
            refusals.append(why)
        elif why := _hazy(case):
            doubts.append(why)
    if refusals:
        return Verdict("freshness", Stand.REFUSE, "; ".join(refusals))
    doubts += _stakes(case)
    if doubts:
        return Verdict("freshness", Stand.NOTE, "; ".join(doubts), at_least=Tier.HIGH)
    return Verdict("freshness", Stand.PASS, f"no data older than {case.policy.limits.max_age_s:.0f} s")


def _clocks(case: Case) -> tuple[list[str], list[str]]:
    """What refuses, and what is not known, of the times at which the target was asked."""
    survey, limit = case.survey, case.policy.limits.max_age_s
    refusals: list[str] = []
    doubts: list[str] = []
    if survey.skew_s is None:
        if case.target.kind in _IN_A_CLUSTER:
            doubts.append("the cluster told no time, so its clock is not known")
    elif not abs(survey.skew_s) <= SKEW_SHOWN_S:  # so written that NaN is refused
        refusals.append(f"the clocks of the target and of this host are {abs(survey.skew_s):.0f} s apart; mend the clock first")
    if survey.read_at is None:
        doubts.append("it is not known when the target was looked at")
    elif not abs(age_s := (case.scene.now.utc - survey.read_at).total_seconds()) <= limit:
        refusals.append(f"the target was looked at {age_s:.0f} s ago; plan again")
    return refusals, doubts


def _blind(case: Case) -> str:
    """Why nobody would see what the action does in its cluster. The workloads of a site are one reading over all its
    clusters: that another one is gone must not keep hands off this one.
    """
    reading, now, cluster = case.scene.workloads, case.scene.now, case.target.cluster
    why = doubt(reading, now, case.policy.limits.max_age_s)
    if reading is None or reading.value is None or reading.state in (State.ERROR, State.CONNECTING):
        return f"the workloads are {why}: nobody would see what this does"
    state = reading.value.clusters.get(cluster)
    if state is None:
        return f"cluster {cluster} is not among those that are watched"
    failed = {name.rpartition(" ")[2]: each for name, each in reading.value.errors.items() if name.startswith(f"{cluster} ")}
    needed = (*_NEEDED, *(("nodes",) if case.target.kind is TargetKind.NODE else ()))
    # Kinds that fail alone are told in `errors`; a state without one there does not say which kind it means.
    is_elsewhere = state is State.ERROR and bool(failed) and not any(kind in failed for kind in needed)
    if state in _UNSEEN and not is_elsewhere:
        reason = next((failed[kind].short for kind in needed if kind in failed), "")
        return f"the workloads of {cluster} are {state}" + (f": {reason}" if reason else "")
    if why and not _others_fail(reading.value, cluster):
        return f"the workloads are {why}: nobody would see what this does"
    return ""


def _hazy(case: Case) -> str:
    """What is seen, and not how old it is."""
    reading, cluster = case.scene.workloads, case.target.cluster
    assert reading is not None and reading.value is not None
    if doubt(reading, case.scene.now, case.policy.limits.max_age_s):
        return f"another cluster fails, so the age of the workloads of {cluster} is not known"
    if reading.value.clusters[cluster] is State.PARTIAL:
        return f"the workloads of {cluster} are partial: {reading.partial_reason or 'some namespaces do not answer'}"
    return ""


def _others_fail(workloads: Workloads, cluster: str) -> bool:
    return any(state in _UNSEEN for name, state in workloads.clusters.items() if name != cluster)


def _stakes(case: Case) -> list[str]:
    """Of what tells how much is at stake, what cannot be believed, and what of the target could not be read."""
    survey, scene, limit = case.survey, case.scene, case.policy.limits.max_age_s
    found = []
    told: tuple[tuple[str, Reading[Any] | None], ...]
    if verb(case) == "acknowledge":
        told = ()  # a record of who looks after it: nothing is at stake
    elif case.target.kind in _ABOUT_ALERTS:
        told = (("alerts", scene.alerts),)
    else:
        told = (("streams", scene.streams), ("capacity gauges", scene.capacity))
    for name, reading in told:
        if reading is not None and (why := doubt(reading, scene.now, limit)):
            found.append(f"the {name} are {why}")
    rest = [f"{name} ({why})" for name, why in survey.unread.items() if name not in CLAIMED]
    if rest:
        found.append(f"could not be read: {listed(rest)}")
    return found
