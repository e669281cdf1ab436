"""Scheduler and kubelets: pods without a node get one, pods with one start, get ready, crash, and go when told to."""

from __future__ import annotations

from datetime import datetime

from console.demo.kubernetes import eventobject, life, podobject, scheduling
from console.demo.kubernetes.estate import Estate
from console.demo.kubernetes.objects import REGION_LABEL
from console.demo.kubernetes.tenant import Tenant
from console.demo.world.names import NODES, node_name, pod_region

_NODE = {one.name: one for one in NODES}
_FAILED = "FailedScheduling"


class Kubelet:
    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._refused: dict[tuple[str, str], str] = {}
        """Pod -> the sentence it was refused with last."""
        self._nodes_at = -1
        self._nodes: list[scheduling.Place] = []

    def step(self, t: datetime) -> None:
        estate = self.estate
        waiting = []
        for key in sorted(estate.busy):
            pod = estate.tenants[key]
            if pod.node in estate.lost:
                continue
            if pod.gone(t):
                estate.store.delete("pods", *key)
                estate.drop(pod)
            elif not pod.node and pod.active:
                waiting.append(pod)
            else:
                self._report(pod, t)
        if waiting:
            self._schedule(waiting, t)

    def _schedule(self, waiting: list[Tenant], t: datetime) -> None:
        estate = self.estate
        last = estate.store.shelf("nodes").last
        if last != self._nodes_at:
            self._nodes, self._nodes_at = scheduling.places(estate.store), last
        taken = estate.pods_on_nodes()
        for pod in waiting:
            stored = estate.store.get("pods", *pod.key)
            if stored is None:
                estate.drop(pod)
                continue
            obj = stored.read()
            known = estate.known(pod.namespace, estate.deployment_of.get(
                (pod.namespace, pod.owner.partition("/")[2]), ""))
            home = node_name(known, pod.index) if known is not None else ""
            region = pod_region(known, pod.index) if known is not None else ""
            node, why = scheduling.choose(self._nodes, obj["spec"], taken, home, region, REGION_LABEL, estate.minor)
            if node:
                taken[node] += 1
                self._bind(pod, obj, node, t)
            elif self._refused.get(pod.key) != why:
                self._refused[pod.key] = why
                obj["status"] = podobject.unschedulable(t, why)
                estate.store.apply({"kind": "Pod", "apiVersion": "v1", **obj})
                event = eventobject.scheduled(obj["metadata"], "", t)
                event |= {"reason": _FAILED, "message": why, "type": "Warning", "action": "Scheduling"}
                estate.remember(event, t)

    def _bind(self, pod: Tenant, obj: dict[str, object], node: str, t: datetime) -> None:
        self._refused.pop(pod.key, None)
        pod.node, pod.first = node, life.first_start(t, pod.index)
        spec, metadata = obj["spec"], obj["metadata"]
        assert isinstance(spec, dict) and isinstance(metadata, dict)
        spec["nodeName"] = node
        if REGION_LABEL in metadata.get("labels", {}):
            # As admission does at a binding: a pod carries the topology of the node it really stands on.
            metadata["labels"][REGION_LABEL] = _NODE[node].region
        self.estate.store.apply({"kind": "Pod", "apiVersion": "v1", **obj})
        self.estate.remember(eventobject.scheduled(metadata, node, t), t)
        self._report(pod, t)

    def _report(self, pod: Tenant, t: datetime) -> None:
        """Writes what changed since the last report; a settled pod is left alone until somebody touches it."""
        now, estate = pod.life(t), self.estate
        before = pod.told
        if before != now:
            stored = estate.store.get("pods", *pod.key)
            if stored is None:
                estate.drop(pod)
                return
            obj = stored.read()
            pod.told = now
            containers = [(one["name"], one["image"]) for one in obj["spec"]["containers"]]
            state = podobject.pod_status(containers, pod.namespace, now, obj["metadata"]["uid"], _NODE[pod.node],
                                         pod.index, estate.minor)
            obj["status"] = {**state, **{k: v for k, v in obj["status"].items() if k == "qosClass"}}
            estate.store.apply({"kind": "Pod", "apiVersion": "v1", **obj})
            self._tell(pod, obj["metadata"], containers, before, t)
            if before is None or before.ready != now.ready:
                estate.stir(pod)
        if pod.settled:
            estate.busy.discard(pod.key)

    def _tell(self, pod: Tenant, about: dict[str, object], containers: list[tuple[str, str]],
              before: life.PodLife | None, t: datetime) -> None:
        now, had = pod.told, before.state if before is not None else ""
        assert now is not None
        for name, image in containers:
            field = f"spec.containers{{{name}}}"
            if now.state == "running" and had != "running":
                for reason, text in (("Pulled", f'Container image "{image}" already present on machine'),
                                     ("Created", f"Created container {name}"),
                                     ("Started", f"Started container {name}")):
                    self.estate.tell(about, "Pod", reason, text, t, "kubelet", pod.node, field=field)
            elif now.state in ("waiting", "unpulled") and had != now.state:
                text = (f'Back-off pulling image "{image}"' if now.state == "unpulled"
                        else "Back-off restarting failed container")
                self.estate.tell(about, "Pod", "BackOff", text, t, "kubelet", pod.node, True, field)

    def told_to_go(self, pod: Tenant, t: datetime) -> None:
        """A deletion the API accepted."""
        stored = self.estate.store.get("pods", *pod.key)
        if stored is None:
            self.estate.drop(pod)
            return
        meta = stored.read()["metadata"]
        if meta.get("deletionTimestamp") and pod.leaving is None:
            pod.leaving, pod.grace_s = t, float(meta.get("deletionGracePeriodSeconds", 30))
            self.estate.busy.add(pod.key)
            self.estate.stir(pod)
            if pod.node not in self.estate.lost:
                self.estate.tell(meta, "Pod", "Killing", "Stopping container", t, "kubelet", pod.node)
