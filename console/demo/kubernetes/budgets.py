"""The disruption controller: what each PodDisruptionBudget has left, from the pods it selects.

It looks only at budgets whose pods changed, since there are hundreds of pods and changes are few.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from console.demo.kubernetes import duration
from console.demo.kubernetes.estate import DEPLOYMENTS_SHELF, SETS, Estate
from console.demo.kubernetes.matching import requirements, selects
from console.demo.kubernetes.selectors import Requirement
from console.demo.kubernetes.store import Stored, stamp

Object = dict[str, Any]
BUDGETS = "poddisruptionbudgets.policy"
FORGIVEN = timedelta(minutes=2)
"""How long an eviction that was allowed counts although the pod is still there."""
_CONDITIONS = 21


class Budgets:
    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self._seen = (-1, -1)
        self._wanted: dict[str, tuple[str, tuple[Requirement, ...]]] = {}
        self._waiting: set[str] = set()
        """Budgets with an eviction under way, which time alone may change."""

    def step(self, t: datetime) -> None:
        pods, budgets = self.estate.store.shelf("pods"), self.estate.store.shelf(BUDGETS)
        seen_pods, seen_budgets = self._seen
        self._seen = (pods.last, budgets.last)
        due = set(self._waiting)
        if budgets.last != seen_budgets:
            self._wanted = {}
            for stored in budgets.current.values():
                selector = stored.read()["spec"].get("selector")
                if selector is not None:
                    self._wanted[stored.key] = (stored.namespace, requirements(selector))
            due |= set(self._wanted)
        elif pods.last != seen_pods:
            for change in reversed(pods.log):
                if change.revision <= seen_pods:
                    break
                one = change.now
                due |= {key for key, (namespace, wanted) in self._wanted.items()
                        if namespace == one.namespace and selects(wanted, one.labels)}
        for key in sorted(due):
            namespace_, _, name = key.partition("/")
            found = self.estate.store.get(BUDGETS, namespace_, name)
            if found is not None:
                self._sync(found, t)
            else:
                self._waiting.discard(key)
        self._seen = (pods.last, budgets.last)

    def _sync(self, stored: Stored, t: datetime) -> None:
        budget = stored.read()
        _, wanted = self._wanted.get(stored.key, (stored.namespace, requirements(budget["spec"]["selector"])))
        pods = [one for one in self.estate.store.all("pods")
                if one.namespace == stored.namespace and selects(wanted, one.labels)]
        disrupted = dict(budget["status"].get("disruptedPods") or {})
        healthy, standing = 0, set()
        for one in pods:
            obj = one.read()
            standing.add(one.name)
            if obj["metadata"].get("deletionTimestamp"):
                disrupted.pop(one.name, None)
                continue
            since = disrupted.get(one.name)
            if since is not None:
                if duration.parse(since) + FORGIVEN > t:
                    continue
                del disrupted[one.name]
            healthy += any(c["type"] == "Ready" and c["status"] == "True" for c in obj["status"].get("conditions", []))
        disrupted = {name: since for name, since in disrupted.items() if name in standing}
        expected = self._expected(pods)
        desired = _desired(budget["spec"], expected)
        allowed = max(0, healthy - desired) if expected > 0 else 0
        state: Object = {"observedGeneration": budget["metadata"].get("generation", 1)}
        if disrupted:
            state["disruptedPods"] = disrupted
            self._waiting.add(stored.key)
        else:
            self._waiting.discard(stored.key)
        state |= {"disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": desired,
                  "expectedPods": expected}
        if self.estate.minor >= _CONDITIONS:
            state["conditions"] = [self._condition(budget, allowed, t)]
        self.estate.store.apply({"kind": "PodDisruptionBudget", "apiVersion": "policy/v1", **budget, "status": state})

    @staticmethod
    def _condition(budget: Object, allowed: int, t: datetime) -> Object:
        word = "True" if allowed else "False"
        before = next((c for c in budget["status"].get("conditions") or []), None)
        since = before["lastTransitionTime"] if before is not None and before["status"] == word else stamp(t)
        return {"type": "DisruptionAllowed", "status": word, "lastTransitionTime": since, "message": "",
                "reason": "SufficientPods" if allowed else "InsufficientPods",
                "observedGeneration": budget["metadata"].get("generation", 1)}

    def _expected(self, pods: list[Stored]) -> int:
        """The sum of what the owners ask for; a pod without an owner counts for itself."""
        owners: dict[str, int] = {}
        for one in pods:
            refs = one.read()["metadata"].get("ownerReferences") or []
            if not refs or refs[0]["kind"] != "ReplicaSet":
                owners[one.key] = 1
                continue
            set_ = self.estate.store.get(SETS, one.namespace, refs[0]["name"])
            ref = (set_.read()["metadata"].get("ownerReferences") or [{}])[0] if set_ is not None else {}
            owner = self.estate.store.get(DEPLOYMENTS_SHELF, one.namespace, ref.get("name", ""))
            if owner is not None:
                owners[owner.key] = owner.read()["spec"].get("replicas", 1)
        return sum(owners.values())


def _amount(value: Any, expected: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return ceil(expected * int(value[:-1]) / 100)
    return int(value)


def _desired(spec: Object, expected: int) -> int:
    if spec.get("maxUnavailable") is not None:
        return max(0, expected - _amount(spec["maxUnavailable"], expected))
    return _amount(spec.get("minAvailable", 1), expected)
