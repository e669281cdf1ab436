"""HTTP/1.1 for one caller: Alertmanager. Who calls is known from the headers, before a byte of the body is kept.

Our own, because what a general server leaves open is the point here: how long headers and a body may take, how much of all
bodies together is held, that a body too large is refused by its announced length and never read into memory, and that who
holds connections without saying who they are loses the oldest of them to the next who comes. When all are at work, who comes
next waits in the kernel. A refused body is read past for a moment: an answer that a reset overtakes is never seen.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

import httptools
import msgspec

from console.bell.counts import Counts

BODY_BYTES = 8 * 1024 * 1024  # 5,000 alerts have 4 MB
HELD_BYTES = 4 * BODY_BYTES  # of all bodies that are being read or answered
HEAD_BYTES = 16 * 1024
CALLS = 64  # connections; of a storm Alertmanager makes one for each group
CROWDED = CALLS // 2  # from then on a connection ends with its answer: others wait for its place
WAITING = 1024  # who waits in the kernel for a place
PATIENCE_S = 3.0  # who has not said who they are for so long gives way to who comes
LOOK_S = 0.1
HEAD_S = 10.0  # from the connection to the end of the headers
BODY_S = 20.0
KEPT_S = 120.0  # between two calls on one connection
PAST_S = 5.0  # how long a refused body is read past
PAST_BYTES = 4 * BODY_BYTES
_REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    411: "Length Required", 413: "Content Too Large", 415: "Unsupported Media Type", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip
_LOG = logging.getLogger(__name__)


class Reply(msgspec.Struct, frozen=True):
    """`says` is a line for whoever reads Alertmanager's log."""

    status: int
    says: str


class Head(msgspec.Struct, frozen=True):
    """What is known before the body."""

    method: str
    path: str
    headers: dict[str, str]


Entry = Callable[[Head], Awaitable[Reply | None]]  # None: let in
Taken = Callable[[Head, bytearray], Awaitable[Reply]]


class Calls:
    """Those of one port, and what they hold together."""

    def __init__(self, entry: Entry, taken: Taken, counts: Counts) -> None:
        self.entry = entry
        self.taken = taken
        self.counts = counts
        self.held = 0
        self.open: dict[Call, None] = {}  # the oldest first
        self.closing = False
        self.gives_way: Callable[[], bool] = lambda: False  # whether what is being done comes before who comes next

    def __call__(self) -> Call:
        return Call(self)

    async def listen(self, place: socket.socket) -> None:
        """Take who comes, as far as there is room. Until cancelled."""
        loop = asyncio.get_running_loop()
        place.listen(WAITING)
        while True:
            while len(self.open) >= CALLS or self.gives_way():
                self._make_room(loop.time())
                if len(self.open) >= CALLS or self.gives_way():
                    await asyncio.sleep(LOOK_S)
            try:
                connection, _ = await loop.sock_accept(place)
            except OSError as error:
                _LOG.warning("bell: nobody can be let in: %s", error.strerror or error)
                await asyncio.sleep(1.0)
                continue
            try:
                await loop.connect_accepted_socket(self, connection)
            except OSError:
                connection.close()  # gone already

    def _make_room(self, now: float) -> None:
        if len(self.open) < CALLS:
            return
        strangers = [one for one in self.open if not one.is_let_in]
        idle = (one for one in strangers if one.is_idle)
        gone = next(idle, None) or next((one for one in strangers if now - one.since >= PATIENCE_S), None)
        if gone is not None:
            gone.end()
            self.went(gone)
            self.counts.refused("connections")

    def came(self, call: Call) -> None:
        self.open.pop(call, None)
        self.open[call] = None  # a stranger, and the newest of them

    def went(self, call: Call) -> None:
        self.open.pop(call, None)


