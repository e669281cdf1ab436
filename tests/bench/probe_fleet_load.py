"""A child: an edge that serves so many live channels over HTTP/1.1, as cheaply as it can, and one that accepts and hangs.

It answers as an edge does: keep-alive, gzip where it is asked for, ETag and 304, HEAD, Age and X-Cache. A playlist advances once per
target duration, each channel at a phase of its own, and its body is made when its segment appears, once for all channels of
that phase; what is measured is the prober, and this process should be as little of it as possible.

Prints its port. Of the channel `hang` only the master answers; its other playlists take the request and say nothing.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
import time
import zlib
from datetime import UTC, datetime, timedelta
from typing import cast

T = 4
WINDOW = 6
PHASES = 40
LADDER = ((240, 400_000), (360, 800_000), (540, 1_800_000), (720, 3_200_000), (1080, 5_600_000))
BEGUN = time.time() - 4000
PACKET = b"\x47\x1f\xff\x10" + b"\xff" * 184  # a null packet: valid transport stream, and nothing to look into
SEGMENT_PIECE = PACKET * 1000


def master(_: int) -> bytes:
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for height, rate in LADDER:
        lines.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={rate},AVERAGE-BANDWIDTH={rate * 9 // 10},CODECS="avc1.64001f,mp4a.40.2",'
            f"RESOLUTION={height * 16 // 9}x{height},FRAME-RATE=25.000"
        )
        lines.append(f"{height}p.m3u8")
    return ("\n".join(lines) + "\n").encode()


def media(height: int, newest: int, phase_s: float) -> bytes:
    first = newest - WINDOW + 1
    begins = datetime.fromtimestamp(BEGUN + phase_s + (first - 1) * T, UTC)
    lines = [
        "#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS", f"#EXT-X-TARGETDURATION:{T}", f"#EXT-X-MEDIA-SEQUENCE:{first}",
    ]  # fmt: skip
    for number in range(first, newest + 1):
        at = begins + timedelta(seconds=(number - first) * T)
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}")
        lines.append(f"#EXTINF:{T}.000,")
        lines.append(f"{height}p/{number}.ts")
    return ("\n".join(lines) + "\n").encode()


def answer(body: bytes, etag: bytes, kind: bytes, max_age: int) -> tuple[bytes, bytes, bytes]:
    """(200 with gzip, 304, ETag) of one body."""
    packed = gzip.compress(body, 5)
    common = (
        b"Server: edge\r\nETag: %b\r\nCache-Control: max-age=%d\r\nAccess-Control-Allow-Origin: *\r\nX-Cache: HIT\r\nAge: 0\r\n"
        b"Vary: Accept-Encoding\r\n" % (etag, max_age)
    )
    whole = b"HTTP/1.1 200 OK\r\n%bContent-Type: %b\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (
        common, kind, len(packed), packed,
    )  # fmt: skip
    return whole, b"HTTP/1.1 304 Not Modified\r\n%b\r\n" % common, etag


class World:
    """What every channel shows now; one entry per phase and rendition, renewed when it is first asked for."""

    def __init__(self) -> None:
        self._shown: dict[tuple[int, bytes], tuple[int, tuple[bytes, bytes, bytes]]] = {}
        self.master = answer(master(0), b'"master"', b"application/vnd.apple.mpegurl", 60)

    def media(self, channel: bytes, height: bytes) -> tuple[bytes, bytes, bytes]:
        phase = zlib.crc32(channel) % PHASES
        newest = int((time.time() - BEGUN - phase * T / PHASES) / T)
        key = (phase, height)
        shown = self._shown.get(key)
        if shown is None or shown[0] != newest:
            body = media(int(height), newest, phase * T / PHASES)
            shown = self._shown[key] = (newest, answer(body, b'"%b-%d"' % (height, newest), b"application/vnd.apple.mpegurl", 1))
        return shown[1]


class Edge(asyncio.Protocol):
    """One connection; a request is taken to come in one piece, as ours do."""

    __slots__ = ("held", "transport", "world")

    def __init__(self, world: World) -> None:
        self.world = world
        self.held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        if self.held:
            data, self.held = self.held + data, b""
        if not data.endswith(b"\r\n\r\n"):
            self.held = data
            return
        method, target, _ = data.split(b" ", 2)
        path = target.split(b"?", 1)[0].split(b"/")  # "", channel, what, number
        if path[1] == b"hang" and path[2] != b"master.m3u8":
            return
        if path[-1].endswith(b".ts"):
            self._segment(method, path[-2], data)
            return
        whole, same, etag = self.world.master if path[2] == b"master.m3u8" else self.world.media(path[1], path[2][:-6])
        at = data.find(b"If-None-Match: ")
        self.transport.write(same if at >= 0 and data.startswith(etag, at + 15) else whole)

    def _segment(self, method: bytes, height: bytes, data: bytes) -> None:
        rate = next(rate for tall, rate in LADDER if b"%dp" % tall == height)
        pieces = rate * T * 9 // 10 // 8 // len(SEGMENT_PIECE)
        size = pieces * len(SEGMENT_PIECE)
        head = b"HTTP/1.1 200 OK\r\nServer: edge\r\nContent-Type: video/mp2t\r\nCache-Control: max-age=3600\r\nAccess-Control-Allow-Origin: *\r\nX-Cache: HIT\r\nContent-Length: %d\r\n\r\n"
        at = data.find(b"Range: bytes=0-")
        if at >= 0:
            last = min(size - 1, int(data[at + 15 :].split(b"\r", 1)[0] or size))
            part = (SEGMENT_PIECE * (last // len(SEGMENT_PIECE) + 1))[: last + 1]
            self.transport.write(
                b"HTTP/1.1 206 Partial Content\r\nContent-Type: video/mp2t\r\nContent-Range: bytes 0-%d/%d\r\nContent-Length: %d\r\n\r\n%b"
                % (last, size, len(part), part)
            )
            return
        self.transport.write(head % size)
        if method == b"GET":
            self.transport.writelines([SEGMENT_PIECE] * pieces)


async def serve() -> None:
    world = World()
    server = await asyncio.get_running_loop().create_server(lambda: Edge(world), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    try:
        import uvloop
    except ImportError:
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    loop.run_until_complete(serve())


if __name__ == "__main__":
    sys.exit(main())
