"""Alertmanager's v2 read API, in the shapes of 0.25 and later.

Two peers are two apps over the same alerts: labels and fingerprints are equal, `updatedAt` differs by the
moment each was told, as in a real cluster. Fingerprints are computed as Alertmanager does (FNV-1a over the
sorted labels), so that they survive a restart and an alert keeps its link. Errors come as they come there: a
JSON string with 400 for a matcher, go-openapi's `{code, message}` for a path or a method that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote_plus

import msgspec
from aiohttp import web

from console.demo.world.alerts import Alert, alerts
from console.demo.world.truth import rfc3339
from console.demo.world.world import World

RESEND = timedelta(minutes=1)
"""Prometheus tells of a firing alert again this often; `endsAt` lies four times as far ahead."""
PEER_LAG_S = 0.037
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
_MATCHER = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)


class BadRequest(ValueError):
    """Answered with 400 and its text as a JSON string."""


class Matcher(NamedTuple):
    name: str
    operator: str
    value: str
    pattern: re.Pattern[str] | None

    def accepts(self, labels: dict[str, str]) -> bool:
        """A label that is not there counts as empty."""
        found = labels.get(self.name, "")
        if self.pattern is None:
            return (found == self.value) == (self.operator == "=")
        return (self.pattern.fullmatch(found) is not None) == (self.operator == "=~")


def parse_matcher(text: str) -> Matcher:
    """`name="value"` or bare, with = != =~ !~. Raises BadRequest in Alertmanager's words."""
    parts = _MATCHER.fullmatch(text)
    if parts is None:
        raise BadRequest(f"bad matcher format: {text}")
    name, operator, raw = parts.groups()
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        raw = raw[1:-1]
    if re.search(r'(?<!\\)(?:\\\\)*"', raw):
        raise BadRequest(f"matcher value contains unescaped double quote: {parts.group(3)}")
    value = re.sub(r'\\([n"\\])', lambda found: "\n" if found.group(1) == "n" else found.group(1), raw)
    if operator in ("=", "!="):
        return Matcher(name, operator, value, None)
    try:
        return Matcher(name, operator, value, re.compile(value, re.DOTALL))
    except re.error as wrong:
        raise BadRequest(f"error parsing regexp: {wrong.msg}: `{value}`") from wrong


def fingerprint(labels: dict[str, str]) -> str:
    """prometheus/common's Fingerprint: FNV-1a, 64 bit, names and values in name order, each ended by 0xFF."""
    total = 14695981039346656037
    for name in sorted(labels):
        for byte in (*name.encode(), 0xFF, *labels[name].encode(), 0xFF):
            total = ((total ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{total:016x}"


def gettable(alert: Alert, t: datetime, peer: int) -> dict[str, object]:
    """An alert as the v2 API shows it. `updatedAt` never lies before `startsAt` nor after `t`."""
    resent = alert.starts_at + (t - alert.starts_at) // RESEND * RESEND
    updated = min(t, resent + timedelta(seconds=PEER_LAG_S * (1 + 2 * peer)))
    return {
        "annotations": alert.annotations,
        "endsAt": rfc3339(updated + 4 * RESEND),
        "fingerprint": fingerprint(alert.labels),
        "receivers": [{"name": alert.receiver}],
        "startsAt": rfc3339(alert.starts_at),
        "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
        "updatedAt": rfc3339(updated),
        "generatorURL": f"http://prometheus.midwatch.test/graph?g0.expr={quote_plus(alert.expression)}&g0.tab=1",
        "labels": alert.labels,
    }


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value) + b"\n", status=status,
                        content_type="application/json", headers={"Cache-Control": "no-store"})


def _flag(request: web.Request, name: str) -> bool:
    """go-openapi's idea of a boolean: absent or empty is the default, true; what is no word for true is false
    and never an error."""
    return request.query.get(name, "").lower() in _TRUE


def app(world: World, clock: Callable[[], datetime], peer: int = 0) -> web.Application:
    """`peer` is 0 or 1: which of the two this one is."""

    @web.middleware
    async def errors(request: web.Request,
                     handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        try:
            return await handler(request)
        except BadRequest as wrong:
            return _json(str(wrong), 400)
        except web.HTTPMethodNotAllowed as wrong:
            allowed = ",".join(sorted(wrong.allowed_methods - {"HEAD"}))
            answer = _json({"code": 405, "message": f"method {request.method} is not allowed, "
                                                    f"but [{allowed}] are"}, 405)
            answer.headers["Allow"] = allowed
            return answer
        except web.HTTPNotFound:
            if request.path.startswith("/api/v2/"):
                path = request.path.removeprefix("/api/v2")
                return _json({"code": 404, "message": f"path {path} was not found"}, 404)
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
        # No alert here is ever silenced or inhibited, so those two flags have nothing to leave out.
        matchers = [parse_matcher(text) for text in request.query.getall("filter", [])]
        receiver = _receiver(request.query.get("receiver", ""))
        t = clock()
        shown = [
            gettable(alert, t, peer) for alert in (alerts(world, t) if active else ())
            if all(matcher.accepts(alert.labels) for matcher in matchers)
            and (receiver is None or receiver.fullmatch(alert.receiver))
        ]
        return _json(sorted(shown, key=lambda alert: str(alert["fingerprint"])))

    async def silences(request: web.Request) -> web.Response:
        for text in request.query.getall("filter", []):
            parse_matcher(text)
        return _json([])

    async def receivers(request: web.Request) -> web.Response:
        return _json([{"name": "video-oncall"}, {"name": "deadman"}])

    async def healthy(request: web.Request) -> web.Response:
        return web.Response(text="OK")

    application = web.Application(middlewares=[errors])
    application.router.add_get("/api/v2/status", status)
    application.router.add_get("/api/v2/alerts", list_alerts)
    application.router.add_get("/api/v2/silences", silences)
    application.router.add_get("/api/v2/receivers", receivers)
    application.router.add_get("/-/healthy", healthy)
    application.router.add_get("/-/ready", healthy)
    return application


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
