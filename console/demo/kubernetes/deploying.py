"""The Deployment controller, after the real one's rules: revisions, rolling and recreating, pausing, scaling, progress.

One `sync` is one pass of the real controller's loop: it scales at most one way, writes the status, and looks again
when something came of it. That is why a rollout takes seconds here, and can be caught in the middle.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from math import ceil, floor
from typing import Any

from console.demo.kubernetes import duration, objects
from console.demo.kubernetes.conditions import reason, set_condition
from console.demo.kubernetes.estate import SETS, Estate
from console.demo.kubernetes.revisions import (
    DESIRED,
    HASH,
    MAX,
    REVISION,
    inherited,
    revised,
    revision_of,
    same_template,
    template_hash_of,
)
from console.demo.kubernetes.store import stamp

Object = dict[str, Any]


def _part(value: Any, replicas: int, up: bool) -> int:
    """An int-or-percentage of `replicas`."""
    if isinstance(value, str) and value.endswith("%"):
        share = replicas * int(value[:-1]) / 100
        return ceil(share) if up else floor(share)
    return int(value or 0)


def slack(spec: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods."""
    replicas, strategy = spec.get("replicas", 1), spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = _part(rolling.get("maxSurge", "25%"), replicas, True)
    missing = _part(rolling.get("maxUnavailable", "25%"), replicas, False)
    return (surge, missing) if surge or missing else (0, 1)


