from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from console.judge.pods import deployment_severity, is_starting, node_severity, pod_severity
from console.model.kube import Deployment, Node, Pod
from console.model.severity import Severity
from tests.console.judge.night import instant

NOW = instant(1000)
OK, WARN, CRIT, UNKNOWN = Severity.OK, Severity.WARN, Severity.CRIT, Severity.UNKNOWN


def pod(status: str, phase: str = "Running", age_s: float = 3600, ready: int = 1, **more: object) -> Pod:
    return Pod(
        cluster="c",
        namespace="n",
        name="p",
        uid="u",
        status=status,
        phase=phase,
        ready=ready,
        containers=1,
        restarts=0,
        created_at=NOW.utc - timedelta(seconds=age_s),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("one", "severity", "word"),
    [
        (pod("Running"), OK, ""),
        (pod("CrashLoopBackOff", ready=0, last_exit="Error, exit 1, 02:01:14"), CRIT, "exit 1"),
        (pod("ImagePullBackOff", "Pending", age_s=5, ready=0), CRIT, "ImagePullBackOff"),
        (pod("Init:CrashLoopBackOff", "Pending", ready=0), CRIT, "Init:CrashLoopBackOff"),
        (pod("Error", "Failed", ready=0), CRIT, "Error"),
        (pod("OOMKilled", ready=0), CRIT, "OOMKilled"),
        (pod("Completed", "Succeeded", ready=0), OK, ""),
        (pod("Pending", "Pending", age_s=59, ready=0), OK, ""),
        (pod("ContainerCreating", "Pending", age_s=61, ready=0), WARN, "ContainerCreating for 61 s"),
        (pod("Init:0/1", "Pending", age_s=61, ready=0), WARN, "Init:0/1"),
        (pod("Running", age_s=30, ready=0), OK, ""),
        (pod("Running", age_s=90, ready=0), WARN, "0 of 1 containers ready"),
        (pod("Evicted", "Failed", ready=0), WARN, "evicted"),
        (pod("Unknown", "Unknown", ready=0), UNKNOWN, "node"),
        (pod("Terminating", is_deleting=True), OK, ""),
        (pod("Terminating", is_deleting=True, delete_at=NOW.utc - timedelta(seconds=119)), OK, ""),
        (
            pod("Terminating", is_deleting=True, delete_at=NOW.utc - timedelta(seconds=121)),
            WARN,
            "still terminating",
        ),
    ],
)
def test_what_a_pods_state_means(one: Pod, severity: Severity, word: str):
    got, reason = pod_severity(one, NOW)
    assert got is severity
    assert word in reason
    assert bool(reason) == (severity is not OK)


def deployment(**more: object) -> Deployment:
    values = {
        "generation": 2,
        "observed_generation": 2,
        "desired": 4,
        "updated": 4,
        "ready": 4,
        "available": 4,
        "progress_reason": "NewReplicaSetAvailable",
        **more,
    }
    return Deployment(cluster="c", namespace="n", name="d", uid="u", created_at=None, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "severity", "word"),
    [
        (deployment(), OK, ""),
        (deployment(available=3, ready=3), WARN, "3 of 4 available"),
        (deployment(updated=1, available=3, progress_reason="ReplicaSetUpdated"), OK, "rolling 1/4"),
        (deployment(updated=4, available=1, progress_reason="ReplicaSetUpdated"), WARN, "1 of 4 available"),
        (deployment(updated=1, available=3, progress_reason="ProgressDeadlineExceeded"), CRIT, "gave up"),
        (deployment(generation=3), OK, "rolling"),
        (deployment(desired=0, updated=0, ready=0, available=0), OK, ""),
        (deployment(is_paused=True), OK, "paused"),
    ],
)
def test_what_a_deployments_state_means(one: Deployment, severity: Severity, word: str):
    got, reason = deployment_severity(one, NOW)
    assert got is severity
    assert word in reason


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pod("ContainerCreating", "Pending", age_s=3, ready=0), True),
        (pod("Running", age_s=3, ready=1), False),
        (pod("ContainerCreating", "Pending", age_s=300, ready=0), False),
        (pod("CrashLoopBackOff", age_s=3, ready=0), False),
        (pod("Terminating", age_s=3, ready=0, is_deleting=True), False),
    ],
)
def test_only_a_young_pod_with_nothing_wrong_is_starting(one: Pod, expected: bool):
    assert is_starting(one, NOW) is expected


def test_a_replica_that_is_being_replaced_accuses_nobody_while_its_pod_starts():
    lacking = deployment(available=3, ready=3)
    assert deployment_severity(lacking, NOW, starting=1)[0] is OK
    assert deployment_severity(deployment(available=2, ready=2), NOW, starting=1)[0] is WARN
    assert deployment_severity(deployment(available=2, ready=2), NOW, starting=1, ready=2)[0] is WARN
    assert deployment_severity(lacking, NOW, ready=4)[0] is OK, "its pods were heard of first"
    none_left = msgspec.structs.replace(deployment(available=0, ready=0), created_at=NOW.utc - timedelta(hours=1))
    assert deployment_severity(none_left, NOW, starting=4)[0] is CRIT


@pytest.mark.parametrize(
    ("is_ready", "pressures", "is_unschedulable", "severity", "word"),
    [
        (True, (), False, OK, ""),
        (False, (), False, CRIT, "NotReady"),
        (None, (), False, CRIT, "does not report"),
        (True, ("MemoryPressure",), True, WARN, "MemoryPressure"),
        (True, (), True, WARN, "unschedulable"),
    ],
)
def test_what_a_nodes_conditions_mean(
    is_ready: bool | None, pressures: tuple[str, ...], is_unschedulable: bool, severity: Severity, word: str
):
    got, reason = node_severity(
        Node("c", "n", "u", is_ready, is_unschedulable, None, pressures=pressures)
    )
    assert got is severity
    assert word in reason
