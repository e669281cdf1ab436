"""The handlers of one peer. Errors come as they come there: a JSON string with 400 for a matcher, go-openapi's
`{code, message}` for a path, a method or a body that is not as the API's description has it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

import msgspec
from aiohttp import web

from console.demo.alertmanager.alert import gettable
from console.demo.alertmanager.errors import BadRequest, Invalid
from console.demo.alertmanager.gossip import Cluster
from console.demo.alertmanager.matcher import parse_matcher
from console.demo.alertmanager.posted import draft
from console.demo.alertmanager.silence import Silence, in_order
from console.demo.world.alerts import alerts
from console.demo.world.truth import rfc3339
from console.demo.world.world import World

_CONFIG = """\
route:
  receiver: video-oncall
  group_by: [alertname, region]
  routes:
  - receiver: deadman
    matchers: [alertname="Watchdog"]
receivers:
- name: video-oncall
- name: deadman
"""
_TRUE = frozenset(("", "true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"))


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value) + b"\n", status=status,
                        content_type="application/json", headers={"Cache-Control": "no-store"})


def _flag(request: web.Request, name: str) -> bool:
    """go-openapi's idea of a boolean: absent or empty is the default, true; what is no word for true is false
    and never an error."""
    return request.query.get(name, "").lower() in _TRUE


def _refused(status: int, code: int, message: str) -> web.Response:
    """go-openapi's own, which ends without a newline."""
    return web.Response(body=msgspec.json.encode({"code": code, "message": message}), status=status,
                        content_type="application/json")


def app(world: World, clock: Callable[[], datetime], peer: int = 0,
        cluster: Cluster | None = None) -> web.Application:
    """`peer` is 0 or 1: which of the two this one is. Peers that shall tell each other of silences are given
    the same cluster."""
    known = Cluster(clock) if cluster is None else cluster

    @web.middleware
    async def errors(request: web.Request,
                     handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadRequest as wrong:
            return _json(str(wrong), wrong.status)
        except Invalid as wrong:
            return _refused(wrong.status, wrong.code, str(wrong))
        except web.HTTPMethodNotAllowed as wrong:
            allowed = ",".join(sorted(wrong.allowed_methods - {"HEAD"}))
            answer = _refused(405, 405, f"method {request.method} is not allowed, but [{allowed}] are")
            answer.headers["Allow"] = allowed
            return answer
        except web.HTTPNotFound:
            if request.path.startswith("/api/v2/"):
                return _refused(404, 404, f"path {request.path} was not found")
            raise

    async def status(request: web.Request) -> web.Response:
        peers = [{"address": f"127.0.0.{2 + n}:9094", "name": _ulid(world.seed, n)} for n in (0, 1)]
        return _json({
            "cluster": {"name": peers[peer]["name"], "peers": peers, "status": "ready"},
            "config": {"original": _CONFIG},
            "uptime": rfc3339(world.start - timedelta(days=6, seconds=peer * 41)),
            "versionInfo": {"branch": "HEAD", "buildDate": "20240228-11:51:20", "buildUser": "root@midwatch",
                            "goVersion": "go1.21.7", "revision": "0aa3c2aad14cff039931923ab16b26b7481783b5",
                            "version": "0.27.0"},
        })

    async def list_alerts(request: web.Request) -> web.Response:
        active = _flag(request, "active")
        silenced = _flag(request, "silenced")
        # No alert here is ever inhibited, so that flag has nothing to leave out.
        matchers = [parse_matcher(text) for text in request.query.getall("filter", [])]
        receiver = _receiver(request.query.get("receiver", ""))
        t, silences = clock(), known.of(peer)
        shown = []
        for alert in alerts(world, t):
            by = silences.silencing(alert.labels, t)
            if (
                (silenced if by else active)
                and all(matcher.accepts(alert.labels) for matcher in matchers)
                and (receiver is None or receiver.fullmatch(alert.receiver))
            ):
                shown.append(gettable(alert, t, peer, by))
        return _json(sorted(shown, key=lambda alert: str(alert["fingerprint"])))

    async def list_silences(request: web.Request) -> web.Response:
        wanted = [parse_matcher(text) for text in request.query.getall("filter", [])]
        t = clock()
        found = (one for one in known.of(peer).all() if all(one.has(matcher) for matcher in wanted))
        return _json([silence.shown(t) for silence in in_order(found, t)])

    async def post_silence(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            raise Invalid(415, 415, f'unsupported media type "{request.content_type}", '
                                    "only [application/json] are allowed")
        body = await request.read()
        t = clock()
        return _json({"silenceID": known.of(peer).set(draft(body, t), t)})

    async def get_silence(request: web.Request) -> web.Response:
        silence: Silence | None = known.of(peer).get(_id(request))
        return web.Response(status=404) if silence is None else _json(silence.shown(clock()))

    async def delete_silence(request: web.Request) -> web.Response:
        found = known.of(peer).expire(_id(request), clock())
        return web.Response(status=200 if found else 404)

    async def receivers(request: web.Request) -> web.Response:
        return _json([{"name": "video-oncall"}, {"name": "deadman"}])

    async def healthy(request: web.Request) -> web.Response:
        return web.Response(text="OK")

    application = web.Application(middlewares=[errors])
    application.router.add_get("/api/v2/status", status)
    application.router.add_get("/api/v2/alerts", list_alerts)
    application.router.add_get("/api/v2/silences", list_silences)
    application.router.add_post("/api/v2/silences", post_silence)
    application.router.add_get("/api/v2/silence/{id}", get_silence)
    application.router.add_delete("/api/v2/silence/{id}", delete_silence)
    application.router.add_get("/api/v2/receivers", receivers)
    application.router.add_get("/-/healthy", healthy)
    application.router.add_get("/-/ready", healthy)
    return application


def _id(request: web.Request) -> str:
    """Raises Invalid."""
    raw = request.match_info["id"]
    try:
        UUID(raw)
    except ValueError:
        raise Invalid(422, 601, f'silenceID in path must be of type uuid: "{raw}"') from None
    return raw


def _receiver(raw: str) -> re.Pattern[str] | None:
    if not raw:
        return None
    try:
        return re.compile(raw)
    except re.error as wrong:
        raise BadRequest(f"failed to parse receiver param: {wrong.msg}: `{raw}`") from wrong


def _ulid(seed: int, peer: int) -> str:
    """A cluster member's name, as the gossip library draws one."""
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    digest = blake2b(f"{seed}/alertmanager/{peer}".encode(), digest_size=24).digest()
    return "01" + "".join(alphabet[byte % 32] for byte in digest)