class Deploying:
    """One deployment, one pass. `t` is the world's clock."""

    def __init__(self, estate: Estate, deployment: Object, t: datetime) -> None:
        self.estate, self.t = estate, t
        self.obj = deployment
        self.meta, self.spec, self.status = deployment["metadata"], deployment["spec"], deployment.get("status") or {}
        self.wanted: int = self.spec.get("replicas", 1)
        self.surge, self.missing = slack(self.spec)
        self.sets = estate.sets_of(self.meta["namespace"], self.meta["name"])
        self.new = next((one for one in self.sets if same_template(one, self.spec["template"])), None)
        self.conditions: list[Object] = list(self.status.get("conditions") or [])

    @property
    def olds(self) -> list[Object]:
        return [one for one in self.sets if one is not self.new]

    def sync(self) -> bool:
        """True when there is nothing left to do until something changes."""
        self._pausing()
        before = self.estate.store.revision
        if self.spec.get("paused") or self._resized():
            self._scale_as_asked()
        elif (self.spec.get("strategy") or {}).get("type") == "Recreate":
            self._recreate()
        else:
            self._roll()
        self._write_status()
        return self.estate.store.revision == before and (self._complete() or bool(self.spec.get("paused")))

    # Sets

    def _pausing(self) -> None:
        said = reason(self.conditions, "Progressing")
        if said == "ProgressDeadlineExceeded":
            return
        if self.spec.get("paused") and said != "DeploymentPaused":
            self._condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
        elif not self.spec.get("paused") and said == "DeploymentPaused":
            self._condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")

    def _condition(self, type_: str, status: str, why: str, message: str, touch: bool = False) -> None:
        self.conditions = set_condition(self.conditions, type_, status, why, message, self.t, touch)

    def _resized(self) -> bool:
        return any(one["spec"].get("replicas", 0) > 0
                   and one["metadata"].get("annotations", {}).get(DESIRED, str(self.wanted)) != str(self.wanted)
                   for one in self.sets)

    def _scale_as_asked(self) -> None:
        active = [one for one in self.sets if one["spec"].get("replicas", 0) > 0]
        if len(active) <= 1:
            target = active[0] if active else (self.new or (self.sets[-1] if self.sets else None))
            if target is not None:
                self._scale(target, self.wanted)
            return
        if self.new is not None and self._available(self.new) == self.new["spec"]["replicas"] == self.wanted:
            for one in self.olds:
                self._scale(one, 0)
            return
        if (self.spec.get("strategy") or {}).get("type") == "Recreate":
            return
        total = sum(one["spec"]["replicas"] for one in active)
        left = (self.wanted + self.surge if self.wanted > 0 else 0) - total
        # Proportionally, the larger sets first, what is left over to the first of them.
        active.sort(key=lambda one: (-one["spec"]["replicas"], one["metadata"]["creationTimestamp"]))
        sizes = {}
        for one in active:
            share = round(one["spec"]["replicas"] * left / total) if total else 0
            sizes[one["metadata"]["name"]] = max(0, one["spec"]["replicas"] + share)
        first = active[0]["metadata"]["name"]
        sizes[first] = max(0, sizes[first] + total + left - sum(sizes.values()))
        for one in active:
            self._scale(one, sizes[one["metadata"]["name"]])

    def _available(self, one: Object) -> int:
        pods = self.estate.owned(self.meta["namespace"], f"ReplicaSet/{one['metadata']['name']}")
        return sum(pod.active and pod.ready for pod in pods)

    def _pods(self, one: Object, leaving: bool = False) -> int:
        pods = self.estate.owned(self.meta["namespace"], f"ReplicaSet/{one['metadata']['name']}")
        return sum(leaving or pod.active for pod in pods)

    def _scale(self, one: Object, to: int) -> bool:
        before, annotations = one["spec"].get("replicas", 0), dict(one["metadata"].get("annotations") or {})
        sized = {DESIRED: str(self.wanted), MAX: str(self.wanted + self.surge)}
        if before == to and all(annotations.get(k) == v for k, v in sized.items()):
            return False
        one["metadata"]["annotations"] = annotations | sized
        if before != to:
            one["spec"]["replicas"] = to
            one["metadata"]["generation"] = one["metadata"].get("generation", 1) + 1
        self._put(one)
        if before != to:
            way = "up" if to > before else "down"
            text = f"Scaled {way} replica set {one['metadata']['name']} to {to}"
            self._say("ScalingReplicaSet", text + (f" from {before}" if self.estate.minor >= 26 else ""))
        return bool(before != to)

    def _say(self, why: str, message: str) -> None:
        self.estate.tell(self.meta, "Deployment", why, message, self.t, "deployment-controller")

    def _put(self, one: Object) -> None:
        stored = self.estate.store.apply({"kind": "ReplicaSet", "apiVersion": "apps/v1", **one})
        one["metadata"] = stored["metadata"]

    def _ensure_new(self, replicas: int) -> bool:
        """The set of the present template, made or found, under the newest revision. True when it was made."""
        top = max((revision_of(one) for one in self.olds), default=0)
        if self.new is not None:
            if revised(self.new, top + 1, self.meta):
                self._put(self.new)
            self._take_revision(self.new)
            return False
        hash_ = template_hash_of(self.estate, self.obj)
        namespace, name = self.meta["namespace"], f"{self.meta['name']}-{hash_}"
        template = deepcopy(self.spec["template"])
        template["metadata"]["labels"] = {**(template["metadata"].get("labels") or {}), HASH: hash_}
        self.new = {
            "metadata": {
                "name": name, "namespace": namespace, "generation": 1, "creationTimestamp": stamp(self.t),
                "labels": dict(template["metadata"]["labels"]),
                "annotations": inherited(self.meta) | {
                    DESIRED: str(self.wanted), MAX: str(self.wanted + self.surge), REVISION: str(top + 1)},
                "ownerReferences": objects.owner("Deployment", "apps/v1", self.meta["name"], self.meta["uid"])},
            "spec": {"replicas": replicas, "template": template, "selector": {
                "matchLabels": {**self.spec["selector"].get("matchLabels", {}), HASH: hash_}}},
            "status": {"replicas": 0}}
        self.estate.deployment_of[namespace, name] = self.meta["name"]
        self._put(self.new)
        self.sets.append(self.new)
        self._condition("Progressing", "True", "NewReplicaSetCreated", f'Created new replica set "{name}"', True)
        if replicas:
            text = f"Scaled up replica set {name} to {replicas}"
            self._say("ScalingReplicaSet", text + (" from 0" if self.estate.minor >= 26 else ""))
        self._take_revision(self.new)
        return True

    def _take_revision(self, one: Object) -> None:
        annotations = dict(self.meta.get("annotations") or {})
        revision = one["metadata"]["annotations"].get(REVISION, "1")
        if annotations.get(REVISION) != revision:
            self.meta["annotations"] = annotations | {REVISION: revision}

    # Strategies

    def _size_of_new(self) -> int:
        have = self.new["spec"].get("replicas", 0) if self.new is not None else 0
        total = sum(one["spec"].get("replicas", 0) for one in self.sets)
        room = self.wanted + self.surge - total
        return have if room <= 0 else have + min(room, self.wanted - have)

    def _roll(self) -> None:
        if self._ensure_new(self._size_of_new()):
            return
        assert self.new is not None
        have = self.new["spec"].get("replicas", 0)
        size = have if have == self.wanted else self.wanted if have > self.wanted else self._size_of_new()
        if self._scale(self.new, size):
            return
        if self._scale_down_olds():
            return
        if self._complete():
            self._forget()

    def _scale_down_olds(self) -> bool:
        assert self.new is not None
        olds = [one for one in self.olds if one["spec"].get("replicas", 0) > 0]
        if not olds:
            return False
        least = self.wanted - self.missing
        total = sum(one["spec"].get("replicas", 0) for one in self.sets)
        most = total - least - (self.new["spec"]["replicas"] - self._available(self.new))
        if most <= 0:
            return False
        scaled = False
        # What never came up goes first, whatever its age.
        for one in olds:
            sick = min(one["spec"]["replicas"] - self._available(one), most)
            if sick > 0:
                scaled |= self._scale(one, one["spec"]["replicas"] - sick)
                most -= sick
        left = sum(self._available(one) for one in self.sets) - least
        for one in olds:
            down = min(one["spec"]["replicas"], left)
            if down > 0:
                scaled |= self._scale(one, one["spec"]["replicas"] - down)
                left -= down
        return scaled

    def _recreate(self) -> None:
        scaled = [self._scale(one, 0) for one in self.olds]
        if any(scaled):
            return
        if any(self._pods(one, leaving=True) for one in self.olds):
            return
        if not self._ensure_new(self.wanted) and self.new is not None:
            self._scale(self.new, self.wanted)
        if self._complete():
            self._forget()

    def _forget(self) -> None:
        """Old empty sets beyond revisionHistoryLimit, the oldest revision first."""
        empty = [one for one in self.olds if not one["spec"].get("replicas") and not self._pods(one, leaving=True)]
        for one in sorted(empty, key=revision_of)[: max(0, len(empty) - self.spec.get("revisionHistoryLimit", 10))]:
            key = self.meta["namespace"], one["metadata"]["name"]
            self.estate.store.delete(SETS, *key)
            self.estate.deployment_of.pop(key, None)
            self.sets.remove(one)

    # Status

    def _counts(self) -> Object:
        every = sum(self._pods(one) for one in self.sets)
        updated = self._pods(self.new) if self.new is not None else 0
        ready = sum(self._available(one) for one in self.sets)
        spread = sum(one["spec"].get("replicas", 0) for one in self.sets)
        counts = {"replicas": every, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready,
                  "unavailableReplicas": max(spread - ready, 0)}
        return {k: v for k, v in counts.items() if v}

    def _complete(self) -> bool:
        counts = self._counts()
        return all(counts.get(key, 0) == self.wanted for key in ("replicas", "updatedReplicas", "availableReplicas"))

    def _write_status(self) -> None:
        counts = self._counts()
        if counts.get("availableReplicas", 0) >= self.wanted - self.missing:
            self._condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        else:
            self._condition("Available", "False", "MinimumReplicasUnavailable",
                            "Deployment does not have minimum availability.")
        if not self.spec.get("paused"):
            self._progress(counts)
        obj = {**self.obj, "metadata": self.meta, "status": {
            "observedGeneration": self.meta.get("generation", 1), **counts, "conditions": self.conditions}}
        self.estate.store.apply({"kind": "Deployment", "apiVersion": "apps/v1", **obj})

    def _progress(self, counts: Object) -> None:
        said, before = reason(self.conditions, "Progressing"), self.status
        name = self.new["metadata"]["name"] if self.new is not None else self.meta["name"]
        named = f'ReplicaSet "{name}"' if self.new is not None else f'Deployment "{name}"'
        if self._complete():
            self._condition("Progressing", "True", "NewReplicaSetAvailable", f"{named} has successfully progressed.")
            return
        if said == "NewReplicaSetAvailable" and counts.get("replicas") == counts.get("updatedReplicas"):
            return
        old_pods = before.get("replicas", 0) - before.get("updatedReplicas", 0)
        moved = (counts.get("updatedReplicas", 0) > before.get("updatedReplicas", 0)
                 or counts.get("readyReplicas", 0) > before.get("readyReplicas", 0)
                 or counts.get("availableReplicas", 0) > before.get("availableReplicas", 0)
                 or counts.get("replicas", 0) - counts.get("updatedReplicas", 0) < old_pods)
        if moved:
            self._condition("Progressing", "True", "ReplicaSetUpdated", f"{named} is progressing.", True)
        elif self._late():
            self._condition("Progressing", "False", "ProgressDeadlineExceeded", f"{named} has timed out progressing.")

    def _late(self) -> bool:
        one = next((c for c in self.conditions if c["type"] == "Progressing"), None)
        if one is None or one["reason"] == "NewReplicaSetAvailable":
            return False
        since = duration.parse(one["lastUpdateTime"])
        deadline: int = self.spec.get("progressDeadlineSeconds", 600)
        return (self.t - since).total_seconds() > deadline



