"""What a server refuses to store: 400 for what cannot be decoded, 422 with causes for what decodes and is wrong.

Not every rule of the real one, but those an operator's write can run into: names, replica counts, selectors, images,
what is immutable, and fields the kind does not have (dropped, with a warning or a refusal as fieldValidation says).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from console.demo.kubernetes import shapes, status
from console.demo.kubernetes.resources import Resource

Object = dict[str, Any]
Cause = tuple[str, str, str]
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_METADATA = frozenset((
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
    "managedFields"))
_SPEC: dict[str, frozenset[str]] = {
    "Deployment": frozenset(("replicas", "selector", "template", "strategy", "minReadySeconds", "revisionHistoryLimit",
                             "paused", "progressDeadlineSeconds")),
    "Node": frozenset(("podCIDR", "podCIDRs", "providerID", "unschedulable", "taints", "configSource", "externalID")),
    "HorizontalPodAutoscaler": frozenset(("scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "behavior",
                                          "targetCPUUtilizationPercentage")),
    "PodDisruptionBudget": frozenset(("minAvailable", "maxUnavailable", "selector", "unhealthyPodEvictionPolicy")),
    "Lease": frozenset(("holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions",
                        "strategy", "preferredHolder")),
    "Scale": frozenset(("replicas",)),
}
_TOP: dict[str, frozenset[str]] = {
    "ConfigMap": frozenset(("data", "binaryData", "immutable")), "Secret": frozenset(("data", "stringData", "type",
                                                                                     "immutable")),
}
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")
_NULLABLE = ("creationTimestamp", "lastProbeTime", "eventTime", "firstTimestamp", "lastTimestamp", "currentMetrics")
_TRUTH = {"Deployment": "paused", "Node": "unschedulable"}


def prune(kind: str, obj: Object) -> list[str]:
    """Drops in place the fields that `kind` does not have; returns their paths."""
    dropped = []
    top = _TOP.get(kind)
    known = top if top is not None else (frozenset(("spec", "status")) if kind in _SPEC else None)
    if known is not None:
        for key in [k for k in obj if k not in known and k not in ("kind", "apiVersion", "metadata")]:
            del obj[key]
            dropped.append(key)
    for part, fields in (("metadata", _METADATA), ("spec", _SPEC.get(kind))):
        if fields is not None and isinstance(obj.get(part), dict):
            for key in [k for k in obj[part] if k not in fields]:
                del obj[part][key]
                dropped.append(f"{part}.{key}")
    return dropped


def decoded(kind: str, version: str, obj: Object) -> None:
    """Raises the 400 of what is of the wrong JSON type; an absent spec becomes an empty one in place."""
    shapes.check(kind, version, obj)
    if not isinstance(obj.get("metadata"), dict):
        raise status.bad_request(f'{kind} in version "{version}" cannot be handled as a {kind}: no metadata')
    if obj.get("spec", {}) is None:
        obj["spec"] = {}
    if kind == "Lease":
        for name in ("acquireTime", "renewTime"):
            value = (obj.get("spec") or {}).get(name)
            if value is not None and not _MICRO_TIME.fullmatch(value):
                raise status.bad_request(
                    f'Lease in version "{version}" cannot be handled as a Lease: parsing time "{value}" as '
                    '"2006-01-02T15:04:05.000000Z07:00"')


def _unset(value: Any) -> None:
    """Null is "not set" wherever it stands; only a template's creationTimestamp is written as null."""
    if isinstance(value, dict):
        for key in [k for k, v in value.items() if v is None and k not in _NULLABLE]:
            del value[key]
        for one in value.values():
            _unset(one)
    elif isinstance(value, list):
        for one in value:
            _unset(one)


def normal(kind: str, obj: Object) -> None:
    """In place: what `omitempty` and defaulting make of a write."""
    metadata = obj["metadata"]
    _unset(obj)
    for name in ("labels", "annotations", "finalizers", "ownerReferences"):
        if name in metadata and not metadata[name]:
            del metadata[name]
    spec = obj.get("spec")
    if not isinstance(spec, dict):
        return
    truth = _TRUTH.get(kind)
    if truth is not None and not spec.get(truth):
        spec.pop(truth, None)
    if kind == "Node" and not spec.get("taints"):
        spec.pop("taints", None)
    if kind == "HorizontalPodAutoscaler":
        spec.setdefault("minReplicas", 1)
    if kind == "Deployment":
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)
        strategy = spec.setdefault("strategy", {"type": "RollingUpdate"})
        if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
    template = spec.get("template")
    if isinstance(template, dict):
        meta = template.setdefault("metadata", {})
        for name in ("labels", "annotations"):
            if name in meta and not meta[name]:
                del meta[name]
        template["metadata"] = {"creationTimestamp": None, **meta}
        if isinstance(template.get("spec"), dict):
            pod_defaults(template["spec"])
    if kind == "Pod":
        pod_defaults(spec)


