"""What the deployment controller would have written by now: revisions, ReplicaSets, counts and conditions.

Pure but for one thing it is given: the conditions that stand, because a condition's transition time is a
memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from console.demo.kubernetes import objects
from console.demo.kubernetes.life import OBSERVED_S, PodLife, draw, founded
from console.demo.kubernetes.store import stamp
from console.demo.world.names import Deployment
from console.demo.world.pods import HANDOVER_S, Rollout
from console.demo.world.world import World

_REVISION = "deployment.kubernetes.io/revision"
_CAUSE = "kubernetes.io/change-cause"


class ReplicaSet(msgspec.Struct, frozen=True):
    version: str
    created: datetime
    replicas: int
    generation: int
    annotations: dict[str, str]
    status: dict[str, int]


def previous_version(version: str) -> str:
    """The release before, whose empty ReplicaSet is kept for an undo."""
    numbers = [int(part) for part in version.split(".")]
    place = max((i for i, n in enumerate(numbers) if n), default=0)
    return ".".join(str(n - 1 if i == place else 9 if i > place else n) for i, n in enumerate(numbers))


class Controller:
    """One deployment at `t`. `lives` are its pods, one a place; `done` the rollouts that began."""

    def __init__(
        self,
        world: World,
        deployment: Deployment,
        done: Sequence[Rollout],
        lives: Sequence[PodLife],
        t: datetime,
    ) -> None:
        self.world, self.deployment, self.done, self.lives, self.t = world, deployment, done, lives, t
        self.seen = [r for r in done if t >= r.at + timedelta(seconds=OBSERVED_S)]
        """Rollouts the controller has acted on."""
        self.created = founded(world, f"deployment/{deployment.name}", 20 * 86400, 300 * 86400)
        self._first = 3 + int(draw(world, "revision", deployment.name) * 14)

    @property
    def version(self) -> str:
        return self.done[-1].version if self.done else self.deployment.version

    @property
    def generation(self) -> int:
        return 2 * self._first + len(self.done)

    @property
    def _handing_over(self) -> bool:
        """The old pods are told to go, the new ReplicaSet is not made yet."""
        return bool(self.seen) and self.t < self.seen[-1].at + timedelta(seconds=HANDOVER_S)

    @property
    def current(self) -> str:
        """The version whose ReplicaSet holds the pods."""
        made = self.seen[:-1] if self._handing_over else self.seen
        return made[-1].version if made else self.deployment.version

    def _cause(self, number: int) -> str:
        """`number` 0 is the release before the first rollout."""
        name, container = self.deployment.name, objects.container_name(self.deployment)
        if number == 0:
            return f"release {container} {self.deployment.version}"
        if number % 2:
            image = f"{container}={self.deployment.image}:{self.done[number - 1].version}"
            return f"kubectl set image deployment/{name} {image} --namespace={self.deployment.namespace}"
        return f"kubectl rollout undo deployment/{name} --namespace={self.deployment.namespace}"

    def _counts(self, version: str | None = None) -> Counter[str]:
        found: Counter[str] = Counter()
        for life in self.lives:
            if life.active and version in (None, life.version):
                found["all"] += 1
                found["ready"] += life.ready
        return found

    def replicasets(self) -> list[ReplicaSet]:
        """Oldest revision first."""
        made = self.seen[:-1] if self._handing_over else self.seen
        history: dict[str, list[int]] = {
            previous_version(self.deployment.version): [-1],
            self.deployment.version: [0],
        }
        for rollout in made:
            history.setdefault(rollout.version, []).append(rollout.number)
        return [self._replicaset(version, numbers) for version, numbers in history.items()]

    def _replicaset(self, version: str, numbers: list[int]) -> ReplicaSet:
        wanted = self.deployment.replicas
        replicas = wanted if version == self.current and not self._handing_over else 0
        surge = 0 if objects.recreates(self.deployment) else -(-wanted // 4)
        annotations = {
            "deployment.kubernetes.io/desired-replicas": str(wanted),
            "deployment.kubernetes.io/max-replicas": str(wanted + surge),
            _REVISION: str(self._first + numbers[-1]),
        }
        if len(numbers) > 1:
            annotations["deployment.kubernetes.io/revision-history"] = ",".join(
                str(self._first + n) for n in numbers[:-1]
            )
        annotations[_CAUSE] = (
            self._cause(numbers[-1])
            if numbers[-1] >= 0
            else f"release {objects.container_name(self.deployment)} {version}"
        )
        if numbers[0] > 0:
            created = next(r.at for r in self.done if r.number == numbers[0]) + timedelta(seconds=HANDOVER_S)
        else:
            created = founded(
                self.world, f"replicaset/{self.deployment.name}/{version}", 10 * 86400, 19 * 86400
            )
        generation = 2 * len(numbers) - (1 if replicas else 0)
        counts = self._counts(version)
        status = {"replicas": counts["all"]}
        if counts["all"]:
            status["fullyLabeledReplicas"] = counts["all"]
        if counts["ready"]:
            status |= {"readyReplicas": counts["ready"], "availableReplicas": counts["ready"]}
        return ReplicaSet(
            version, created, replicas, generation, annotations, status | {"observedGeneration": generation}
        )

    def annotations(self) -> dict[str, str]:
        return {_REVISION: str(self._first + len(self.seen)), _CAUSE: self._cause(len(self.done))}

    def status(self, standing: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """`standing`: the conditions as they are stored."""
        every, updated = (
            self._counts(),
            self._counts(self.seen[-1].version if self.seen else self.deployment.version),
        )
        spread = 0 if self._handing_over else self.deployment.replicas
        counts = {
            "replicas": every["all"],
            "updatedReplicas": updated["all"],
            "readyReplicas": every["ready"],
            "availableReplicas": every["ready"],
            "unavailableReplicas": max(spread - every["ready"], 0),
        }
        return {
            "observedGeneration": 2 * self._first + len(self.seen),
            **{k: v for k, v in counts.items() if v},
            "conditions": self._conditions(standing, every["ready"], updated["ready"]),
        }

    def _conditions(
        self, standing: Sequence[Mapping[str, Any]], available: int, updated: int
    ) -> list[dict[str, Any]]:
        before = {c["type"]: c for c in standing}
        slack = 0 if objects.recreates(self.deployment) else self.deployment.replicas // 4
        enough = available >= self.deployment.replicas - slack
        found = [
            (
                "Available",
                enough,
                *(
                    ("MinimumReplicasAvailable", "Deployment has minimum availability.")
                    if enough
                    else ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
                ),
            )
        ]
        progress = self._progress(before.get("Progressing"), updated)
        return [
            self._dated(before.get(type_), type_, true, reason, message)
            for type_, true, reason, message in (*found, ("Progressing", *progress))
        ]

    def _progress(self, before: Mapping[str, Any] | None, updated: int) -> tuple[bool, str, str]:
        name = objects.replicaset_name(self.world.seed, self.deployment, self.current)
        complete = (True, "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.')
        if before is None or updated == self.deployment.replicas:
            return complete
        # A finished rollout stays finished when a pod of it goes away; a new one has not begun before its set
        # is made.
        if self._handing_over or before["message"] == complete[2] or not self.seen:
            return before["status"] == "True", before["reason"], before["message"]
        deadline = self.seen[-1].at + timedelta(
            seconds=HANDOVER_S + objects.progress_deadline_s(self.deployment)
        )
        if self.t >= deadline:
            return False, "ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.'
        if name not in before["message"]:
            again = (
                any(r.version == self.current for r in self.seen[:-1])
                or self.current == self.deployment.version
            )
            return (
                (True, "FoundNewReplicaSet", f'Found new replica set "{name}"')
                if again
                else (True, "NewReplicaSetCreated", f'Created new replica set "{name}"')
            )
        return True, "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.'

    def _dated(
        self, before: Mapping[str, Any] | None, type_: str, true: bool, reason: str, message: str
    ) -> dict[str, Any]:
        now = stamp(self.t)
        found = {
            "type": type_,
            "status": "True" if true else "False",
            "lastUpdateTime": now,
            "lastTransitionTime": now,
            "reason": reason,
            "message": message,
        }
        if before is None:
            found["lastUpdateTime"] = found["lastTransitionTime"] = stamp(self.created)
        elif before["status"] == found["status"]:
            found["lastTransitionTime"] = before["lastTransitionTime"]
            if (before["reason"], before["message"]) == (reason, message):
                found["lastUpdateTime"] = before["lastUpdateTime"]
        return found
