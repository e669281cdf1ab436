"""One object at a time: what a real server recorded, and what no server should say."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.sources.kubernetes.decode import (
    DEPLOYMENTS,
    EVENTS,
    NODES,
    PODS,
    Place,
    Unreadable,
    image_tag,
    item,
    timestamp,
)
from console.sources.kubernetes.wire import Container

PLACE = Place("c1")
KINDS = (PODS, DEPLOYMENTS, NODES, EVENTS)


def read(kind, obj):
    return item(kind, json.dumps(obj).encode(), PLACE).value


def pod(spec=None, status=None, **meta):
    return read(
        PODS,
        {"metadata": {"name": "p", "namespace": "n", **meta}, "spec": spec or {}, "status": status or {}},
    )


def test_every_recorded_pod_reads_as_the_servers_own_table_printed_it(vector):
    objects, table = (exchange["response"]["body"] for exchange in vector("pod-states"))
    printed = {row["cells"][0]: row["cells"][1:4] for row in table["rows"]}
    assert len(printed) == 24
    for obj in objects["items"]:
        got = read(PODS, obj)
        assert [f"{got.ready}/{got.containers}", got.status, got.restarts] == printed[got.name], got.name


def test_a_recorded_pod_keeps_what_rows_and_pivots_need(vector):
    objects = {o["metadata"]["name"]: o for o in vector("pod-states")[0]["response"]["body"]["items"]}
    got = read(PODS, objects["crashloop"])
    assert got.key == "c1/states/crashloop"
    assert got.service == "crashloop"
    assert got.phase == "Running"
    assert got.last_exit is not None and got.last_exit.startswith("Error, exit 1, ")
    assert got.created_at is not None and got.created_at.tzinfo is UTC
    assert read(PODS, objects["terminating"]).is_deleting


RUNNING = {"name": "app", "ready": True, "state": {"running": {}}}


@pytest.mark.parametrize(
    ("spec", "status", "meta", "want"),
    [
        (
            {
                "containers": [{"name": "app"}],
                "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
            },
            {
                "phase": "Running",
                "initContainerStatuses": [
                    {
                        "name": "proxy",
                        "ready": True,
                        "started": True,
                        "restartCount": 2,
                        "state": {"running": {}},
                    }
                ],
                "containerStatuses": [RUNNING | {"restartCount": 1}],
            },
            {},
            ("Running", 2, 2, 3),
        ),
        (
            {
                "containers": [{"name": "app"}],
                "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
            },
            {
                "phase": "Pending",
                "initContainerStatuses": [{"name": "proxy", "started": False, "state": {"running": {}}}],
                "containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "PodInitializing"}}}],
            },
            {},
            ("Init:0/1", 0, 2, 0),
        ),
        (
            {"containers": [{"name": "app"}], "initContainers": [{"name": "a"}]},
            {
                "phase": "Pending",
                "initContainerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 3}}}],
            },
            {},
            ("Init:ExitCode:3", 0, 1, 0),
        ),
        (
            {"containers": [{"name": "app"}], "initContainers": [{"name": "a"}]},
            {
                "phase": "Pending",
                "initContainerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 137, "signal": 9}}}],
            },
            {},
            ("Init:Signal:9", 0, 1, 0),
        ),
        (
            {"containers": [{"name": "app"}]},
            {
                "phase": "Failed",
                "containerStatuses": [{"name": "app", "state": {"terminated": {"exitCode": 2}}}],
            },
            {},
            ("ExitCode:2", 0, 1, 0),
        ),
        (
            {"containers": [{"name": "app"}]},
            {
                "phase": "Failed",
                "containerStatuses": [{"name": "app", "state": {"terminated": {"signal": 11}}}],
            },
            {},
            ("Signal:11", 0, 1, 0),
        ),
        (
            {"containers": [{"name": "app"}, {"name": "job"}]},
            {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {"name": "job", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
                    RUNNING,
                ],
            },
            {},
            ("Running", 1, 2, 0),
        ),
        (
            {"containers": [{"name": "app"}, {"name": "job"}]},
            {
                "phase": "Running",
                "containerStatuses": [
                    {"name": "job", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
                    RUNNING,
                ],
            },
            {},
            ("NotReady", 1, 2, 0),
        ),
        (
            {},
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]},
            {},
            ("SchedulingGated", 0, 0, 0),
        ),
        (
            {},
            {"phase": "Running", "reason": "NodeLost"},
            {"deletionTimestamp": "2026-11-22T02:00:00Z"},
            ("Unknown", 0, 0, 0),
        ),
        ({}, {"phase": "Succeeded"}, {"deletionTimestamp": "2026-11-22T02:00:00Z"}, ("Succeeded", 0, 0, 0)),
        ({}, {"phase": "Running"}, {"deletionTimestamp": "2026-11-22T02:00:00Z"}, ("Terminating", 0, 0, 0)),
        ({}, {}, {}, ("Unknown", 0, 0, 0)),
    ],
)
def test_the_status_word_is_kubectls(spec, status, meta, want):
    got = pod(spec, status, **meta)
    assert (got.status, got.ready, got.containers, got.restarts) == want


def test_last_exit_is_the_latest_that_is_news():
    got = pod(
        status={
            "initContainerStatuses": [
                {
                    "name": "i",
                    "state": {
                        "terminated": {
                            "exitCode": 0,
                            "reason": "Completed",
                            "finishedAt": "2026-11-22T03:00:00Z",
                        }
                    },
                }
            ],
            "containerStatuses": [
                {
                    "name": "a",
                    "lastState": {
                        "terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-22T02:01:14Z"}
                    },
                },
                {
                    "name": "b",
                    "lastState": {
                        "terminated": {
                            "exitCode": 137,
                            "reason": "OOMKilled",
                            "finishedAt": "2026-11-22T02:00:00Z",
                        }
                    },
                },
            ],
        }
    )
    assert got.last_exit == "Error, exit 1, 02:01:14"


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("packager:3.8.1", "3.8.1"),
        ("registry.example:5000/live/packager:3.8.1", "3.8.1"),
        ("registry.example:5000/live/packager", None),
        ("packager:3.8.1@sha256:0123456789abcdef0123", "3.8.1"),
        ("packager@sha256:0123456789abcdef0123", "sha256:0123456789ab"),
        ("", None),
        (None, None),
    ],
)
def test_the_version_is_the_tag_of_the_image(image, tag):
    assert image_tag([Container(image=image)]) == tag


def test_events_of_both_forms_tell_the_same(vector):
    exchanges = [exchange["response"].get("body") for exchange in vector("events-pod")]
    old = read(EVENTS, exchanges[0]["items"][0])
    new = read(EVENTS, exchanges[6]["items"][0])
    assert old == new
    assert old.kind == "Pod"
    assert old.regarding == "pending-unschedulable"
    assert old.is_warning and old.count == 1
    assert old.first_at == datetime(2026, 11, 22, 14, 50, 43, 204713, tzinfo=UTC)
    assert old.message.startswith("0/3 nodes are available")


def test_an_event_series_tells_its_count_and_its_last_time(vector):
    got = read(
        EVENTS,
        {
            "metadata": {"name": "e"},
            "eventTime": "2026-11-22T02:00:00.000001Z",
            "lastTimestamp": None,
            "series": {"count": 7, "lastObservedTime": "2026-11-22T02:05:00.5Z"},
            "type": "Normal",
        },
    )
    assert (got.count, got.is_warning) == (7, False)
    assert got.last_at == datetime(2026, 11, 22, 2, 5, 0, 500000, tzinfo=UTC)
    repeated = next(one for exchange in vector("events-pod") for one in exchange["response"].get("lines") or [])[
        "object"
    ]
    assert read(EVENTS, repeated).count == repeated["count"] > 1


def test_recorded_nodes_tell_readiness_and_pressure(vector):
    nodes = {n["metadata"]["name"]: read(NODES, n) for n in vector("node-objects")[0]["response"]["body"]["items"]}
    assert nodes["worker-1"].is_ready is True
    assert nodes["worker-3"].is_ready is not True
    assert read(
        NODES,
        {
            "metadata": {"name": "x"},
            "status": {
                "conditions": [
                    {"type": "Ready", "status": "Unknown"},
                    {"type": "DiskPressure", "status": "True"},
                    {"type": "MemoryPressure", "status": "False"},
                ]
            },
        },
    ).pressures == ("DiskPressure",)


def test_a_recorded_rollout_is_rolling_and_then_is_not(vector):
    lines = next(e["response"]["lines"] for e in vector("rollout-restart") if e["request"]["query"].get("watch"))
    told = [read(DEPLOYMENTS, line["object"]) for line in lines]
    assert told[0].is_rolling
    assert not told[-1].is_rolling
    assert told[-1].progress_reason == "NewReplicaSetAvailable"
    assert told[-1].revision == 2


def test_the_tool_that_owns_a_deployment_is_named():
    argo = {"metadata": {"name": "d", "annotations": {"argocd.argoproj.io/tracking-id": "x"}}}
    flux = {"metadata": {"name": "d", "labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}}
    assert read(DEPLOYMENTS, argo).owner_tool == "argo"
    assert read(DEPLOYMENTS, flux).owner_tool == "flux"
    assert read(DEPLOYMENTS, {"metadata": {"name": "d"}}).owner_tool is None
    assert read(DEPLOYMENTS, {"metadata": {"name": "d"}}).desired == 1


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0001-01-01T00:00:00Z",
        "yesterday",
        "9999-12-31T23:59:59-23:59",
        "2026-13-40T99:00:00Z",
        "x" * 9999,
    ],
)
def test_a_time_that_makes_no_sense_is_no_time(text):
    assert timestamp(text) is None


def test_nanoseconds_and_offsets_are_understood():
    assert timestamp("2026-11-22T04:00:00.123456789+02:00") == datetime(2026, 11, 22, 2, 0, 0, 123456, tzinfo=UTC)


def test_escape_sequences_do_not_pass():
    got = pod(status={"phase": "Run\x1b]52;c;aGk=\x07ning"}, labels={"a\u202e": "b\x1b[2J"})
    assert got.status == "Running"
    assert got.labels == {"a": "b"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"null", None),
        (b"{}", None),
        (b'{"metadata":null}', None),
        (b'{"metadata":{"name":""}}', None),
        (b'{"metadata":{"name":7}}', None),
        (b'{"metadata":{"name":"x","labels":{"a":1}}}', "x"),
        (b'{"metadata":{"name":"x","creationTimestamp":5}}', "x"),
        (b'{"metadata":{"name":"x\xff"}}', None),
        (b"[" * 100_000, None),
        (b'{"metadata":{"name":"x","uid":[]},"spec":{},"status":{}}', "x"),
    ],
)
def test_what_cannot_be_read_is_unreadable_and_names_whose_it_was(kind, raw, key):
    with pytest.raises(Unreadable) as caught:
        item(kind, raw, PLACE)
    assert (caught.value.key or "").rpartition("/")[2] == (key or "")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _paths(value, path=()):
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*path, index))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # `vector` only reads a file
@given(data=st.data())
def test_an_object_with_anything_anywhere_is_read_or_unreadable(data, vector):
    name, kind = data.draw(st.sampled_from([("pod-states", PODS), ("node-objects", NODES), ("events-pod", EVENTS)]))
    obj = data.draw(st.sampled_from(vector(name)[0]["response"]["body"]["items"]))
    path = data.draw(st.sampled_from([p for p in _paths(obj) if p and "managedFields" not in p]))
    at = obj
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = data.draw(_json)
    try:
        got = item(kind, json.dumps(obj).encode(), PLACE)
    except Unreadable:
        return
    assert got.key.startswith("c1/")
