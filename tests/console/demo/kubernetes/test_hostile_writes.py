"""Every field of the written kinds set to what does not belong there: refused or taken, and the cluster lives on."""

from __future__ import annotations

import json

import pytest

from console.demo.kubernetes import credentials

TOKENS = credentials.Tokens("r", "w", "n")
VALUES = (None, -1, "x", [{}], {"a": 1})
OBJECTS = ("/apis/apps/v1/namespaces/platform/deployments/config-api",
           "/apis/autoscaling/v2/namespaces/vod/horizontalpodautoscalers/vod-api",
           "/apis/autoscaling/v1/namespaces/vod/horizontalpodautoscalers/vod-api",
           "/apis/policy/v1/namespaces/live/poddisruptionbudgets/origin", "/api/v1/nodes/emea-node-02",
           "/api/v1/namespaces/default/pods/debug-shell", "/apis/apps/v1/namespaces/platform/deployments/config-api/scale")


def pointers(value, path=""):
    """Every place in the object that a client may write to, as JSON pointers; of lists only the first element."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in items:
        if path == "" and key in ("status", "kind", "apiVersion"):
            continue
        here = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        yield here
        yield from pointers(inner, here)


@pytest.mark.parametrize("path", OBJECTS)
async def test_no_value_in_any_field_breaks_the_server_or_the_controllers(platform, path):
    server = await platform(tokens=TOKENS.users(), open_=True)
    headers = {"Authorization": "Bearer w", "Content-Type": "application/json-patch+json"}
    original = await server.get(path)
    taken, second = 0, 0
    for pointer in pointers(original):
        for value in VALUES:
            patch = [{"op": "replace", "path": pointer, "value": value}]
            async with server.client.patch(path, data=json.dumps(patch), headers=headers) as answer:
                assert answer.status in (200, 400, 404, 409, 422, 500), (pointer, value)
                body = await answer.json()
            assert body["kind"] == "Status" or answer.status == 200, (pointer, value, body)
            if answer.status == 200:
                taken, second = taken + 1, second + 3
                server.to(second)
                async with server.client.put(path, data=json.dumps({**original, "metadata": {
                        k: v for k, v in original["metadata"].items() if k != "resourceVersion"}}), headers={
                            **headers, "Content-Type": "application/json"}) as answer:
                    assert answer.status in (200, 404), (pointer, value, await answer.text())
    server.to(second + 30)
    assert taken and (await server.get("/api/v1/namespaces/live/pods"))["items"]
