"""HLS at the origin and at the four edges.

A media playlist is a function of (channel, rendition, newest segment) and the newest segment is a function
of the wall clock (timeline.py), so nothing is "produced": a restarted platform goes on at the MEDIA-SEQUENCE it would
have had, and a frozen playlist is the same function with its clock stopped at `World.frozen_since`. An edge is a
cache in front of that function with a TTL of one second; it holds no state that could outlive its origin.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from math import tau

import msgspec
from aiohttp import web

from console.demo.timeline import Timeline
from console.demo.transport_stream import segment
from console.demo.world.names import CHANNEL, RENDITIONS, TARGET_DURATION_S, Vantage
from console.demo.world.scenario import SLOW_S
from console.demo.world.world import World

T = TARGET_DURATION_S
WINDOW = 8
"""Segments in a media playlist: 32 s."""
GRACE = WINDOW + 2
"""Segments kept after they left the playlist: its own duration and a little more (RFC 8216bis 6.2.2)."""
TTL_S = 1.0
SLICES = 12
"""Of the body of a segment that is sent slowly: the first goes out at once, the last SLOW_S later."""
_PLAYLIST = "application/vnd.apple.mpegurl"
_LADDER = {
    "1080p": (5_800_000, 5_000_000, "1920x1080", "avc1.640028"),
    "720p": (3_400_000, 2_900_000, "1280x720", "avc1.64001f"),
    "540p": (2_100_000, 1_800_000, "960x540", "avc1.64001f"),
    "360p": (1_000_000, 850_000, "640x360", "avc1.64001e"),
    "240p": (480_000, 400_000, "426x240", "avc1.640015"),
}


class Document(msgspec.Struct, frozen=True):
    """A playlist as it goes out, in both encodings; the ETag names the content, a suffix the encoding."""

    plain: bytes
    zipped: bytes
    etag: str
    newest: int
    """MEDIA-SEQUENCE of its last segment; -1 for a master playlist."""


def _document(text: str, etag: str, newest: int) -> Document:
    plain = text.encode()
    return Document(plain, gzip.compress(plain, 6, mtime=0), etag, newest)


def master(channel: str) -> Document:
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for rendition in RENDITIONS:
        peak, average, size, codec = _LADDER[rendition]
        lines.append(f'#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},RESOLUTION={size},'
                     f'FRAME-RATE=25.000,CODECS="{codec}"')
        lines.append(f"{rendition}/index.m3u8")
    return _document("\n".join(lines) + "\n", f"m-{channel}", -1)


def media(timeline: Timeline, rendition: str, newest: int, t: datetime) -> Document:
    """`newest`: the slot of the last segment."""
    slots = timeline.slots(newest, WINDOW, t)
    first, breaks = timeline.sequence(slots[0], t), timeline.breaks(slots[0], t)
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{T}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    if breaks:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{breaks}")
    lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    for number, slot in enumerate(slots, first):
        if timeline.is_break(slot, t):
            lines.append("#EXT-X-DISCONTINUITY")
        began = timeline.begins(slot).isoformat(timespec="milliseconds")
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{began[:-6]}Z")
        lines.append(f"#EXTINF:{T}.000,")
        lines.append(f"seg-{number}.ts")
    return _document("\n".join(lines) + "\n", f"{rendition}-{first + WINDOW - 1:x}", first + WINDOW - 1)


class Packages:
    """Rendered playlists, shared by the origin and the edges of one platform.

    Bounded: per (channel, rendition) only the last few renderings are kept, fresh and frozen.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._masters = {channel: master(channel) for channel in CHANNEL}
        self._media: dict[tuple[str, str], list[Document]] = {}
        self._timelines = {
            c: Timeline(world, c, round(world.phase(f"segment/{c}") / tau * T, 3), 0.15 + 0.25 * world.phase(f"lag/{c}") / tau)
            for c in CHANNEL
        }
        self._start = world.start

    def newest(self, channel: str, t: datetime) -> int:
        """MEDIA-SEQUENCE of the newest segment that is complete and published at `t`, were nothing pinned."""
        timeline = self._timelines[channel]
        return timeline.sequence(timeline.newest(t), t)

    def _slot_at(self, channel: str, rendition: str, vantage: str, t: datetime) -> int:
        since = self._world.frozen_since(channel, rendition, vantage, t)
        return self._timelines[channel].newest(t if since is None else since)

    def published(self, channel: str, number: int, t: datetime) -> float:
        """Unix time at which the segment appeared."""
        timeline = self._timelines[channel]
        return timeline.published(timeline.slot_of(number, t))

    def master(self, channel: str) -> Document:
        return self._masters[channel]

    def media(self, channel: str, rendition: str, vantage: str, t: datetime) -> Document:
        if self._start != self._world.start:
            # The platform has just become ready: its story begins anew.
            self._start = self._world.start
            self._media.clear()
        timeline, slot = self._timelines[channel], self._slot_at(channel, rendition, vantage, t)
        newest = timeline.sequence(slot, t)
        kept = self._media.setdefault((channel, rendition), [])
        for document in kept:
            if document.newest == newest:
                return document
        made = media(timeline, rendition, slot, t)
        kept.append(made)
        if len(kept) > 4:
            del kept[0]
        return made

    def has(self, channel: str, rendition: str, number: int, vantage: str, t: datetime) -> bool:
        """Whether a segment can be fetched. A vantage with a pinned playlist still has that playlist's
        segments, and passes newer ones through when the origin has them."""
        timeline = self._timelines[channel]
        slots = {self._slot_at(channel, rendition, place, t) for place in (vantage, "origin")}
        return any(newest - WINDOW - GRACE < number <= newest for newest in (timeline.sequence(s, t) for s in slots))

    def segment(self, channel: str, rendition: str, number: int, t: datetime) -> bytes:
        return segment(channel, rendition, number, T, self._timelines[channel].slot_of(number, t))


