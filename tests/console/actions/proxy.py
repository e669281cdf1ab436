"""A proxy between the console and an API server, on which every request can go wrong in its own way.

It speaks plain HTTP/1.1 and closes after each answer, so that one request is one connection and a cut concerns that one
alone. What it does to a request is decided by `faults`; what it saw of writes stands in `writes`, with what the journal held
on the disk at that moment.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

LOGIN = b"<!doctype html><html><head><title>Sign in</title></head><body><form action=/sso></form></body></html>"
HOLD_S = 30.0  # the longest that a request hangs: whoever waits for it has given up long before


class Asked(msgspec.Struct, frozen=True):
    """One request as it came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    head: bytes
    body: bytes

    @property
    def is_write(self) -> bool:
        """What changes something besides a lock: no rehearsal, no question."""
        asks = self.path.endswith("accessreviews") or "/leases" in self.path
        return self.method not in ("GET", "HEAD") and not asks and "dryRun" not in parse_qs(self.query)

    @property
    def operation(self) -> str:
        return self.headers.get("user-agent", "").partition("(")[2].rstrip(")")


class Wrote(msgspec.Struct):
    """A write that came to the proxy. `intents`: what the journal had on disk of this operation, right then."""

    operation: str
    method: str
    path: str
    fault: str
    records: tuple[str, ...]
    is_forwarded: bool = False
    status: int | None = None  # of the API server

    @property
    def is_covered(self) -> bool:
        """A durable intent, and a durable beginning of this very attempt."""
        return "operation.intent" in self.records and self.records[-1] == "step.begun"


Chooses = Callable[[Asked], bool]
Happens = Callable[[Asked], Awaitable[None]]


class Fault(msgspec.Struct):
    """What happens to the requests that it is for, one after the other; when `kinds` are used up, nothing more."""

    chooses: Chooses
    kinds: Iterator[str]
    before: Happens | None = None  # the world moves, right before the request is dealt with


