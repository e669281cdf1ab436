from __future__ import annotations

import copy
import json
from typing import Any


def put(server: Any, event: dict[str, Any]) -> None:
    """Makes the change that the recorded event tells of."""
    obj = event["object"]
    if event["type"] == "DELETED":
        meta = obj["metadata"]
        assert server.store.delete(f"{obj['kind'].lower()}s", meta["namespace"], meta["name"])
    else:
        server.store.apply(obj)


async def follow(server: Any, step: dict[str, Any], differ: Any, **query: str) -> None:
    """Opens the recorded watch, makes the recorded changes, and compares event by event."""
    async with server.open(step, **query) as stream:
        for wanted in step["response"]["lines"]:
            put(server, wanted)
            assert differ(wanted, await stream.event()) == []
        if step["response"]["closed_by"] == "server":
            assert await stream.rest() == []


async def test_added_modified_deleted(replay, recorded, differ):
    server, (listed, watched) = await replay(), recorded("watch-add-modify-delete")
    await server.compare(listed)
    await follow(server, watched, differ)


async def test_versions_of_a_watch_only_rise(replay, recorded):
    server, (_, watched) = await replay(), recorded("watch-add-modify-delete")
    last = 0
    async with server.open(watched, resourceVersion="1") as stream:
        for wanted in watched["response"]["lines"]:
            put(server, wanted)
            version = int((await stream.event())["object"]["metadata"]["resourceVersion"])
            assert version > last
            last = version
    assert last == server.store.revision


async def test_an_object_that_leaves_the_selection_is_deleted_to_the_watcher(replay, recorded, differ):
    server, steps = await replay(), recorded("watch-selector-leaves")
    listed, by_label, alone, pending, by_field, *refused = steps
    server.load(listed["response"]["body"])
    await server.compare(listed)
    left = copy.deepcopy(by_label["response"]["lines"][0]["object"])
    left["metadata"]["labels"] = {"app": "other"}
    async with server.open(by_label) as stream:
        server.store.apply(left)
        assert differ(by_label["response"]["lines"][0], await stream.event()) == []
        put(server, by_label["response"]["lines"][1])
        assert differ(by_label["response"]["lines"][1], await stream.event()) == []
    await server.compare(alone)
    await server.compare(pending)
    async with server.open(by_field) as stream:
        running = copy.deepcopy(alone["response"]["body"])
        running["status"]["phase"] = "Running"
        server.store.apply(running)
        gone = await stream.event()
    assert differ(by_field["response"]["lines"][0], gone) == []
    assert gone["object"]["status"]["phase"] == "Pending"
    assert gone["object"]["metadata"]["resourceVersion"] == str(server.store.revision)
    for step in refused:
        await server.compare(step)


async def test_a_version_that_was_compacted_is_one_error_in_the_stream(replay, recorded, differ):
    server, steps = await replay(), recorded("watch-compacted-410")
    server.load(recorded("list-rv0-ignores-limit")[0]["response"]["body"], recorded("events-pod")[0]["response"]["body"])
    server.known["965"] = str(server.store.revision - 1)
    server.store.compact()
    # The recorded server's watch cache outlived the compaction; ours forgets in one place, so that step is not alike.
    for step in [*steps[:3], *steps[4:5]]:
        async with server.open(step, resourceVersion="1") as stream:
            assert differ(step["response"]["lines"], await stream.rest()) == []
    server.store.apply({"kind": "Event", "apiVersion": "v1", "metadata": {"name": "late", "namespace": "states"},
                        "involvedObject": {}})
    await server.compare(steps[5])


async def test_relisting_after_a_410(replay, recorded, differ):
    server, (expired, listed, watched) = await replay(), recorded("relist-after-410")
    server.load(listed["response"]["body"])
    server.store.compact()
    async with server.open(expired, resourceVersion="1") as stream:
        assert differ(expired["response"]["lines"], await stream.rest()) == []
    await server.compare(listed)
    await follow(server, watched, differ, timeoutSeconds="1")


