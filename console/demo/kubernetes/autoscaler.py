"""The HorizontalPodAutoscaler controller: every 15 s, replicas from a load that does not care who scaled by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import ceil
from typing import Any

from console.demo.kubernetes.estate import DEPLOYMENTS_SHELF, Estate
from console.demo.kubernetes.store import Stored, stamp
from console.demo.world.names import DEPLOYMENT

Object = dict[str, Any]
AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
EVERY_S = 15
TOLERANCE = 0.1
STABILIZE_S = 300
"""The default downscale window: the highest recommendation within it is followed."""
LOAD = 0.98
"""The demand of the demo's services in calm: this share of what their replicas then carry at the target."""
TARGET = 70
_REQUEST_MILLI = 250


class Autoscaler:
    def __init__(self, estate: Estate, touch: Callable[[str, str], None]) -> None:
        """`touch`: called with (namespace, deployment) before it is scaled."""
        self.estate, self._touch = estate, touch
        self._turn = -1
        self._asked: dict[str, list[tuple[float, int]]] = {}
        """Autoscaler -> its recommendations within the window."""

    def step(self, t: datetime) -> None:
        turn = int(t.timestamp() // EVERY_S)
        if turn == self._turn:
            return
        self._turn = turn
        for stored in self.estate.store.all(AUTOSCALERS):
            self._sync(stored, t)

    def _sync(self, stored: Stored, t: datetime) -> None:
        autoscaler = stored.read()
        spec, namespace = autoscaler["spec"], stored.namespace
        name = spec["scaleTargetRef"]["name"]
        target = self.estate.store.get(DEPLOYMENTS_SHELF, namespace, name)
        if target is None:
            self._write(autoscaler, {**autoscaler.get("status", {}), "conditions": self._conditions(
                autoscaler, [("AbleToScale", "False", "FailedGetScale", "the HPA controller was unable to get the "
                              f'target\'s current scale: deployments/scale.apps "{name}" not found')], t)})
            return
        deployment = target.read()
        current = deployment["spec"].get("replicas", 1)
        if current == 0:
            self._write(autoscaler, {**autoscaler.get("status", {}), "currentReplicas": 0, "desiredReplicas": 0,
                        "conditions": self._conditions(autoscaler, [
                            ("AbleToScale", "True", "SucceededGetScale",
                             "the HPA controller was able to get the target's current scale"),
                            ("ScalingActive", "False", "ScalingDisabled",
                             "scaling is disabled since the replica count of the target is zero")], t)})
            return
        goal = next((m["resource"]["target"].get("averageUtilization") for m in spec.get("metrics") or []
                     if m["type"] == "Resource" and m["resource"]["name"] == "cpu"), None) or TARGET
        known = DEPLOYMENT.get(name)
        carried = (known.replicas if known is not None else current) * TARGET * LOAD * self.estate.world.demand(name, t)
        ready = max(1, deployment["status"].get("readyReplicas", 0))
        used = carried / ready
        ratio = used / goal
        wanted = current if abs(ratio - 1) <= TOLERANCE else ceil(ready * ratio)
        low, high = spec.get("minReplicas", 1), spec["maxReplicas"]
        wanted, limit = self._limited(stored.key, wanted, current, spec, t)
        state = {**autoscaler.get("status", {}), "currentReplicas": current, "desiredReplicas": wanted,
                 "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {
                     "averageUtilization": round(used), "averageValue": f"{round(used * _REQUEST_MILLI / 100)}m"}}}]}
        state["conditions"] = self._conditions(autoscaler, [
            ("AbleToScale", "True", "SucceededRescale" if wanted != current else "ReadyForNewScale",
             f"the HPA controller was able to update the target scale to {wanted}" if wanted != current
             else "recommended size matches current size"),
            ("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count "
             "from cpu resource utilization (percentage of request)"), limit], t)
        if wanted != current:
            state["lastScaleTime"] = stamp(t)
            self._touch(namespace, name)
            deployment["spec"]["replicas"] = wanted
            deployment["metadata"]["generation"] = deployment["metadata"].get("generation", 1) + 1
            self.estate.store.apply({"kind": "Deployment", "apiVersion": "apps/v1", **deployment})
            direction = "below" if wanted < current else "above"
            self.estate.tell(autoscaler["metadata"], "HorizontalPodAutoscaler", "SuccessfulRescale",
                             f"New size: {wanted}; reason: " + (
                                 f"cpu resource utilization (percentage of request) {direction} target"
                                 if low <= current <= high else "Current number of replicas out of range"),
                             t, "horizontal-pod-autoscaler")
        self._write(autoscaler, state)

    def _limited(self, key: str, wanted: int, current: int, spec: Object, t: datetime
                 ) -> tuple[int, tuple[str, str, str, str]]:
        low, high, now = spec.get("minReplicas", 1), spec["maxReplicas"], t.timestamp()
        down = (spec.get("behavior") or {}).get("scaleDown") or {}
        window = down.get("stabilizationWindowSeconds", STABILIZE_S)
        asked = [one for one in self._asked.get(key, []) if one[0] > now - window]
        # What was recommended, not what came of it: else the window would never end.
        self._asked[key] = [*asked, (now, wanted)]
        # Of the ones before: only a wish to shrink is held back, never one to grow.
        if wanted < current and asked:
            wanted = max(wanted, min(current, max(size for _, size in asked)))
        if wanted < low:
            return low, ("ScalingLimited", "True", "TooFewReplicas",
                         "the desired replica count is less than the minimum replica count")
        if wanted > high:
            return high, ("ScalingLimited", "True", "TooManyReplicas",
                          "the desired replica count is more than the maximum replica count")
        return wanted, ("ScalingLimited", "False", "DesiredWithinRange",
                        "the desired count is within the acceptable range")

    @staticmethod
    def _conditions(autoscaler: Object, wanted: list[tuple[str, str, str, str]], t: datetime) -> list[Object]:
        before = {c["type"]: c for c in autoscaler.get("status", {}).get("conditions") or []}
        found = []
        for type_, word, why, message in wanted:
            old = before.get(type_)
            since = old["lastTransitionTime"] if old is not None and old["status"] == word else stamp(t)
            found.append({"type": type_, "status": word, "lastTransitionTime": since, "reason": why,
                          "message": message})
        return found

    def _write(self, autoscaler: Object, state: Object) -> None:
        self.estate.store.apply({"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2", **autoscaler,
                                 "status": state})
