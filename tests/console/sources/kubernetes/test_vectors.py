"""Recorded exchanges of a real API server, played back: what a watch said must end in what the server then had."""

from __future__ import annotations

import pytest

from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.model.severity import State
from console.sources.kubernetes import Connection, KubeTarget, Questions, Reflector
from console.sources.kubernetes.decode import DEPLOYMENTS, PODS
from console.sources.kubernetes.kinds import Kind


def _plain(raw, place):
    """Config maps: enough of them to see which are there, and at which version."""
    value, version = PODS.read(raw, place)
    return value, version


CONFIG_MAPS = Kind("configmaps", "", "/api/v1", _plain, lambda value: value.key)


def replay(exchange):
    """A step that answers as recorded."""
    response = exchange["response"]

    async def step(wire, asked):
        headers = {name.replace("-", "_"): text for name, text in response["headers"].items() if name != "Content-Type"}
        content_type = response["headers"].get("Content-Type", "")
        if "lines" in response:
            await wire.begin(content_type)
            for line in response["lines"]:
                await wire.line(line)
            await wire.end()
        else:
            body = response["body"]
            await wire.reply(
                response["status"], body.encode() if isinstance(body, str) else body, content_type, **headers
            )

    return step


def expected(listed, lines):
    """The fold that a reflector has to reach, done the plain way."""
    objects = {o["metadata"]["name"]: o["metadata"]["resourceVersion"] for o in listed}
    for line in lines:
        meta = line["object"]["metadata"]
        if line["type"] in ("ADDED", "MODIFIED"):
            objects[meta["name"]] = meta["resourceVersion"]
        elif line["type"] == "DELETED":
            objects.pop(meta["name"], None)
    return set(objects)


def watcher(api, clock: Clock, kind):
    return Reflector(kind, Connection(KubeTarget(cluster="c1", url=api.url), clock), clock)


@pytest.mark.parametrize(
    ("name", "kind", "list_at", "watch_at"),
    [
        ("watch-add-modify-delete", PODS, 0, 1),
        ("watch-selector-leaves", PODS, 0, 1),
        ("watch-selector-leaves", PODS, 3, 4),
        ("watch-bookmarks", CONFIG_MAPS, 0, 1),
        ("relist-after-410", CONFIG_MAPS, 1, 2),
    ],
)
async def test_a_recorded_watch_ends_in_the_recorded_objects(
    api, clock, reading, until, vector, name, kind, list_at, watch_at
):
    exchanges = vector(name)
    listed, lines = exchanges[list_at]["response"]["body"]["items"], exchanges[watch_at]["response"]["lines"]
    assert lines
    api.lists.append(replay(exchanges[list_at]))
    api.watches.append(replay(exchanges[watch_at]))
    async with reading(watcher(api, clock, kind)) as reader:
        await until(lambda: len(api.watched) == 2)
        want = expected(listed, lines)
        await reader.until(lambda r: r.value is not None and {o.name for o in r.value.items.values()} == want)
        last = lines[-1]["object"]["metadata"]["resourceVersion"]
        await until(lambda: reader.last.value.resource_version == last or last in reader.source.note)
    assert (
        api.watched[0].query["resourceVersion"] == exchanges[list_at]["response"]["body"]["metadata"]["resourceVersion"]
    )
    assert api.watched[1].query["resourceVersion"] == last


async def test_the_recorded_recovery_from_410_is_list_then_watch(api, clock, reading, until, vector):
    compacted, relist, watch = vector("relist-after-410")
    api.version = 281
    api.kind = "ConfigMap"
    api.watches.extend([replay(compacted), replay(watch)])

    async def old_then_new(wire, asked):
        api.lists.append(replay(relist))
        await wire.reply(200, api.list_body())

    api.lists.append(old_then_new)
    async with reading(watcher(api, clock, CONFIG_MAPS)) as reader:
        await until(lambda: len(api.watched) >= 3)
        names = expected(relist["response"]["body"]["items"], watch["response"]["lines"])
        await reader.until(lambda r: r.value is not None and {o.name for o in r.value.items.values()} == names)
    assert [asked.query["resourceVersion"] for asked in api.watched[:2]] == ["281", "967"]
    assert len(api.listed) == 2


@pytest.mark.parametrize("at", [0, 1, 2], ids=["watch cache", "bookmarks asked", "etcd"])
async def test_every_recorded_wording_of_410_lists_again(api, clock, reading, until, vector, at):
    api.pod("a")
    api.watches.append(replay(vector("watch-compacted-410")[at]))
    async with reading(watcher(api, clock, PODS)) as reader:
        await until(lambda: len(api.listed) == 2 and api.open_watches == 1)
        assert all(r.state is not State.ERROR for r in reader.all)


async def test_a_recorded_list_whose_continue_expired_is_begun_again(api, clock, reading, vector):
    first, expired = vector("list-continue-expired-410")[:2]
    whole = vector("relist-after-410")[1]
    api.lists.extend([replay(first), replay(expired), replay(whole)])
    async with reading(watcher(api, clock, CONFIG_MAPS)) as reader:
        got = await reader.until(lambda r: r.value is not None)
        assert {o.name for o in got.value.items.values()} == expected(whole["response"]["body"]["items"], [])
    assert api.listed[1].query["continue"] == first["response"]["body"]["metadata"]["continue"]
    assert "continue" not in api.listed[2].query


