"""Brings the store to what the world says: once (`populate`), and then moment by moment (`evolve`).

Both write the difference between what stands and what should stand at `t`. Steps may be skipped: a clock that
jumps over a rollout finds its end state, with the events of the last hour. What a client has written to is no longer
told from here: its controllers (controllers.py) go by what the store says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from console.demo.kubernetes import objects, podobject
from console.demo.kubernetes.chronicle import Chronicle
from console.demo.kubernetes.controllers import Controllers
from console.demo.kubernetes.intervention import Intervention
from console.demo.kubernetes.life import PodLife, crashes, draw, founded, life
from console.demo.kubernetes.resources import Resource
from console.demo.kubernetes.rollout import Controller
from console.demo.kubernetes.store import Store
from console.demo.kubernetes.tenant import adopted
from console.demo.world.names import DEPLOYMENT, DEPLOYMENTS, NAMESPACES, NODES, Deployment, Node, node_name
from console.demo.world.pods import REPLACED, rollouts
from console.demo.world.scenario import KINDS, NODE_GRACE_S
from console.demo.world.world import World

EVENT_TTL = timedelta(hours=1)
HEARTBEAT_S = 60.0
_NODE = {one.name: one for one in NODES}
_MOVING = tuple(sorted({REPLACED, *(kind.service for kind in KINDS.values() if kind.service in DEPLOYMENT)}))
"""The deployments that can change at all; the others are written once."""


class Cluster:
    """`minor` is the y of the claimed version 1.y."""

    def __init__(self, store: Store, world: World, minor: int) -> None:
        self.store, self.world, self.minor = store, world, minor
        self._lives: dict[tuple[str, int], PodLife] = {}
        self._standing: dict[str, tuple[object, ...]] = {}
        self._beats: dict[str, datetime] = {}
        self._events: dict[tuple[str, str], datetime] = {}
        self._told: datetime | None = None
        self._chronicle = Chronicle(world, self.uid, minor)
        self.controllers = Controllers(store, world, minor, self._remember, self._adopt, self._heard)
        self._intervention = Intervention(self.controllers)

    def uid(self, shelf: str, namespace: str, name: str) -> str:
        """Known before the object is, so that owners and events may name it."""
        digest = blake2b(f"{self.world.seed}/{shelf}/{namespace}/{name}".encode(), digest_size=16).digest()
        return str(UUID(bytes=digest, version=4))

    def populate(self, t: datetime, extra_pods: int = 0) -> None:
        """24 nodes, POD_COUNT pods and their owners; `extra_pods` more for tests of size, spread over the
        nodes and outside the story. What came before is not watchable: the log starts empty."""
        for name in ("default", "kube-system", "kube-public", "kube-node-lease", *NAMESPACES):
            self.store.apply(
                objects.namespace(name, founded(self.world, "cluster", 300 * 86400, 301 * 86400))
            )
        for node in NODES:
            self._heartbeat(node, t)
        for deployment in DEPLOYMENTS:
            self._move(deployment, t)
        self._fill(extra_pods, t)
        self.controllers.furnish(t)
        self._tell(t)
        self.store.compact()

    def _fill(self, count: int, t: datetime) -> None:
        """Numbered, not drawn: five letters are too few for tens of thousands of names under one hash."""
        filler = Deployment("platform", "filler", count, "registry.midwatch.test/video/filler", "1.0.0")
        prefix = objects.replicaset_name(self.world.seed, filler, filler.version)
        began = founded(self.world, filler.name)
        for index in range(count):
            one = PodLife(f"{prefix}-{index:05d}", filler.version, began, "running", began, True, began)
            self._pod(filler, index, one)

    def evolve(self, t: datetime) -> None:
        """Cheap when nothing changed; meant for twice a second."""
        for name in _MOVING:
            if (DEPLOYMENT[name].namespace, name) not in self.controllers.estate.adopted:
                self._move(DEPLOYMENT[name], t)
        for node in NODES:
            self._heartbeat(node, t)
        self._tell(t)
        self._intervention.step(t)
        self.controllers.step(t)
        self._intervention.look(t)
        self.store.age()

    def touched(self, resource: Resource, namespace: str, name: str) -> None:
        """A client is about to write to this object."""
        if resource.shelf == "nodes":
            # What the story moves would be put onto a cordoned node; a scheduler would not.
            for moving in _MOVING:
                deployment = DEPLOYMENT[moving]
                if (deployment.namespace, moving) not in self.controllers.estate.adopted:
                    self._adopt(deployment.namespace, moving)
        if resource.shelf == "events":
            self._events[namespace, name] = self.store.clock()
        self.controllers.touched(resource, namespace, name)

    def _adopt(self, namespace: str, name: str) -> None:
        """From now on the controllers' own; its pods go on living as they would have."""
        deployment = DEPLOYMENT.get(name)
        pods = []
        if deployment is not None and deployment.namespace == namespace:
            for index in range(deployment.replicas):
                told = self._lives.get((name, index))
                if told is not None:
                    owner = objects.replicaset_name(self.world.seed, deployment, told.version)
                    pods.append(adopted(namespace, f"ReplicaSet/{owner}", index, node_name(deployment, index), told,
                                        crashes(deployment, told.version)))
        self.controllers.take(namespace, name, pods)
        self._chronicle.leave(name)

    def _remember(self, event: objects.Object, at: datetime) -> None:
        self._events[event["metadata"]["namespace"], event["metadata"]["name"]] = at
        self.store.apply(event)

    def _heard(self, name: str, t: datetime) -> None:
        """A node that was lost reports again: whatever was said of it meanwhile, this is newer."""
        self._beats.pop(name, None)
        self._heartbeat(_NODE[name], t)

    def _heartbeat(self, node: Node, t: datetime) -> None:
        offset = draw(self.world, "heartbeat", node.name) * HEARTBEAT_S
        beat = (t.timestamp() - offset) // HEARTBEAT_S * HEARTBEAT_S + offset
        at, since = datetime.fromtimestamp(beat, t.tzinfo), None
        lost = self.world.last("node-lost", t)
        if lost is not None and lost.node == node.name:
            if t < lost.end:
                return
            # Its first word after the silence; conditions that were unknown meanwhile have changed with it.
            at = max(at, lost.end)
            since = lost.end if lost.lasts_s >= NODE_GRACE_S else None
        if self._beats.get(node.name) != at:
            self._beats[node.name] = at
            created = founded(self.world, f"node/{node.name}", 30 * 86400, 200 * 86400)
            built = objects.node(node, created, at, self.minor, since)
            standing = self.store.get("nodes", "", node.name)
            if standing is not None:
                # A kubelet reports its status; the rest may have been written to by others.
                built = {"kind": "Node", "apiVersion": "v1", **standing.read(), "status": built["status"]}
            self.store.apply(built)

    def _move(self, deployment: Deployment, t: datetime) -> None:
        done = rollouts(self.world, deployment, t)
        lives = [life(self.world, deployment, index, t, done) for index in range(deployment.replicas)]
        controller = Controller(self.world, deployment, done, lives, t)
        deadline = objects.progress_deadline_s(deployment) + 2
        late = bool(controller.seen) and (t - controller.seen[-1].at).total_seconds() >= deadline
        stand: tuple[object, ...] = (lives, len(done), len(controller.seen), late)
        settled = self._standing.get(deployment.name) == stand
        if settled and not self._unsettled(deployment):
            return
        self._standing[deployment.name] = stand
        self._replicasets(deployment, controller)
        for index, one in enumerate(lives):
            self._pod(deployment, index, one)
        self._deployment(deployment, controller)

    def _unsettled(self, deployment: Deployment) -> bool:
        """A condition that is only a passing word ("created a replica set") is followed by the next one."""
        stored = self.store.get("deployments.apps", deployment.namespace, deployment.name)
        if stored is None:
            return False
        reasons = {c["reason"] for c in stored.read()["status"]["conditions"]}
        return bool(reasons & {"NewReplicaSetCreated", "FoundNewReplicaSet"})

    def _pod(self, deployment: Deployment, index: int, one: PodLife) -> None:
        before = self._lives.get((deployment.name, index))
        if before == one:
            return
        self._lives[deployment.name, index] = one
        if before is not None and before.name != one.name:
            self.store.delete("pods", deployment.namespace, before.name)
        namespace = deployment.namespace
        owner = objects.replicaset_name(self.world.seed, deployment, one.version)
        self.store.apply(
            podobject.pod(
                self.world.seed,
                deployment,
                index,
                _NODE[node_name(deployment, index)],
                one,
                self.uid("pods", namespace, one.name),
                self.uid("replicasets.apps", namespace, owner),
                self.minor,
            )
        )

    def _replicasets(self, deployment: Deployment, controller: Controller) -> None:
        owner = self.uid("deployments.apps", deployment.namespace, deployment.name)
        for one in controller.replicasets():
            built = objects.replicaset_object(
                self.world.seed,
                deployment,
                one.version,
                one.created,
                owner,
                one.replicas,
                one.generation,
                one.annotations,
                one.status,
            )
            built["metadata"]["uid"] = self.uid(
                "replicasets.apps", deployment.namespace, built["metadata"]["name"]
            )
            self.store.apply(built)

    def _deployment(self, deployment: Deployment, controller: Controller) -> None:
        stored = self.store.get("deployments.apps", deployment.namespace, deployment.name)
        standing = stored.read()["status"]["conditions"] if stored is not None else []
        built = objects.deployment_object(
            deployment,
            controller.version,
            controller.created,
            controller.generation,
            controller.annotations(),
            controller.status(standing),
        )
        built["metadata"]["uid"] = self.uid("deployments.apps", deployment.namespace, deployment.name)
        self.store.apply(built)

    def _tell(self, t: datetime) -> None:
        since = self._told if self._told is not None else t - EVENT_TTL
        for at, event in self._chronicle.between(since, t):
            self._remember(event, at)
        self._told = max(t, since)
        # In order of last occurrence only roughly; a repeated event is moved by its newer time.
        for key in [key for key, at in self._events.items() if at < t - EVENT_TTL]:
            del self._events[key]
            self.store.delete("events", *key)
