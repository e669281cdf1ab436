"""Server-side tables: the columns kubectl prints, computed by the server from the whole object.

One printer per resource: (object, now, minor) -> cells in the order of its columns. Newer servers print a
restart's age into the pod's RESTARTS cell, which turned that column from a number into text (1.22).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from console.demo.kubernetes.duration import since
from console.demo.kubernetes.printing import pod_cells, selector_text

Cells = Callable[[Mapping[str, Any], datetime, int], list[Any]]
_CONDITIONS = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str
    format: str
    description: str
    priority: int = 0
    """0 is always printed; 1 only in wide output."""


def _text(name: str, description: str, priority: int = 0) -> Column:
    return Column(name, "string", "", description, priority)


def _whole(name: str, description: str) -> Column:
    return Column(name, "integer", "", description)


_NAME = Column("Name", "string", "name", "Name must be unique within a namespace.")
_AGE = _text(
    "Age", "CreationTimestamp is a timestamp representing the server time when this object was created."
)
_CONTAINERS = (
    _text("Containers", "Names of each container in the template.", 1),
    _text("Images", "Images referenced by each container in the template.", 1),
    _text("Selector", "Label selector for pods.", 1),
)
_PODS = (
    _NAME,
    _text("Ready", "The aggregate readiness state of this pod for accepting traffic."),
    _text("Status", "The aggregate status of the containers in this pod."),
    _whole("Restarts", "The number of times the containers in this pod have been restarted."),
    _AGE,
    _text("IP", "IP address allocated to the pod.", 1),
    _text("Node", "The node this pod is bound to.", 1),
    _text("Nominated Node", "Set only when this pod preempts other pods on the node.", 1),
    _text("Readiness Gates", "All readiness gates that are evaluated for pod readiness.", 1),
)
_COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": _PODS,
    "nodes": (
        _NAME,
        _text("Status", "The status of the node"),
        _text("Roles", "The roles of the node"),
        _AGE,
        _text("Version", "Kubelet Version reported by the node."),
        _text("Internal-IP", "An address reachable within the cluster.", 1),
        _text("External-IP", "An address reachable from outside.", 1),
        _text("OS-Image", "OS Image reported by the node.", 1),
        _text("Kernel-Version", "Kernel Version reported by the node.", 1),
        _text("Container-Runtime", "ContainerRuntime Version reported by the node.", 1),
    ),
    "namespaces": (_NAME, _text("Status", "The status of the namespace"), _AGE),
    "events": (
        _text("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
        _text("Type", "Type of this event (Normal, Warning)"),
        _text("Reason", "Why the event was recorded."),
        _text("Object", "The object that this event is about."),
        _text("Subobject", "The part of the object the event is about.", 1),
        _text("Source", "The component reporting this event.", 1),
        _text("Message", "A human-readable description of the status of this operation."),
        _text("First Seen", "The time at which the event was first recorded.", 1),
        _text("Count", "The number of times this event has occurred.", 1),
        Column("Name", "string", "name", "Name must be unique within a namespace.", 1),
    ),
    "deployments.apps": (
        _NAME,
        _text("Ready", "Number of the pod with ready state"),
        _text("Up-to-date", "Non-terminated pods that have the desired template."),
        _text("Available", "Total number of available pods."),
        _AGE,
        *_CONTAINERS,
    ),
    "replicasets.apps": (
        _NAME,
        _whole("Desired", "The number of desired replicas."),
        _whole("Current", "The most recently observed number of replicas."),
        _whole("Ready", "The number of ready replicas for this replica set."),
        _AGE,
        *_CONTAINERS,
    ),
    "daemonsets.apps": (
        _NAME,
        _whole("Desired", "The total number of nodes that should be running the daemon pod."),
        _whole("Current", "The number of nodes that run the daemon pod and should."),
        _whole("Ready", "The number of nodes with a ready daemon pod."),
        _whole("Up-to-date", "The number of nodes with the updated daemon pod."),
        _whole("Available", "The number of nodes with an available daemon pod."),
        _text("Node Selector", "A selector which must match a node's labels for the pod to be scheduled on it."),
        _AGE,
        *_CONTAINERS,
    ),
    "horizontalpodautoscalers.autoscaling": (
        _NAME,
        _text("Reference", "The target resource to scale."),
        _text("Targets", "Current and wanted value of each metric."),
        _text("MinPods", "The lower limit of the number of replicas."),
        _text("MaxPods", "The upper limit of the number of replicas."),
        _text("Replicas", "The current number of replicas."),
        _AGE,
    ),
    "poddisruptionbudgets.policy": (
        _NAME,
        _text("Min Available", "The minimum number of pods that must be available."),
        _text("Max Unavailable", "The maximum number of pods that may be unavailable."),
        _whole("Allowed Disruptions", "Calculated number of pods that may be disrupted at this time."),
        _AGE,
    ),
    "leases.coordination.k8s.io": (
        _NAME,
        _text("Holder", "The identity of the holder of the lease."),
        _AGE,
    ),
}
_OTHER = (_NAME, Column("Created At", "date", "", "When this object was created."))


def _node(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    ready = next((c for c in obj["status"].get("conditions", []) if c["type"] == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"]
    if obj["spec"].get("unschedulable"):
        words.append("SchedulingDisabled")
    prefix = "node-role.kubernetes.io/"
    roles = sorted(
        label.removeprefix(prefix) for label in obj["metadata"].get("labels", {}) if label.startswith(prefix)
    )
    addresses = {a["type"]: a["address"] for a in obj["status"].get("addresses", [])}
    info = obj["status"].get("nodeInfo", {})
    return [
        obj["metadata"]["name"],
        ",".join(words),
        ",".join(roles) or "<none>",
        _age(obj, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", "<none>"),
        addresses.get("ExternalIP", "<none>"),
        info.get("osImage") or "<unknown>",
        info.get("kernelVersion") or "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]


def _age(obj: Mapping[str, Any], now: datetime) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def _namespace(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    return [obj["metadata"]["name"], obj["status"]["phase"], _age(obj, now)]


def _event(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    about, source, series = obj["involvedObject"], obj.get("source") or {}, obj.get("series")
    first = obj.get("firstTimestamp") or obj.get("eventTime")
    last = (series or {}).get("lastObservedTime") or obj.get("lastTimestamp") or first
    who = [
        source.get("component") or obj.get("reportingComponent"),
        source.get("host") or obj.get("reportingInstance"),
    ]
    count = series["count"] if series else obj.get("count") or 1
    return [
        since(last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        f"{about['kind'].lower()}/{about['name']}",
        about.get("fieldPath", ""),
        ", ".join(w for w in who if w),
        obj.get("message", "").strip(),
        since(first, now),
        count,
        obj["metadata"]["name"],
    ]


def _template(obj: Mapping[str, Any]) -> list[str]:
    containers = obj["spec"]["template"]["spec"]["containers"]
    return [
        ",".join(c["name"] for c in containers),
        ",".join(c["image"] for c in containers),
        selector_text(obj["spec"]["selector"]),
    ]


def _deployment(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    state, wanted = obj["status"], obj["spec"].get("replicas", 1)
    return [
        obj["metadata"]["name"],
        f"{state.get('readyReplicas', 0)}/{wanted}",
        state.get("updatedReplicas", 0),
        state.get("availableReplicas", 0),
        _age(obj, now),
        *_template(obj),
    ]


def _replicaset(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    return [
        obj["metadata"]["name"],
        obj["spec"].get("replicas", 1),
        obj["status"].get("replicas", 0),
        obj["status"].get("readyReplicas", 0),
        _age(obj, now),
        *_template(obj),
    ]


def _daemonset(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    state = obj["status"]
    selector = obj["spec"]["template"]["spec"].get("nodeSelector") or {}
    return [
        obj["metadata"]["name"],
        *(state.get(key, 0) for key in ("desiredNumberScheduled", "currentNumberScheduled", "numberReady",
                                        "updatedNumberScheduled", "numberAvailable")),
        ",".join(f"{k}={v}" for k, v in sorted(selector.items())) or "<none>",
        _age(obj, now),
        *_template(obj),
    ]


def _autoscaler(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    spec, state = obj["spec"], obj.get("status", {})
    current = {m["resource"]["name"]: m["resource"]["current"] for m in state.get("currentMetrics") or []}
    targets = [
        ("cpu: " if minor >= 30 else "")
        + (f"{current[name]['averageUtilization']}%" if name in current else "<unknown>")
        + f"/{m['resource']['target'].get('averageUtilization')}%"
        for m in spec.get("metrics") or [] if m.get("type") == "Resource" for name in (m["resource"]["name"],)
    ]
    target = spec["scaleTargetRef"]
    return [
        obj["metadata"]["name"],
        f"{target['kind']}/{target['name']}",
        ", ".join(targets) or "<none>",
        str(spec.get("minReplicas", "<unset>")),
        spec["maxReplicas"],
        state.get("currentReplicas", 0),
        _age(obj, now),
    ]


def _budget(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    spec = obj["spec"]
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    return [
        obj["metadata"]["name"],
        "N/A" if least is None else str(least),
        "N/A" if most is None else str(most),
        obj.get("status", {}).get("disruptionsAllowed", 0),
        _age(obj, now),
    ]


def _lease(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    return [obj["metadata"]["name"], obj["spec"].get("holderIdentity", ""), _age(obj, now)]


def _other(obj: Mapping[str, Any], now: datetime, minor: int) -> list[Any]:
    return [obj["metadata"]["name"], obj["metadata"]["creationTimestamp"]]


_CELLS: dict[str, Cells] = {
    "pods": pod_cells,
    "nodes": _node,
    "namespaces": _namespace,
    "events": _event,
    "deployments.apps": _deployment,
    "replicasets.apps": _replicaset,
    "daemonsets.apps": _daemonset,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
    "poddisruptionbudgets.policy": _budget,
    "leases.coordination.k8s.io": _lease,
}
RESTARTS_ARE_TEXT = 22


def columns(shelf: str, minor: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [msgspec.structs.asdict(column) for column in _COLUMNS.get(shelf, _OTHER)]
    if shelf == "pods" and minor >= RESTARTS_ARE_TEXT:
        found[3]["type"] = "string"
    return found


def row(
    shelf: str, obj: Mapping[str, Any], embedded: dict[str, Any] | None, now: datetime, minor: int
) -> dict[str, Any]:
    """`obj` in its core form; `embedded` is what the row carries: nothing, its metadata, or the whole."""
    found: dict[str, Any] = {"cells": _CELLS.get(shelf, _other)(obj, now, minor)}
    condition = _CONDITIONS.get(obj.get("status", {}).get("phase", "")) if shelf == "pods" else None
    if condition is not None:
        found["conditions"] = [condition]
    found["object"] = embedded
    return found


def table(
    metadata: dict[str, object], definitions: list[dict[str, Any]] | None, rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """`definitions` None: a later event of a watch, which does not repeat them."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }
