"""The severity of pods, deployments and nodes, with the reason in the words kubectl would use.

A young pod is given a minute: starting is no fault. What Kubernetes itself says it gave up on (back-off,
deadline exceeded) needs no waiting.
"""

from __future__ import annotations

from datetime import datetime

from console.model.instant import Instant
from console.model.kube import Deployment, Node, Pod
from console.model.severity import Severity

YOUNG_S = 60.0
LOOPING_RESTARTS = 3
TERMINATING_S = 120.0
AVAILABLE_WHILE_ROLLING = 0.75  # Kubernetes' own default of maxUnavailable is 25 %
_BROKEN = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
        "ContainerCannotRun",
        "DeadlineExceeded",
        "OOMKilled",
        "Error",
        "Failed",
        "NodeLost",
    }
)
_DONE = frozenset({"Completed", "Succeeded"})


def pod_severity(pod: Pod, now: Instant) -> tuple[Severity, str]:
    """What a pod's state means; the reason is "" for OK."""
    if pod.status == pod.phase == "Running" and pod.ready >= pod.containers and not pod.is_deleting:
        return Severity.OK, ""  # nearly all of many thousand; nothing below says otherwise of such a one
    word = pod.status.removeprefix("Init:")
    if pod.is_deleting or word == "Terminating":
        overdue_s = _age_s(pod.delete_at, now)
        if overdue_s is not None and overdue_s > TERMINATING_S:
            return Severity.WARN, f"still terminating {overdue_s:.0f} s after its grace period"
        return Severity.OK, ""
    if word in _DONE or pod.phase == "Succeeded":
        return Severity.OK, ""
    if word == "Evicted":
        return Severity.WARN, "evicted"
    if word in _BROKEN or word.startswith(("ExitCode:", "Signal:")) or pod.phase == "Failed":
        return Severity.CRIT, f"{pod.status}, last exit {pod.last_exit}" if pod.last_exit else pod.status
    if pod.phase == "Unknown" or word == "Unknown":
        return Severity.UNKNOWN, "its node does not report"
    if pod.ready < pod.containers and pod.restarts >= LOOPING_RESTARTS:
        # between two crashes kubectl says Running: the word flickers, the verdict must not
        last = f", last exit {pod.last_exit}" if pod.last_exit else ""
        return Severity.CRIT, f"not ready after {pod.restarts} restarts{last}"
    age_s = _age_s(pod.created_at, now)
    if age_s is None or age_s <= YOUNG_S:
        return Severity.OK, ""
    if pod.phase == "Pending":
        return Severity.WARN, f"{pod.status} for {age_s:.0f} s"
    if pod.ready < pod.containers:
        return Severity.WARN, f"{pod.ready} of {pod.containers} containers ready"
    return Severity.OK, ""


def is_starting(pod: Pod, now: Instant) -> bool:
    """Not ready yet, young, and nothing is wrong with it: what a replaced pod is for some seconds."""
    age_s = _age_s(pod.created_at, now)
    is_young = age_s is not None and age_s <= YOUNG_S and not pod.is_deleting
    return is_young and pod.ready < pod.containers and pod_severity(pod, now)[0] is Severity.OK


def deployment_severity(deployment: Deployment, now: Instant, starting: int = 0, ready: int = 0) -> tuple[Severity, str]:
    """What a deployment's state means; `starting` of its pods are, and `ready` of them are by their own word: a deployment
    and its pods are heard by two watches, and for a moment one may be ahead of the other. A rollout on its way is OK with a
    reason: "rolling 2/4".
    """
    wanted, available = deployment.desired, deployment.available
    if deployment.progress_reason == "ProgressDeadlineExceeded":
        return Severity.CRIT, f"rollout gave up: {available} of {wanted} available"
    is_template_everywhere = (
        deployment.observed_generation >= deployment.generation
        and deployment.updated == wanted
        and deployment.progress_reason in (None, "NewReplicaSetAvailable")
    )
    if wanted > 0 and available == 0 and not _is_new(deployment, now):
        return Severity.CRIT, f"none of {wanted} available"
    if available < wanted:
        is_within_rollout = not is_template_everywhere and available >= int(AVAILABLE_WHILE_ROLLING * wanted)
        if not is_within_rollout and max(available, ready) + starting < wanted:
            return Severity.WARN, f"{available} of {wanted} available"
    if deployment.is_paused:
        return Severity.OK, "paused"
    if deployment.is_rolling:
        return Severity.OK, f"rolling {min(deployment.updated, available)}/{wanted}"
    return Severity.OK, ""


def _is_new(deployment: Deployment, now: Instant) -> bool:
    """Whether it was only just created: its first pods may still be starting."""
    age_s = _age_s(deployment.created_at, now)
    return age_s is None or age_s <= YOUNG_S


def node_severity(node: Node) -> tuple[Severity, str]:
    """What a node's conditions mean."""
    if node.is_ready is None:
        return Severity.CRIT, "NotReady: its kubelet does not report"
    if not node.is_ready:
        return Severity.CRIT, "NotReady"
    if node.pressures:
        return Severity.WARN, ", ".join(node.pressures)
    if node.is_unschedulable:
        return Severity.WARN, "unschedulable"
    return Severity.OK, ""


def _age_s(since: datetime | None, now: Instant) -> float | None:
    return (now.utc - since).total_seconds() if since is not None else None
