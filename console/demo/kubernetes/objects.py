"""Builders: what nodes, deployments and ReplicaSets look like on the wire. Pure; times come in, dicts go out.

Only what a reader of the API can observe is decided here. When it changes is decided in life.py and
cluster.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.demo.kubernetes.store import stamp
from console.demo.world.names import NODES, Deployment, Node, template_hash

REGION_LABEL = "topology.kubernetes.io/region"
GRACE_S = 30
Object = dict[str, Any]
_PORTS = {"packager": 8080, "transcoder": 9000, "origin": 80, "edge": 80}
_SCRATCH = ("redis", "entitlement-api")
"""Containers whose pods keep data in an emptyDir, which a drain would lose."""
PACKAGER_TOLERATION_S = 30
"""How long a packager may stay on a node that is gone: a channel is off the air meanwhile."""
_TOLERATION_S = 300
_REQUESTS = {"transcoder": ("3500m", "6Gi"), "vod-encoder": ("3", "4Gi"), "edge": ("2", "8Gi")}


def container_name(deployment: Deployment) -> str:
    return deployment.image.rpartition("/")[2]


def owner(kind: str, api_version: str, name: str, uid: str) -> list[Object]:
    return [
        {
            "apiVersion": api_version,
            "kind": kind,
            "name": name,
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def namespace(name: str, created: datetime) -> Object:
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "creationTimestamp": stamp(created),
            "labels": {"kubernetes.io/metadata.name": name},
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def node_address(node: Node) -> str:
    return f"10.{20 + NODES.index(node) // 8}.0.{node.index + 11}"


def node(one: Node, created: datetime, beat: datetime, minor: int, since: datetime | None = None) -> Object:
    """`beat`: the last heartbeat in the conditions; `since`: when they were last another, if ever."""
    number = NODES.index(one)
    conditions = [
        {
            "type": type_,
            "status": "True" if type_ == "Ready" else "False",
            "lastHeartbeatTime": stamp(beat),
            "lastTransitionTime": stamp(since or created),
            "reason": reason,
            "message": message,
        }
        for type_, reason, message in (
            ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            ("Ready", "KubeletReady", "kubelet is posting ready status"),
        )
    ]
    kubelet = {20: "v1.20.2", 31: "v1.31.4"}.get(minor, f"v1.{minor}.0")
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {
            "name": one.name,
            "creationTimestamp": stamp(created),
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": one.name,
                "kubernetes.io/os": "linux",
                "node-role.kubernetes.io/worker": "",
                "node.kubernetes.io/instance-type": "c32m128",
                REGION_LABEL: one.region,
                "topology.kubernetes.io/zone": f"{one.region}-{'abc'[one.index % 3]}",
            },
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {
            "podCIDR": f"10.244.{number}.0/24",
            "podCIDRs": [f"10.244.{number}.0/24"],
            "providerID": f"midwatch:///{one.name}",
        },
        "status": {
            "capacity": {
                "cpu": "32",
                "ephemeral-storage": "203056868Ki",
                "memory": "131072000Ki",
                "pods": "110",
            },
            "allocatable": {
                "cpu": "31500m",
                "ephemeral-storage": "187137221102",
                "memory": "127926272Ki",
                "pods": "110",
            },
            "conditions": conditions,
            "addresses": [
                {"type": "InternalIP", "address": node_address(one)},
                {"type": "Hostname", "address": one.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": f"{number:032x}",
                "systemUUID": f"00000000-0000-4000-8000-{number:012x}",
                "bootID": f"00000000-0000-4000-9000-{number:012x}",
                "kernelVersion": "6.1.0-28-amd64",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "containerRuntimeVersion": "containerd://1.7.24",
                "kubeletVersion": kubelet,
                "kubeProxyVersion": kubelet,
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def pod_labels(deployment: Deployment) -> dict[str, str]:
    """Of the template; a deployment that stands in all regions leaves the region to the pod."""
    found = {"app": deployment.service}
    if deployment.region is not None:
        found[REGION_LABEL] = deployment.region
    return found


def tolerations(own: list[Object]) -> list[Object]:
    """Those of a pod: its own, and what admission adds for nodes that are gone unless it speaks of them itself."""
    keys = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
    return [*own, *(_gone(key, _TOLERATION_S) for key in keys if all(one.get("key") != key for one in own))]


def _gone(key: str, seconds: int) -> Object:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


def pod_spec(deployment: Deployment, version: str) -> Object:
    name = container_name(deployment)
    # What keeps a region's service in its region is the scheduler, and this is what tells it.
    placed: Object = {"nodeSelector": {REGION_LABEL: deployment.region}} if deployment.region else {}
    scratch: Object = {"volumes": [{"name": "scratch", "emptyDir": {}}]} if name in _SCRATCH else {}
    mounts: Object = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]} if scratch else {}
    cpu, memory = _REQUESTS.get(name, ("250m", "512Mi"))
    hasty: Object = (
        {"tolerations": [_gone(f"node.kubernetes.io/{key}", PACKAGER_TOLERATION_S) for key in ("not-ready", "unreachable")]}
        if recreates(deployment) else {}
    )
    return {
        **hasty,
        **scratch,
        **placed,
        "containers": [
            {
                "name": name,
                "image": f"{deployment.image}:{version}",
                **mounts,
                "ports": [{"containerPort": _PORTS.get(name, 8080), "protocol": "TCP"}],
                "resources": {"limits": {"memory": memory}, "requests": {"cpu": cpu, "memory": memory}},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": GRACE_S,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    }


def template(deployment: Deployment, version: str, hash_: str = "") -> Object:
    labels = pod_labels(deployment) | ({"pod-template-hash": hash_} if hash_ else {})
    return {"metadata": {"creationTimestamp": None, "labels": labels}, "spec": pod_spec(deployment, version)}


def recreates(deployment: Deployment) -> bool:
    """Packagers are one per channel, and two must never publish the same one: all go before any comes."""
    return deployment.name.startswith("packager-")


def replicaset_name(seed: int, deployment: Deployment, version: str) -> str:
    return f"{deployment.name}-{template_hash(seed, deployment.name, version)}"


def deployment_object(
    deployment: Deployment,
    version: str,
    created: datetime,
    generation: int,
    annotations: Mapping[str, str],
    status: Mapping[str, Any],
) -> Object:
    strategy: Object = (
        {"type": "Recreate"}
        if recreates(deployment)
        else {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    )
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": deployment.name,
            "namespace": deployment.namespace,
            "generation": generation,
            "creationTimestamp": stamp(created),
            "labels": pod_labels(deployment),
            "annotations": dict(annotations),
        },
        "spec": {
            "replicas": deployment.replicas,
            "selector": {"matchLabels": {"app": deployment.service}},
            "template": template(deployment, version),
            "strategy": strategy,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": progress_deadline_s(deployment),
        },
        "status": dict(status),
    }


def progress_deadline_s(deployment: Deployment) -> int:
    """A packager that is not up after two minutes is given up: viewers wait."""
    return 120 if recreates(deployment) else 600


def replicaset_object(
    seed: int,
    deployment: Deployment,
    version: str,
    created: datetime,
    owner_uid: str,
    replicas: int,
    generation: int,
    annotations: Mapping[str, str],
    status: Mapping[str, Any],
) -> Object:
    hash_ = template_hash(seed, deployment.name, version)
    labels = pod_labels(deployment) | {"pod-template-hash": hash_}
    return {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": f"{deployment.name}-{hash_}",
            "namespace": deployment.namespace,
            "generation": generation,
            "creationTimestamp": stamp(created),
            "labels": labels,
            "annotations": dict(annotations),
            "ownerReferences": owner("Deployment", "apps/v1", deployment.name, owner_uid),
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": deployment.service, "pod-template-hash": hash_}},
            "template": template(deployment, version, hash_),
        },
        "status": dict(status),
    }
