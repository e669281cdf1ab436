"""A reflector against a scripted server: what a real one, a proxy, or a broken network does to a watch."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import timedelta
from itertools import pairwise

import pytest

from console.model.failure import FailureKind
from console.model.severity import State
from console.sources.kubernetes import Connection, KubeTarget, Pace, events, pods

GONE = {
    "kind": "Status",
    "status": "Failure",
    "message": "too old resource version",
    "reason": "Expired",
    "code": 410,
}


def source(api, clock, pace=None, stale_after_s=30.0, connection=None, **target):
    where = KubeTarget(cluster="c1", url=api.url, timeout_s=2.0, **target)
    return pods(where, clock, pace=pace, stale_after_s=stale_after_s, connection=connection)


async def test_a_list_becomes_the_first_reading_and_the_watch_begins_at_its_version(api, clock, reading, until):
    api.pod("a")
    api.pod("b")
    async with reading(source(api, clock)) as reader:
        first = await reader.until_names("a", "b")
        assert first.state is State.LIVE
        assert first.value.changed is None
        assert set(first.value.items) == {"c1/live/a", "c1/live/b"}
        await until(lambda: api.watched)
    assert api.listed[0].query == {"limit": "500"}
    asked = api.watched[0].query
    assert asked["resourceVersion"] == "12"
    assert asked["allowWatchBookmarks"] == "true"
    assert 300 <= int(asked["timeoutSeconds"]) <= 600


async def test_events_change_the_objects_and_say_which(api, clock, reading, until):
    api.pod("a")
    async with reading(source(api, clock)) as reader:
        await reader.until_names("a")
        await until(lambda: api.open_watches)
        await api.push("ADDED", api.pod("b", phase="Pending"))
        added = await reader.until_names("a", "b")
        assert added.value.changed == {"c1/live/b"}
        await api.push("MODIFIED", api.pod("b", phase="Running"))
        changed = await reader.until(
            lambda r: r.value.items.get("c1/live/b", None) and r.value.items["c1/live/b"].status == "Running"
        )
        assert changed.value.resource_version == "13"
        await api.push("DELETED", api.pod("a"))
        gone = await reader.until_names("b")
        assert gone.value.changed == {"c1/live/a"}
        await api.push("SOMETHING_NEW", {"metadata": {"name": "x"}})
        await api.push("ADDED", api.pod("c"))
        await reader.until_names("b", "c")
    assert len(api.listed) == 1


async def test_a_reading_once_given_does_not_change(api, clock, reading, until):
    api.pod("a")
    async with reading(source(api, clock)) as reader:
        first = await reader.until_names("a")
        await until(lambda: api.open_watches)
        await api.push("ADDED", api.pod("b"))
        await reader.until_names("a", "b")
        assert set(first.value.items) == {"c1/live/a"}
        with pytest.raises(TypeError):
            first.value.items["c1/live/x"] = None


@pytest.mark.parametrize("how", ["in the stream", "as a status"])
async def test_410_lists_again_and_what_was_deleted_meanwhile_is_gone(api, clock, reading, how):
    api.pod("a")
    api.pod("b")

    async def expired(wire, asked):
        del api.objects["b"]
        api.pod("c")
        if how == "as a status":
            await wire.reply(410, GONE)
            return
        await wire.begin()
        await wire.line({"type": "ERROR", "object": GONE})
        await wire.end()

    api.watches.append(expired)
    async with reading(source(api, clock)) as reader:
        await reader.until_names("a", "b")
        again = await reader.until_names("a", "c")
        assert again.value.changed == {"c1/live/b", "c1/live/c"}
        assert again.state is State.LIVE
        assert "1 relist" in reader.source.note
    assert [asked.query.get("resourceVersion") for asked in api.listed] == [None, None]
    assert all(reading.error is None for reading in reader.all)


@pytest.mark.parametrize("how", ["in the stream", "as a status"])
async def test_after_an_outage_410_is_followed_at_once_and_what_is_outdated_is_not_called_live(api, fast_clock, reading, how):
    """As a restarted API server does it: its cache is new, and our version is older. However long we had knocked before,
    the list comes next and not after one more wait.
    """

    class Unlucky(random.Random):
        """Always waits as long as it may: 0.8, 1.6 ... 12.8 s, and 25.6 s would be next."""

        def uniform(self, a, b):
            return b

    clock = fast_clock(speed=25.0)
    api.pod("a")
    listed_at = []

    async def cut(wire, asked):
        await wire.begin()
        del api.objects["a"]
        api.pod("b")
        wire.cut()

    async def refused(wire, asked):
        await wire.reply(503, b"starting", "text/plain")

    async def expired(wire, asked):
        listed_at.append(clock.now().mono)
        if how == "as a status":
            await wire.reply(410, GONE)
            return
        await wire.begin()
        await wire.line({"type": "ERROR", "object": GONE})
        await wire.end()

    async def slowly(wire, asked):
        listed_at.append(clock.now().mono)
        await asyncio.sleep(0.3)  # a large list: the old objects are on the screen meanwhile
        await wire.reply(200, api.list_body())

    async def all_there(wire, asked):
        await wire.reply(200, api.list_body())

    api.watches.extend([cut, *[refused] * 5, expired])
    api.lists.extend([all_there, slowly])
    async with reading(pods(KubeTarget(cluster="c1", url=api.url), clock, rng=Unlucky(1))) as reader:
        await reader.until_names("b")
    assert listed_at[1] - listed_at[0] < 15.0, "one more wait before the list"
    outdated = [one for one in reader.all if one.value is not None and "c1/live/a" in one.value.items]
    assert outdated[-1].state is State.ERROR


async def test_a_server_that_always_says_410_is_asked_ever_more_slowly(api, clock, fast_clock, reading, until):
    api.pod("a")

    async def expired(wire, asked):
        api.watches.append(expired)
        await wire.reply(410, GONE)

    api.watches.append(expired)
    slow = fast_clock(speed=1.0)
    async with reading(source(api, slow)):
        await until(lambda: len(api.listed) >= 4)
        began = slow.now().mono
        await asyncio.sleep(0.3)
        assert slow.now().mono - began >= 0.3
    assert len(api.listed) <= 4 + 8


async def test_a_quiet_watch_of_events_ends_properly_before_its_silence_looks_like_a_dead_line(api, clock, reading, until):
    """An API server never sends bookmarks for events, and a night may pass without any."""
    api.kind = "Event"
    source = events(KubeTarget(cluster="c1", url=api.url), clock)
    async with reading(source):
        await until(lambda: api.watched)
    assert int(api.watched[0].query["timeoutSeconds"]) < Pace().silence_s - 15


async def test_bookmarks_move_the_version_and_are_not_stored(api, clock, reading, until):
    api.pod("a")

    async def bookmarked(wire, asked):
        await wire.begin()
        await wire.line(
            {
                "type": "BOOKMARK",
                "object": {"kind": "Pod", "metadata": {"resourceVersion": "777", "creationTimestamp": None}},
            }
        )
        await wire.end()

    api.watches.append(bookmarked)
    async with reading(source(api, clock)) as reader:
        await until(lambda: len(api.watched) == 2)
        await reader.until_names("a")
        assert "watching from 777" in reader.source.note
    assert api.watched[1].query["resourceVersion"] == "777"
    assert len(api.listed) == 1


async def test_a_torn_line_is_thrown_away_and_asked_for_again(api, clock, reading, until):
    api.pod("a")

    async def torn(wire, asked):
        await wire.begin()
        await wire.line({"type": "ADDED", "object": api.pod("b")})
        await wire.chunk(json.dumps({"type": "ADDED", "object": api.pod("c")}).encode()[:60])
        wire.cut()

    async def rest(wire, asked):
        await wire.begin()
        await wire.line({"type": "ADDED", "object": api.objects["c"]})
        await api.stay(wire)

    api.watches.extend([torn, rest])
    async with reading(source(api, clock)) as reader:
        await reader.until_names("a", "b", "c")
        assert "1 watch cut off" in reader.source.note
    assert api.watched[1].query["resourceVersion"] == "12"
    assert len(api.listed) == 1


async def test_the_proper_end_of_a_watch_is_followed_by_the_next_without_a_list(api, clock, fast_clock, reading, until):
    api.pod("a")
    quick = fast_clock(speed=400.0)

    async def ends_after_a_while(wire, asked):
        await wire.begin()
        began = quick.now().mono
        await until(lambda: quick.now().mono - began > 2.0)
        await wire.end()

    api.watches.extend([ends_after_a_while] * 3)
    async with reading(source(api, quick)) as reader:
        await until(lambda: len(api.watched) == 4)
        assert all(reading.state is State.LIVE for reading in reader.all)
    assert len(api.listed) == 1


async def test_watches_that_end_at_once_are_not_a_hot_loop(api, fast_clock, reading, until):
    api.pod("a")

    async def ends(wire, asked):
        api.watches.append(ends)
        await wire.begin()
        await wire.end()

    api.watches.append(ends)
    slow = fast_clock(speed=1.0)
    async with reading(source(api, slow)):
        await until(lambda: api.watched)
        began = slow.now().mono
        await until(lambda: slow.now().mono - began > 0.5)
    assert len(api.watched) <= 12


async def test_a_watch_that_falls_silent_is_opened_again_from_the_last_version(api, clock, reading, until):
    api.pod("a")
    async with reading(source(api, clock, Pace(silence_s=0.1))) as reader:
        await until(lambda: len(api.watched) >= 2)
        assert "cut off" in reader.source.note
        assert reader.last.state is State.LIVE
        await until(lambda: api.open_watches)
    assert len(api.listed) == 1


async def test_a_quiet_watch_is_live_again_and_again(api, clock, reading, until):
    api.pod("a")
    async with reading(source(api, clock, stale_after_s=2.0)) as reader:
        await until(lambda: len(reader.all) >= 6)
        readings = list(reader.all)
    assert {reading.state for reading in readings} == {State.LIVE}
    assert all(reading.value.changed == frozenset() for reading in readings[2:])
    gaps = [b.received.mono - a.received.mono for a, b in pairwise(readings[1:])]
    assert min(gaps) > 0
    assert readings[-1].value.items is readings[-2].value.items  # nothing changed, nothing copied


async def test_a_watch_that_is_not_answered_proves_nothing(api, clock, reading, until):
    async def silent(wire, asked):
        await asyncio.Event().wait()

    api.pod("a")
    api.watches.append(silent)
    async with reading(source(api, clock, stale_after_s=2.0)) as reader:
        first = await reader.until_names("a")
        began = clock.now().mono
        await until(lambda: clock.now().mono - began > 20)
        assert reader.last.received.mono - first.received.mono < 1.0, "the age must grow"


async def test_a_dead_server_is_an_error_that_keeps_the_objects_and_heals(api, clock, reading, until):
    api.pod("a")
    async with reading(source(api, clock)) as reader:
        live = await reader.until_names("a")
        await api.stop()
        dead = await reader.until(lambda r: r.state is State.ERROR)
        assert dead.error.kind is FailureKind.UNREACHABLE
        assert dead.value.items == live.value.items
        assert dead.received.mono < clock.now().mono
        count = len(reader.all)
        began = clock.now().mono
        await until(lambda: clock.now().mono - began > 40)
        assert len(reader.all) <= count + 1, "a dead source must not pretend to live"
        api.pod("b")
        await api.start()
        api.watches.append(_late(api, "b"))
        await reader.until(lambda r: r.state is State.LIVE and len(r.value.items) == 2)


def _late(api, name):
    async def step(wire, asked):
        await wire.begin()
        await wire.line({"type": "ADDED", "object": api.objects[name]})
        await api.stay(wire)

    return step


async def test_429_is_overloaded_and_retry_after_is_honoured(api, clock, reading, until, vector):
    recorded = vector("error-429-max-inflight")[0]["response"]
    api.pod("a")

    async def too_many(wire, asked):
        await wire.reply(429, recorded["body"].encode(), recorded["headers"]["Content-Type"], Retry_After="20")

    api.lists.append(too_many)
    async with reading(source(api, clock)) as reader:
        refused = await reader.until(lambda r: r.state is State.ERROR)
        at = clock.now().mono
        assert refused.error.kind is FailureKind.OVERLOADED
        assert refused.error.retry_after_s == 20
        assert refused.value is None
        await reader.until_names("a")
        assert clock.now().mono - at > 18


async def test_401_fetches_the_credential_once_more(api, clock, reading):
    api.pod("a")
    tokens = ["Bearer old", "Bearer new"]

    async def authorization():
        return tokens.pop(0) if len(tokens) > 1 else tokens[0]

    async def refused(wire, asked):
        await wire.reply(401, {"kind": "Status", "message": "Unauthorized", "reason": "Unauthorized", "code": 401})

    api.lists.append(refused)
    async with reading(source(api, clock, authorization=authorization)) as reader:
        first = await reader.until_names("a")
        assert first.error is None
    assert [asked.headers["Authorization"] for asked in api.listed] == ["Bearer old", "Bearer new"]
    assert all(reading.state is not State.ERROR for reading in reader.all)


async def test_401_twice_is_unauthorized_and_names_no_secret(api, clock, reading):
    async def authorization():
        return "Bearer s3cr3t"

    async def refused(wire, asked):
        await wire.reply(401, {"kind": "Status", "message": "Unauthorized", "reason": "Unauthorized", "code": 401})

    api.lists.extend([refused, refused])
    async with reading(source(api, clock, authorization=authorization)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
        assert failed.error.kind is FailureKind.UNAUTHORIZED
        assert "s3cr3t" not in repr(failed)


async def test_403_names_the_permission_that_is_missing(api, clock, reading, vector):
    recorded = next(e["response"] for e in vector("error-403-rbac") if e["request"]["path"] == "/api/v1/nodes")

    async def forbidden(wire, asked):
        await wire.reply(403, recorded["body"])

    api.lists.append(forbidden)
    async with reading(source(api, clock)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
    assert failed.error.kind is FailureKind.UNAUTHORIZED
    assert 'User "viewer" cannot list resource "nodes"' in failed.error.got
    assert "list and watch on pods in the whole cluster" in failed.error.hint


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html><body>Sign in</body></html>", "text/html"),
        (
            b'{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[{"metadata":{"na',
            "application/json",
        ),
        (b'{"kind":"Pod","metadata":{"name":"a"}}', "application/json"),
        (b"[1, 2]", "application/json"),
        (b"", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"kind":"PodList","metadata":{},"items":[]}', "application/json"),
    ],
    ids=["html", "cut short", "another document", "an array", "empty", "nested", "no version"],
)
async def test_what_is_no_list_is_a_bad_answer(api, clock, reading, body, content_type):
    async def bad(wire, asked):
        await wire.reply(200, body, content_type)

    api.pod("a")
    api.lists.append(bad)
    async with reading(source(api, clock)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
        assert failed.error.kind is FailureKind.BAD_ANSWER
        await reader.until_names("a")


async def test_a_body_shorter_than_promised_is_unreachable(api, clock, reading):
    async def short(wire, asked):
        await wire.head(200, {"Content-Type": "application/json", "Content-Length": "1000"})
        await wire.raw(b'{"kind":"PodList"')
        wire.cut()

    api.pod("a")
    api.lists.append(short)
    async with reading(source(api, clock)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
        assert failed.error.kind is FailureKind.UNREACHABLE
        await reader.until_names("a")


@pytest.mark.parametrize(
    "chunk",
    [
        b"<html>login</html>",
        b"<html>\nlogin\n</html>\n",
        b'{"kind":"PodList"}\n',
        b'{"kind":"Status","code":500}',
        b"\xff\xfe\n",
    ],
)
async def test_what_is_no_watch_is_a_bad_answer_and_lists_again(api, clock, reading, until, chunk):
    async def bad(wire, asked):
        await wire.begin()
        await wire.chunk(chunk)
        await wire.end()

    api.pod("a")
    api.watches.append(bad)
    async with reading(source(api, clock)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
        assert failed.error.kind is FailureKind.BAD_ANSWER
        assert len(failed.value.items) == 1
        await reader.until(lambda r: r.state is State.LIVE and r.received.mono > failed.received.mono)


async def test_an_error_event_that_is_not_410_is_told_and_recovered_from(api, clock, reading):
    async def error(wire, asked):
        await wire.begin()
        await wire.line({"type": "ERROR", "object": {"kind": "Status", "code": 500, "message": "etcd leader changed"}})
        await wire.end()

    api.pod("a")
    api.watches.append(error)
    async with reading(source(api, clock)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
        assert "etcd leader changed" in failed.error.got
        await reader.until(lambda r: r.state is State.LIVE and r.received.mono > failed.received.mono)
    assert len(api.listed) >= 2


async def test_a_line_without_end_is_too_large(api, clock, reading, until):
    async def endless(wire, asked):
        await wire.begin()
        for _ in range(40):
            await wire.chunk(b"x" * 4096)
        await api.stay(wire)

    api.pod("a")
    api.watches.append(endless)
    async with reading(source(api, clock, Pace(line_bytes=65536))) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
        assert failed.error.kind is FailureKind.TOO_LARGE
        await reader.until(lambda r: r.state is State.LIVE and r.received.mono > failed.received.mono)


async def test_one_unreadable_object_is_left_out_and_counted(api, clock, reading, until):
    api.pod("good")
    api.pod("bad")["spec"]["containers"] = "seven"
    async with reading(source(api, clock)) as reader:
        await reader.until_names("good")
        assert "1 object unreadable" in reader.source.note
        await until(lambda: api.open_watches)
        broken = api.pod("good")
        broken["status"] = ["?"]
        await api.push("MODIFIED", broken)
        await reader.until_names()
        assert "2 objects unreadable" in reader.source.note
        await api.push("MODIFIED", api.pod("good"))
        await until(lambda: len(reader.last.value.items) == 1)
        assert "1 object unreadable" in reader.source.note


async def test_pages_are_joined_and_continue_is_passed_on(api, clock, reading):
    names = [f"p{n}" for n in range(7)]
    for name in names:
        api.pod(name)

    async def page(wire, asked):
        begin = int(asked.query.get("continue", "0"))
        size = int(asked.query["limit"])
        body = api.list_body()
        items = body["items"]
        body["items"] = items[begin : begin + size]
        if begin + size < len(items):
            body["metadata"]["continue"] = str(begin + size)
        await wire.reply(200, body)

    api.lists.extend([page] * 3)
    async with reading(source(api, clock, Pace(page_objects=3))) as reader:
        first = await reader.until(lambda r: r.value is not None)
        assert len(first.value.items) == 7
    assert [asked.query.get("continue") for asked in api.listed] == [None, "3", "6"]


async def test_an_expired_continue_token_begins_the_list_again_and_at_last_asks_for_all(api, clock, reading):
    api.pod("a")

    async def first_page(wire, asked):
        body = api.list_body()
        body["metadata"]["continue"] = "token"
        await wire.reply(200, body)

    async def expired(wire, asked):
        await wire.reply(410, {**GONE, "metadata": {"continue": "inconsistent"}})

    api.lists.extend([first_page, expired, first_page, expired])
    async with reading(source(api, clock)) as reader:
        await reader.until_names("a")
    assert [asked.query for asked in api.listed] == [
        {"limit": "500"},
        {"limit": "500", "continue": "token"},
        {"limit": "500"},
        {"limit": "500", "continue": "token"},
        {},
    ]


async def test_one_list_and_watch_for_each_namespace_merged_and_partial_when_one_is_forbidden(api, clock, reading):
    async def forbidden(wire, asked):
        await wire.reply(403, {"kind": "Status", "message": "pods is forbidden", "code": 403})

    async def by_namespace(wire, asked):
        if "/namespaces/secret/" in asked.path:
            await forbidden(wire, asked)
            return
        body = api.list_body()
        namespace = asked.path.split("/")[4]
        body["items"] = [{"metadata": {"name": f"in-{namespace}", "namespace": namespace}}]
        await wire.reply(200, body)

    api.lists.extend([by_namespace] * 50)
    async with reading(source(api, clock, namespaces=("live", "vod", "secret"))) as reader:
        seen = await reader.until(lambda r: r.value is not None and len(r.value.items) == 2)
        assert seen.state is State.PARTIAL
        assert seen.partial_reason.startswith("2 of 3 namespaces answer; secret: 403: pods is forbidden")
        assert set(seen.value.items) == {"c1/live/in-live", "c1/vod/in-vod"}


async def test_skew_is_told_from_the_date_header(api, clock, reading):
    api.pod("a")
    api.date = clock.now().utc + timedelta(seconds=3600)
    async with reading(source(api, clock)) as reader:
        first = await reader.until_names("a")
    assert first.skew_s == pytest.approx(3600, abs=30)
    assert first.as_of == first.received.utc + timedelta(seconds=first.skew_s)
    assert first.server_age_s == 0


async def test_many_events_are_folded_into_few_readings(api, clock, fast_clock, reading, until):
    api.pod("a")
    slow = fast_clock(speed=1.0)
    async with reading(source(api, slow)) as reader:
        await until(lambda: api.open_watches)
        await reader.until_names("a")
        before, began = len(reader.all), slow.now().mono
        for n in range(300):
            await api.push("ADDED", api.pod(f"p{n}"))
        await reader.until(lambda r: len(r.value.items) == 301)
        took = slow.now().mono - began
        assert len(reader.all) - before <= took / 0.1 + 2
        changed = set().union(*(r.value.changed for r in reader.all[before:]))
        assert {f"c1/live/p{n}" for n in range(300)} <= changed


async def test_closing_leaves_no_task_and_no_connection(api, clock, until):
    api.pod("a")
    before = asyncio.all_tasks()
    where = KubeTarget(cluster="c1", url=api.url)
    connection = Connection(where, clock)
    readings = source(api, clock, connection=connection).readings()
    await anext(readings)
    await until(lambda: api.open_watches)
    await readings.aclose()
    assert not connection.is_open
    await until(lambda: api.connections == 0)
    assert {task for task in asyncio.all_tasks() - before if "kubernetes" in task.get_name()} == set()


async def test_cancelling_the_reader_leaves_no_task_and_no_connection(api, clock, until):
    api.pod("a")
    connection = Connection(KubeTarget(cluster="c1", url=api.url), clock)
    watcher = source(api, clock, connection=connection)

    async def read():
        async for _ in watcher.readings():
            pass

    task = asyncio.create_task(read())
    await until(lambda: api.open_watches)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: not connection.is_open and api.connections == 0)


async def test_two_sources_share_a_connection_until_the_last_one_leaves(api, clock, reading, until):
    api.pod("a")
    connection = Connection(KubeTarget(cluster="c1", url=api.url), clock)
    async with reading(source(api, clock, connection=connection)) as first:
        async with reading(source(api, clock, connection=connection)) as second:
            await first.until_names("a")
            await second.until_names("a")
        await until(lambda: api.open_watches == 1)
        assert connection.is_open
    await until(lambda: not connection.is_open)


async def test_the_cost_is_counted(api, clock, reading, until):
    api.pod("a")
    async with reading(source(api, clock)) as reader:
        await reader.until_names("a")
        await until(lambda: api.open_watches)
        await api.push("ADDED", api.pod("b"))
        await reader.until_names("a", "b")
        cost = reader.source.cost
    assert cost.requests == 2
    assert cost.errors == 0
    assert cost.bytes_in > len(json.dumps(api.list_body()))


async def test_our_own_fault_is_one_failure_with_a_reference(api, clock, reading, monkeypatch, caplog):
    api.pod("a")

    def broken(*_):
        raise KeyError("ours")

    monkeypatch.setattr("console.sources.kubernetes.listwatch.objects_of", broken)
    async with reading(source(api, clock)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
    assert failed.error.kind is FailureKind.INTERNAL
    assert failed.error.ref in caplog.text


async def test_a_page_of_large_objects_is_asked_for_again_in_smaller_ones(api, clock, reading, until, monkeypatch):
    monkeypatch.setattr("console.sources.kubernetes.listwatch.PAGE_BYTES", 20_000)

    async def page(wire, asked):
        count = min(int(asked.query["limit"]), 40)
        items = [api.pod(f"p{number}", annotations={"x": "y" * 1000}) for number in range(count)]
        await wire.reply(200, {"kind": "PodList", "metadata": {"resourceVersion": "5"}, "items": items})

    api.lists += [page, page, page]
    async with reading(source(api, clock)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
        assert failed.error.kind is FailureKind.TOO_LARGE
        found = await reader.until(lambda r: r.state is State.LIVE)
    assert [asked.query["limit"] for asked in api.listed[:3]] == ["500", "62", "8"]
    assert len(found.value.items) == 8


async def test_large_bodies_are_read_one_after_the_other_and_small_ones_at_once(api, clock, until, monkeypatch):
    monkeypatch.setattr("console.sources.kubernetes.answer.FREE_BYTES", 1000)
    begun, let_go = [], asyncio.Event()

    async def large(wire, asked):
        begun.append(asked)
        await wire.begin()
        await wire.chunk(b" " * 1500)
        await let_go.wait()
        await wire.chunk(b"{}")
        await wire.end()

    async def small(wire, asked):
        await wire.reply(200, {"small": True})

    api.lists += [large, large, small]
    async with Connection(KubeTarget(cluster="c1", url=api.url, timeout_s=2.0), clock) as connection:
        reads = [asyncio.create_task(connection.read("/api/v1/pods", "list pods")) for _ in range(2)]
        await until(lambda: len(begun) == 2 and connection._turn.locked())
        body = await connection.read("/api/v1/pods", "list pods")
        assert json.loads(body.data) == {"small": True}
        assert not any(read.done() for read in reads)
        let_go.set()
        assert [json.loads((await read).data) for read in reads] == [{}, {}]
