"""Builder of a Pod: a place, the life of what stands in it, and so what a kubelet has reported of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from console.demo.kubernetes import objects
from console.demo.kubernetes.life import PodLife
from console.demo.kubernetes.objects import Object
from console.demo.kubernetes.store import stamp
from console.demo.world.names import CHANNELS, NODES, Deployment, Node, pod_region, template_hash

CHANNEL_OF = {(channel.packager, channel.index): channel.name for channel in CHANNELS}


def _container_status(name: str, image: str, namespace_: str, life: PodLife, uid: str) -> Object:
    running = life.state == "running" and life.began is not None
    id_ = f"containerd://{uid.replace('-', '')}{life.restarts:032x}"
    last: Object = {}
    ended: Object | None = None
    if life.last_run is not None:
        began, finished = life.last_run
        ended = {
            "exitCode": 1,
            "reason": "Error",
            "startedAt": stamp(began),
            "finishedAt": stamp(finished),
            "containerID": f"containerd://{uid.replace('-', '')}{max(life.restarts - running, 0):032x}",
        }
    state: Object
    if running:
        state, last = (
            {"running": {"startedAt": stamp(life.began or life.created)}},
            {"terminated": ended} if ended else {},
        )
    elif life.state == "terminated":
        state = {"terminated": ended}
    elif life.state == "waiting":
        pause = (
            f"{life.backoff_s // 60}m{life.backoff_s % 60}s" if life.backoff_s >= 60 else f"{life.backoff_s}s"
        )
        state = {
            "waiting": {
                "reason": "CrashLoopBackOff",
                "message": f"back-off {pause} restarting failed container={name} "
                f"pod={life.name}_{namespace_}({uid})",
            }
        }
        last = {"terminated": ended}
    elif life.state == "unpulled":
        state, id_ = {"waiting": {
            "reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}}, ""
    else:
        state, id_ = {"waiting": {"reason": "ContainerCreating"}}, ""
    found: Object = {
        "name": name,
        "state": state,
        "lastState": last,
        "ready": life.ready,
        "restartCount": life.restarts,
        "image": image,
        "imageID": "",
        "started": running,
    }
    if id_:
        repository, _, tag = image.rpartition(":")
        found["imageID"] = f"{repository or tag}@sha256:{tag.encode().hex():0<64}"
        found["containerID"] = id_
    return found


def _condition(type_: str, true: bool, at: datetime, why: tuple[str, str] | None = None) -> Object:
    found: Object = {
        "type": type_,
        "status": "True" if true else "False",
        "lastProbeTime": None,
        "lastTransitionTime": stamp(at),
    }
    if why is not None and not true:
        found["reason"], found["message"] = why
    return found


def pod_status(
    containers: Sequence[tuple[str, str]], namespace: str, life: PodLife, uid: str, node_: Node, index: int, minor: int
) -> Object:
    """What the kubelet of `node_` reports. `containers` are (name, image); all of them live the same `life`."""
    names = " ".join(name for name, _ in containers)
    unready = ("ContainersNotReady", f"containers with unready status: [{names}]")
    ready_at, pending = life.ready_at or life.created, life.state in ("creating", "unpulled")
    conditions = [
        _condition("Initialized", True, life.created),
        _condition("Ready", life.ready, ready_at, unready),
        _condition("ContainersReady", life.ready, ready_at, unready),
        _condition("PodScheduled", True, life.created),
    ]
    host, address = objects.node_address(node_), f"10.244.{NODES.index(node_)}.{index % 200 + 20}"
    status: Object = {"phase": "Pending" if pending else "Running", "conditions": conditions, "hostIP": host}
    if life.state != "creating":
        status |= {"podIP": address, "podIPs": [{"ip": address}]}
    status |= {
        "startTime": stamp(life.created),
        "containerStatuses": [_container_status(name, image, namespace, life, uid) for name, image in containers],
        "qosClass": "Burstable",
    }
    if minor >= 29:
        conditions.insert(
            0, _condition("PodReadyToStartContainers", life.state != "creating", life.began or life.created)
        )
        status["hostIPs"] = [{"ip": host}]
    return status


def unschedulable(at: datetime, why: str) -> Object:
    """Of a pod no node takes: `why` is the scheduler's sentence."""
    return {"phase": "Pending", "qosClass": "Burstable", "conditions": [
        {"type": "PodScheduled", "status": "False", "lastProbeTime": None, "lastTransitionTime": stamp(at),
         "reason": "Unschedulable", "message": why}]}


def pod(
    seed: int,
    deployment: Deployment,
    index: int,
    node_: Node,
    life: PodLife,
    uid: str,
    owner_uid: str,
    minor: int,
) -> Object:
    """`index`: the place, which decides region, address and, for a packager, the channel."""
    hash_ = template_hash(seed, deployment.name, life.version)
    labels = objects.pod_labels(deployment) | {
        objects.REGION_LABEL: pod_region(deployment, index),
        "pod-template-hash": hash_,
    }
    channel = CHANNEL_OF.get((deployment.name, index))
    if channel is not None:
        labels["channel"] = channel
    metadata: Object = {
        "name": life.name,
        "generateName": f"{deployment.name}-{hash_}-",
        "namespace": deployment.namespace,
        "uid": uid,
        "creationTimestamp": stamp(life.created),
        "labels": labels,
        "ownerReferences": objects.owner("ReplicaSet", "apps/v1", f"{deployment.name}-{hash_}", owner_uid),
    }
    if life.deleting is not None:
        metadata["deletionTimestamp"] = stamp(life.deleting + timedelta(seconds=objects.GRACE_S))
        metadata["deletionGracePeriodSeconds"] = objects.GRACE_S
    spec = objects.pod_spec(deployment, life.version)
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": {
            **spec,
            "nodeName": node_.name,
            "tolerations": objects.tolerations(spec.get("tolerations") or []),
            "priority": 0,
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": pod_status(
            [(objects.container_name(deployment), f"{deployment.image}:{life.version}")],
            deployment.namespace, life, uid, node_, index, minor,
        ),
    }
