"""The ReplicaSet controller: as many pods as a set asks for, each of a new name and uid, in the lowest free place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.demo.kubernetes import objects, podobject
from console.demo.kubernetes.estate import Estate
from console.demo.kubernetes.life import crashes
from console.demo.kubernetes.rollout import previous_version
from console.demo.kubernetes.store import stamp
from console.demo.kubernetes.tenant import Tenant
from console.demo.world.names import Deployment, pod_region, suffix
from console.demo.world.scenario import KINDS

Object = dict[str, Any]
REGISTRY = "registry.midwatch.test/"


def pullable(known: Deployment | None, image: str) -> bool:
    """Whether the demo's registry has it: the releases of its own services and nothing else of its name."""
    if not image.startswith(REGISTRY):
        return True
    if known is None:
        return False
    tags = {known.version, previous_version(known.version),
            *(kind.bad_version for kind in KINDS.values() if kind.service == known.name)}
    repository, _, tag = image.rpartition(":")
    return repository == known.image and tag in tags


class Replicas:
    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._made = 0

    def sync(self, namespace: str, deployment: str, t: datetime) -> None:
        """Makes and removes pods for every set of the deployment, then writes the sets' counts."""
        for one in self.estate.sets_of(namespace, deployment):
            name = one["metadata"]["name"]
            pods = self.estate.owned(namespace, f"ReplicaSet/{name}")
            active = [pod for pod in pods if pod.active]
            wanted = one["spec"].get("replicas", 1)
            for _ in range(wanted - len(active)):
                active.append(self._make(one, deployment, t))
            if len(active) > wanted:
                active.sort(key=lambda pod: (bool(pod.node), pod.ready, -pod.created.timestamp(), -pod.index))
                for pod in active[: len(active) - wanted]:
                    self._remove(one, pod, t)
            self._count(one)

    def _count(self, one: Object) -> None:
        namespace, name = one["metadata"]["namespace"], one["metadata"]["name"]
        active = [pod for pod in self.estate.owned(namespace, f"ReplicaSet/{name}") if pod.active]
        ready = sum(pod.ready for pod in active)
        state: dict[str, int] = {"replicas": len(active)}
        if active:
            state["fullyLabeledReplicas"] = len(active)
        if ready:
            state |= {"readyReplicas": ready, "availableReplicas": ready}
        state["observedGeneration"] = one["metadata"].get("generation", 1)
        self.estate.store.apply({"kind": "ReplicaSet", "apiVersion": "apps/v1", **one, "status": state})

    def _free_place(self, namespace: str, deployment: str) -> int:
        """Lowest first, so that a packager's channel finds its packager again. Those who leave have left."""
        taken = {pod.index for key, name in self.estate.deployment_of.items()
                 if name == deployment and key[0] == namespace
                 for pod in self.estate.owned(namespace, f"ReplicaSet/{key[1]}") if pod.active}
        return next(index for index in range(len(taken) + 1) if index not in taken)

    def _make(self, one: Object, deployment: str, t: datetime) -> Tenant:
        estate, meta, template = self.estate, one["metadata"], one["spec"]["template"]
        namespace, known = meta["namespace"], estate.known(meta["namespace"], deployment)
        self._made += 1
        uid = meta["uid"]
        name = f"{meta['name']}-{suffix(f'{estate.world.seed}/{uid}/{self._made}')}"
        index = self._free_place(namespace, deployment)
        labels = dict(template["metadata"].get("labels") or {})
        if known is not None:
            labels.setdefault(objects.REGION_LABEL, pod_region(known, index))
            channel = podobject.CHANNEL_OF.get((deployment, index))
            if channel is not None:
                labels["channel"] = channel
        metadata: Object = {
            "name": name, "generateName": f"{meta['name']}-", "namespace": namespace,
            "creationTimestamp": stamp(t), "labels": labels,
            "ownerReferences": objects.owner("ReplicaSet", "apps/v1", meta["name"], meta["uid"]),
        }
        if template["metadata"].get("annotations"):
            metadata["annotations"] = dict(template["metadata"]["annotations"])
        estate.store.apply({
            "kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": pod_spec(template["spec"]),
            "status": {"phase": "Pending", "qosClass": "Burstable"}})
        images = [container["image"] for container in template["spec"]["containers"]]
        version = images[0].rpartition(":")[2]
        tenant = Tenant(namespace, name, f"ReplicaSet/{meta['name']}", index, version, t,
                        bad=known is not None and crashes(known, version),
                        unpulled=not all(pullable(known, image) for image in images),
                        grace_s=float(template["spec"].get("terminationGracePeriodSeconds", 30)))
        estate.add(tenant)
        estate.tell(meta, "ReplicaSet", "SuccessfulCreate", f"Created pod: {name}", t, "replicaset-controller")
        return tenant

    def _remove(self, one: Object, pod: Tenant, t: datetime) -> None:
        evict(self.estate, pod, t)
        self.estate.tell(one["metadata"], "ReplicaSet", "SuccessfulDelete", f"Deleted pod: {pod.name}", t,
                         "replicaset-controller")


def pod_spec(template: Object) -> Object:
    """What admission makes of a template's spec."""
    return {**template, "tolerations": objects.tolerations(template.get("tolerations") or []), "priority": 0,
            "enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"}


def evict(estate: Estate, pod: Tenant, t: datetime) -> None:
    """Deletes a pod gracefully, as a controller does; the kubelet then sees that it goes."""
    stored = estate.store.get("pods", *pod.key)
    if stored is None:
        estate.drop(pod)
        return
    obj = stored.read()
    if not pod.node:
        estate.store.delete("pods", *pod.key)
        estate.drop(pod)
        return
    pod.leaving = t
    estate.busy.add(pod.key)
    from_now = t.timestamp() + pod.grace_s
    obj["metadata"]["deletionTimestamp"] = stamp(datetime.fromtimestamp(from_now, t.tzinfo))
    obj["metadata"]["deletionGracePeriodSeconds"] = int(pod.grace_s)
    estate.store.apply({"kind": "Pod", "apiVersion": "v1", **obj})
    if pod.node not in estate.lost:
        estate.tell(obj["metadata"], "Pod", "Killing", f"Stopping container {obj['spec']['containers'][0]['name']}", t,
                    "kubelet", pod.node)
    estate.stir(pod)