class Proxy:
    """Async context manager; `url` is where the console believes the API server to be."""

    def __init__(self, upstream: str, audit: Callable[[], Iterable[Path]] = tuple) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._audit = audit
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()
        self.faults: list[Fault] = []
        self.writes: list[Wrote] = []
        self.asked: list[Asked] = []
        self.on_applied: Callable[[], None] | None = None  # once, when the next spoilt request has taken effect
        self._held: list[tuple[Asked, Wrote | None]] = []
        self._streams: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._busy):
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        await self._server.wait_closed()

    def fault(self, chooses: Chooses, *kinds: str, before: Happens | None = None) -> Fault:
        """From now on, until `kinds` are used up. `name*` goes on for ever."""

        def told() -> Iterator[str]:
            for kind in kinds:
                while kind.endswith("*"):
                    yield kind[:-1]
                yield kind

        fault = Fault(chooses, told(), before)
        self.faults.append(fault)
        return fault

    def of(self, operation: str) -> list[Wrote]:
        """The writes of one operation."""
        return [write for write in self.writes if write.operation == operation]

    async def release(self, path: str) -> None:
        """What was held back of this path arrives now."""
        due = [each for each in self._held if each[0].path.startswith(path)]
        self._held = [each for each in self._held if each not in due]
        for asked, wrote in due:
            await self._applied(asked, wrote)

    async def idle(self) -> None:
        """When nothing is on its way any more but what nobody listens to."""
        self.cut()
        while self._busy:
            await asyncio.gather(*self._busy, return_exceptions=True)

    def cut(self) -> None:
        """Every watch that is open breaks off."""
        for task in tuple(self._streams):
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the console has gone, or the test is over
        finally:
            self._busy.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        asked = Asked(method, parts.path, parts.query, headers, head, body)
        self.asked.append(asked)
        kind = await self._kind(asked)
        wrote: Wrote | None = None
        if asked.is_write:
            wrote = Wrote(asked.operation, method, parts.path, kind, tuple(self._records(asked.operation)))
            self.writes.append(wrote)
        if kind == "ok":
            task = asyncio.current_task()
            assert task is not None
            if "watch=" in asked.query:
                self._streams.add(task)
            try:
                await self._forward(asked, wrote, writer)
            finally:
                self._streams.discard(task)
            return
        await self._go_wrong(kind, asked, wrote, reader, writer)

    async def _kind(self, asked: Asked) -> str:
        for fault in self.faults:
            if fault.chooses(asked) and (kind := next(fault.kinds, "")):
                if fault.before is not None:
                    await fault.before(asked)
                return kind
        return "ok"

    def _records(self, operation: str) -> list[str]:
        """Of this operation, as another process would read them from the disk."""
        found: list[tuple[str, str]] = []
        for path in self._audit():
            for line in path.read_bytes().split(b"\n")[:-1]:
                if operation.encode() not in line:
                    continue
                record = json.loads(line)
                if record.get("trace.id") == operation:
                    found.append((record["@timestamp"], record["event.action"]))
        return [action for _, action in sorted(found, key=lambda each: each[0])]

    # --- what can happen ---------------------------------------------------------------------------------------------

    async def _go_wrong(
        self, kind: str, asked: Asked, wrote: Wrote | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if kind.startswith("applied-then-"):
            answer = await self._applied(asked, wrote)
            kind = kind.removeprefix("applied-then-")
        elif kind in ("half-an-object", "cut-answer"):
            answer = await self._applied(asked, wrote)
        else:
            answer = b""
        match kind:
            case "dropped":
                return
            case "reset":
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case "hang":
                await self._gone(reader)
            case "hold":  # it is on its way until `release`
                self._held.append((asked, wrote))
                await self._gone(reader)
            case "half-an-object":  # well framed, and no JSON
                head, _, body = answer.partition(b"\r\n\r\n")
                status = int(head.split(b" ")[1])
                await _say(writer, status, body[: len(body) // 2], "application/json")
            case "cut-answer":  # announced longer than it comes
                await _out(writer, answer[: len(answer) - 40])
            case "cut-refusal":
                await _out(writer, b"HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
            case "login":
                await _say(writer, 200, LOGIN, "text/html")
            case "redirect":
                await _say(writer, 302, b"", "text/html", Location="https://sso.example.test/login")
            case "bad-gateway":
                await _say(writer, 502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")
            case "gone":  # of a watch
                await _say(writer, 410, _status(410, "Expired", "too old resource version: 1 (2)"), "application/json")
            case _:
                number, _, seconds = kind.partition("/")
                code = int(number)
                extra = {"Retry-After": seconds} if seconds else {}
                await _say(writer, code, _status(code, _REASONS[code], f"{_WORDS[code]}"), "application/json", **extra)

    async def _applied(self, asked: Asked, wrote: Wrote | None) -> bytes:
        """Forward it and keep the answer."""
        upstream, out = await self._send(asked, wrote)
        answer = await upstream.read()
        out.close()
        if wrote is not None:
            wrote.status = int(answer.split(b" ", 2)[1])
        if self.on_applied is not None:
            told, self.on_applied = self.on_applied, None
            told()
        return answer

    async def _send(self, asked: Asked, wrote: Wrote | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        upstream, out = await asyncio.open_connection(*self._upstream)
        if wrote is not None:
            wrote.is_forwarded = True
        first, *rest = asked.head.rstrip(b"\r\n").split(b"\r\n")
        kept = [line for line in rest if not line.lower().startswith((b"connection:", b"accept-encoding:"))]
        out.write(b"\r\n".join((first, *kept, b"Connection: close", b"", b"")) + asked.body)
        await out.drain()
        return upstream, out

    async def _forward(self, asked: Asked, wrote: Wrote | None, writer: asyncio.StreamWriter) -> None:
        """As it comes: a watch goes on for minutes."""
        upstream, out = await self._send(asked, wrote)
        is_first = True
        try:
            while chunk := await upstream.read(65536):
                if is_first and wrote is not None:
                    wrote.status = int(chunk.split(b" ", 2)[1])
                is_first = False
                await _out(writer, chunk)
        finally:
            out.close()

    @staticmethod
    async def _gone(reader: asyncio.StreamReader) -> None:
        """Until the other side has given up."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(HOLD_S):
                await reader.read(1)


_REASONS = {
    401: "Unauthorized", 403: "Forbidden", 409: "Conflict", 412: "PreconditionFailed", 422: "Invalid",
    429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable",
}  # fmt: skip
_WORDS = {
    401: "Unauthorized",
    403: "forbidden: no",
    409: "the object has been modified",
    412: "the precondition failed",
    422: "the server rejected our request due to an error in our request",
    429: "too many requests, please try again later",
    500: "etcdserver: request timed out",
    503: "the server is currently unable to handle the request",
}


def _status(code: int, reason: str, message: str) -> bytes:
    said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    return json.dumps({**said, "reason": reason, "code": code}).encode()


async def _say(writer: asyncio.StreamWriter, status: int, body: bytes, kind: str, **headers: str) -> None:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    await _out(writer, "\r\n".join((*lines, "", "")).encode() + body)


async def _out(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
