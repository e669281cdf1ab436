"""Is another operation at work on this, or on something that overlaps with it?

A drain works on the pods of its node, a rollout on the pods of its deployment. The lock keeps two executors off one target;
this guard also sees targets that differ in name and share their pods.
"""

from __future__ import annotations

from console.actions.audit.history import Known
from console.actions.audit.operation import Operation, State, Tier
from console.actions.case import Case
from console.actions.survey import PodFact
from console.actions.target import BadTarget, Target, TargetKind
from console.actions.verdict import Stand, Verdict

_AT_WORK = frozenset((State.RUNNING, State.VERIFYING, State.UNDOING))
_LEFT = frozenset((State.INTERRUPTED, State.STOPPED))  # half-done: somebody has to decide
_WAITING = frozenset((State.CONFIRMED, State.AWAITING_APPROVAL, State.APPROVED))  # nothing sent


def check(case: Case) -> Verdict:
    mine = touched(case)
    others = [each for each in case.recent if each.operation.id != case.own_op and mine & reached(each.operation)]
    for states, is_refusal in (
        (_AT_WORK, True),
        (_LEFT, True),
        (frozenset((State.UNKNOWN,)), False),
        (_WAITING, False),
    ):
        for each in others:
            if each.state not in states or (each.operation.id == case.undoes and each.state not in _AT_WORK):
                continue
            if is_refusal:
                return Verdict("busy", Stand.REFUSE, _told(each))
            tier = Tier.HIGH if each.state is State.UNKNOWN else Tier.LOW
            return Verdict("busy", Stand.NOTE, _told(each), at_least=tier)
    return Verdict("busy", Stand.PASS, "nothing else is under way here")


def _told(other: Known) -> str:
    operation = other.operation
    who = operation.requested_by.name if operation.requested_by is not None else "somebody"
    said = f"{operation.action} on {operation.target} by {who}"
    if other.state in _AT_WORK:
        return f"{said} is {other.state} ({operation.id}): wait for it"
    if other.state in _LEFT:
        how_far = f"{operation.done} of {len(operation.steps)} steps"
        return f"{said} was {other.state} after {how_far} ({operation.id}): resume or undo it"
    if other.state is State.UNKNOWN:
        return f"how {said} ended is not known ({operation.id}): look before adding to it"
    return f"{said} is {other.state} ({operation.id})"


def touched(case: Case) -> frozenset[str]:
    """What the action of this case works on, by every name under which another operation may work on it."""
    names = {_key(case.target)}
    cluster = case.target.cluster
    for pod in case.survey.affected if cluster else ():
        names.add(f"kube:{cluster}/{pod.namespace}/pod/{pod.name}")
        if pod.node:
            names.add(f"node:{cluster}/{pod.node}")
        if owner := _owner(pod):
            names.add(f"kube:{cluster}/{pod.namespace}/{owner}")
    return frozenset(names)


def reached(operation: Operation) -> frozenset[str]:
    """The target of an operation and those of its steps."""
    names = set()
    for text in (operation.target, *(step.plan.target for step in operation.steps)):
        try:
            names.add(_key(Target.parse(text)))
        except BadTarget:  # of another version; its text can still be the same
            names.add(text)
    return frozenset(names)


def _key(target: Target) -> str:
    """Two servers of one backend share its load, so a balancer is busy by the backend."""
    if target.kind is TargetKind.HAPROXY:
        return f"{target.kind}:{'/'.join(target.path[:2])}"
    return target.text


def _owner(pod: PodFact) -> str:
    """`deployment/packager` of a pod of ReplicaSet packager-7c9d8b5f6d: the controller names it by appending a hash."""
    if pod.owner_kind == "ReplicaSet":
        name = pod.owner.rpartition("-")[0]
        return f"deployment/{name}" if name else ""
    return f"{pod.owner_kind.lower()}/{pod.owner}" if pod.owner_kind and pod.owner else ""