def pod_defaults(spec: Object) -> None:
    for container in spec.get("containers") or []:
        if not isinstance(container, dict):
            continue
        for port in container.get("ports") or []:
            port.setdefault("protocol", "TCP")
        container.setdefault("resources", {})
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        image = str(container.get("image", ""))
        latest = image.endswith(":latest") or ":" not in image.rpartition("/")[2]
        container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    for key, value in (("restartPolicy", "Always"), ("terminationGracePeriodSeconds", 30),
                       ("dnsPolicy", "ClusterFirst"), ("securityContext", {}),
                       ("schedulerName", "default-scheduler")):
        spec.setdefault(key, value)


def _name(name: str) -> list[Cause]:
    if re.fullmatch(_SUBDOMAIN, name) and len(name) <= 253:
        return []
    return [("FieldValueInvalid", "metadata.name",
             f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
             "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "
             f"regex used for validation is '{_SUBDOMAIN}')".replace("(\\.", "(\\."))]


def _least(field: str, value: Any, least: int) -> list[Cause]:
    if value is None or value >= least:
        return []
    return [("FieldValueInvalid", field, f"Invalid value: {value}: must be greater than or equal to {least}")]


def _labels(metadata: Mapping[str, Any]) -> list[Cause]:
    return [("FieldValueInvalid", "metadata.labels",
             f'Invalid value: "{value}": a valid label must be an empty string or consist of alphanumeric characters, '
             "'-', '_' or '.', and must start and end with an alphanumeric character")
            for value in (metadata.get("labels") or {}).values()
            if len(value) > 63 or not _LABEL.fullmatch(value)]


def _go_map(values: Mapping[str, str]) -> str:
    return "map[string]string{" + ", ".join(f'"{k}":"{v}"' for k, v in sorted(values.items())) + "}"


def _deployment(spec: Object, before: Object | None) -> list[Cause]:
    found = [*_least("spec.replicas", spec.get("replicas"), 0), *_selector(spec.get("selector") or {})]
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    template = spec.get("template") if isinstance(spec.get("template"), dict) else {}
    labels = ((template or {}).get("metadata") or {}).get("labels") or {}
    if not spec.get("selector"):
        found.append(("FieldValueRequired", "spec.selector", "Required value"))
    elif any(labels.get(k) != v for k, v in selector.items()):
        found.append(("FieldValueInvalid", "spec.template.metadata.labels",
                      f"Invalid value: {_go_map(labels)}: `selector` does not match template `labels`"))
    found += _containers((template or {}).get("spec") or {}, "spec.template.spec")
    strategy = spec.get("strategy") or {}
    if strategy.get("type") not in ("Recreate", "RollingUpdate"):
        found.append(("FieldValueNotSupported", "spec.strategy.type", f'Unsupported value: "{strategy.get("type")}": '
                      'supported values: "Recreate", "RollingUpdate"'))
    for name in ("maxSurge", "maxUnavailable"):
        found += _amount(f"spec.strategy.rollingUpdate.{name}", (strategy.get("rollingUpdate") or {}).get(name))
    for name in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        found += _least(f"spec.{name}", spec.get(name), 0)
    if before is not None and before["spec"].get("selector") != spec.get("selector"):
        found.append(("FieldValueInvalid", "spec.selector",
                      f"Invalid value: v1.LabelSelector{{MatchLabels:{_go_map(selector)}, MatchExpressions:"
                      "[]v1.LabelSelectorRequirement(nil)}: field is immutable"))
    return found


def _selector(selector: Object) -> list[Cause]:
    return [("FieldValueInvalid", f"spec.selector.matchExpressions[{n}].operator",
             f'Invalid value: "{one.get("operator", "")}": not a valid selector operator')
            for n, one in enumerate(selector.get("matchExpressions") or [])
            if one.get("operator") not in ("In", "NotIn", "Exists", "DoesNotExist") or not one.get("key")]


_PERCENT = re.compile(r"[0-9]+%")


def _amount(field: str, value: Any) -> list[Cause]:
    if isinstance(value, str) and not _PERCENT.fullmatch(value):
        return [("FieldValueInvalid", field, f'Invalid value: "{value}": a valid percent string must be a numeric '
                 "string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")]
    return _least(field, value, 0) if isinstance(value, int) else []


