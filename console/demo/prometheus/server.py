"""The HTTP API of the embedded Prometheus.

A handler reads parameters, `query` does the work, one middleware turns a PromError into Prometheus' error
envelope. Every query runs in a thread, so that a chart over a week does not hold up the playlists that the
same process serves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from console.demo.haproxy.balancer import Balancer
from console.demo.prometheus import query
from console.demo.prometheus.durations import parse_duration
from console.demo.prometheus.errors import BadData, PromError
from console.demo.prometheus.matchers import Labels, Matcher
from console.demo.prometheus.nodes import Selector
from console.demo.prometheus.parser import parse
from console.demo.prometheus.series import METRICS, Catalogue
from console.demo.world.traffic import Traffic
from console.demo.world.world import World

VERSION = "3.5.0"
DEFAULT_TIMEOUT_MS = 120_000
MAX_BODY_BYTES = 256 * 1024

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def app(world: World, clock: Callable[[], datetime], traffic: Traffic | None = None,
        balancers: tuple[Balancer, ...] | None = None) -> web.Application:
    """The server over `world`, whose now is `clock` (aware UTC)."""
    api = _Api(Catalogue(world, clock, traffic, balancers), clock)
    application = web.Application(middlewares=[_errors], client_max_size=MAX_BODY_BYTES)
    for path, handler in (
        ("/api/v1/query", api.instant),
        ("/api/v1/query_range", api.range),
        ("/api/v1/series", api.series),
        ("/api/v1/labels", api.labels),
    ):
        application.router.add_get(path, handler)
        application.router.add_post(path, handler)
    application.router.add_get("/api/v1/label/{name}/values", api.label_values)
    application.router.add_get("/api/v1/metadata", api.metadata)
    application.router.add_get("/api/v1/status/buildinfo", api.buildinfo)
    for path, text in (
        ("/-/ready", "Prometheus Server is Ready.\n"),
        ("/-/healthy", "Prometheus Server is Healthy.\n"),
        ("/", "Prometheus of the embedded platform; its API is under /api/v1.\n"),
    ):
        application.router.add_get(path, _plain(text))
    return application


def _plain(text: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text)

    return answer


def _success(data: Any) -> web.Response:
    return web.Response(
        body=msgspec.json.encode({"status": "success", "data": data}), content_type="application/json"
    )


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except PromError as error:
        body = {"status": "error", "errorType": error.error_type, "error": str(error)}
        return web.Response(
            status=error.status, body=msgspec.json.encode(body), content_type="application/json"
        )


class _Api:
    def __init__(self, catalogue: Catalogue, clock: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._clock = clock

    async def instant(self, request: web.Request) -> web.Response:
        given = await _parameters(request)
        time_ms = self._time(given, "time", self._now_ms())
        timeout_ms = _timeout(given)
        text = given.get("query", "")
        # An instant query may still hold a range of days; a thread costs a tenth of a millisecond.
        return _success(await asyncio.to_thread(query.instant, self._catalogue, text, time_ms, timeout_ms))

    async def range(self, request: web.Request) -> web.Response:
        given = await _parameters(request)
        start_ms, end_ms = self._time(given, "start"), self._time(given, "end")
        step_ms = _step(given)
        arguments = (self._catalogue, given.get("query", ""), start_ms, end_ms, step_ms, _timeout(given))
        return _success(await asyncio.to_thread(query.over_range, *arguments))

    async def series(self, request: web.Request) -> web.Response:
        given = await _parameters(request)
        if not given.getall("match[]", []):
            raise BadData("no match[] parameter provided")
        return _success([dict(labels) for labels in _limited(self._selected(given), given)])

    async def labels(self, request: web.Request) -> web.Response:
        given = await _parameters(request)
        names = {name for labels in self._selected(given) for name, _ in labels}
        return _success(_limited(sorted(names), given))

    async def label_values(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if not _LABEL_NAME.fullmatch(name):
            raise BadData(f'invalid label name: "{name}"')
        given = await _parameters(request)
        values = {value for labels in self._selected(given) for label, value in labels if label == name}
        return _success(_limited(sorted(values), given))

    async def metadata(self, request: web.Request) -> web.Response:
        given = await _parameters(request)
        wanted = given.get("metric", "")
        metrics = [metric for metric in METRICS.values() if not wanted or metric.name == wanted]
        return _success(
            {m.name: [{"type": m.type, "help": m.help, "unit": ""}] for m in _limited(metrics, given)}
        )

    async def buildinfo(self, request: web.Request) -> web.Response:
        return _success(
            {
                "version": VERSION,
                "revision": "",
                "branch": "HEAD",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
            }
        )

    def _now_ms(self) -> int:
        return int(self._clock().timestamp() * 1000)

    def _time(self, given: MultiDictProxy[str], name: str, default: int | None = None) -> int:
        text = given.get(name, "")
        if not text and default is not None:
            return default
        return _moment(name, text)

    def _selected(self, given: MultiDictProxy[str]) -> list[Labels]:
        """Label sets of the series that have a sample between `start` and `end`, any of the `match[]`
        given."""
        start_ms = self._time(given, "start", -(2**53))
        end_ms = self._time(given, "end", self._now_ms())
        if end_ms < start_ms:
            raise BadData('invalid parameter "end": end timestamp must not be before start time')
        found: dict[Labels, None] = {}
        for matchers in [_match(text) for text in given.getall("match[]", [])] or [()]:
            for series in self._catalogue.select(matchers):
                if series.time(series.first) <= end_ms and series.time(series.last) >= start_ms:
                    found[series.labels] = None
        return sorted(found)


def _match(text: str) -> tuple[Matcher, ...]:
    expr = parse(text)
    if not isinstance(expr, Selector) or expr.range_ms is not None:
        raise BadData(f'invalid parameter "match[]": expected a series selector, got: {text}')
    return expr.matchers


def _limited(items: Iterable[T], given: MultiDictProxy[str]) -> list[T]:
    text = given.get("limit", "0")
    if not text.isdigit():
        raise BadData(f'invalid parameter "limit": limit must be non-negative, got {text!r}')
    found = list(items)
    return found[: int(text)] if int(text) else found


async def _parameters(request: web.Request) -> MultiDictProxy[str]:
    """URL and form parameters together; the form's come first, as in Go's ParseForm."""
    given: MultiDict[str] = MultiDict()
    if request.method == "POST":
        try:
            form = await request.post()
        except ValueError as error:
            raise BadData(f"error parsing form values: {error}") from error
        given.extend((name, value) for name, value in form.items() if isinstance(value, str))
    given.extend(request.query)
    return MultiDictProxy(given)


def _moment(name: str, text: str) -> int:
    """Unix milliseconds from seconds (with a fraction) or RFC 3339."""
    try:
        seconds = float(text)
        if not -1e11 < seconds < 1e11:
            raise ValueError
        return round(seconds * 1000)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or "T" not in text:
            raise ValueError
    except ValueError:
        raise BadData(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp') from None
    return round(moment.timestamp() * 1000)


def _span(name: str, text: str) -> int:
    """Milliseconds from seconds (with a fraction) or a duration."""
    try:
        seconds = float(text)
        if not -1e9 < seconds < 1e9:
            raise BadData(
                f'invalid parameter "{name}": cannot parse "{text}" to a valid duration, it overflows'
            )
        return round(seconds * 1000)
    except ValueError:
        pass
    try:
        return parse_duration(text)
    except ValueError:
        raise BadData(f'invalid parameter "{name}": cannot parse "{text}" to a valid duration') from None


def _step(given: MultiDictProxy[str]) -> int:
    return _span("step", given.get("step", ""))


def _timeout(given: MultiDictProxy[str]) -> int:
    text = given.get("timeout", "")
    return min(_span("timeout", text), DEFAULT_TIMEOUT_MS) if text else DEFAULT_TIMEOUT_MS