class Call(asyncio.Protocol):
    """One connection: calls one after the other."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.is_let_in = False
        self.since = 0.0
        self._has_asked = False
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._fields: dict[str, str] = {}
        self._head_bytes = 0
        self._head: Head | None = None
        self._body = bytearray()
        self._held = 0
        self._past = -1  # bytes read past; -1: none are
        self._is_whole = False
        self._reply: Reply | None = None  # decided before the body came
        self._is_crowded = False
        self._is_kept = False
        self.is_let_in = False
        self.since = asyncio.get_running_loop().time()

    @property
    def is_idle(self) -> bool:
        """Between two calls: whoever is there sees it end, and asks on another."""
        return self._has_asked and not self._head_bytes

    # -- the connection ------------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._calls.came(self)
        self._within(HEAD_S)

    def connection_lost(self, error: Exception | None) -> None:
        self._calls.went(self)
        self._let_go()
        if self._timer is not None:
            self._timer.cancel()
        # a call that is being taken goes on: what it brought may be on the disk already

    def data_received(self, data: bytes) -> None:
        if self._past >= 0:
            self._past += len(data)
            if self._past > PAST_BYTES:
                self.end()
            return
        if self._head is None:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):  # also what a callback raised
            if self._is_whole:
                self._is_crowded = True
            else:
                self._refuse(Reply(400, "this is not HTTP/1.1 as it is written"))
        if self._head is None and self._head_bytes > HEAD_BYTES and self._past < 0:
            self._refuse(Reply(431, f"the headers are larger than {HEAD_BYTES} bytes"))

    def eof_received(self) -> bool:
        return self._task is not None  # who has said all may still wait for the answer

    def end(self) -> None:
        """At once."""
        if self._transport is not None:
            self._transport.abort()

    # -- what the parser finds -----------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        if self._is_whole:
            raise _Enough  # a second one before the first was answered: it is not, and the connection ends

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > HEAD_BYTES:
            raise _Enough

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip()
        if key in self._fields and key in ("authorization", "content-length", "content-type", "transfer-encoding"):
            raise ValueError("told twice")
        self._fields[key] = text
        if len(self._fields) > 100:
            raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        path = self._url.decode("latin-1").partition("?")[0]
        self._head = Head(self._parser.get_method().decode("latin-1"), path, dict(self._fields))
        wrong = self._ill_formed(self._head)
        if wrong is not None:
            self._refuse(wrong)
            raise _Enough
        assert self._transport is not None
        self._transport.pause_reading()  # what came along is bounded by one read
        self._task = asyncio.get_running_loop().create_task(self._let_in(self._head), name="bell: who calls")

    def on_body(self, body: bytes) -> None:
        if not self._keep(body):
            raise _Enough

    def on_message_complete(self) -> None:
        self._is_whole = True
        self._is_kept = self._parser.should_keep_alive()
        if self.is_let_in:
            self._take()

    # -- one call ------------------------------------------------------------------------------------------------------
    def _ill_formed(self, head: Head) -> Reply | None:
        length = head.headers.get("content-length", "")
        if head.method != "POST":
            return Reply(405, "Alertmanager's webhook is a POST")
        if length and not (length.isascii() and length.isdecimal() and len(length) < 16):
            return Reply(400, "Content-Length is no number")
        if not length and "transfer-encoding" not in head.headers:
            return Reply(411, "there is no Content-Length")
        return None

    async def _let_in(self, head: Head) -> None:
        """Who it is, then how large, then what: in this order, so that a stranger learns nothing of the rest."""
        try:
            wrong = await self._calls.entry(head)
        except Exception:  # a fault of ours ends one call, and is told
            _LOG.exception("bell: a caller could not be looked at")
            wrong = Reply(500, "a fault of midwatch's own; its log says which")
        self._task = None
        if self._past >= 0:
            return  # it took too long
        wrong = wrong or self._too_much(head)
        if wrong is not None:
            self._refuse(wrong)
            return
        self.is_let_in = True
        assert self._transport is not None
        if self._transport.is_closing():
            return
        if head.headers.get("expect", "").lower() == "100-continue" and not self._is_whole:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._within(BODY_S)
        if self._is_whole:
            self._take()
        else:
            self._transport.resume_reading()

    def _too_much(self, head: Head) -> Reply | None:
        kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
        length = int(head.headers.get("content-length", "0") or 0)
        if length > BODY_BYTES or len(self._body) > BODY_BYTES:
            return _too_large()
        if kind != "application/json":
            return Reply(415, "Content-Type is not application/json")
        if head.headers.get("content-encoding", "identity").lower() != "identity":
            return Reply(415, "the body is encoded; send it as it is")
        reserved = max(length, len(self._body))
        if self._calls.held - self._held + reserved > HELD_BYTES:
            return Reply(503, "too much is being read at once; try again")
        self._hold(reserved)
        return None

    def _hold(self, count: int) -> None:
        self._calls.held += count - self._held
        self._held = count

    def _let_go(self) -> None:
        self._hold(0)

    def _keep(self, body: bytes) -> bool:
        size = len(self._body) + len(body)
        if size > BODY_BYTES:
            self._refuse(_too_large())
            return False
        if self.is_let_in and size > self._held:  # chunked: nobody said how much
            if self._calls.held - self._held + size > HELD_BYTES:
                self._refuse(Reply(503, "too much is being read at once; try again"))
                return False
            self._hold(size)
        self._body += body
        return True

    def _take(self) -> None:
        assert self._head is not None and self._transport is not None
        self._transport.pause_reading()
        if self._timer is not None:
            self._timer.cancel()
        self._task = asyncio.get_running_loop().create_task(self._taken(self._head), name="bell: a call")

    async def _taken(self, head: Head) -> None:
        body, self._body = self._body, bytearray()
        try:
            reply = await self._calls.taken(head, body)
        except asyncio.CancelledError:
            self.end()
            raise
        except Exception:  # a fault of ours ends one call, and is told
            _LOG.exception("bell: a call could not be taken")
            reply = Reply(500, "a fault of midwatch's own; its log says which")
        finally:
            self._let_go()
            self._task = None
        is_kept = self._is_kept and not (self._is_crowded or self._calls.closing or len(self._calls.open) > CROWDED)
        self._answer(reply, is_kept=is_kept)
        if self._transport is None or self._transport.is_closing():
            return
        if not is_kept:
            self._transport.close()
            return
        # the next call on the same connection; it is a stranger's again until it has shown who it is
        self._begin()
        self._has_asked = True
        self._calls.came(self)
        self._within(KEPT_S)
        self._transport.resume_reading()

    def _refuse(self, reply: Reply) -> None:
        """Answer before the body came, and read past it."""
        if self._past >= 0 or self._transport is None:
            return
        self._past = 0
        self._body = bytearray()
        self._let_go()
        self._answer(reply, is_kept=False)
        if self._transport.is_closing():
            return
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._within(PAST_S)

    def _answer(self, reply: Reply, *, is_kept: bool) -> None:
        self._calls.counts.answered(reply.status)
        if self._transport is None or self._transport.is_closing():
            return
        body = f"{reply.says}\n".encode()
        lines = [
            f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            f"Connection: {'keep-alive' if is_kept else 'close'}",
        ]
        if reply.status == 401:
            lines.append('WWW-Authenticate: Bearer realm="midwatch"')
        if reply.status == 405:
            lines.append("Allow: POST")
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def _within(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        if self._past < 0 and self._head is not None and not self._is_whole:
            self._refuse(Reply(408, "the body did not come in time"))
        else:
            self.end()


class _Enough(Exception):
    """The parser need not go on."""


def _too_large() -> Reply:
    return Reply(413, f"more than {BODY_BYTES} bytes: limit the receiver's max_alerts, or group by more labels")
