"""What stands in the cluster beside the deployments: budgets, autoscalers, daemons, a mirror pod, a bare pod.

Chosen so that every case an operator's tool must know has one specimen; docs/demo.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from console.demo.kubernetes import objects, podobject
from console.demo.kubernetes.life import PodLife
from console.demo.kubernetes.store import stamp
from console.demo.world.names import NODES, Node, suffix

Object = dict[str, Any]
SYSTEM = "kube-system"
DAEMON = "node-agent"
MIRRORED = ("apac-node-03", "emea-node-01", "amer-node-01")
"""Nodes whose kubelet runs a static pod."""
BARE = ("default", "debug-shell", "apac-node-03")
"""(namespace, name, node) of the pod nobody would replace."""
BUDGETS: tuple[tuple[str, str, str, Object], ...] = (
    ("live", "packager-apac", "packager-apac", {"minAvailable": 4}),
    ("live", "packager-emea", "packager-emea", {"maxUnavailable": 1}),
    ("live", "origin", "origin", {"maxUnavailable": 1}),
    ("live", "edge-syd", "edge-syd", {"maxUnavailable": 2}),
    ("vod", "vod-api", "vod-api", {"minAvailable": "50%"}),
    ("platform", "redis", "redis", {"minAvailable": 6}),
    ("platform", "drm-license", "drm-license", {"maxUnavailable": 2}),
    ("platform", "drm-license-old", "drm-license", {"minAvailable": 6}),
)
"""(namespace, budget, app label, its number). redis allows none; two stand over drm-license."""
AUTOSCALERS: tuple[tuple[str, str, int, int, int], ...] = (
    ("vod", "vod-api", 12, 48, 0),
    ("platform", "session-api", 8, 28, 300),
)
"""(namespace, deployment, minReplicas, maxReplicas, downscale window in s)."""
_TOLERATED = ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


def budgets(created: datetime) -> Iterator[Object]:
    for namespace, name, app, number in BUDGETS:
        yield {"kind": "PodDisruptionBudget", "apiVersion": "policy/v1",
               "metadata": {"name": name, "namespace": namespace, "generation": 1, "creationTimestamp": stamp(created)},
               "spec": {**number, "selector": {"matchLabels": {"app": app}}},
               "status": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}}


def autoscalers(created: datetime) -> Iterator[Object]:
    for namespace, name, low, high, window in AUTOSCALERS:
        yield {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2",
               "metadata": {"name": name, "namespace": namespace, "creationTimestamp": stamp(created)},
               "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name, "apiVersion": "apps/v1"},
                        "minReplicas": low, "maxReplicas": high,
                        "metrics": [{"type": "Resource", "resource": {
                            "name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}],
                        "behavior": {"scaleDown": {"stabilizationWindowSeconds": window, "selectPolicy": "Max",
                                                   "policies": [{"type": "Percent", "value": 100,
                                                                 "periodSeconds": 15}]}}},
               "status": {"currentReplicas": 0, "desiredReplicas": 0}}


def _container(name: str, version: str) -> Object:
    return {"name": name, "image": f"registry.midwatch.test/node/{name}:{version}",
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent"}


def _spec(name: str, version: str) -> Object:
    return {"containers": [_container(name, version)], "restartPolicy": "Always",
            "terminationGracePeriodSeconds": objects.GRACE_S, "dnsPolicy": "ClusterFirst", "securityContext": {},
            "schedulerName": "default-scheduler"}


def daemonset(created: datetime) -> Object:
    count, labels = len(NODES), {"app": DAEMON}
    return {"kind": "DaemonSet", "apiVersion": "apps/v1",
            "metadata": {"name": DAEMON, "namespace": SYSTEM, "generation": 1, "creationTimestamp": stamp(created),
                         "labels": labels, "annotations": {"deprecated.daemonset.template.generation": "1"}},
            "spec": {"selector": {"matchLabels": labels},
                     "template": {"metadata": {"creationTimestamp": None, "labels": labels},
                                  "spec": _spec(DAEMON, "1.4.0")},
                     "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
                     "revisionHistoryLimit": 10},
            "status": {"currentNumberScheduled": count, "numberMisscheduled": 0, "desiredNumberScheduled": count,
                       "numberReady": count, "observedGeneration": 1, "updatedNumberScheduled": count,
                       "numberAvailable": count}}


def daemon_name(seed: int, node: str, number: int) -> str:
    return f"{DAEMON}-{suffix(f'{seed}/{node}/{number}')}"


def daemon_pod(name: str, node: str, created: datetime, owner_uid: str) -> Object:
    """As the DaemonSet controller makes it; bound by its node affinity, which is left out here."""
    spec = _spec(DAEMON, "1.4.0")
    spec |= {"nodeName": node, "tolerations": [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": (
        "NoExecute" if key in ("not-ready", "unreachable") else "NoSchedule")} for key in _TOLERATED]}
    owner = objects.owner("DaemonSet", "apps/v1", DAEMON, owner_uid)
    return {"kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": name, "generateName": f"{DAEMON}-", "namespace": SYSTEM,
                         "creationTimestamp": stamp(created), "ownerReferences": owner,
                         "labels": {"app": DAEMON, "controller-revision-hash": suffix(DAEMON, 10),
                                    "pod-template-generation": "1"}},
            "spec": spec, "status": {"phase": "Pending", "qosClass": "Burstable"}}


def mirror_name(node: str) -> str:
    return f"kube-proxy-{node}"


def mirror_pod(node: str, created: datetime, node_uid: str) -> Object:
    """Of a static pod: its kubelet's manifest is what runs, this is only its reflection."""
    spec = _spec("kube-proxy", "1.31.4") | {"nodeName": node, "hostNetwork": True, "tolerations": [
        {"operator": "Exists", "effect": "NoExecute"}]}
    hash_ = suffix(f"static/{node}", 10)
    return {"kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": mirror_name(node), "namespace": SYSTEM, "creationTimestamp": stamp(created),
                         "labels": {"component": "kube-proxy", "tier": "node"},
                         "annotations": {"kubernetes.io/config.hash": hash_, "kubernetes.io/config.mirror": hash_,
                                         "kubernetes.io/config.source": "file"},
                         "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node, "uid": node_uid,
                                              "controller": True}]},
            "spec": spec, "status": {"phase": "Pending", "qosClass": "Burstable"}}


def bare_pod(created: datetime) -> Object:
    namespace, name, node = BARE
    return {"kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace, "creationTimestamp": stamp(created),
                         "labels": {"run": name}},
            "spec": {**_spec(name, "0.3.1"), "nodeName": node},
            "status": {"phase": "Pending", "qosClass": "Burstable"}}


def reported(pod: Object, told: PodLife, uid: str, node: Node, index: int, minor: int) -> Object:
    containers = [(one["name"], one["image"]) for one in pod["spec"]["containers"]]
    state = podobject.pod_status(containers, pod["metadata"]["namespace"], told, uid, node, index, minor)
    return {**pod, "status": state}
