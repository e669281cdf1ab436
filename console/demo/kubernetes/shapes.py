"""Which JSON type stands where, for the kinds that are written: what does not fit is a 400 before anything looks at it.

A shape is a type, a tuple of types, a map of field to shape, a list of one shape, or Map (any key, one shape). Null is
always allowed: it means "not set".
"""

from __future__ import annotations

from typing import Any

import msgspec

from console.demo.kubernetes import status

Shape = Any


class Map(msgspec.Struct, frozen=True):
    of: Any


_NUMBER = (int, str)
_SELECTOR: Shape = {"matchLabels": Map(str),
                    "matchExpressions": [{"key": str, "operator": str, "values": [str]}]}
_OWNER: Shape = {"apiVersion": str, "kind": str, "name": str, "uid": str, "controller": bool,
                 "blockOwnerDeletion": bool}
METADATA: Shape = {"name": str, "generateName": str, "namespace": str, "uid": str, "resourceVersion": str,
                   "labels": Map(str), "annotations": Map(str), "finalizers": [str], "ownerReferences": [_OWNER],
                   "generation": int, "managedFields": [dict], "creationTimestamp": str}
_CONTAINER: Shape = {"name": str, "image": str, "command": [str], "args": [str],
                     "env": [{"name": str, "value": str, "valueFrom": dict}],
                     "ports": [{"name": str, "containerPort": int, "hostPort": int, "protocol": str}],
                     "resources": {"limits": Map(_NUMBER), "requests": Map(_NUMBER)}, "imagePullPolicy": str,
                     "volumeMounts": [{"name": str, "mountPath": str}], "terminationMessagePath": str,
                     "terminationMessagePolicy": str}
_POD: Shape = {"containers": [_CONTAINER], "initContainers": [_CONTAINER], "nodeName": str, "nodeSelector": Map(str),
               "tolerations": [{"key": str, "operator": str, "value": str, "effect": str, "tolerationSeconds": int}],
               "volumes": [dict], "restartPolicy": str, "terminationGracePeriodSeconds": int, "dnsPolicy": str,
               "schedulerName": str, "securityContext": dict, "activeDeadlineSeconds": int}
_TEMPLATE: Shape = {"metadata": METADATA, "spec": _POD}
_METRIC: Shape = {"type": str, "resource": {"name": str, "target": {
    "type": str, "averageUtilization": int, "averageValue": _NUMBER}}}
SPECS: dict[str, Shape] = {
    "Deployment": {"replicas": int, "selector": _SELECTOR, "template": _TEMPLATE, "minReadySeconds": int,
                   "revisionHistoryLimit": int, "progressDeadlineSeconds": int, "paused": bool,
                   "strategy": {"type": str, "rollingUpdate": {"maxSurge": _NUMBER, "maxUnavailable": _NUMBER}}},
    "ReplicaSet": {"replicas": int, "selector": _SELECTOR, "template": _TEMPLATE, "minReadySeconds": int},
    "DaemonSet": {"selector": _SELECTOR, "template": _TEMPLATE},
    "Pod": _POD,
    "Node": {"unschedulable": bool, "podCIDR": str, "podCIDRs": [str], "providerID": str,
             "taints": [{"key": str, "value": str, "effect": str, "timeAdded": str}]},
    "HorizontalPodAutoscaler": {
        "scaleTargetRef": {"kind": str, "name": str, "apiVersion": str}, "minReplicas": int, "maxReplicas": int,
        "metrics": [_METRIC], "targetCPUUtilizationPercentage": int,
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": int, "selectPolicy": str, "policies": [dict]},
                     "scaleUp": {"stabilizationWindowSeconds": int, "selectPolicy": str, "policies": [dict]}}},
    "PodDisruptionBudget": {"minAvailable": _NUMBER, "maxUnavailable": _NUMBER, "selector": _SELECTOR,
                            "unhealthyPodEvictionPolicy": str},
    "Lease": {"holderIdentity": str, "leaseDurationSeconds": int, "acquireTime": str, "renewTime": str,
              "leaseTransitions": int},
    "Scale": {"replicas": int},
}
TOPS: dict[str, Shape] = {
    "ConfigMap": {"data": Map(str), "binaryData": Map(str), "immutable": bool},
    "Event": {"involvedObject": dict, "reason": str, "message": str, "source": dict, "type": str, "count": int},
}
_GO = {str: "string", bool: "bool", int: "int32", dict: "object"}
_JSON = {str: "string", bool: "bool", float: "number", int: "number", list: "array", dict: "object"}


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    return isinstance(value, types) and not (isinstance(value, bool) and bool not in types)


def wrong(value: Any, shape: Shape, path: str) -> tuple[str, Any, str] | None:
    """(path, what stands there, what should) of the first that does not fit."""
    if value is None:
        return None
    if isinstance(shape, Map | dict):
        if not isinstance(value, dict):
            return path, value, "object"
        inner = ((k, v, shape.of if isinstance(shape, Map) else shape.get(k)) for k, v in value.items())
        return next((found for k, v, s in inner if s is not None and (found := wrong(v, s, f"{path}.{k}"))), None)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return path, value, "array"
        for one in value:
            # In a list null is no "not set": there is nothing there that could be decoded.
            found = (path, one, "object") if one is None else wrong(one, shape[0], path)
            if found:
                return found
        return None
    types = shape if isinstance(shape, tuple) else (shape,)
    if _fits(value, types):
        return None
    return path, value, "intstr.IntOrString" if len(types) > 1 else _GO[types[0]]


def check(kind: str, version: str, obj: dict[str, Any]) -> None:
    """Raises the 400 of the first field of the wrong JSON type."""
    shape: Shape = {"metadata": METADATA, "spec": SPECS.get(kind, {}), "status": {}, **TOPS.get(kind, {})}
    if kind not in SPECS:
        shape["spec"] = dict
    found = wrong(obj, shape, kind)
    if found is not None:
        path, value, wanted = found
        raise status.bad_request(
            f'{kind} in version "{version}" cannot be handled as a {kind}: json: cannot unmarshal '
            f"{_JSON.get(type(value), 'value')} into Go struct field {path} of type {wanted}")
