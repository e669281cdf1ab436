"""What is done to be quick must not be seen: every short way gives what the long way gives."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.failure import SourceError
from console.sources.kubernetes.answer import Body, Expired, Where
from console.sources.kubernetes.connection import Connection, KubeTarget
from console.sources.kubernetes.decode import DEPLOYMENTS, EVENTS, NODES, PODS, Place
from console.sources.kubernetes.lines import Lines, LineTooLong
from console.sources.kubernetes.listwatch import ListWatch
from console.sources.kubernetes.pace import Pace
from console.sources.kubernetes.pages import Missed, objects_of
from console.sources.kubernetes.podstatus import printed, running
from console.sources.kubernetes.vocabulary import LABELS, WORDS, Known
from console.sources.kubernetes.wire import WirePod
from console.sources.meter import Meter
from tests.hand_clock import HandClock
from tests.hostile.corpus import CORPUS
from tests.hostile.terminal import offence

PLACE = Place("c1")
WHERE = Where("list pods", "c1")
KINDS = {"PodList": PODS, "DeploymentList": DEPLOYMENTS, "NodeList": NODES, "EventList": EVENTS}
TIME = "2026-11-22T02:00:00Z"


def few(*values: Any) -> st.SearchStrategy[Any]:
    """The first in half of the cases: a document of rare things only takes no short way."""
    return st.just(values[0]) | st.sampled_from(values)


RUNNING = {"running": {"startedAt": TIME}}
ENDS = [
    {"terminated": {"exitCode": code, "signal": signal, "reason": reason, "finishedAt": at}}
    for code, signal, reason, at in [(0, None, "Completed", TIME), (1, None, "Error", TIME), (137, 9, "OOM\x1b[2J", None), (None, 9, None, "never"), (3, None, "", TIME)]
]  # fmt: skip
WAITS = [{"waiting": {"reason": "CrashLoopBackOff"}}, {"waiting": {}}, {"waiting": {"reason": ""}, **RUNNING}, {"waiting": {"reason": "Killing"}, **RUNNING}, {**RUNNING, **ENDS[0]}]
SIDECAR = [{"name": "proxy", "restartPolicy": "Always"}, {"name": "app"}]
# What may stand at a place of a pod that runs; None stands for null, and ABSENT for nothing at all.
ABSENT = object()
PLACES: dict[str, list[Any]] = {
    "metadata.name": ["p1", "p2", "p3", "p\u202e", "", "x" * 300],
    "metadata.namespace": ["n\x1b[1m", None, ABSENT],
    "metadata.uid": ["x" * 300, "\x07", None],
    "metadata.resourceVersion": ["8", "", None],
    "metadata.creationTimestamp": ["0001-01-01T00:00:00Z", "soon", "2026-11-22T04:00:00.5+02:00", None],
    "metadata.deletionTimestamp": [TIME, "soon", ""],
    "metadata.labels": [{"app": "a", "app.kubernetes.io/name": "b"}, {}, None, {"app": ""}, {"topology.kubernetes.io/region": "e\u200b"}, {"a": 1}, ABSENT],
    "metadata.ownerReferences": [[], None, [{"kind": "Job", "name": "j"}], [{"kind": "a", "name": "b"}, {"kind": "c", "controller": True}], [{"kind": 1}], ABSENT],
    "spec": [None, {}, 5, ABSENT],
    "spec.nodeName": ["", "node\u202e", None],
    "spec.containers": [[], None, [{"image": "a@sha256:0123456789abcdef"}], [{}, {"image": "b:2"}], [{"image": 5}]],
    "spec.initContainers": [[], None, SIDECAR],
    "status": [None, {}, ABSENT],
    "status.phase": ["Pending", "Succeeded", "Failed", "Unknown", "Run\x1b[1m", None],
    "status.reason": ["", "Evicted", "NodeLost"],
    "status.conditions": [[], None, [{"type": "PodScheduled", "reason": "SchedulingGated"}], [{"type": "Ready", "reason": "SchedulingGated"}], [{"type": 5}]],
    "status.initContainerStatuses": [[], None, [{"name": "proxy", "started": True, "ready": True, "restartCount": 2, "state": RUNNING}], [{"name": "app", "state": ENDS[1]}]],
    "status.containerStatuses": [[], None, [{}]],
    "status.containerStatuses.0.state": [None, {}, *WAITS, *ENDS, {"running": None}],
    "status.containerStatuses.0.lastState": [None, {}, *ENDS],
    "status.containerStatuses.0.ready": [False, None, ABSENT, "yes"],
    "status.containerStatuses.0.restartCount": [0, 7, None, ABSENT, 1.5],
    "status.containerStatuses.1.state": [None, {}, *WAITS, *ENDS],
    "status.containerStatuses.1.lastState": [None, *ENDS],
    "status.containerStatuses.1.ready": [False],
}  # fmt: skip
CHANGE = st.sampled_from(list(PLACES)).flatmap(lambda place: st.tuples(st.just(place), st.sampled_from(PLACES[place])))


def pod_with(changes: list[tuple[str, Any]], name: str = "p1") -> dict[str, Any]:
    """A pod that runs, but for these."""
    container = {"ready": True, "restartCount": 1, "state": RUNNING, "lastState": {}}
    pod: Any = {
        "metadata": {"name": name, "namespace": "live", "uid": "7d1f", "resourceVersion": "7", "creationTimestamp": TIME, "labels": {"app": "x"}},
        "spec": {"nodeName": "node-1", "containers": [{"image": "a/b:1"}, {"image": "c"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{**container}, {**container}]},
    }  # fmt: skip
    for place, value in changes:
        *path, last = (int(step) if step.isdigit() else step for step in place.split("."))
        at = pod
        for step in path:
            is_there = step in at if isinstance(at, dict) else isinstance(at, list) and isinstance(step, int) and step < len(at)
            at = at[step] if is_there else None
        if isinstance(at, dict):
            at.pop(last, None) if value is ABSENT else at.update({last: value})
    return pod


POD = st.builds(pod_with, st.lists(CHANGE, max_size=3), few("p1", "p2", "p3"))
ODD = few({"metadata": {"name": "p2", "uid": 5}}, {"metadata": {"resourceVersion": "99"}}, {}, None, [], "words", {"metadata": {"name": 1}})
FRAME = st.fixed_dictionaries(
    {"object": POD | POD | ODD}, optional={"type": few("MODIFIED", "ADDED", "DELETED", "BOOKMARK", "NEWER", None)}
)


def plain(kind: Any) -> Any:
    return kind._replace(whole=None)


def watched(kind: Any, lines: list[bytes]) -> tuple[Any, ...]:
    """Everything that a watch knows after these lines, and how it ended."""
    clock = HandClock()
    connection = Connection(KubeTarget(cluster="c1", url="http://127.0.0.1:1"), clock)
    part = ListWatch(kind, connection, None, clock, Meter(clock), random.Random(1), Pace(), lambda: None)
    how: Any = None
    try:
        asyncio.run(part._take(Lines(), b"".join(line + b"\n" for line in lines), WHERE))
    except SourceError as error:
        how = error.failure
    except Expired as error:
        how = str(error)
    return part.items, list(part.items), part.touched, part.unreadable, part.nameless, part.version, how


def listed(kind: Any, data: bytes) -> tuple[Any, ...]:
    """What a page gives: head, objects in their order, what was missed, how it ended."""
    missed, found = Missed(set()), {}
    try:
        head, slices = objects_of(Body(200, {}, data, WHERE), kind, PLACE, missed)
        for some in slices:
            found.update(some)
    except SourceError as error:
        return error.failure, found, list(found), missed
    return head, found, list(found), missed


def told_both_ways(obj: dict[str, Any]) -> bool:
    """Whether the short way was open; it must then have led where the long one leads."""
    try:
        wire = msgspec.json.decode(json.dumps(obj), type=WirePod)
    except msgspec.ValidationError:
        return False
    quick, told = running(wire), printed(wire)
    if quick is None:
        return False
    assert told == ("Running", quick[0], len((wire.spec.containers if wire.spec else None) or []), quick[1]), obj
    ended = [each for each in (wire.status.container_statuses or []) if each.last_state and each.last_state.terminated]
    assert quick[2] == bool(ended)
    return True


def test_with_any_one_rare_thing_a_pod_is_told_as_the_long_way_tells_it() -> None:
    ways = [told_both_ways(pod_with([(place, value)])) for place, values in PLACES.items() for value in values]
    assert 20 < sum(ways) < len(ways) - 20


@given(POD)
def test_with_some_rare_things_a_pod_is_told_as_the_long_way_tells_it(obj: dict[str, Any]) -> None:
    told_both_ways(obj)


def test_most_pods_take_the_short_way(vector: Any) -> None:
    objects = {each["metadata"]["name"]: each for each in vector("pod-states")[0]["response"]["body"]["items"]}
    assert running(msgspec.json.decode(json.dumps(objects["running-ready"]), type=WirePod)) == (1, 0, False)
    assert running(msgspec.json.decode(json.dumps(objects["crashloop"]), type=WirePod)) is None


@settings(max_examples=60)
@given(st.lists(FRAME, max_size=8))
def test_a_watch_in_one_scan_knows_what_a_watch_in_two_knows(frames: list[dict[str, Any]]) -> None:
    lines = [json.dumps(frame).encode() for frame in frames]
    assert watched(PODS, lines) == watched(plain(PODS), lines)


@settings(max_examples=60)
@given(st.lists(POD | POD | POD | ODD, max_size=8), few("PodList", "Pod", None), few({"resourceVersion": "5"}, None, {}, {"continue": "x"}))
def test_a_page_in_one_scan_gives_what_a_page_in_two_gives(items: list[Any], kind: str | None, head: Any) -> None:
    data = json.dumps({"kind": kind, "metadata": head, "items": items}).encode()
    assert listed(PODS, data) == listed(plain(PODS), data)


RECORDED = [
    "list-limit-continue", "list-pods-plain", "node-objects", "events-pod", "pod-states", "rollout-restart",
    "watch-add-modify-delete", "watch-selector-leaves", "watch-bookmarks", "watch-compacted-410", "relist-after-410",
]  # fmt: skip


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_recorded_is_read_alike_both_ways(vector: Any, name: str) -> None:
    count = 0
    for exchange in vector(name):
        body = exchange["response"].get("body")
        if isinstance(body, dict):
            kind = KINDS.get(body.get("kind", ""), PODS)
            data = json.dumps(body).encode()
            assert listed(kind, data) == listed(plain(kind), data)
            count += 1
        lines = [json.dumps(line).encode() for line in exchange["response"].get("lines") or []]
        for kind in KINDS.values() if lines else ():
            assert watched(kind, lines) == watched(plain(kind), lines)
            count += 1
    assert count


def test_one_bad_object_after_many_good_ones_costs_only_itself() -> None:
    items: list[Any] = [{"metadata": {"name": f"p{number}"}} for number in range(450)]
    items[430] = {"metadata": {"name": ""}}  # of the right shape, so that only making sense of it fails
    items[440] = {"metadata": {"name": "p440", "labels": {"a": 1}}}
    head, found, _, missed = listed(PODS, json.dumps({"kind": "PodList", "metadata": {"resourceVersion": "5"}, "items": items}).encode())
    assert (head.resource_version, len(found), missed.keys, missed.nameless) == ("5", 448, {"c1//p440"}, 1)


@pytest.mark.parametrize("name", CORPUS)
def test_an_attack_that_is_remembered_is_as_harmless_the_second_time(name: str) -> None:
    obj = {"metadata": {"name": "p", "namespace": CORPUS[name], "labels": {CORPUS[name]: CORPUS[name]}}, "spec": {"nodeName": CORPUS[name]}}
    first, second = (PODS.read(json.dumps(obj).encode(), PLACE)[0] for _ in range(2))
    assert first == second
    for text in (second.namespace, second.node or "", *second.labels, *second.labels.values()):
        assert not offence(text)


def test_pods_with_the_same_labels_share_them() -> None:
    one, other = (PODS.read(json.dumps({"metadata": {"name": name, "labels": {"app": "x"}}}).encode(), PLACE)[0] for name in "ab")
    assert one.labels is other.labels == {"app": "x"}


def test_what_is_remembered_is_bounded_and_an_error_is_not_remembered() -> None:
    made: list[str | None] = []

    def make(said: str | None) -> str:
        made.append(said)
        if said == "bad":
            raise ValueError("bad")
        return f"<{said}>"

    known: Known[str | None, str] = Known(make, entries=4, longest=3)
    for number in range(100):
        assert known[f"{number}"] == f"<{number}>"
        assert len(known) <= 4
    assert known["99"] == "<99>" and made.count("99") == 1
    assert known["long"] == known["long"] == "<long>" and made.count("long") == 2
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            known["bad"]
    for number in range(20_000):
        assert WORDS[f"w{number}"] == f"w{number}"
        LABELS[b'{"a":"%d"}' % number]
    assert len(WORDS) <= 8192 and len(LABELS) <= 2048


@given(st.lists(st.binary(max_size=12) | st.sampled_from([b"\n", b"\n\n", b"{}\n", b" \n"]), max_size=12))
def test_however_a_stream_is_cut_its_lines_are_the_same(chunks: list[bytes]) -> None:
    lines = Lines(limit=1000)
    told = [line for chunk in chunks for line in lines.feed(chunk)]
    *whole, torn = b"".join(chunks).split(b"\n")
    assert told == [line for line in whole if line.strip()]
    assert lines.torn == torn


@pytest.mark.parametrize("chunks", [[b"x" * 11], [b"x" * 6, b"x" * 6], [b"x" * 6, b"xxxxx\n"], [b"a\n" + b"x" * 11 + b"\n"], [b"a\n" + b"x" * 11]])
def test_a_line_over_the_limit_is_refused_wherever_it_is_cut(chunks: list[bytes]) -> None:
    lines = Lines(limit=10)
    with pytest.raises(LineTooLong):
        for chunk in chunks:
            lines.feed(chunk)
