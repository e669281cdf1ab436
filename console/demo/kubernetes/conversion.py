"""One stored form, several group versions: an autoscaler is kept as autoscaling/v2 and shown as older ones want it.

What v1 has no field for is moved into annotations when read, as the real server does, and kept from what is stored
when written.
"""

from __future__ import annotations

import json
from typing import Any

Object = dict[str, Any]
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_KIND = "HorizontalPodAutoscaler"


def converts(kind: str, version: str) -> bool:
    return kind == _KIND and version in ("v1", "v2beta1")


def _cpu(metrics: list[Object]) -> Object | None:
    return next((m for m in metrics if m.get("type") == "Resource" and m["resource"].get("name") == "cpu"), None)


def outward(version: str, stored: Object) -> Object:
    spec, state = dict(stored.get("spec", {})), dict(stored.get("status", {}))
    if version == "v2beta1":
        spec["metrics"] = [_flat(m, "target", "target") for m in spec.get("metrics") or []]
        if state.get("currentMetrics"):
            state["currentMetrics"] = [_flat(m, "current", "current") for m in state["currentMetrics"]]
        spec.pop("behavior", None)
        return {**stored, "spec": spec, "status": state}
    metadata = dict(stored["metadata"])
    target = _cpu(spec.pop("metrics", None) or [])
    spec.pop("behavior", None)
    if target is not None:
        spec["targetCPUUtilizationPercentage"] = target["resource"]["target"].get("averageUtilization")
    current = _cpu(state.pop("currentMetrics", None) or [])
    if current is not None:
        state["currentCPUUtilizationPercentage"] = current["resource"]["current"].get("averageUtilization")
    conditions = state.pop("conditions", None)
    if conditions:
        metadata["annotations"] = {**(metadata.get("annotations") or {}),
                                   _CONDITIONS: json.dumps(conditions, separators=(",", ":"))}
    state.pop("observedGeneration", None)
    return {**stored, "metadata": metadata, "spec": spec, "status": state}


def _flat(metric: Object, part: str, prefix: str) -> Object:
    inner = metric["resource"]
    found: Object = {"name": inner["name"]}
    value = inner.get(part, {})
    if "averageUtilization" in value:
        found[f"{prefix}AverageUtilization"] = value["averageUtilization"]
    if "averageValue" in value:
        found[f"{prefix}AverageValue"] = value["averageValue"]
    return {"type": "Resource", "resource": found}


def inward(version: str, given: Object, before: Object | None) -> Object:
    """`given` as written in `version`, as it is stored; what the version cannot say stays as in `before`."""
    old = before or {}
    spec = {k: v for k, v in given.get("spec", {}).items() if k not in ("targetCPUUtilizationPercentage", "metrics")}
    metadata = dict(given.get("metadata", {}))
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != _CONDITIONS}
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    target = given.get("spec", {}).get("targetCPUUtilizationPercentage")
    spec["metrics"] = old.get("spec", {}).get("metrics", [])
    if target is not None:
        spec["metrics"] = [{"type": "Resource", "resource": {
            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}}]
    if "behavior" in old.get("spec", {}):
        spec["behavior"] = old["spec"]["behavior"]
    return {**given, "metadata": metadata, "spec": spec, "status": old.get("status", given.get("status", {}))}
