"""A node taken out of service and put back: cordon, uncordon, drain.

A drain is a cordon and then one eviction after the other, each with the pod's uid, each waiting for the pod to be gone and
for its budget. It can be stopped between any two, and resumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from console.actions.action import About, Draft, Order
from console.actions.audit.operation import Operation, PlannedStep, Tier
from console.actions.catalogue.kubernetes.looking import Around, Clusters
from console.actions.catalogue.kubernetes.patching import node_path, patch
from console.actions.catalogue.kubernetes.pod import eviction
from console.actions.guards.words import several
from console.actions.parameters import Parameter, Type
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.survey import PodFact, Survey
from console.actions.target import TargetKind
from console.actions.targets.kubernetes.lease import NODES_IN
from console.actions.targets.kubernetes.pointer import at
from console.actions.verdict import Stand, Verdict
from console.actions.writes import Expect, KubeWrite

DRAIN_S = 900.0  # how long one pod's budget is waited for


class _Look(msgspec.Struct, frozen=True):
    around: Around
    item: dict[str, Any]
    identity: str
    survey: Survey
    pods: tuple[PodFact, ...]  # on this node
    lock: tuple[Verdict, ...]  # what there is to say of the lock between hosts

    @property
    def is_cordoned(self) -> bool:
        return at(self.item, "/spec/unschedulable") is True


async def _look(clusters: Clusters, order: Order, rights: Iterable[tuple[str, str, str, str, str]]) -> _Look:
    hand = clusters.hand(order.target)
    around = Around(clusters, hand)
    item = await around.must(node_path(order.target.name), f"node {order.target.full_name}")
    zones = await around.zones()
    everyone = await around.pods("", None, zones)
    here = tuple(pod for pod in everyone if pod.node == order.target.name and pod.phase not in ("Succeeded", "Failed"))
    zone = zones.get(order.target.name, "")
    survey = Survey(
        uid=str(at(item, "/metadata/uid") or ""),
        read_at=order.at,
        skew_s=hand.skew_s,
        zones=(zone,) if zone else (),
        is_terminating=at(item, "/metadata/deletionTimestamp") is not None,
        rights=await around.rights(order.person, rights),
    )
    identity = await around.identity()
    services = {pod.service for pod in here if pod.service}
    peers = tuple(pod for pod in everyone if pod.service in services and pod.node != order.target.name)
    survey = msgspec.structs.replace(survey, around=peers, unread=dict(around.unread))
    return _Look(around, item, identity, survey, here, await around.lock(order, NODES_IN))


def _cordon_step(order: Order, look: _Look, wants: bool) -> PlanStep:
    """Remembers what it was before, so that uncordoning after a drain does not free a node that was cordoned anyway."""
    path = node_path(order.target.name)
    was = look.is_cordoned
    found = at(look.item, "/spec/unschedulable")  # the server leaves a false one out
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/spec/unschedulable", "value": found},
        {"op": "add", "path": "/spec/unschedulable", "value": wants},
    ]
    before = (Expect("/spec/unschedulable", found),)
    return PlanStep(
        told=PlannedStep(
            what="cordon" if wants else "uncordon",
            target=order.target.text,
            uid=look.survey.uid,
            field="spec.unschedulable",
            old=was,
            new=wants,
            undo=("node.uncordon" if wants else "node.cordon") if was is not wants else "",
        ),
        write=patch(order.target.cluster, path, look.item, order.op, operations, before),
    )


class _Cordoning:
    about: About
    wants: bool

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        look = await _look(self._clusters, order, [("patch", "", "nodes", "", "")])
        step = _cordon_step(order, look, self.wants)
        assert isinstance(step.write, KubeWrite)
        rehearsal = await look.around.rehearsed(step.write, order)
        word = "cordoned" if self.wants else "schedulable"
        back = self.inverse(None)
        then = "no new ones come" if self.wants else "new ones may come"
        return Draft(
            what=f"{self.about.title}: {len(look.pods)} pods stay on it, {then}",
            survey=msgspec.structs.replace(look.survey, around=()),
            changes=(Change("spec.unschedulable", look.is_cordoned, self.wants),),
            steps=(step,),
            proof=Proof(
                kind="field", window_s=30.0, text=f"the node is {word}", wants=(("is_unschedulable", self.wants),)
            ),
            cluster_identity=look.identity,
            dry_run=rehearsal.text,
            dry_run_ok=rehearsal.is_accepted,
            undo=back,
            undo_text=back.text,
            verdicts=(Verdict("change", Stand.REFUSE, f"it is {word} already: there is nothing to do"),)
            if look.is_cordoned is self.wants
            else look.lock,
        )

    def inverse(self, operation: Operation | None) -> Inverse:
        raise NotImplementedError


class Cordon(_Cordoning):
    """Pods stay, new ones go elsewhere."""

    about = About(
        name="node.cordon",
        title="cordon the node",
        about="let no new pods come to a node; those on it stay",
        kind=TargetKind.NODE,
        undo="node.uncordon",
    )
    wants = True

    def inverse(self, operation: Operation | None) -> Inverse:
        return Inverse(action="node.uncordon", text="uncordon the node")


class Uncordon(_Cordoning):
    """Pods may come again."""

    about = About(
        name="node.uncordon",
        title="uncordon the node",
        about="let pods come to a node again",
        kind=TargetKind.NODE,
        tier=Tier.LOW,
        undo="node.cordon",
    )
    wants = False

    def inverse(self, operation: Operation | None) -> Inverse:
        return Inverse(action="node.cordon", text="cordon it again")


class Drain:
    """Every pod that can go elsewhere does, as fast as the disruption budgets allow."""

    about = About(
        name="node.drain",
        title="drain the node",
        about="cordon a node and evict its pods one after the other, as their budgets allow",
        kind=TargetKind.NODE,
        parameters=(
            Parameter(name="empty-dir", type=Type.FLAG, about="also pods whose emptyDir data is lost", default=False),
            Parameter(name="unmanaged", type=Type.FLAG, about="also pods that nobody will replace", default=False),
        ),
        tier=Tier.HIGH,
        undo="node.uncordon: the pods do not come back by themselves",
    )

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        wanted = [("patch", "", "nodes", "", ""), ("create", "", "pods", "eviction", "")]
        look = await _look(self._clusters, order, wanted)
        staying = tuple(pod for pod in look.pods if pod.owner_kind in ("DaemonSet", "Node") or pod.is_terminating)
        going = tuple(pod for pod in look.pods if pod not in staying)
        version = await look.around.policy_version()
        cordon = _cordon_step(order, look, wants=True)
        assert isinstance(cordon.write, KubeWrite)
        evictions = [
            eviction(order.target.cluster, pod, version, patience_s=DRAIN_S, is_canary=index == 0 and len(going) > 1)
            # what serves nobody goes first
            for index, pod in enumerate(sorted(going, key=lambda pod: (pod.is_ready, pod.key)))
        ]
        steps = (*(() if look.is_cordoned else (cordon,)), *evictions)
        budgets = await look.around.budgets({pod.namespace for pod in going}, going)
        hand = look.around.hand
        rehearsal = None
        if order.rehearse and not look.is_cordoned:
            rehearsal = await hand.rehearse(cordon.write, order.op, order.person)
        survey = msgspec.structs.replace(
            look.survey,
            services=tuple(sorted({pod.service for pod in going if pod.service})),
            affected=going,
            at_once=1 if going else 0,
            budgets=budgets,
            is_reversible=False,
            unread=dict(look.around.unread),
        )
        lines = [] if look.is_cordoned else [Change("spec.unschedulable", False, True)]
        lines += [Change(f"pod {pod.key}", "runs here", "evicted") for pod in going]
        back = Inverse(action="node.uncordon", text="uncordon the node; its pods do not come back by themselves")
        return Draft(
            what=f"drain: {len(going)} pods are evicted one by one, {len(staying)} stay (daemons, static pods)",
            survey=survey,
            changes=tuple(lines),
            steps=tuple(steps),
            proof=Proof(
                kind="drained",
                window_s=300.0,
                text="no evicted pod is left on it, and every service has as many ready pods as before",
                wants=(("node", order.target.name), ("services", ",".join(survey.services))),
            ),
            cluster_identity=look.identity,
            dry_run=(rehearsal.text + " for the cordon; evictions are not cumulative in a dry-run")
            if rehearsal
            else "",
            dry_run_ok=rehearsal.is_accepted if rehearsal else None,
            undo=back if not look.is_cordoned else None,
            undo_text=back.text if not look.is_cordoned else "none: it was cordoned before",
            verdicts=(*look.lock, *(tuple(_left_behind(going, order)) or _nothing(going, look))),
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        if any(step.plan.what == "cordon" for step in operation.steps):
            return Inverse(action="node.uncordon", text="uncordon the node; its pods do not come back by themselves")
        return None


def _nothing(going: tuple[PodFact, ...], look: _Look) -> tuple[Verdict, ...]:
    if going or not look.is_cordoned:
        return ()
    return (Verdict("change", Stand.REFUSE, "it is cordoned, and no pod is left to evict"),)


def _left_behind(going: tuple[PodFact, ...], order: Order) -> Iterable[Verdict]:
    """What a drain would lose for good is not taken along unless it was asked for by name."""
    for flag, why, chosen in (
        ("empty-dir", "would lose the data of an emptyDir", [pod for pod in going if pod.has_empty_dir]),
        ("unmanaged", "would not be replaced, for want of an owner", [pod for pod in going if not pod.owner_kind]),
    ):
        if not chosen:
            continue
        names = ", ".join(pod.key for pod in chosen[:3]) + (", …" if len(chosen) > 3 else "")
        if order.parameters.get(flag) is True:
            yield Verdict("drain", Stand.NOTE, f"{several(len(chosen), 'pod')} {why}: {names}")
        else:
            yield Verdict(
                "drain", Stand.REFUSE, f"{several(len(chosen), 'pod')} {why} ({names}); --set {flag}=true takes them too"
            )
