"""The node lifecycle controller and the taint manager, for the node that the story takes away.

A kubelet that is not heard for NODE_GRACE_S makes its node Unknown: the node gets the taint `unreachable`, its pods are
said to be not ready, and each is deleted when its toleration has run out. Nobody on the node hears of that: a deleted
pod stays Terminating until its kubelet is back, while its ReplicaSet has a successor elsewhere. What came too early for
the grace leaves no trace but a missing heartbeat.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import msgspec

from console.demo.kubernetes import objects
from console.demo.kubernetes.estate import Estate, Key, Object
from console.demo.kubernetes.replicas import evict
from console.demo.kubernetes.store import stamp
from console.demo.kubernetes.tenant import Tenant
from console.demo.world.names import CHANNEL
from console.demo.world.scenario import NODE_GRACE_S, Fault

UNREACHABLE = "node.kubernetes.io/unreachable"
HOME_AFTER_S, HOME_EVERY_S = 15.0, 10.0
"""In an endless story what was moved is brought home, one pod after another, so that the next time finds it there."""
_OWN_CONTROLLER = 29
"""From this minor on the taint manager is a controller of its own name."""


class Nodes:
    """`adopt` is given (namespace, deployment) when the story must let go of it, `heard` a node whose kubelet is back."""

    def __init__(self, estate: Estate, adopt: Callable[[str, str], None], heard: Callable[[str, datetime], None]) -> None:
        self.estate = estate
        self._adopt, self._heard = adopt, heard
        self._due: dict[Key, datetime] = {}
        """Pods the taint manager will delete."""
        self._done: set[tuple[int, str]] = set()
        """(number of the fault, what was done), of the newest fault."""

    def moments(self, since: datetime, t: datetime) -> list[datetime]:
        """When there is something to do in (since, t): a clock that jumps goes by way of them."""
        fault = self.estate.world.last("node-lost", t)
        if fault is None:
            return []
        found = {fault.start, fault.start + timedelta(seconds=NODE_GRACE_S), fault.end}
        found |= {fault.start + timedelta(seconds=NODE_GRACE_S + objects.PACKAGER_TOLERATION_S)}
        return sorted(moment for moment in found if since < moment < t)

    def step(self, t: datetime) -> None:
        fault = self.estate.world.last("node-lost", t)
        if fault is None or fault.node is None:
            return
        self._done = {one for one in self._done if one[0] == fault.number}
        if t < fault.end:
            self._once(fault, "lost", self._lose, t)
            if t >= fault.start + timedelta(seconds=NODE_GRACE_S):
                self._once(fault, "unknown", self._give_up, t)
            for key in sorted(key for key, due in self._due.items() if due <= t):
                del self._due[key]
                self._mark(key, t)
            return
        if fault.node in self.estate.lost:
            self._return(fault, t)
        if self.estate.world.schedule.endless:
            for turn, channel in enumerate(fault.entities):
                if t >= fault.end + timedelta(seconds=HOME_AFTER_S + turn * HOME_EVERY_S):
                    self._once(fault, channel, partial(self._bring_home, channel=channel), t)

    def _once(self, fault: Fault, what: str, do: Callable[[Fault, datetime], None], t: datetime) -> None:
        if (fault.number, what) not in self._done:
            self._done.add((fault.number, what))
            do(fault, t)

    def _here(self, node: str) -> list[Tenant]:
        return [pod for _, pod in sorted(self.estate.tenants.items()) if pod.node == node]

    # What happens

    def _lose(self, fault: Fault, t: datetime) -> None:
        assert fault.node is not None
        for stored in list(self.estate.store.shelf("pods").current.values()):
            if stored.fields.get("spec.nodeName") == fault.node:
                app = stored.labels.get("app", "")
                if (known := self.estate.known(stored.namespace, app)) is not None:
                    self._adopt(known.namespace, known.name)
        self.estate.lost.add(fault.node)

    def _give_up(self, fault: Fault, t: datetime) -> None:
        assert fault.node is not None
        estate = self.estate
        node = self._read(fault.node)
        if node is None:
            return
        node["status"]["conditions"] = [
            {**one, "status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": stamp(t),
             "message": "Kubelet stopped posting node status."}
            for one in node["status"]["conditions"]
        ]
        taints = [one for one in node["spec"].get("taints") or [] if one["key"] != UNREACHABLE]
        taints += [{"key": UNREACHABLE, "effect": effect, "timeAdded": stamp(t)} for effect in ("NoSchedule", "NoExecute")]
        node["spec"]["taints"] = taints
        about = estate.store.apply(node)["metadata"]
        estate.tell(about, "Node", "NodeNotReady", f"Node {fault.node} status is now: NodeNotReady", t, "node-controller")
        for pod in self._here(fault.node):
            self._unready(pod, t)
        self._count_daemons(fault.node)

    def _unready(self, pod: Tenant, t: datetime) -> None:
        stored = self.estate.store.get("pods", *pod.key)
        if stored is None:
            return
        obj = stored.read()
        for one in obj["status"].get("conditions", []):
            if one["type"] == "Ready" and one["status"] == "True":
                one |= {"status": "False", "lastTransitionTime": stamp(t)}
        self.estate.store.apply({"kind": "Pod", "apiVersion": "v1", **obj})
        if pod.told is not None:
            pod.told = msgspec.structs.replace(pod.told, ready=False, ready_at=t)
        self.estate.busy.add(pod.key)
        self.estate.stir(pod)
        self.estate.tell(obj["metadata"], "Pod", "NodeNotReady", "Node is not ready", t, "node-controller", warning=True)
        tolerated_s = tolerated(obj["spec"].get("tolerations") or [])
        if tolerated_s is not None and pod.active:
            self._due[pod.key] = t + timedelta(seconds=tolerated_s)

    def _mark(self, key: Key, t: datetime) -> None:
        """The taint manager deletes it, as far as that goes."""
        pod, stored = self.estate.tenants.get(key), self.estate.store.get("pods", *key)
        if pod is None or stored is None or not pod.active:
            return
        obj = stored.read()
        if self.estate.minor >= 26:
            obj["status"]["conditions"] = [*obj["status"].get("conditions", []), {
                "type": "DisruptionTarget", "status": "True", "lastProbeTime": None, "lastTransitionTime": stamp(t),
                "reason": "DeletionByTaintManager", "message": "Taint manager: deleting due to NoExecute taint"}]
            self.estate.store.apply({"kind": "Pod", "apiVersion": "v1", **obj})
        self._taint_manager(obj["metadata"], f"Marking for deletion Pod {key[0]}/{key[1]}", t)
        evict(self.estate, pod, t)

    def _taint_manager(self, about: Object, message: str, t: datetime) -> None:
        component = "taint-eviction-controller" if self.estate.minor >= _OWN_CONTROLLER else "taint-controller"
        self.estate.tell(about, "Pod", "TaintManagerEviction", message, t, component)

    def _return(self, fault: Fault, t: datetime) -> None:
        assert fault.node is not None
        estate = self.estate
        estate.lost.discard(fault.node)
        node = self._read(fault.node)
        was_unknown = node is not None and any(one["key"] == UNREACHABLE for one in node["spec"].get("taints") or [])
        self._heard(fault.node, t)
        node = self._read(fault.node)
        if node is not None and was_unknown:
            estate.tell(node["metadata"], "Node", "NodeReady", f"Node {fault.node} status is now: NodeReady", t, "kubelet",
                        fault.node)
            taints = [one for one in node["spec"].pop("taints", None) or [] if one["key"] != UNREACHABLE]
            node["spec"] |= {"taints": taints} if taints else {}
            estate.store.apply(node)
        for pod in self._here(fault.node):
            stored = estate.store.get("pods", *pod.key)
            if stored is None:
                continue
            obj = stored.read()
            if self._due.pop(pod.key, None) is not None:
                self._taint_manager(obj["metadata"], f"Cancelling deletion of Pod {pod.namespace}/{pod.name}", t)
            if pod.active:
                pod.ready_again = t if pod.told is not None and not pod.told.ready else pod.ready_again
            else:
                # Only now does the kubelet learn that it was told to.
                pod.leaving = t
                name = obj["spec"]["containers"][0]["name"]
                estate.tell(obj["metadata"], "Pod", "Killing", f"Stopping container {name}", t, "kubelet", fault.node,
                            field=f"spec.containers{{{name}}}")
            estate.busy.add(pod.key)
        self._due.clear()
        self._count_daemons("")

    def _bring_home(self, fault: Fault, t: datetime, channel: str) -> None:
        one = CHANNEL[channel]
        known = self.estate.known("live", one.packager)
        for (namespace, set_), name in sorted(self.estate.deployment_of.items()):
            if known is None or name != known.name or namespace != known.namespace:
                continue
            for pod in self.estate.owned(namespace, f"ReplicaSet/{set_}"):
                if pod.index == one.index and pod.active and pod.node not in ("", fault.node):
                    stored = self.estate.store.get("pods", *pod.key)
                    if stored is not None:
                        self.estate.tell(stored.read()["metadata"], "Pod", "Descheduled",
                                         f"pod evicted from {pod.node} node by sigs.k8s.io/descheduler", t,
                                         "sigs.k8s.io/descheduler")
                    evict(self.estate, pod, t)

    # Reading and counting

    def _read(self, name: str) -> Object | None:
        stored = self.estate.store.get("nodes", "", name)
        return {"kind": "Node", "apiVersion": "v1", **stored.read()} if stored is not None else None

    def _count_daemons(self, lost: str) -> None:
        """A DaemonSet says how many of its pods are ready."""
        for stored in self.estate.store.all("daemonsets.apps"):
            obj = stored.read()
            pods = self.estate.owned(stored.namespace, f"DaemonSet/{stored.name}")
            ready = sum(pod.active and pod.node != lost for pod in pods)
            away = obj["status"]["desiredNumberScheduled"] - ready
            obj["status"] |= {"numberReady": ready, "numberAvailable": ready}
            obj["status"].pop("numberUnavailable", None)
            obj["status"] |= {"numberUnavailable": away} if away else {}
            self.estate.store.apply({"kind": "DaemonSet", "apiVersion": "apps/v1", **obj})


def tolerated(tolerations: list[Object]) -> float | None:
    """Seconds that a pod may stay on a node that is unreachable: the shortest of what fits; None is for ever."""
    fitting = [
        one for one in tolerations
        if (not one.get("key") or one["key"] == UNREACHABLE) and one.get("effect", "NoExecute") == "NoExecute"
    ]
    if not fitting:
        return 0.0
    limits = [float(one["tolerationSeconds"]) for one in fitting if one.get("tolerationSeconds") is not None]
    return min(limits, default=None)
