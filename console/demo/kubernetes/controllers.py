"""The clockwork of what was written to: controllers, scheduler and kubelets, half a second of the world at a time.

Nothing here runs for what nobody touched. A clock that jumps is followed in steps of half a second while something
is under way, so that a rollout found at its end has been through its middle.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from console.demo.kubernetes import fixtures
from console.demo.kubernetes.autoscaler import Autoscaler
from console.demo.kubernetes.budgets import Budgets
from console.demo.kubernetes.deploying import Deploying
from console.demo.kubernetes.estate import DEPLOYMENTS_SHELF, SETS, Estate, Key
from console.demo.kubernetes.kubelet import Kubelet
from console.demo.kubernetes.life import PodLife, founded
from console.demo.kubernetes.nodes import Nodes
from console.demo.kubernetes.replicas import Replicas, evict
from console.demo.kubernetes.resources import Resource
from console.demo.kubernetes.scheduling import UNSCHEDULABLE
from console.demo.kubernetes.store import Store, stamp
from console.demo.kubernetes.tenant import Tenant, adopted
from console.demo.world.names import NODES
from console.demo.world.world import World

Object = dict[str, Any]
STEP_S = 0.5
MOST_STEPS = 1200
"""Of one jump of the clock: ten minutes told half-second by half-second, the rest in one."""
_NODE = {one.name: one for one in NODES}


class Controllers:
    """`adopt` is given (namespace, deployment) when the story must let go of it, `heard` a node that was lost and
    whose kubelet reports again."""

    def __init__(self, store: Store, world: World, minor: int, remember: Callable[[Object, datetime], None],
                 adopt: Callable[[str, str], None], heard: Callable[[str, datetime], None]) -> None:
        self.estate = Estate(store, world, minor, remember)
        self.store = store
        self._adopt = adopt
        self.replicas, self.kubelet = Replicas(self.estate), Kubelet(self.estate)
        self.budgets, self.autoscaler = Budgets(self.estate), Autoscaler(self.estate, self._touch_deployment)
        self.lifecycle = Nodes(self.estate, self._let_go, heard)
        self._nodes: set[str] = set()
        self._going: set[Key] = set()
        self._daemons = 0
        self._at: datetime | None = None

    # What comes in

    def furnish(self, t: datetime) -> None:
        """Puts the fixtures into an empty cluster."""
        store, world, minor = self.store, self.estate.world, self.estate.minor
        created = founded(world, "fixtures", 20 * 86400, 30 * 86400)
        for obj in (*fixtures.budgets(created), *fixtures.autoscalers(created)):
            store.apply(obj)
        owner = store.apply(fixtures.daemonset(created))["metadata"]["uid"]
        pods = [(fixtures.daemon_pod(fixtures.daemon_name(world.seed, node.name, 0), node.name, created, owner),
                 f"DaemonSet/{fixtures.DAEMON}") for node in NODES]
        for name in fixtures.MIRRORED:
            stored = store.get("nodes", "", name)
            assert stored is not None
            pods.append((fixtures.mirror_pod(name, created, stored.read()["metadata"]["uid"]), f"Node/{name}"))
        pods.append((fixtures.bare_pod(created), ""))
        for index, (pod, kind) in enumerate(pods):
            meta, node = pod["metadata"], pod["spec"]["nodeName"]
            told = PodLife(meta["name"], "1", created, "running", created + timedelta(seconds=3), True,
                           created + timedelta(seconds=5))
            uid = store.apply(pod)["metadata"]["uid"]
            store.apply(fixtures.reported(pod, told, uid, _NODE[node], 150 + index, minor))
            self.estate.add(adopted(meta["namespace"], kind, 150 + index, node, told, False))
        self.budgets.step(t)
        self.autoscaler.step(t)
        self._at = t

    def take(self, namespace: str, deployment: str, pods: list[Tenant]) -> None:
        """A deployment that is no longer the story's, with its pods as they stand."""
        estate = self.estate
        estate.adopted.add((namespace, deployment))
        for stored in self.store.all(SETS):
            owners = stored.read()["metadata"].get("ownerReferences") or []
            if stored.namespace == namespace and any(one["name"] == deployment for one in owners):
                estate.deployment_of[namespace, stored.name] = deployment
        for pod in pods:
            estate.add(pod)
        estate.dirty.add((namespace, deployment))

    def _let_go(self, namespace: str, name: str) -> None:
        if (namespace, name) not in self.estate.adopted:
            self._adopt(namespace, name)

    def _touch_deployment(self, namespace: str, name: str) -> None:
        self._let_go(namespace, name)
        self.estate.dirty.add((namespace, name))

    def touched(self, resource: Resource, namespace: str, name: str) -> None:
        """Something is about to be written to this object by a client."""
        match resource.shelf:
            case "deployments.apps":
                self._touch_deployment(namespace, name)
            case "replicasets.apps":
                stored = self.store.get(SETS, namespace, name)
                owners = stored.read()["metadata"].get("ownerReferences") if stored is not None else None
                if owners:
                    self._touch_deployment(namespace, owners[0]["name"])
            case "nodes":
                self._nodes.add(name)
            case "pods":
                stored = self.store.get("pods", namespace, name)
                owners = stored.read()["metadata"].get("ownerReferences") if stored is not None else None
                if owners and owners[0]["kind"] == "ReplicaSet":
                    set_ = self.store.get(SETS, namespace, owners[0]["name"])
                    refs = set_.read()["metadata"].get("ownerReferences") if set_ is not None else None
                    if refs:
                        self._touch_deployment(namespace, refs[0]["name"])
                self._going.add((namespace, name))

    # The clock

    def step(self, t: datetime) -> None:
        since = self._at if self._at is not None else t
        for moment in (*self.lifecycle.moments(since, t), t):
            self._walk(moment)

    def _walk(self, t: datetime) -> None:
        at = self._at if self._at is not None else t
        for _ in range(MOST_STEPS):
            if not (self.estate.busy or self.estate.dirty or self._going or self._nodes):
                break
            following = at + timedelta(seconds=STEP_S)
            if following >= t:
                break
            at = following
            self._once(at)
        self._once(t)
        self._at = t

    def _once(self, t: datetime) -> None:
        estate = self.estate
        self.lifecycle.step(t)
        for name in sorted(self._nodes):
            self._taint(name, t)
        self._nodes.clear()
        for key in sorted(self._going):
            self._go(key, t)
        self._going.clear()
        if estate.busy:
            self.kubelet.step(t)
        for namespace, name in sorted(estate.dirty):
            if "/" in name:
                self._daemon(namespace, name, t)
                estate.dirty.discard((namespace, name))
            elif self._deployment(namespace, name, t):
                estate.dirty.discard((namespace, name))
        self.budgets.step(t)
        self.autoscaler.step(t)

    def _go(self, key: Key, t: datetime) -> None:
        pod = self.estate.tenants.get(key)
        if pod is not None:
            self.kubelet.told_to_go(pod, t)
            return
        stored = self.store.get("pods", *key)
        if stored is not None and not stored.read()["metadata"].get("ownerReferences"):
            # A pod somebody made by hand: the scheduler and a kubelet take it as it is.
            obj = stored.read()
            image = obj["spec"]["containers"][0]["image"]
            pod = Tenant(*key, "", 0, image.rpartition(":")[2], t, unpulled=image.startswith("registry.midwatch.test/"))
            self.estate.add(pod)

    def _deployment(self, namespace: str, name: str, t: datetime) -> bool:
        stored = self.store.get(DEPLOYMENTS_SHELF, namespace, name)
        if stored is None:
            return self._collect(namespace, name, t)
        done = Deploying(self.estate, stored.read(), t).sync()
        before = self.store.revision
        self.replicas.sync(namespace, name, t)
        if self.store.revision != before:
            again = self.store.get(DEPLOYMENTS_SHELF, namespace, name)
            assert again is not None
            done = Deploying(self.estate, again.read(), t).sync()
        return done

    def _collect(self, namespace: str, name: str, t: datetime) -> bool:
        """The garbage collector, for a deployment that was deleted."""
        for one in self.estate.sets_of(namespace, name):
            set_name = one["metadata"]["name"]
            for pod in self.estate.owned(namespace, f"ReplicaSet/{set_name}"):
                if pod.active:
                    evict(self.estate, pod, t)
            self.store.delete(SETS, namespace, set_name)
        return True

    def _taint(self, name: str, t: datetime) -> None:
        """The node lifecycle controller: the taint follows spec.unschedulable."""
        stored = self.store.get("nodes", "", name)
        if stored is None:
            return
        obj = stored.read()
        taints = [one for one in obj["spec"].get("taints") or [] if one["key"] != UNSCHEDULABLE]
        had = len(taints) != len(obj["spec"].get("taints") or [])
        if bool(obj["spec"].get("unschedulable")) == had:
            return
        if not had:
            taints.append({"key": UNSCHEDULABLE, "effect": "NoSchedule", "timeAdded": stamp(t)})
        obj["spec"] = {**{k: v for k, v in obj["spec"].items() if k != "taints"}, **({"taints": taints} if taints
                                                                                    else {})}
        self.store.apply({"kind": "Node", "apiVersion": "v1", **obj})
        # A pod that found no place may find one now.
        for pod in self.estate.tenants.values():
            if not pod.node:
                self.estate.busy.add(pod.key)

    def _daemon(self, namespace: str, owner: str, t: datetime) -> None:
        """A DaemonSet's pod, or a mirror of a static one, comes back on the same node."""
        kind, _, name = owner.partition("/")
        estate, world = self.estate, self.estate.world
        here = {pod.node for pod in estate.owned(namespace, owner)}
        wanted = [node.name for node in NODES] if kind == "DaemonSet" else [name]
        for node in wanted:
            if node in here:
                continue
            self._daemons += 1
            if kind == "DaemonSet":
                set_ = self.store.get("daemonsets.apps", namespace, name)
                if set_ is None:
                    return
                pod = fixtures.daemon_pod(fixtures.daemon_name(world.seed, node, self._daemons), node, t,
                                          set_.read()["metadata"]["uid"])
            else:
                stored = self.store.get("nodes", "", node)
                if stored is None:
                    return
                pod = fixtures.mirror_pod(node, t, stored.read()["metadata"]["uid"])
            self.store.apply(pod)
            estate.add(Tenant(namespace, pod["metadata"]["name"], owner, 150, "1", t, node, t + timedelta(seconds=1)))
