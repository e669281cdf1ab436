from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from console.demo.kubernetes.printing import pod_state

COLUMNS = ("name", "type", "format", "priority")


async def test_every_pod_state_prints_as_the_recorded_server_prints_it(replay, recorded):
    server, (listed, table) = await replay(), recorded("pod-states")
    server.load(listed["response"]["body"])
    await server.compare(listed)
    ours = await server.compare(table, anything=("description",))
    assert len(ours["rows"]) == 24


async def test_newer_servers_print_the_age_of_the_last_restart(replay, recorded):
    server, (listed, table) = await replay(kube_version="1.31", tokens=None), recorded("pod-states")
    server.load(listed["response"]["body"])
    ours = await (await server.send(table)).json()
    assert ours["columnDefinitions"][3]["type"] == "string"
    for wanted, row in zip(table["response"]["body"]["rows"], ours["rows"], strict=True):
        assert row["cells"][:3] == wanted["cells"][:3]
        assert row["cells"][3].split(" (")[0] == str(wanted["cells"][3])
    cells = {row["cells"][0]: row["cells"][3] for row in ours["rows"]}
    assert cells["running-ready"] == "0" and cells["crashloop"] == "12 (2m58s ago)"


@pytest.mark.parametrize("name", ["table-list", "node-objects"])
async def test_the_tables_of_other_kinds_have_the_recorded_columns(replay, recorded, name):
    server = await replay()
    server.load(recorded("pod-states")[0]["response"]["body"], recorded("node-objects")[0]["response"]["body"])
    for step in recorded(name):
        body = step["response"]["body"]
        if body.get("kind") != "Table":
            continue
        answer = await server.send(step)
        if answer.status == 404:
            continue
        ours = await answer.json()
        assert [[c[k] for k in COLUMNS] for c in ours["columnDefinitions"]] == [
            [c[k] for k in COLUMNS] for c in body["columnDefinitions"]]
        if "nodes" in step["request"]["path"]:
            assert [r["cells"][:3] + r["cells"][4:] for r in ours["rows"]] == [
                r["cells"][:3] + r["cells"][4:] for r in body["rows"]]


async def test_pages_of_a_table_and_what_a_row_carries(replay, recorded, differ):
    server = await replay()
    server.load(recorded("pod-states")[0]["response"]["body"])
    # One pod fewer stood when the pages were recorded.
    server.store.delete("pods", "states", "terminating")
    # The managers of fields differ between the two recordings, and so do the ages.
    loose = ("description", "managedFields", "cells", "creationTimestamp", "uid", "spec", "status")
    for step in recorded("table-list"):
        if not step["request"]["path"].startswith("/api/v1/namespaces/states/pods"):
            continue
        wanted, ours = step["response"], await server.send(step)
        assert ours.status == wanted["status"]
        found = await ours.json()
        assert differ(wanted["body"], found, anything=loose) == []
        if found["kind"] == "Table":
            assert [r["cells"][:4] for r in found["rows"]] == [r["cells"][:4] for r in wanted["body"]["rows"]]


async def test_pods_of_a_node_and_nodes_as_recorded(replay, recorded):
    server, steps = await replay(), recorded("node-objects")
    server.load(steps[0]["response"]["body"])
    await server.compare(steps[0])


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(**status):
    return {"metadata": {"name": "x"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}, "status": status}


def container(name, ready=False, restarts=0, **state):
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state}


@pytest.mark.parametrize(("states", "conditions", "expected"), [
    ([container("a", terminated={"exitCode": 3}), container("b", True, running={})], [], ("1/2", "ExitCode:3")),
    ([container("a", terminated={"exitCode": 0, "signal": 9}), container("b")], [], ("0/2", "Signal:9")),
    ([container("a", terminated={"exitCode": 0, "reason": "Completed"}), container("b", True, running={})],
     [{"type": "Ready", "status": "True"}], ("1/2", "Running")),
    ([container("a", terminated={"exitCode": 0, "reason": "Completed"}), container("b", True, running={})],
     [{"type": "Ready", "status": "False"}], ("1/2", "NotReady")),
    ([], [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}], ("0/2", "SchedulingGated")),
])
def test_states_that_were_not_recorded(states, conditions, expected):
    state = pod(phase="Running", containerStatuses=states, conditions=conditions)
    assert pod_state(state, NOW, 31)[:2] == expected


def test_native_sidecars_count_as_containers_on_newer_servers():
    one = pod(phase="Running", initContainerStatuses=[{**container("side", True, 2, running={}), "started": True}],
              containerStatuses=[container("a", True, running={}), container("b", True, running={})])
    one["spec"]["initContainers"] = [{"name": "side", "restartPolicy": "Always"}]
    assert pod_state(one, NOW, 31) == ("3/3", "Running", "2")
    assert json.dumps(pod_state(one, NOW, 20)[1]) == '"Init:0/1"'