def _containers(spec: Object, path: str) -> list[Cause]:
    containers = spec.get("containers") or []
    if not containers:
        return [("FieldValueRequired", f"{path}.containers", "Required value")]
    found: list[Cause] = []
    for n, one in enumerate(containers):
        for key in ("name", "image"):
            if not one.get(key):
                found.append(("FieldValueRequired", f"{path}.containers[{n}].{key}", "Required value"))
    return found


_POD_MAY = ("fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, "
            "`spec.activeDeadlineSeconds` or `spec.tolerations` (only additions to existing tolerations)")


def _pod(spec: Object, before: Object | None) -> list[Cause]:
    if before is None:
        return _containers(spec, "spec")

    def fixed(one: Object) -> Object:
        containers = [{k: v for k, v in c.items() if k != "image"} for c in one.get("containers") or []]
        return {**{k: v for k, v in one.items() if k not in ("tolerations", "activeDeadlineSeconds")},
                "containers": containers}

    kept = all(one in (spec.get("tolerations") or []) for one in before["spec"].get("tolerations") or [])
    if kept and fixed(spec) == fixed(before["spec"]):
        return []
    return [("FieldValueForbidden", "spec", f"Forbidden: pod updates may not change {_POD_MAY}")]


def _autoscaler(spec: Object) -> list[Cause]:
    found = _least("spec.minReplicas", spec.get("minReplicas"), 1)
    for field in ("kind", "name"):
        if not (spec.get("scaleTargetRef") or {}).get(field):
            found.append(("FieldValueRequired", f"spec.scaleTargetRef.{field}", "Required value"))
    for n, metric in enumerate(spec.get("metrics") or []):
        resource = metric.get("resource") or {}
        if metric.get("type") not in ("Resource", "Pods", "Object", "External", "ContainerResource"):
            found.append(("FieldValueNotSupported", f"spec.metrics[{n}].type",
                          f'Unsupported value: "{metric.get("type")}"'))
        elif metric["type"] == "Resource":
            found += [("FieldValueRequired", f"spec.metrics[{n}].resource.{field}", "Required value")
                      for field in ("name", "target") if not resource.get(field)]
    top = spec.get("maxReplicas")
    if not isinstance(top, int) or top < 1:
        found.append(("FieldValueInvalid", "spec.maxReplicas", f"Invalid value: {top or 0}: must be greater than 0"))
    elif spec.get("minReplicas") is not None and top < spec["minReplicas"]:
        found.append(("FieldValueInvalid", "spec.maxReplicas",
                      f"Invalid value: {top}: must be greater than or equal to `minReplicas`"))
    return found


def check(resource: Resource, kind: str, obj: Object, before: Object | None) -> None:
    """Raises the 422. `before`: what is stored, for an update."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    name = metadata.get("name", "")
    found = _name(name) if before is None else []
    if before is not None and metadata.get("uid", before["metadata"].get("uid")) != before["metadata"].get("uid"):
        one = ("FieldValueInvalid", "metadata.uid",
               f"Invalid value: {json.dumps(metadata['uid'])}: field is immutable")
        # The real one validates metadata twice and says so twice.
        found += [one, one]
    found += _labels(metadata)
    match kind:
        case "Deployment":
            found += _deployment(spec, before)
        case "Pod":
            found += _pod(spec, before)
        case "HorizontalPodAutoscaler":
            found += _autoscaler(spec)
        case "Node":
            found += [("FieldValueNotSupported", f"spec.taints[{n}].effect", f'Unsupported value: "{one.get("effect")}"')
                      for n, one in enumerate(spec.get("taints") or [])
                      if one.get("effect") not in ("NoSchedule", "PreferNoSchedule", "NoExecute") or not one.get("key")]
        case "Lease":
            found += [(r, f, m.replace("greater than or equal to 1", "greater than 0"))
                      for r, f, m in _least("spec.leaseDurationSeconds", spec.get("leaseDurationSeconds"), 1)]
        case "PodDisruptionBudget":
            found += _selector(spec.get("selector") or {})
            for field in ("minAvailable", "maxUnavailable"):
                found += _amount(f"spec.{field}", spec.get(field))
            if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
                found.append(("FieldValueInvalid", "spec",
                              "Invalid value: policy.PodDisruptionBudgetSpec{...}: minAvailable and maxUnavailable "
                              "cannot be both set"))
    if found:
        said = list(dict.fromkeys(found))
        error = status.invalid(kind, name, said, group=resource.group)
        assert error.body is not None
        error.body["details"]["causes"] = [{"reason": r, "message": m, "field": f} for r, f, m in found]
        raise error
