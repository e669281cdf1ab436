"""Which node a pod goes to: never one that is cordoned, tainted or not ready, and the home of its place if it can.

The nodes of the demo are never full but by their pod count; cpu and memory are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from console.demo.kubernetes.store import Store

MAX_PODS = 110
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_AND_SELECTOR = 21
"""From this minor on the sentence says "affinity/selector"."""


class Place(msgspec.Struct, frozen=True):
    """A node as the scheduler sees it."""

    name: str
    labels: dict[str, str]
    unschedulable: bool
    ready: bool
    taints: tuple[tuple[str, str, str], ...]
    """(key, value, effect)."""


def places(store: Store) -> list[Place]:
    found = []
    for stored in store.all("nodes"):
        obj = stored.read()
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in obj["status"].get("conditions", []))
        taints = tuple((one["key"], one.get("value", ""), one["effect"]) for one in obj["spec"].get("taints") or [])
        found.append(Place(stored.name, stored.labels, bool(obj["spec"].get("unschedulable")), ready, taints))
    return found


def _tolerated(taint: tuple[str, str, str], tolerations: list[Mapping[str, Any]]) -> bool:
    key, value, effect = taint
    return any(
        (not one.get("key") or one["key"] == key) and (not one.get("effect") or one["effect"] == effect)
        and (one.get("operator", "Equal") == "Exists" or one.get("value", "") == value)
        for one in tolerations)


def choose(nodes: list[Place], spec: Mapping[str, Any], taken: Counter[str], home: str, region: str, region_label: str,
           minor: int) -> tuple[str, str]:
    """(node, "") or ("", the sentence of FailedScheduling). `home` is preferred, then `region`, then the emptiest."""
    why: Counter[str] = Counter()
    fit = []
    tolerations = spec.get("tolerations") or []
    selector = spec.get("nodeSelector") or {}
    for node in nodes:
        hard = [one for one in node.taints
                if one[2] in ("NoSchedule", "NoExecute") and not _tolerated(one, tolerations)]
        if any(node.labels.get(k) != v for k, v in selector.items()):
            why["node(s) didn't match Pod's node affinity" + ("/selector" if minor >= _AND_SELECTOR else "")] += 1
        elif node.unschedulable and not _tolerated((UNSCHEDULABLE, "", "NoSchedule"), tolerations):
            why["node(s) were unschedulable"] += 1
        elif hard:
            why[f"node(s) had taint {{{hard[0][0]}: {hard[0][1]}}}, that the pod didn't tolerate"
                if minor < 24 else f"node(s) had untolerated taint {{{hard[0][0]}: {hard[0][1]}}}"] += 1
        elif not node.ready:
            why["node(s) were not ready"] += 1
        elif taken[node.name] >= MAX_PODS:
            why["Too many pods"] += 1
        else:
            fit.append(node)
    if not fit:
        said = ", ".join(f"{count} {reason}" for reason, count in sorted(why.items()))
        return "", f"0/{len(nodes)} nodes are available: {said}."
    best = min(fit, key=lambda one: (one.name != home, one.labels.get(region_label) != region, taken[one.name],
                                     one.name))
    return best.name, ""
