"""What a client of the server over a world meets, on a recent version."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from aiohttp import ClientPayloadError

from console.demo.kubernetes.access import User
from console.demo.world.names import CHANNELS

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def test_400_pods_in_one_page_take_less_than_15_ms(platform):
    server = await platform()
    spent = []
    for _ in range(8):
        begin = time.perf_counter()
        async with server.client.get("/api/v1/pods?limit=500") as answer:
            body = await answer.read()
        spent.append(time.perf_counter() - begin)
    assert min(spent) < 0.015
    assert len(json.loads(body)["items"]) == 428


@pytest.mark.parametrize("version", ["1.31", "1.20"])
async def test_versions_differ_in_the_groups_they_serve(platform, version):
    server = await platform(kube_version=version)
    new = version == "1.31"
    assert (await server.get("/version"))["minor"] == version.split(".")[1]
    policy = {v["version"] for g in (await server.get("/apis"))["groups"] if g["name"] == "policy" for v in g["versions"]}
    assert policy == ({"v1"} if new else {"v1beta1"})
    for path, served in (("/apis/policy/v1/poddisruptionbudgets", new), ("/apis/batch/v1/cronjobs", new),
                         ("/apis/policy/v1beta1/poddisruptionbudgets", not new), ("/apis/autoscaling/v2", new)):
        async with server.client.get(path) as answer:
            assert answer.status == (200 if served else 404), path
    pod = (await server.get("/api/v1/pods?limit=1"))["items"][0]
    types = {c["type"] for c in pod["status"]["conditions"]}
    assert ("PodReadyToStartContainers" in types) is new


async def test_streaming_lists_are_refused_while_their_gate_is_off(platform):
    server = await platform()
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with server.client.get(f"/api/v1/pods?{query}") as answer:
        body = await answer.json()
    assert (answer.status, body["reason"], body["details"]["kind"]) == (422, "Invalid", "ListOptions")
    assert "WatchList feature gate" in body["message"]


async def test_with_the_gate_on_a_streaming_list_ends_its_first_part_with_a_marked_bookmark(platform):
    server = await platform(watch_list=True)
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    async with server.watch(f"/api/v1/nodes?{query}") as stream:
        events = [await stream.event() for _ in range(25)]
    assert {e["type"] for e in events[:24]} == {"ADDED"}
    mark = events[24]
    assert mark["type"] == "BOOKMARK"
    assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(mark["object"]["metadata"]["resourceVersion"]) >= max(
        int(e["object"]["metadata"]["resourceVersion"]) for e in events[:24])


async def test_a_quiet_watch_has_bookmarks_unless_it_is_of_events_or_from_the_future(platform):
    server = await platform(bookmark_s=0.02)
    now = int((await server.get("/api/v1/events"))["metadata"]["resourceVersion"])
    for path, since, are_there in (("pods", now, True), ("pods", now + 9999, False), ("events", now, False)):
        query = f"watch=1&resourceVersion={since}&allowWatchBookmarks=true&timeoutSeconds=2"
        async with server.watch(f"/api/v1/{path}?{query}") as stream:
            lines = await stream.rest()
        assert ({line["type"] for line in lines} == {"BOOKMARK"}) if are_there else lines == [], (path, since)


async def test_paging_through_a_changing_cluster_is_one_moment(platform):
    server = await platform("bad-deploy")
    first = await server.get("/api/v1/pods?limit=150")
    names = [one["metadata"]["name"] for one in first["items"]]
    page = first
    while token := page["metadata"].get("continue"):
        server.to(30 + len(names))
        page = await server.get(f"/api/v1/pods?limit=150&continue={token}")
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        names += [one["metadata"]["name"] for one in page["items"]]
    assert len(names) == len(set(names)) == 428


async def test_a_watch_tells_the_rollout(platform):
    server = await platform("bad-deploy")
    listed = await server.get("/api/v1/namespaces/live/pods?labelSelector=app%3Dpackager-emea")
    version = listed["metadata"]["resourceVersion"]
    query = f"watch=1&labelSelector=app%3Dpackager-emea&resourceVersion={version}"
    async with server.watch(f"/api/v1/namespaces/live/pods?{query}") as stream:
        held = {one["metadata"]["uid"]: one for one in listed["items"]}
        for second in (20.6, 22.1, 25, 30, 60):
            server.to(second)
        while len(held) != 4 or any(not one["status"]["containerStatuses"][0]["restartCount"] for one in held.values()):
            event = await stream.event()
            if event["type"] == "DELETED":
                del held[event["object"]["metadata"]["uid"]]
            else:
                held[event["object"]["metadata"]["uid"]] = event["object"]
    assert {one["spec"]["containers"][0]["image"].rpartition(":")[2] for one in held.values()} == {"3.8.2"}


async def test_the_cluster_moves_by_itself(platform, clock, eventually):
    server = await platform("bad-deploy", tick_s=0.01)
    clock.to(30)

    async def rolled_out():
        deployment = await server.get("/apis/apps/v1/namespaces/live/deployments/packager-emea")
        return deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":3.8.2")

    await eventually(rolled_out)


async def test_all_watches_can_be_cut_in_the_middle_of_a_line(platform):
    server = await platform()
    async with server.watch("/api/v1/nodes?watch=1&resourceVersion=0") as stream:
        for _ in range(24):
            await stream.event()
        assert server.store.close_watches("cut") == 1
        with pytest.raises((ClientPayloadError, AssertionError)):
            await stream.event()


async def test_open_watches_can_be_expired_in_the_stream(platform):
    server = await platform()
    version = (await server.get("/api/v1/nodes"))["metadata"]["resourceVersion"]
    async with server.watch(f"/api/v1/nodes?watch=1&resourceVersion={version}") as stream:
        server.store.close_watches("expired")
        (event,) = await stream.rest()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_a_stalled_server_sends_nothing_and_does_not_end(platform):
    server = await platform()
    version = (await server.get("/api/v1/nodes"))["metadata"]["resourceVersion"]
    async with server.watch(f"/api/v1/nodes?watch=1&timeoutSeconds=1&resourceVersion={version}") as stream:
        server.store.stalled = True
        server.to(61)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(stream.response.content.readline(), 0.3)
        server.store.stalled = False
        assert (await stream.event())["type"] == "MODIFIED"


async def test_a_watch_whose_client_left_is_closed(platform, eventually):
    server = await platform()
    async with server.watch("/api/v1/nodes?watch=1") as stream:
        await stream.event()
        assert len(server.store.watches) == 1

    async def closed():
        return not server.store.watches

    await eventually(closed)


async def test_a_list_from_the_future_waits_for_it(platform):
    server = await platform(too_large_wait_s=5.0)
    wanted = server.store.revision + 1
    asked = asyncio.ensure_future(server.get(f"/api/v1/nodes?resourceVersion={wanted}"))
    async with asyncio.timeout(5):
        while not asked.done():
            server.to((server.clock.now - server.clock.start).total_seconds() + 30)
            await asyncio.sleep(0.01)
    assert int((await asked)["metadata"]["resourceVersion"]) >= wanted


@pytest.mark.parametrize(("method", "path", "status"), [
    ("DELETE", "/api/v1/namespaces/live/pods/nope", 403),
    ("POST", "/api/v1/namespaces/live/pods", 403),
    ("PATCH", "/apis/apps/v1/namespaces/live/deployments/packager-emea", 403),
    ("PUT", "/apis/apps/v1/namespaces/live/deployments/packager-emea/scale", 403),
    ("DELETE", "/api/v1/namespaces/live/pods", 403),
    ("POST", "/version", 405),
    ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405),
    ("GET", "/apis/apps/v1/deployments/packager-emea", 404),
    ("GET", "/api/v1/namespaces/live/nodes", 404),
    ("GET", "/api/v1/namespaces/live/pods/x/exec", 404),
    ("GET", "/api/v1/nodes?limit=many", 400),
    ("GET", "/api/v1/nodes?watch=1&timeoutSeconds=soon", 400),
])
async def test_refusals_are_a_status_with_the_code_of_the_answer(platform, method, path, status):
    server = await platform()
    async with server.client.request(method, path) as answer:
        body = await answer.json()
    assert (answer.status, body["kind"], body["code"], body["status"]) == (status, "Status", status, "Failure")
    assert body["message"]


async def test_a_write_by_who_may_only_read_changes_nothing_and_says_so(platform):
    server = await platform()
    before = server.store.revision
    path = "/apis/apps/v1/namespaces/live/deployments/packager-emea"
    async with server.client.patch(path, json={"spec": {"replicas": 0}}) as answer:
        assert 'User "system:anonymous" cannot patch resource "deployments"' in (await answer.json())["message"]
    assert server.store.revision == before


async def test_what_cannot_be_served_in_the_accepted_form_is_406(platform):
    server = await platform()
    async with server.client.get("/api/v1/pods", headers={"Accept": "application/vnd.kubernetes.protobuf"}) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (406, "NotAcceptable")


async def test_a_table_of_all_pods(platform):
    server = await platform("bad-deploy")
    server.to(60)
    table = await server.get("/api/v1/namespaces/live/pods?labelSelector=app%3Dpackager-emea", Accept=TABLE)
    for row in table["rows"]:
        _, ready, status, restarts, *_ = row["cells"]
        assert (ready, status) == ("0/1", "CrashLoopBackOff") and restarts.startswith("2 (")
        assert row["object"]["kind"] == "PartialObjectMetadata"


async def test_scale_shows_wanted_and_there(platform):
    server = await platform()
    scale = await server.get("/apis/apps/v1/namespaces/live/deployments/packager-apac/scale")
    assert (scale["kind"], scale["spec"], scale["status"]["replicas"]) == ("Scale", {"replicas": 5}, 5)


async def test_logs_are_the_same_for_the_same_span_and_speak_of_the_channel(platform):
    server = await platform()
    pods = await server.get("/api/v1/namespaces/live/pods?labelSelector=app%3Dpackager-emea")
    name, channel = (pods["items"][0]["metadata"][k] for k in ("name", "labels"))
    path = f"/api/v1/namespaces/live/pods/{name}/log"
    texts = []
    for _ in range(2):
        async with server.client.get(f"{path}?tailLines=20&timestamps=true") as answer:
            texts.append(await answer.text())
    assert texts[0] == texts[1] and texts[0].count("\n") == 20
    assert channel["channel"] in texts[0] and channel["channel"] in {c.name for c in CHANNELS}
    async with server.client.get(f"{path}?sinceSeconds=10") as answer:
        assert (await answer.text()).count("\n") == 5


async def test_the_previous_log_of_a_crashed_packager_ends_in_its_panic(platform):
    server = await platform("bad-deploy")
    server.to(60)
    pods = await server.get("/api/v1/namespaces/live/pods?labelSelector=app%3Dpackager-emea")
    name = pods["items"][0]["metadata"]["name"]
    async with server.client.get(f"/api/v1/namespaces/live/pods/{name}/log?previous=true") as answer:
        text = await answer.text()
    assert "panic:" in text and "late by" in text


async def test_tokens_turn_access_control_on(platform):
    server = await platform(tokens={"t": User("ann", "admin")})
    for headers, status in (({}, 403), ({"Authorization": "Bearer x"}, 401), ({"Authorization": "Basic t"}, 401),
                            ({"Authorization": "Bearer t"}, 200)):
        async with server.client.get("/api/v1/nodes?limit=1", headers=headers) as answer:
            assert answer.status == status


async def test_the_reader_of_an_open_server_is_told_what_it_may_do(platform):
    server = await platform()
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for verb, allowed in (("list", True), ("delete", False)):
        spec = {"resourceAttributes": {"verb": verb, "resource": "pods", "namespace": "live"}}
        async with server.client.post(path, json={"kind": "SelfSubjectAccessReview", "spec": spec}) as answer:
            assert (answer.status, (await answer.json())["status"]["allowed"]) == (201, allowed)
    async with server.client.post(path, data=b"{") as answer:
        assert answer.status == 400
