"""The Events of the cluster: what happened in a span of time, told as the controllers, scheduler and kubelets
do.

Pure: the same span gives the same events, under the same names; a repeated event (BackOff) comes again with a
higher count, which is a MODIFIED to whoever watches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from console.demo.kubernetes import eventobject, objects
from console.demo.kubernetes.life import OBSERVED_S, PodLife, crashes, life
from console.demo.world.names import DEPLOYMENT, Deployment, node_name
from console.demo.world.pods import HANDOVER_S, REPLACE_EVERY_S, REPLACED, Rollout, replacement, rollouts
from console.demo.world.world import World

Uid = Callable[[str, str, str], str]
"""(shelf, namespace, name) -> uid of an object that is, was or will be there."""
_BACKOFF_EVERY_S = 10.0
_TAIL_S = 30.0
"""How long after its cause a pod's first events may still come."""


def _at(t: datetime, seconds: float) -> datetime:
    return t + timedelta(seconds=seconds)


class Chronicle:
    def __init__(self, world: World, uid: Uid, minor: int) -> None:
        self._world, self._uid, self._minor = world, uid, minor
        self._left: set[str] = set()

    def leave(self, deployment: str) -> None:
        """Says nothing more of it: its controllers speak for themselves."""
        self._left.add(deployment)

    def between(self, since: datetime, t: datetime) -> list[tuple[datetime, dict[str, Any]]]:
        """(when last seen, event) for all that occurred in (since, t], oldest first."""
        found = [] if REPLACED in self._left else [*self._replacements(since, t)]
        for deployment in DEPLOYMENT.values():
            if deployment.name in self._left:
                continue
            done = rollouts(self._world, deployment, t)
            for number, rollout in enumerate(done, start=1):
                until = done[number].at if number < len(done) else t
                # Only what crashes has more to tell after the first minute.
                told = _at(rollout.at, 60.0) if not crashes(deployment, rollout.version) else until
                if min(until, told) + timedelta(seconds=HANDOVER_S) >= since:
                    found += self._rollout(deployment, done[:number], rollout, min(t, _at(until, HANDOVER_S)))
        return sorted(((at, event) for at, event in found if since < at <= t), key=lambda one: one[0])

    def _about(self, shelf: str, namespace: str, name: str) -> dict[str, str]:
        return {"name": name, "namespace": namespace, "uid": self._uid(shelf, namespace, name)}

    def _replacements(self, since: datetime, t: datetime) -> Iterator[tuple[datetime, dict[str, Any]]]:
        vod = DEPLOYMENT[REPLACED]
        first = int((since.timestamp() - _TAIL_S) // REPLACE_EVERY_S) + 1
        last = int(t.timestamp() // REPLACE_EVERY_S)
        if first > last:
            return
        turns = {replacement(vod, i, _at(t, 0))[1]: i for i in range(vod.replicas)}
        for turn in range(first, last + 1):
            at = datetime.fromtimestamp(turn * REPLACE_EVERY_S, t.tzinfo)
            index = turns.get(at)
            if index is None:
                continue
            yield at, self._killing(vod, index, life(self._world, vod, index, at), at)
            rs = self._about(
                "replicasets.apps", vod.namespace, objects.replicaset_name(self._world.seed, vod, vod.version)
            )
            yield from self._birth(vod, index, life(self._world, vod, index, _at(at, HANDOVER_S)), rs, t)

    def _killing(self, deployment: Deployment, index: int, pod: PodLife, at: datetime) -> dict[str, Any]:
        container = objects.container_name(deployment)
        return eventobject.event(
            self._about("pods", deployment.namespace, pod.name),
            "Pod",
            "v1",
            "Killing",
            f"Stopping container {container}",
            at,
            at,
            1,
            "kubelet",
            node_name(deployment, index),
            field=f"spec.containers{{{container}}}",
        )

    def _birth(
        self, deployment: Deployment, index: int, pod: PodLife, rs: dict[str, str], t: datetime
    ) -> Iterator[tuple[datetime, dict[str, Any]]]:
        created, node = pod.created, node_name(deployment, index)
        yield (
            created,
            eventobject.event(
                rs,
                "ReplicaSet",
                "apps/v1",
                "SuccessfulCreate",
                f"Created pod: {pod.name}",
                _at(created, index * 1e-6),
                created,
                1,
                "replicaset-controller",
            ),
        )
        about, container = (
            self._about("pods", deployment.namespace, pod.name),
            objects.container_name(deployment),
        )
        yield created, eventobject.scheduled(about, node, _at(created, 0.05))
        now = life(self._world, deployment, index, t)
        # Every run of a container that is started again and again: the same three events with a higher count.
        runs = now.restarts + 1 if now.name == pod.name else 1
        began = now.began if now.name == pod.name and now.began is not None else _at(created, 1.5)
        began = max(began, _at(created, 1.5))
        image = f"{deployment.image}:{pod.version}"
        for reason, text in (
            ("Pulled", f'Container image "{image}" already present on machine'),
            ("Created", f"Created container {container}"),
            ("Started", f"Started container {container}"),
        ):
            yield (
                began,
                eventobject.event(
                    about,
                    "Pod",
                    "v1",
                    reason,
                    text,
                    _at(created, 1.5),
                    began,
                    runs,
                    "kubelet",
                    node,
                    field=f"spec.containers{{{container}}}",
                ),
            )
        if now.name == pod.name and now.restarts and not now.ready and now.deleting is None:
            first = _at(created, 10.5)
            count = int((t - first).total_seconds() // _BACKOFF_EVERY_S) + 1
            if count > 0:
                text = "Back-off restarting failed container"
                if self._minor >= 26:
                    text += f" {container} in pod {pod.name}_{deployment.namespace}({about['uid']})"
                last = _at(first, (count - 1) * _BACKOFF_EVERY_S)
                yield (
                    last,
                    eventobject.event(
                        about,
                        "Pod",
                        "v1",
                        "BackOff",
                        text,
                        first,
                        last,
                        count,
                        "kubelet",
                        node,
                        warning=True,
                        field=f"spec.containers{{{container}}}",
                    ),
                )

    def _rollout(
        self, deployment: Deployment, done: tuple[Rollout, ...], rollout: Rollout, t: datetime
    ) -> Iterator[tuple[datetime, dict[str, Any]]]:
        seed, wanted = self._world.seed, deployment.replicas
        before = done[-2].version if len(done) > 1 else deployment.version
        about = self._about("deployments.apps", deployment.namespace, deployment.name)
        down, up = _at(rollout.at, OBSERVED_S), _at(rollout.at, HANDOVER_S)
        old, new = (objects.replicaset_name(seed, deployment, v) for v in (before, rollout.version))
        scaled = (("down", old, wanted, 0, down), ("up", new, 0, wanted, up))
        for way, name, was, now, at in scaled:
            text = f"Scaled {way} replica set {name} to {now}" + (f" from {was}" if self._minor >= 26 else "")
            yield (
                at,
                eventobject.event(
                    about,
                    "Deployment",
                    "apps/v1",
                    "ScalingReplicaSet",
                    text,
                    at,
                    at,
                    1,
                    "deployment-controller",
                ),
            )
        leaving, coming = (self._about("replicasets.apps", deployment.namespace, name) for name in (old, new))
        for index in range(wanted):
            gone = life(self._world, deployment, index, down, done)
            yield (
                down,
                eventobject.event(
                    leaving,
                    "ReplicaSet",
                    "apps/v1",
                    "SuccessfulDelete",
                    f"Deleted pod: {gone.name}",
                    _at(down, index * 1e-6),
                    down,
                    1,
                    "replicaset-controller",
                ),
            )
            yield down, self._killing(deployment, index, gone, down)
            if t >= up:
                yield from self._birth(
                    deployment, index, life(self._world, deployment, index, up, done), coming, t
                )