def _matches(header: str | None, etag: str) -> bool:
    """If-None-Match, compared weakly as RFC 9110 13.1.2 asks."""
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(item.strip().removeprefix("W/").strip('"') == etag for item in header.split(","))


def _gzip_accepted(header: str | None) -> bool:
    for item in (header or "").split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def app(world: World, clock: Callable[[], datetime], vantage: Vantage, packages: Packages | None = None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep) -> web.Application:
    """One vantage. `packages` may be shared between the vantages of a platform to render each playlist
    once. `pause` is what a body that is sent slowly waits with, in seconds."""
    source = packages or Packages(world)
    is_edge = vantage.layer == "edge"
    cached: dict[tuple[str, str], tuple[float, Document]] = {}

    def common(age_s: float | None, hit: bool) -> dict[str, str]:
        headers = {"Access-Control-Allow-Origin": "*",
                   "Access-Control-Expose-Headers": "Age, ETag, X-Pop, X-Cache",
                   "Server": "midwatch-edge" if is_edge else "midwatch-origin"}
        if is_edge and age_s is not None:
            headers["Age"] = str(max(0, round(age_s)))
            headers["X-Pop"] = vantage.pop or ""
            headers["X-Cache"] = "HIT" if hit else "MISS"
        return headers

    def fetch(channel: str, rendition: str, t: datetime) -> tuple[float, bool, Document]:
        """(age in seconds, served from the edge's cache, playlist); rendition "" is the master."""
        now = t.timestamp()
        kept = cached.get((channel, rendition)) if is_edge else None
        if kept is not None and 0.0 <= now - kept[0] < TTL_S:
            return now - kept[0], True, kept[1]
        made = source.media(channel, rendition, vantage.name, t) if rendition else source.master(channel)
        if is_edge:
            cached[channel, rendition] = (now, made)
        return 0.0, False, made

    async def playlist(request: web.Request) -> web.Response:
        channel = request.match_info["channel"]
        rendition = request.match_info.get("rendition", "")
        if channel not in CHANNEL or (rendition and rendition not in RENDITIONS):
            return missing(request)
        age_s, hit, document = fetch(channel, rendition, clock())
        zipped = _gzip_accepted(request.headers.get("Accept-Encoding"))
        etag = document.etag + ("-gz" if zipped else "")
        headers = common(age_s, hit)
        headers["ETag"] = f'"{etag}"'
        headers["Cache-Control"] = "public, max-age=1"
        headers["Vary"] = "Accept-Encoding"
        if _matches(request.headers.get("If-None-Match"), etag):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = _PLAYLIST
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=document.zipped if zipped else document.plain, headers=headers)

    async def media_segment(request: web.Request) -> web.StreamResponse:
        channel, rendition = request.match_info["channel"], request.match_info["rendition"]
        number = int(request.match_info["number"])
        t = clock()
        if (channel not in CHANNEL or rendition not in RENDITIONS
                or not source.has(channel, rendition, number, vantage.name, t)):
            return missing(request)
        headers = common(t.timestamp() - source.published(channel, number, t), True)
        etag = f"{rendition}-s{number:x}"
        headers["ETag"] = f'"{etag}"'
        headers["Cache-Control"] = "public, max-age=600"
        if _matches(request.headers.get("If-None-Match"), etag):
            return web.Response(status=304, headers=headers)
        headers["Content-Type"] = "video/mp2t"
        body = source.segment(channel, rendition, number, t)
        if request.method == "GET" and world.slow(channel, rendition, vantage.name, t):
            return await slowly(request, headers, body, channel, rendition)
        return web.Response(body=body, headers=headers)

    async def slowly(request: web.Request, headers: dict[str, str], body: bytes, channel: str,
                     rendition: str) -> web.StreamResponse:
        """The first byte is there as soon as ever; what is slow is all the others."""
        answer = web.StreamResponse(headers=headers)
        answer.content_length = len(body)
        await answer.prepare(request)
        size, loop = -(-len(body) // SLICES), asyncio.get_running_loop()
        begun = loop.time()
        with suppress(ConnectionResetError):  # a client that does not wait for all of it
            for begin in range(0, len(body), size):
                if begin and world.slow(channel, rendition, vantage.name, clock()):
                    # Against the begin: on a busy machine each pause is too long, and their sum would be far too long.
                    due = begun + SLOW_S * (begin // size) / (SLICES - 1)
                    await pause(max(0.0, due - loop.time()))
                await answer.write(body[begin : begin + size])
            await answer.write_eof()
        return answer

    def missing(request: web.Request) -> web.Response:
        headers = common(0.0, False)
        headers["Cache-Control"] = "no-store"
        return web.Response(status=404, text=f"404: {vantage.host} has no {request.path}\n", headers=headers)

    application = web.Application()
    application.router.add_get("/live/{channel}/master.m3u8", playlist)
    application.router.add_get("/live/{channel}/{rendition}/index.m3u8", playlist)
    application.router.add_get(r"/live/{channel}/{rendition}/seg-{number:\d{1,18}}.ts", media_segment)
    return application
