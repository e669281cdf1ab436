"""Where the scenario meets what a client did: it breaks and heals adopted deployments by writing to them, as people do.

And the other way: when the bad version is gone from the cluster before the scenario's own end, the cause of the fault
has ended, and the world is told so.
"""

from __future__ import annotations

from datetime import datetime

from console.demo.kubernetes import objects
from console.demo.kubernetes.controllers import Controllers
from console.demo.kubernetes.estate import DEPLOYMENTS_SHELF
from console.demo.kubernetes.replicas import evict
from console.demo.kubernetes.tenant import Tenant
from console.demo.world.names import CHANNEL, DEPLOYMENT, Deployment
from console.demo.world.pods import REPLACED, replacement
from console.demo.world.scenario import KINDS, Fault

_CAUSE = "kubernetes.io/change-cause"


class Intervention:
    def __init__(self, controllers: Controllers) -> None:
        self.controllers, self.estate = controllers, controllers.estate
        self._at: datetime | None = None
        self._occupied: dict[tuple[str, int], str] = {}

    def step(self, t: datetime) -> None:
        """What the scenario does to adopted deployments in (the last step, t]."""
        since, self._at = self._at, t
        if since is None or not self.estate.adopted:
            return
        for kind in KINDS.values():
            deployment = DEPLOYMENT.get(kind.service or "")
            if deployment is None or (deployment.namespace, deployment.name) not in self.estate.adopted:
                continue
            fault = self.estate.world.last(kind.kind, t)
            if fault is None or fault.bad_version is None:
                continue
            if since < fault.start <= t:
                image = f"{objects.container_name(deployment)}={deployment.image}:{fault.bad_version}"
                self._release(deployment, fault.bad_version, f"kubectl set image deployment/{deployment.name} {image} "
                              f"--namespace={deployment.namespace}", t)
            if since < fault.end <= t and self._version(deployment) == fault.bad_version:
                self._release(deployment, deployment.version, f"kubectl rollout undo deployment/{deployment.name} "
                              f"--namespace={deployment.namespace}", t)
        self._replace(since, t)

    def _replace(self, since: datetime, t: datetime) -> None:
        """The encoder whose turn it is goes, as it would have in the story."""
        deployment = DEPLOYMENT[REPLACED]
        if (deployment.namespace, REPLACED) not in self.estate.adopted:
            return
        for pod in self._pods(deployment):
            if pod.active and pod.node and pod.index < deployment.replicas:
                _, at = replacement(deployment, pod.index, t)
                if since < at <= t:
                    evict(self.estate, pod, t)

    def _pods(self, deployment: Deployment) -> list[Tenant]:
        return [pod for key, name in self.estate.deployment_of.items()
                if name == deployment.name and key[0] == deployment.namespace
                for pod in self.estate.owned(key[0], f"ReplicaSet/{key[1]}")]

    def _version(self, deployment: Deployment) -> str:
        stored = self.estate.store.get(DEPLOYMENTS_SHELF, deployment.namespace, deployment.name)
        if stored is None:
            return ""
        image: str = stored.read()["spec"]["template"]["spec"]["containers"][0]["image"]
        return image.rpartition(":")[2]

    def _release(self, deployment: Deployment, version: str, cause: str, t: datetime) -> None:
        stored = self.estate.store.get(DEPLOYMENTS_SHELF, deployment.namespace, deployment.name)
        if stored is None:
            return
        obj = stored.read()
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = f"{deployment.image}:{version}"
        obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), _CAUSE: cause}
        obj["metadata"]["generation"] = obj["metadata"].get("generation", 1) + 1
        self.estate.store.apply({"kind": "Deployment", "apiVersion": "apps/v1", **obj})
        self.estate.dirty.add((deployment.namespace, deployment.name))

    def look(self, t: datetime) -> None:
        """After the controllers: who stands in which place now, and whether a fault's cause is gone."""
        world = self.estate.world
        for namespace, name in self.estate.adopted:
            known = self.estate.known(namespace, name)
            if known is None:
                continue
            for pod in self._pods(known):
                if pod.active and pod.node and self._occupied.get((name, pod.index)) != pod.name:
                    self._occupied[name, pod.index] = pod.name
                    world.occupy(name, pod.index, t, pod.name, pod.node)
        for fault in world.faults(t):
            if fault.bad_version is not None and fault.service is not None and self._cured(fault):
                world.heal(fault.kind, fault.number, t)
            if fault.node is not None:
                for channel in fault.entities:
                    if world.gone_since(channel, t) is not None and self._taken_over(fault, channel):
                        world.resume(fault, channel, t)

    def _taken_over(self, fault: Fault, channel: str) -> bool:
        """Whether a pod that is not on the lost node publishes the channel."""
        one = CHANNEL[channel]
        return any(pod.index == one.index and pod.active and pod.ready and pod.node != fault.node
                   for pod in self._pods(DEPLOYMENT[one.packager]))

    def _cured(self, fault: Fault) -> bool:
        """The bad version is out of the template and off the nodes, and every place publishes again."""
        deployment = DEPLOYMENT[fault.service or ""]
        if (deployment.namespace, deployment.name) not in self.estate.adopted:
            return False
        pods = self._pods(deployment)
        ready = {pod.index for pod in pods if pod.active and pod.ready and pod.version != fault.bad_version}
        return (self._version(deployment) not in ("", fault.bad_version)
                and not any(pod.version == fault.bad_version for pod in pods)
                and ready >= set(range(deployment.replicas)))
