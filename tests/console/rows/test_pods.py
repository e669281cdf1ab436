"""What the workloads pane says: pods by badness, and the rollouts beside them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from console.model.joined import Workloads
from console.model.reading import connecting
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows import pods as rows
from console.rows.pane import Pane
from tests.hand_clock import HandClock
from tests.scene import back, live, workloads

NOW = HandClock().now()


def made(value: Workloads | None = None, **scope: str) -> Pane[rows.PodRow]:
    return rows.pane(live(value or workloads(NOW), NOW), Scope(tuple(scope.items())), NOW)


def rollouts(value: Workloads | None = None, **scope: str) -> tuple[rows.RolloutRow, ...]:
    return rows.rollouts(live(value or workloads(NOW), NOW), Scope(tuple(scope.items())), NOW)


def changed(**changes: Any) -> Workloads:
    """The scene with its deployment changed."""
    value = workloads(NOW)
    key, deployment = next(iter(value.deployments.items()))
    return msgspec.structs.replace(value, deployments={key: msgspec.structs.replace(deployment, **changes)})


def test_the_broken_pods_come_first_then_each_by_name() -> None:
    pane = made()
    severities = [row.severity for row in pane.rows]
    assert severities == [Severity.CRIT] * 4 + [Severity.OK] * 14
    names = [row.name for row in pane.rows]
    assert names[:4] == sorted(names[:4]) and names[4:] == sorted(names[4:])
    assert (pane.severity, pane.summary) == (Severity.CRIT, "demo-1 · 18 pods · 4 not well")


def test_a_row_says_ready_restarts_and_kubectls_word() -> None:
    row = made().rows[0]
    assert (row.ready, row.restarts, row.status, row.reason, row.version) == ("0/1", 4, "CrashLoopBackOff", "CrashLoopBackOff", "3.8.2")
    texts = {column.key: column.cell(row).text for column in rows.COLUMNS}
    assert texts["age"] == "70s" and texts["restarts"] == "4" and texts["node"] == "emea-node-03"
    assert texts["cpu"] == texts["memory"] == "–", "no source fills them, and nothing is invented"


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        ({}, 18), ({"service": "packager-emea"}, 4), ({"region": "apac"}, 4), ({"cluster": "demo-1"}, 18), ({"cluster": "other"}, 0),
        ({"namespace": "live"}, 18), ({"pod": "origin-77c5d5f9c-abcd0"}, 1), ({"node": "emea-node-03"}, 10), ({"channel": "uk-sport-1"}, 18),
    ],
)  # fmt: skip
def test_a_scope_keeps_what_it_names_and_a_dimension_pods_lack_keeps_all(scope: dict[str, str], count: int) -> None:
    assert made(**scope).count == count


def test_a_pod_of_no_service_is_in_the_scope_of_none() -> None:
    value = workloads(NOW)
    pods = {key: msgspec.structs.replace(pod, service=None) for key, pod in value.pods.items()}
    assert made(msgspec.structs.replace(value, pods=pods), service="packager-emea").count == 0


def test_the_rollout_says_how_far_it_is_and_when_it_began() -> None:
    (row,) = rollouts()
    assert row.text.startswith("packager-emea 3.8.2 at 02:12 · 4/4 updated, 0 available")
    assert row.text.endswith("of 4 available")
    assert (row.severity, row.is_rolling) == (Severity.CRIT, True)


def test_a_rollout_names_the_tool_that_owns_it() -> None:
    (row,) = rollouts(changed(owner_tool="argo"))
    assert "02:12 by argo" in row.text


@pytest.mark.parametrize(
    ("changes", "is_told"),
    [
        ({}, True),
        ({"ready": 4, "available": 4, "progress_reason": "NewReplicaSetAvailable"}, True),
        ({"ready": 4, "available": 4, "progress_at": back(NOW, 3599)}, True),
        ({"ready": 4, "available": 4, "progress_at": back(NOW, 3601)}, False),
        ({"ready": 4, "available": 4, "progress_at": None}, False),
        ({"ready": 4, "available": 4, "revision": 1}, False),
        ({"progress_at": back(NOW, 90_000)}, True),
        ({"progress_reason": "ProgressDeadlineExceeded", "progress_at": back(NOW, 90_000)}, True),
    ],
)
def test_a_deployment_is_told_while_it_rolls_is_unwell_or_has_changed_within_the_hour(changes: dict[str, Any], is_told: bool) -> None:
    assert bool(rollouts(changed(**changes))) is is_told


def test_a_rollout_that_gave_up_makes_the_pane_critical_even_without_a_bad_pod() -> None:
    value = msgspec.structs.replace(changed(progress_reason="ProgressDeadlineExceeded"), pods={})
    pane = made(value)
    assert (pane.severity, pane.count) == (Severity.CRIT, 0)


def test_a_rollout_out_of_scope_is_not_told() -> None:
    assert rollouts(service="packager-emea") and not rollouts(service="origin") and not rollouts(region="apac")


def test_without_an_answer_there_is_no_rollout_and_no_claim() -> None:
    assert rows.rollouts(connecting(), Scope(), NOW) == ()
    assert rows.pane(connecting(), Scope(), NOW).summary == "connecting …"


def test_a_node_that_is_not_ready_is_in_the_head() -> None:
    value = workloads(NOW)
    nodes = {key: msgspec.structs.replace(node, is_ready=False) for key, node in value.nodes.items()}
    assert "node emea-node-03 not ready" in made(msgspec.structs.replace(value, nodes=nodes)).summary


def test_what_was_well_is_unknown_and_counted_so_when_the_cluster_is_silent() -> None:
    pane = rows.pane(live(workloads(NOW), NOW).aged(), Scope(), NOW)
    assert pane.summary == "demo-1 · 18 pods · 4 not well · 14 unknown"
    assert pane.state is State.STALE
    assert [row.severity for row in pane.rows] == [Severity.CRIT] * 4 + [Severity.UNKNOWN] * 14


def test_the_state_of_a_well_cluster_is_told_as_such() -> None:
    value = msgspec.structs.replace(workloads(NOW), deployments={})
    pane = made(value, service="origin")
    assert (pane.severity, pane.summary) == (Severity.OK, "demo-1 · 6 pods · all well")


@pytest.mark.parametrize("state", [State.STALE, State.ERROR])
def test_a_pod_that_was_starting_when_its_cluster_was_last_heard_is_not_blamed_for_a_time_nobody_looked(state: State) -> None:
    value = workloads(NOW)
    key, pod = next((key, pod) for key, pod in value.pods.items() if pod.status == "Running")
    young = msgspec.structs.replace(pod, ready=0, restarts=0, created_at=NOW.plus(-5).utc)
    reading = live(msgspec.structs.replace(value, pods={key: young}), NOW)
    old = msgspec.structs.replace(reading, state=state)
    later = NOW.plus(600)
    (row,) = rows.pane(old, Scope(), later).rows
    assert row.severity is Severity.UNKNOWN and row.age_s == 605
    (row,) = rows.pane(reading, Scope(), later).rows
    assert row.severity is Severity.WARN, "what is known to be so now is judged now"


def test_all_well_never_stands_beside_a_deployment_that_lacks_its_pods() -> None:
    value = changed(desired=8, updated=4, ready=4, available=4)
    healthy = {key: pod for key, pod in value.pods.items() if "packager-emea" not in key}
    pane = made(msgspec.structs.replace(value, pods=healthy))
    assert pane.severity is not Severity.OK
    assert "all well" not in pane.summary and "packager-emea short of pods" in pane.summary


def with_lost_node() -> tuple[Workloads, str]:
    """The scene with all well, but for a node whose kubelet does not report."""
    value = workloads(NOW)
    well = {key: pod for key, pod in value.pods.items() if pod.status == "Running"}
    key, node = next(iter(value.nodes.items()))
    lost = {key: msgspec.structs.replace(node, is_ready=None)}
    return msgspec.structs.replace(value, pods=well, nodes=lost, deployments={}), node.name


def test_the_pods_of_a_lost_node_are_unknown_though_kubectl_says_running_and_the_node_is_told() -> None:
    value, node = with_lost_node()
    pane = made(value)
    theirs = [row for row in pane.rows if row.node == node]
    assert theirs and {row.severity for row in theirs} == {Severity.UNKNOWN}
    assert theirs[0].reason == f"its node {node} does not report"
    assert {row.severity for row in pane.rows if row.node != node} == {Severity.OK}
    assert pane.severity is Severity.CRIT
    assert f"node {node} not ready" in pane.summary and "all well" not in pane.summary


def test_a_lost_node_is_not_held_against_what_does_not_stand_on_it() -> None:
    value, node = with_lost_node()
    elsewhere = next(pod for pod in value.pods.values() if pod.node != node)
    assert made(value, pod=elsewhere.name).severity is Severity.OK
    assert made(value, region="apac").severity is Severity.OK
