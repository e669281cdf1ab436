from __future__ import annotations

import copy

import pytest


async def test_a_plain_list_and_the_list_of_a_namespace_that_is_not_there(replay, recorded):
    server, steps = await replay(), recorded("list-pods-plain")
    server.load(steps[0]["response"]["body"])
    for step in steps:
        await server.compare(step)


async def test_all_pages_are_one_snapshot(replay, recorded):
    server, steps = await replay(), recorded("list-limit-continue")
    server.load(*(step["response"]["body"] for step in steps[:3]))
    for number, step in enumerate(steps):
        garbage = step["request"]["query"].get("continue") == "not-a-token"
        # The words of a JSON parser are not ours to copy.
        body = await server.compare(step, anything=("message",) if garbage else ())
        if garbage:
            assert body["message"].startswith("invalid continue token: continue key is not valid: ")
        if number == 0:
            server.store.delete("pods", "misc", "web-4")
            server.load(steps[2]["response"]["body"])


async def test_an_expired_token_is_a_410_that_carries_the_token_of_the_remainder(replay, recorded):
    server, steps = await replay(), recorded("list-continue-expired-410")
    first, remainder = steps[0]["response"]["body"], steps[2]["response"]["body"]
    later = copy.deepcopy(remainder["items"][-1])
    later["metadata"] |= {"name": "page-4", "uid": "c0ffee"}
    server.load(first, remainder, {**remainder, "items": [later]})
    await server.compare(steps[0])
    for item in first["items"]:
        item["data"]["v"] = "2"
    server.load(first)
    server.store.compact()
    for step in steps[1:]:
        await server.compare(step)
    assert server.known["281"] != server.known["286"]


async def test_the_versions_a_list_may_be_asked_at(replay, recorded):
    server, steps = await replay(), recorded("list-resourceversion")
    server.load(steps[0]["response"]["body"], steps[1]["response"]["body"])
    server.store.apply({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "misc"},
                        "status": {"phase": "Active"}})
    for number, step in enumerate(steps):
        if number == 3:
            server.load(steps[4]["response"]["body"])
        await server.compare(step, sort=number == 0)


async def test_version_zero_ignores_the_limit(replay, recorded):
    server, steps = await replay(), recorded("list-rv0-ignores-limit")
    server.load(steps[0]["response"]["body"])
    server.store.delete("configmaps", "misc", "nothing")
    for number, step in enumerate(steps):
        await server.compare(step, sort=number == 0)


@pytest.mark.parametrize("name", ["error-404", "error-401", "metrics-k8s-io-404"])
async def test_refusals(replay, recorded, name):
    server = await replay()
    for step in recorded(name):
        about_build = step["request"]["path"] == "/version" and step["response"]["status"] == 200
        await server.compare(step, anything=("gitCommit", "gitTreeState", "buildDate", "goVersion") if about_build else ())


async def test_without_anonymous_access_no_credentials_are_a_401(replay, recorded):
    server = await replay(anonymous=False)
    for step in recorded("error-401-no-credentials"):
        await server.compare(step)


async def test_what_a_viewer_is_forbidden(replay, recorded):
    server = await replay()
    web = next(one for one in recorded("list-pods-plain")[0]["response"]["body"]["items"]
               if one["metadata"]["name"] == "web-0")
    nodes = recorded("node-objects")[0]["response"]["body"]
    for node in nodes["items"]:
        for condition in node["status"]["conditions"]:
            condition["status"] = "Unknown"
    steps = recorded("error-403-rbac")
    server.load({"kind": "PodList", "apiVersion": "v1", "items": [web]}, nodes, steps[0]["response"]["body"])
    # The last asks for a pod that is not there and a subresource that is not served: it is forbidden before either.
    for step in steps:
        await server.compare(step)