async def test_recorded_pages_are_one_reading(api, clock, reading, vector):
    pages = [e for e in vector("list-limit-continue") if e["request"]["query"].get("limit") == "2"]
    run = []
    for page in pages:
        run.append(page)
        if not page["response"]["body"]["metadata"].get("continue"):
            break
    api.lists.extend(replay(page) for page in run)
    async with reading(watcher(api, clock, CONFIG_MAPS)) as reader:
        got = await reader.until(lambda r: r.value is not None)
    names = {o["metadata"]["name"] for page in run for o in page["response"]["body"]["items"]}
    assert {o.name for o in got.value.items.values()} == names
    assert len(run) > 1


async def test_a_recorded_watch_without_a_line_is_resumed_without_a_list(api, clock, reading, until, vector):
    api.pod("a")
    silent = next(e for e in vector("watch-timeoutseconds") if e["response"].get("lines") == [])
    api.watches.append(replay(silent))
    async with reading(watcher(api, clock, PODS)):
        await until(lambda: api.open_watches == 1)
    assert len(api.listed) == 1
    assert api.watched[0].query["resourceVersion"] == api.watched[1].query["resourceVersion"]


@pytest.mark.parametrize("at", [0, 2])
async def test_a_recorded_refusal_of_a_watch_is_told(api, clock, reading, vector, at):
    exchange = vector("watch-forbidden-and-bad")[at]
    api.pod("a")
    api.watches.append(replay(exchange))
    async with reading(watcher(api, clock, PODS)) as reader:
        failed = await reader.until(lambda r: r.state is State.ERROR)
    want = {403: FailureKind.UNAUTHORIZED, 404: FailureKind.NOT_FOUND}[exchange["response"]["status"]]
    assert failed.error.kind is want


async def test_a_recorded_rollout_is_followed_to_its_end(api, clock, reading, vector):
    exchange = next(e for e in vector("rollout-restart") if e["request"]["query"].get("watch"))
    api.kind = "Deployment"
    api.watches.append(replay(exchange))
    async with reading(watcher(api, clock, DEPLOYMENTS)) as reader:
        done = await reader.until(
            lambda r: r.value is not None and r.value.items and not r.value.items["c1/shop/web"].is_rolling
        )
    assert done.value.items["c1/shop/web"].revision == 2


async def test_the_recorded_version_is_asked(api, clock, vector):
    api.others.append(replay(next(e for e in vector("discovery") if e["request"]["path"] == "/version")))
    questions = Questions(Connection(KubeTarget(cluster="c1", url=api.url), clock))
    assert await questions.version() == "v1.20.2"
    assert api.asked[0].path == "/version"


async def test_recorded_access_reviews_are_answers_and_not_errors(api, clock, vector):
    questions = Questions(Connection(KubeTarget(cluster="c1", url=api.url), clock))
    reviews = [e for e in vector("self-subject-access-review") if e["response"]["status"] == 201]
    seen = set()
    for review in reviews:
        api.others.append(replay(review))
        got = await questions.access_review("get", "pods", "shop")
        assert got.is_allowed is bool(review["response"]["body"]["status"].get("allowed"))
        seen.add(got.is_allowed)
    assert seen == {True, False}
    assert b'"verb":"get"' in api.asked[0].body


async def test_recorded_logs_are_cleaned_lines(api, clock, vector):
    api.others.append(replay(vector("pod-logs")[0]))
    questions = Questions(Connection(KubeTarget(cluster="c1", url=api.url), clock))
    lines = await questions.pod_log("states", "running-ready", "app", 100)
    assert lines[0] == "starting server"
    assert any(line == "INFO coloured line" for line in lines)
    assert api.asked[0].query == {"tailLines": "100", "limitBytes": str(1024 * 1024), "container": "app"}


async def test_recorded_log_errors_are_told_in_the_servers_words(api, clock, vector):
    questions = Questions(Connection(KubeTarget(cluster="c1", url=api.url), clock))
    for exchange in vector("pod-logs-errors"):
        status, body = exchange["response"]["status"], exchange["response"]["body"]
        api.others.append(replay(exchange))
        if status < 300:
            await questions.pod_log("states", "p")
            continue
        with pytest.raises(SourceError) as caught:
            await questions.pod_log("states", "p")
        assert body["message"][:40] in caught.value.failure.got


@pytest.mark.parametrize("path", ["api/v1", "//evil.example/x", "http://evil.example/"])
async def test_a_path_cannot_lead_to_another_host(api, clock, path):
    questions = Questions(Connection(KubeTarget(cluster="c1", url=api.url), clock))
    with pytest.raises(ValueError, match="not a path"):
        await questions.get_raw(path)
    assert not api.asked


async def test_a_whole_object_is_given_as_it_is_and_html_is_not(api, clock, vector):
    questions = Questions(Connection(KubeTarget(cluster="c1", url=api.url), clock))

    async def obj(wire, asked):
        await wire.reply(200, {"kind": "Pod"})

    async def page(wire, asked):
        await wire.reply(200, b"<html>", "text/html")

    api.others.extend([obj, page])
    assert await questions.get_raw("/api/v1/namespaces/n/pods/p") == b'{"kind": "Pod"}'
    with pytest.raises(SourceError) as caught:
        await questions.get_raw("/api/v1/namespaces/n/pods/p")
    assert caught.value.failure.kind is FailureKind.BAD_ANSWER