async def test_without_a_version_the_existing_objects_come_first_in_no_order(replay, recorded, differ):
    server, steps = await replay(), recorded("watch-rv-zero-and-unset")

    def by_name(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(events, key=lambda event: event["object"]["metadata"]["name"])

    for event in steps[0]["response"]["lines"]:
        put(server, event)
    for step in steps:
        async with server.open(step, timeoutSeconds="1") as stream:
            events = await stream.rest()
        assert differ(by_name(step["response"]["lines"]), by_name(events)) == []


async def test_bookmarks_are_nearly_empty_and_come_before_the_end(replay, recorded, differ):
    server, (_, short, _long, silent) = await replay(bookmark_s=0.03), recorded("watch-bookmarks")
    async with server.open(short, resourceVersion=str(server.store.revision), timeoutSeconds="1") as stream:
        events = await stream.rest()
    assert len(events) >= 2
    for event in events:
        assert differ(short["response"]["lines"][0], event) == []
    server = await replay()
    async with server.open(silent) as stream:
        assert await stream.rest() == silent["response"]["lines"] == []


async def test_the_last_bookmark_comes_shortly_before_the_timeout(replay, recorded):
    server, (_, short, *_) = await replay(), recorded("watch-bookmarks")
    async with server.open(short, resourceVersion=str(server.store.revision), timeoutSeconds="3") as stream:
        assert [event["type"] for event in await stream.rest()] == ["BOOKMARK"]


async def test_a_quiet_watch_ends_clean_at_its_timeout_and_resumes_without_repeating(replay, recorded, differ):
    server, (listed, quiet, busy, resumed) = await replay(), recorded("watch-timeoutseconds")
    await server.compare(listed)
    for step in (quiet, busy):
        await follow(server, step, differ, timeoutSeconds="1")
    last = str(server.store.revision)
    async with server.open(resumed, resourceVersion=last) as stream:
        assert await stream.rest() == []


async def test_a_stopping_server_ends_the_stream_without_an_error(replay, recorded, differ):
    server, (first, second) = await replay(), recorded("watch-server-shutdown")
    since = str(server.store.revision)
    put(server, first["response"]["lines"][0])
    async with server.open(first, resourceVersion="0") as stream:
        seen = await stream.event()
        server.store.close_watches()
        assert await stream.rest() == []
    assert seen["type"] == "ADDED" and int(since) < int(seen["object"]["metadata"]["resourceVersion"])
    put(server, second["response"]["lines"][0])
    version = seen["object"]["metadata"]["resourceVersion"]
    async with server.open(second, resourceVersion=version, timeoutSeconds="1") as stream:
        assert differ(second["response"]["lines"], await stream.rest()) == []


async def test_a_watch_that_cannot_start_is_an_ordinary_refusal(replay, recorded):
    server, (*refused, future) = await replay(), recorded("watch-forbidden-and-bad")
    for step in refused:
        await server.compare(step)
    async with server.open(future, timeoutSeconds="1") as stream:
        server.load(recorded("list-pods-plain")[0]["response"]["body"])
        assert await stream.rest() == []


async def test_an_old_server_does_not_know_streaming_lists(replay, recorded, differ):
    server, (refused, ignored) = await replay(), recorded("watch-sendinitialevents-ignored")
    await server.compare(refused)
    for event in ignored["response"]["lines"]:
        put(server, event)
    async with server.open(ignored, timeoutSeconds="1") as stream:
        events = await stream.rest()
    assert {e["type"] for e in events} == {"ADDED"} and len(events) == len(ignored["response"]["lines"])


async def test_a_table_watch_describes_its_columns_once(replay, recorded, differ):
    server, (listed, watched) = await replay(), recorded("watch-table")
    whole = recorded("watch-selector-leaves")[2]["response"]["body"]
    rows = [event["object"]["rows"][0] for event in watched["response"]["lines"]]

    def state(row: dict[str, Any]) -> dict[str, Any]:
        ready = {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}}
        return {**whole, "metadata": row["object"]["metadata"], "spec": {**whole["spec"], "nodeName": row["cells"][6]},
                "status": {"phase": "Running", "containerStatuses": [ready]}}

    loose = ("description", "cells")
    server.store.apply(state(listed["response"]["body"]["rows"][0]))
    ours = await server.compare(listed, anything=loose)
    assert ours["rows"][0]["cells"][:4] == listed["response"]["body"]["rows"][0]["cells"][:4]
    async with server.open(watched) as stream:
        for wanted, row in zip(watched["response"]["lines"], rows, strict=True):
            if wanted["type"] == "DELETED":
                server.store.delete("pods", "misc", "sel")
            else:
                server.store.apply(state(row))
            event = await stream.event()
            assert differ(wanted, event, anything=loose) == []
            assert event["object"]["rows"][0]["cells"][:4] == row["cells"][:4]


async def test_events_repeat_as_modified_with_a_higher_count(replay, recorded, differ):
    server, steps = await replay(), recorded("events-pod")
    server.load(steps[0]["response"]["body"], steps[2]["response"]["body"])
    for step in steps[:4]:
        if "regarding.name" in json.dumps(step["request"]["query"]):
            continue
        await server.compare(step)
    watched = steps[5]
    async with server.open(watched, resourceVersion=str(server.store.revision)) as stream:
        put(server, watched["response"]["lines"][0])
        assert differ(watched["response"]["lines"][0], await stream.event()) == []


async def test_events_under_the_new_api_are_the_same_objects(replay, recorded):
    server, steps = await replay(), recorded("events-pod")
    server.load(steps[7]["response"]["body"], steps[2]["response"]["body"])
    for step in (steps[1], steps[6]):
        await server.compare(step)
