"""A server on loopback that answers for many shows: `http://VANTAGE.test/SHOW/...`.

It speaks just enough HTTP/1.1 for a prober, byte by byte, so that it can also speak it badly: a body that ends too early, that
never ends, that trickles; a connection that is dropped, or never answered.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import msgspec

HEAD_LIMIT = 64 * 1024
PIECES = 8  # in which a body trickles
ENDLESS_PIECE = b"\x00" * 65536
ENDLESS_EVERY_S = 0.02
NEVER_S = 1e9


class Reply(msgspec.Struct, frozen=True):
    """One answer. The body is plain; the station compresses it where `is_zippable` and the client takes it."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    delay_s: float = 0.0  # to the first byte
    trickle_s: float = 0.0  # from the first byte to the last
    is_zippable: bool = False
    is_cut: bool = False  # promises all of the body, sends half of it and hangs up
    is_dropped: bool = False  # hangs up without a word
    is_endless: bool = False


class Show(Protocol):
    """What is on air: a function of time."""

    def answer(self, vantage: str, path: str, headers: Mapping[str, str], t: float) -> Reply:
        """The answer of `vantage` to `path` (without the show's own name, with the query) at `t`, seconds since the epoch."""
        ...


class Station:
    """Listens on a port of loopback from `open` to `close`."""

    def __init__(self, now: object) -> None:
        self._now = now  # () -> seconds since the epoch
        self.shows: dict[str, Show] = {}
        self.held = 0  # requests that have been read and not been answered to the end: a timer of ours holds them
        self.requests = 0
        self.asked: dict[str, int] = {}  # requests by show
        self.port = 0
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Line(self), "127.0.0.1", 0, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for line in list(self._lines):
            line.drop()

    def reply(self, host: str, target: str, headers: Mapping[str, str]) -> Reply:
        _, name, path = [*target.split("/", 2), "", ""][:3]
        show = self.shows.get(name)
        self.requests += 1
        self.asked[name] = self.asked.get(name, 0) + 1
        if show is None:
            return Reply(404, body=b"no such show\n")
        return show.answer(host.partition(".")[0], path, headers, self._now())  # type: ignore[operator]


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_held = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._station._lines.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._release()
        self._transport = None
        self._station._lines.discard(self)

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > HEAD_LIMIT:
            self.drop()
        elif not self._is_held and b"\r\n\r\n" in self._buffer:
            self._next()

    def _release(self) -> None:
        if self._is_held:
            self._is_held = False
            self._station.held -= 1

    def _next(self) -> None:
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = [*first.split(" "), "", ""][:3]
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self._is_held = True
        self._station.held += 1
        if target.startswith("http://"):
            target = "/" + target.split("/", 3)[3]
        reply = self._station.reply(headers.get("host", ""), target, headers)
        self._timer = self._loop.call_later(reply.delay_s, self._answer, method, headers, reply)

    def _answer(self, method: str, asked: Mapping[str, str], reply: Reply) -> None:
        if self._transport is None:
            return
        if reply.is_dropped:
            self._release()
            self.drop()
            return
        head, body = rendered(method, asked, reply)
        if reply.is_endless and method != "HEAD":
            self._transport.write(head)
            self._timer = self._loop.call_later(ENDLESS_EVERY_S, self._go_on)
        elif reply.is_cut:
            self._transport.write(head + body[: len(body) // 2])
            self._release()
            self._transport.close()
        elif reply.trickle_s and len(body) > PIECES:
            self._transport.write(head)
            self._trickle(body, max(1, len(body) // PIECES), reply.trickle_s / PIECES)
        else:
            self._transport.write(head + body)
            self._done()

    def _done(self) -> None:
        self._release()
        if b"\r\n\r\n" in self._buffer:
            self._next()

    def _trickle(self, body: bytes, piece: int, every_s: float) -> None:
        self._timer = self._loop.call_later(every_s, self._piece, body, piece, every_s)

    def _piece(self, body: bytes, piece: int, every_s: float) -> None:
        if self._transport is None:
            return
        self._transport.write(body[:piece])
        if len(body) > piece:
            self._trickle(body[piece:], piece, every_s)
        else:
            self._done()

    def _go_on(self) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() < 4 * len(ENDLESS_PIECE):
            self._transport.write(ENDLESS_PIECE)
        self._timer = self._loop.call_later(ENDLESS_EVERY_S, self._go_on)


def rendered(method: str, asked: Mapping[str, str], reply: Reply) -> tuple[bytes, bytes]:
    """Head and body as they go out: 304, 206, gzip and HEAD included."""
    status, body = reply.status, reply.body
    headers = {"Server": "station", **reply.headers}
    etag = headers.get("ETag")
    if status == 200 and etag is not None and asked.get("if-none-match") == etag:
        status, body = 304, b""
    elif reply.is_zippable and "gzip" in asked.get("accept-encoding", "") and status == 200:
        body = zipped(body)
        headers["Content-Encoding"] = "gzip"
    wanted = asked.get("range", "")
    if status == 200 and wanted.startswith("bytes=") and not reply.is_zippable and body:
        first, _, last = wanted[6:].partition("-")
        if first.isdigit() and (not last or last.isdigit()) and int(first) < len(body):
            end = min(int(last) + 1 if last else len(body), len(body))
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(body)}"
            status, body = 206, body[int(first) : end]
    if reply.is_endless:
        headers["Connection"] = "close"
    elif status != 304:
        headers["Content-Length"] = str(len(body))
    lines = [f"HTTP/1.1 {status} {_REASON.get(status, 'Whatever')}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"), b"" if method == "HEAD" else body


_REASON = {200: "OK", 206: "Partial Content", 302: "Found", 304: "Not Modified", 403: "Forbidden", 404: "Not Found", 503: "Unavailable"}


@lru_cache(maxsize=2048)
def zipped(body: bytes) -> bytes:
    return gzip.compress(body, 1, mtime=0)
