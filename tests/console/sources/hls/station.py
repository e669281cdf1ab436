"""A small HLS origin and edge on loopback, with T = 1 s, that can be broken while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from console.model.channel import Channel, Vantage
from console.model.instant import Instant
from console.model.severity import Layer
from tests.streams.media import ts_segment

T = 1
WINDOW = 6
HLS = "application/vnd.apple.mpegurl"
CORS = {"Access-Control-Allow-Origin": "*"}


class Clock:
    def now(self) -> Instant:
        return Instant(utc=datetime.now(UTC), mono=time.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Station:
    """`frozen[(host, channel, rendition)]` pins a playlist, `bodies[path]` replaces an answer, `hanging`
    (host, channel) and `hanging_paths` do not answer.
    """

    def __init__(self, ladder: tuple[str, ...] = ("720p", "360p")) -> None:
        self.ladder = ladder
        self.frozen: dict[tuple[str, str, str], float] = {}
        self.bodies: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self.hanging: set[tuple[str, str]] = set()
        self.hanging_paths: Callable[[str], bool] = lambda path: False
        self.refuses_head = False
        self.asked: list[tuple[str, str, str]] = []  # (method, host, path with query)
        self.headers: list[dict[str, str]] = []
        self.port = 0

    async def __aenter__(self) -> Station:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def channel(self, name: str = "one", edges: tuple[str, ...] = ("lhr",), **more: object) -> Channel:
        places = [self._vantage("origin", Layer.ORIGIN, name, **more)]
        places += [self._vantage(f"edge-{pop}", Layer.EDGE, name, **more) for pop in edges]
        return Channel(name=name, vantages=tuple(places))

    def _vantage(self, place: str, layer: Layer, channel: str, **more: object) -> Vantage:
        return Vantage(
            name=place,
            layer=layer,
            url=f"http://{place}.midwatch.test/{channel}/master.m3u8",
            connect_to=f"127.0.0.1:{self.port}",
            pop=place.removeprefix("edge-") if layer is Layer.EDGE else None,
            **more,  # type: ignore[arg-type]
        )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(".")[0]
        self.asked.append((request.method, request.host, request.path_qs))
        self.headers.append(dict(request.headers))
        if (host, request.path.split("/")[1]) in self.hanging or self.hanging_paths(request.path):
            await asyncio.sleep(60)
        if self.refuses_head and request.method == "HEAD":
            return web.Response(status=405)
        for key in (f"{host}{request.path}", request.path):
            if key in self.bodies:
                status, body, headers = self.bodies[key]
                return web.Response(status=status, body=body, headers=headers)
        name = request.path.rsplit("/", 1)[-1]
        if name == "master.m3u8":
            lines = ["#EXTM3U"]
            for rung in self.ladder:
                lines += [
                    f"#EXT-X-STREAM-INF:BANDWIDTH={rung[:-1]}000,RESOLUTION=1x{rung[:-1]}",
                    f"{rung}/index.m3u8",
                ]
            return web.Response(text="\n".join(lines), content_type=HLS, headers=CORS)
        if name == "index.m3u8":
            _, channel, rendition, _ = request.path.split("/")
            body = media(self.frozen.get((host, channel, rendition), time.time()))
            return web.Response(text=body, content_type=HLS, headers=CORS)
        _, _, rendition, segment = request.path.split("/")
        body = ts_segment(int(segment[4:-3]) * T, T, height=int(rendition[:-1]), fps=10)
        return web.Response(body=body, content_type="video/mp2t", headers=CORS)


def media(now: float) -> str:
    newest = int(now / T) - 1
    first = newest - WINDOW + 1
    lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{T}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    for number in range(first, newest + 1):
        at = datetime.fromtimestamp(number * T, UTC).isoformat(timespec="milliseconds")
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at}", f"#EXTINF:{T}.0,", f"seg-{number}.ts"]
    return "\n".join(lines) + "\n"
