"""The platform of a site with canaries: the embedded one's servers, and what they say is poisoned.

Log lines, pods, events, alerts and errors get canaries of the shapes that credentials have, and secrets that the configuration
names; one server takes nothing and quotes every header and address it was shown, as a debugging proxy does.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from console.demo import alertmanager, hls
from console.demo.elasticsearch import server as elasticsearch
from console.demo.kubernetes import server as kubernetes
from console.demo.prometheus import server as prometheus
from console.demo.world.names import ORIGIN
from console.demo.world.world import World
from tests.canaries.bird import jwt, token

FOREIGN = {
    name: token(f"foreign {name}")
    for name in ("url login", "url query", "bearer", "assigned", "slack", "env", "annotation", "alert", "generator", "event", "prometheus",
                 "kubernetes error", "path signature")
} | {"jwt": jwt("foreign")}  # fmt: skip
"""What others put in: found by its shape."""
EVERY = 3
POSTED: web.AppKey[list[tuple[str, bytes]]] = web.AppKey("posted", list)


class Poison:
    """`known`: secrets of the configuration that turn up in log lines."""

    def __init__(self) -> None:
        self.known: list[str] = []
        self.asked: set[str] = set()
        self.posted: list[tuple[str, bytes]] = []

    def lines(self) -> list[str]:
        f = FOREIGN
        return [
            f"GET https://ops:{f['url login']}@origin.example/live/x.m3u8?sig={f['url query']} 403",
            f"upstream refused Authorization: Bearer {f['bearer']}",
            f'config reloaded: {{"api_key": "{f["assigned"]}", "retries": 3}}',
            f"posting with xoxb-1111-{f['slack']} failed",
            f"id_token {f['jwt']} is expired",
            f"/live/hdnts=exp=1999999999~acl=/*~hmac={f['path signature']}/uk/index.m3u8 of http://e/live/hdnts=exp=1~hmac={f['path signature']}/a",
            *(f"login as ops failed, tried {each}" for each in self.known),
        ]

    @web.middleware
    async def poisoned(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        if request.query.get("query") == "poisoned_metric":
            return web.json_response({"status": "error", "errorType": "bad_data", "error": f"password={FOREIGN['prometheus']} at http://u:{FOREIGN['prometheus']}@p/"}, status=400)
        answer: web.StreamResponse = await handler(request)
        if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes) or "json" not in (answer.content_type or ""):
            return answer
        told = json.loads(answer.body)
        self._poison(request.path, told)
        headers = {name: value for name, value in answer.headers.items() if name not in ("Content-Length", "Content-Type", "Content-Encoding")}
        return web.json_response(told, status=answer.status, headers=headers)

    def _poison(self, path: str, told: Any) -> None:
        if path.endswith("_search") and isinstance(told, dict):
            lines = self.lines()
            for at, hit in enumerate(told.get("hits", {}).get("hits", [])):
                if at % EVERY == 0 and "message" in hit.get("_source", {}):
                    hit["_source"]["message"] = lines[at // EVERY % len(lines)]
                    hit["_source"].setdefault("log", {})["level"] = "error"
                    self.asked.add("lines")
        elif path.endswith("/pods"):
            for pod in told.get("items", []):
                pod["metadata"].setdefault("annotations", {})["vault/token"] = FOREIGN["annotation"]
                for container in pod["spec"]["containers"]:
                    container["env"] = [{"name": "DB_PASSWORD", "value": FOREIGN["env"]}]
                for status in pod["status"].get("containerStatuses", [])[:1]:
                    status["ready"] = False
                    status["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": f"password={FOREIGN['env']}"}}
                self.asked.add("pods")
        elif path.endswith("/events"):
            for event in told.get("items", []):
                event["message"] = event["note"] = f"pull http://u:{FOREIGN['event']}@registry/x?token={FOREIGN['event']} failed"
        elif path.endswith("/nodes"):
            told.clear()
            told.update({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403, "reason": "Forbidden",
                         "message": f"nodes is forbidden: token={FOREIGN['kubernetes error']}", "metadata": {}})
        elif path.endswith("/alerts"):
            for alert in told:
                if alert["labels"].get("severity") == "critical":
                    alert["annotations"]["summary"] = f"call http://u:{FOREIGN['alert']}@pager/?k={FOREIGN['alert']} secret={FOREIGN['alert']}"
                    alert["generatorURL"] = f"http://u:{FOREIGN['generator']}@prom/graph?token={FOREIGN['generator']}"
                    self.asked.add("alerts")


async def _refuse(request: web.Request) -> web.Response:
    """Quotes all it was shown, but for what a chat was told."""
    if request.method == "POST":
        request.app[POSTED].append((request.path, await request.read()))
    usual = ("Host", "Connection", "User-Agent", "Accept", "Accept-Encoding")  # what is cut off is found by nobody
    said = f"403 {request.path_qs} { {name: value for name, value in request.headers.items() if name not in usual} }"
    return web.json_response({"error": said, "message": said, "ok": False, "msg": said, "code": 9499}, status=403, reason=None)


async def _no_channels(_: web.Request) -> web.Response:
    return web.json_response({"channels": []})


@asynccontextmanager
async def hostile() -> AsyncIterator[tuple[Mapping[str, str], Poison]]:
    """The servers of one site, with a fault that has lasted a minute; robot and slack refuse too, quoting."""
    start = datetime.now(UTC) - timedelta(seconds=80)
    world, poison = World(1, "bad-deploy", start, duration_s=3600), Poison()

    def clock() -> datetime:
        return datetime.now(UTC)

    refusing = web.Application()
    refusing[POSTED] = poison.posted
    refusing.router.add_get("/channels.json", _no_channels)
    refusing.router.add_route("*", "/{path:.*}", _refuse)
    applications = {
        "prometheus": prometheus.app(world, clock),
        "alertmanager": alertmanager.app(world, clock, peer=0, cluster=alertmanager.Cluster(clock)),
        "elasticsearch": elasticsearch.app(world, clock),
        "kubernetes": kubernetes.app(world, clock),
        "hls": hls.app(world, clock, ORIGIN),
        "refusing": refusing,
    }
    async with AsyncExitStack() as stack:
        urls = {}
        for name, application in applications.items():
            if name != "refusing":
                application.middlewares.append(poison.poisoned)
            server = TestServer(application, host="127.0.0.1")
            await server.start_server()
            stack.push_async_callback(server.close)
            urls[name] = str(server.make_url("")).rstrip("/")
        urls["robot"] = urls["slack"] = urls["refusing"]
        yield urls, poison
