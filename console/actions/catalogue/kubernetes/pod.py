"""One pod, by eviction and never by deletion: an eviction asks the disruption budget, and carries the pod's uid."""

from __future__ import annotations

import msgspec

from console.actions.action import About, Draft, Order
from console.actions.audit.operation import Operation, PlannedStep
from console.actions.catalogue.kubernetes.looking import Around, Clusters, moment
from console.actions.catalogue.kubernetes.patching import pod_path
from console.actions.plan import Change, Inverse, PlanStep, Proof, Settle
from console.actions.survey import PodFact, Survey
from console.actions.target import TargetKind
from console.actions.verdict import Stand, Verdict
from console.actions.writes import KubeWrite

GONE_S = 120.0


def eviction(cluster: str, pod: PodFact, version: str, *, patience_s: float = 0.0, is_canary: bool = False) -> PlanStep:
    """The step that evicts this very pod; it has settled when that uid is gone."""
    path = pod_path(pod.namespace, pod.name)
    body = {
        "apiVersion": f"policy/{version}",
        "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace},
        "deleteOptions": {"preconditions": {"uid": pod.uid}},
    }
    return PlanStep(
        told=PlannedStep(what="evict", target=f"kube:{cluster}/{pod.namespace}/pod/{pod.name}", uid=pod.uid),
        write=KubeWrite(
            cluster=cluster,
            method="POST",
            path=f"{path}/eviction",
            body=msgspec.json.encode(body).decode(),
            read_path=path,
            uid=pod.uid,
        ),
        settle=Settle(kind="pod-gone", limit_s=GONE_S, subject=pod.key, service=pod.service),
        patience_s=patience_s,
        is_canary=is_canary,
    )


class Evict:
    """The pod's controller makes another one."""

    about = About(
        name="pod.evict",
        title="evict the pod",
        about="have one pod ended and replaced, if its disruption budget allows it",
        kind=TargetKind.KUBE,
        object_kind="pod",
        undo="none: the pod is gone",
    )

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def draft(self, order: Order) -> Draft:
        target = order.target
        hand = self._clusters.hand(target)
        around = Around(self._clusters, hand)
        item = await around.must(pod_path(target.namespace, target.name), f"pod {target.full_name}")
        zones = await around.zones()
        pod = around.pod(item, zones)
        others = await around.pods(target.namespace, None, zones)
        peers = tuple(each for each in others if each.service == pod.service and pod.service and each.uid != pod.uid)
        verdicts = []
        if pod.owner_kind == "":
            verdicts.append(Verdict("owner", Stand.REFUSE, "nobody owns this pod: no other would take its place"))
        elif pod.owner_kind == "Node":
            verdicts.append(Verdict("owner", Stand.REFUSE, "a mirror of a static pod: its kubelet would make it again"))
        elif pod.owner_kind == "DaemonSet":
            verdicts.append(Verdict("owner", Stand.NOTE, "a DaemonSet's pod: the next one comes to the same node"))
        survey = Survey(
            uid=pod.uid,
            read_at=order.at,
            skew_s=hand.skew_s,
            services=(pod.service,) if pod.service else (),
            zones=(pod.zone,) if pod.zone else (),
            is_terminating=pod.is_terminating,
            affected=(pod,),
            around=peers,
            at_once=1,
            budgets=await around.budgets({pod.namespace}, (pod,)),
            rights=await around.rights(order.person, [("create", "", "pods", "eviction", target.namespace)]),
            last_change_at=moment(item, "/metadata/creationTimestamp"),
            is_reversible=False,
        )
        step = eviction(target.cluster, pod, await around.policy_version())
        assert isinstance(step.write, KubeWrite)
        rehearsal = await around.rehearsed(step.write, order)
        identity = await around.identity()
        return Draft(
            what=f"evict pod {pod.name} from {pod.node or 'no node'}; {pod.owner_kind or 'nobody'} {pod.owner} replaces it",
            survey=msgspec.structs.replace(survey, unread=dict(around.unread)),
            changes=(Change(f"pod {pod.key}", f"on {pod.node or 'no node'}", "evicted"),),
            steps=(step,),
            proof=Proof(
                kind="replaced",
                window_s=180.0,
                text="it is gone, and its service has as many ready pods as before",
                wants=(("pod", pod.key), ("uid", pod.uid), ("service", pod.service)),
            ),
            cluster_identity=identity,
            dry_run=rehearsal.text,
            dry_run_ok=rehearsal.is_accepted,
            undo_text="none: the pod is gone",
            verdicts=(*verdicts, *await around.lock(order, target.namespace)),
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        return None
