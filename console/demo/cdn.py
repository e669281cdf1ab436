"""The steering API of a CDN broker: which share of a property's viewers goes to which CDN.

`GET` and `PUT /v1/properties/PROPERTY/weights`, guarded the way such an API is: a bearer token that reads or one
that writes, a strong ETag over what is in force, a PUT without If-Match refused (428), with another's ETag too
(412). What it does *not* guard is as true: all weight on one CDN and a sum of 0 are taken without a word. The
viewers follow over the TTL that the answer names (world/traffic.py).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256

import msgspec
from aiohttp import web

from console.demo.wire import IDENTITY, Bearers
from console.demo.world.traffic import CDNS, PROPERTIES, TTL_S, Traffic
from console.demo.world.truth import rfc3339

MAX_BODY_BYTES = 64 * 1024
MAX_WEIGHT = 1_000_000
READER, WRITER = "cdn-reader", "cdn-writer"


class Refused(Exception):
    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


def tokens(reader: str, writer: str) -> Bearers:
    """WRITER may write; everybody else it knows may read."""
    return Bearers({reader: READER, writer: WRITER})


def _json(value: object, status: int = 200, **headers: str) -> web.Response:
    return web.Response(body=msgspec.json.encode(value) + b"\n", status=status,
                        content_type="application/json", headers=headers)


def _plain(weight: float) -> float | int:
    return int(weight) if weight == int(weight) else weight


def etag(weights: dict[str, float]) -> str:
    """By the weights alone: who puts back what was there gets the old ETag back."""
    said = "/".join(f"{cdn}={weights[cdn]!r}" for cdn in sorted(weights))
    return f'"{sha256(said.encode()).hexdigest()[:20]}"'


def _matches(if_match: str, current: str) -> bool:
    """RFC 9110 13.1.1, by strong comparison: a weak ETag never matches."""
    return if_match.strip() == "*" or current in [one.strip() for one in if_match.split(",")]


def _weights(body: bytes) -> dict[str, float]:
    """Raises Refused: 400 for what is no such object, 422 for one whose content cannot be."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as wrong:
        raise Refused(400, "bad_request", f"body is not JSON: {wrong}") from wrong
    if not isinstance(read, dict) or set(read) != {"weights"} or not isinstance(read["weights"], dict):
        raise Refused(400, "bad_request", 'body must be {"weights": {CDN: NUMBER, ...}} and nothing else')
    weights: dict[str, object] = read["weights"]
    unknown = sorted(set(weights) - set(CDNS))
    if unknown:
        raise Refused(422, "unknown_cdn", f"no CDN {', '.join(unknown)}; the property has {', '.join(CDNS)}")
    missing = [cdn for cdn in CDNS if cdn not in weights]
    if missing:
        raise Refused(422, "incomplete", f"weights of {', '.join(missing)} missing; a PUT replaces them all")
    found: dict[str, float] = {}
    for cdn, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise Refused(422, "invalid_weight", f"weight of {cdn} must be a number")
        # Written so that NaN is refused too.
        if not 0 <= weight <= MAX_WEIGHT:
            raise Refused(422, "invalid_weight", f"weight of {cdn} must lie in 0..{MAX_WEIGHT}")
        found[cdn] = float(weight)
    return found


def app(traffic: Traffic, clock: Callable[[], datetime], bearers: Bearers) -> web.Application:
    changed: list[tuple[datetime, str]] = []
    """When and by whom it was last written; empty before."""

    @web.middleware
    async def errors(request: web.Request,
                     handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as wrong:
            said = str(wrong).encode(errors="replace").decode()
            answer = _json({"error": wrong.error, "message": said}, wrong.status)
            if wrong.status == 401:
                answer.headers["WWW-Authenticate"] = 'Bearer realm="steering"'
            return answer
        except web.HTTPNotFound:
            return _json({"error": "not_found", "message": f"no resource {request.path}"}, 404)
        except web.HTTPMethodNotAllowed as wrong:
            return _json({"error": "method_not_allowed", "message": f"no {request.method} here"}, 405,
                         Allow=",".join(sorted(wrong.allowed_methods)))
        except web.HTTPRequestEntityTooLarge:
            return _json({"error": "too_large", "message": f"body above {MAX_BODY_BYTES} bytes"}, 413)

    def asked(request: web.Request, *, write: bool) -> str:
        """The property. Who asks is looked at before what is asked for, as nobody may learn names by guessing."""
        name = bearers.name(request)
        if not name:
            raise Refused(401, "unauthorized", "a bearer token is required")
        if write and name != WRITER:
            raise Refused(403, "forbidden", f"{name} may not write weights")
        property = request.match_info["property"]
        if property not in PROPERTIES:
            raise Refused(404, "not_found", f"no property {property}")
        return property

    def shown(property: str) -> web.Response:
        weights = traffic.weights()
        body: dict[str, object] = {"property": property, "ttl_s": TTL_S,
                                   "weights": {cdn: _plain(weight) for cdn, weight in weights.items()}}
        if changed:
            body |= {"updatedAt": rfc3339(changed[-1][0]), "updatedBy": changed[-1][1]}
        return _json(body, ETag=etag(weights))

    async def properties(request: web.Request) -> web.Response:
        if not bearers.name(request):
            raise Refused(401, "unauthorized", "a bearer token is required")
        return _json({"properties": PROPERTIES})

    async def get(request: web.Request) -> web.Response:
        answer = shown(asked(request, write=False))
        if request.headers.get("If-None-Match", "").strip() == answer.headers["ETag"]:
            return web.Response(status=304, headers={"ETag": answer.headers["ETag"]})
        return answer

    async def put(request: web.Request) -> web.Response:
        property = asked(request, write=True)
        if request.content_type != "application/json":
            raise Refused(415, "unsupported_media_type", "weights are application/json")
        body = await request.read()
        if_match = request.headers.get("If-Match")
        if if_match is None:
            raise Refused(428, "precondition_required", "If-Match with the ETag of the last GET is required")
        current = etag(traffic.weights())
        if not _matches(if_match, current):
            raise Refused(412, "precondition_failed", f"the weights have changed: ETag is {current}")
        read, t = _weights(body), clock()
        weights = {cdn: read[cdn] for cdn in CDNS}
        traffic.set(weights, t)
        changed[:] = [(t, bearers.name(request))]
        return shown(property)

    application = web.Application(middlewares=[errors], client_max_size=MAX_BODY_BYTES)
    application[IDENTITY] = bearers
    application.router.add_get("/v1/properties", properties)
    application.router.add_get("/v1/properties/{property}/weights", get)
    application.router.add_put("/v1/properties/{property}/weights", put)
    return application
