"""A child: an API server of one list and one watch, both rendered before the first request, so that it never waits.

The pod is one that a real kube-apiserver answered (tests/vectors/kubernetes/pod-states.json, `running-ready`), under
other names. Prints its port on stdout; ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any

from aiohttp import web

from tests.bench.harness import ROOT

PAGE = 500
LIST_VERSION = 1_000_000
EVENTS_A_CHUNK = 20


def recorded() -> dict[str, Any]:
    exchanges = json.loads((ROOT / "tests/vectors/kubernetes/pod-states.json").read_bytes())["exchanges"]
    pods = exchanges[0]["response"]["body"]["items"]
    found: dict[str, Any] = next(pod for pod in pods if pod["metadata"]["name"] == "running-ready")
    return found


def pod(base: dict[str, Any], number: int, version: int, restarts: int = 0) -> bytes:
    service = f"packager-{number % 40}"
    meta = {
        **base["metadata"],
        "name": f"{service}-7c9d8b5f6d-{number:05}",
        "namespace": f"live-{number % 8}",
        "uid": f"7d1f6c52-0000-4000-8000-{number:012}",
        "resourceVersion": str(version),
        "labels": {"app": service, "pod-template-hash": "7c9d8b5f6d", "topology.kubernetes.io/region": "emea"},
    }
    spec = {**base["spec"], "nodeName": f"node-{number % 200:03}"}
    statuses = [{**each, "restartCount": restarts} for each in base["status"]["containerStatuses"]]
    whole = {"metadata": meta, "spec": spec, "status": {**base["status"], "containerStatuses": statuses}}
    return json.dumps(whole, separators=(",", ":")).encode()


def pages(count: int) -> list[bytes]:
    """The whole list in pages of PAGE; the continue token is the number of the next one."""
    base = recorded()
    rendered = []
    for start in range(0, count, PAGE):
        stop = min(count, start + PAGE)
        meta = {"resourceVersion": str(LIST_VERSION), "selfLink": ""}
        if stop < count:
            meta |= {"continue": str(stop // PAGE), "remainingItemCount": count - stop}  # type: ignore[dict-item]
        head = f'{{"kind":"PodList","apiVersion":"v1","metadata":{json.dumps(meta)},"items":['.encode()
        rendered.append(head + b",".join(pod(base, number, number + 1) for number in range(start, stop)) + b"]}\n")
    return rendered


def events(pods: int, count: int) -> list[bytes]:
    """Changes of pods of the list, in chunks."""
    base = recorded()
    lines = [
        b'{"type":"MODIFIED","object":' + pod(base, each * 7 % pods, LIST_VERSION + each + 1, each + 1) + b"}\n"
        for each in range(count)
    ]
    return [b"".join(lines[start : start + EVENTS_A_CHUNK]) for start in range(0, count, EVENTS_A_CHUNK)]


async def serve(pods: int, changes: int) -> None:
    listed, watched = pages(pods), events(pods, changes)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("watch") != "true":
            at = int(request.query.get("continue") or 0)
            return web.Response(body=listed[at], content_type="application/json")
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        stream.enable_chunked_encoding()
        await stream.prepare(request)
        for chunk in watched:
            await stream.write(chunk)
        await asyncio.Event().wait()
        return stream

    app = web.Application()
    app.router.add_get("/api/v1/pods", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
    print(runner.addresses[0][1], flush=True)
    await done.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
