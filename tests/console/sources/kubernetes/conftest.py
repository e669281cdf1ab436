"""A clock that runs fast, a scripted API server that speaks HTTP byte by byte, and a reader of a source.

The server is written on the socket and not on a framework, because its purpose is to break the protocol: half a line, a
connection that says nothing more, a body shorter than promised.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from console.model.instant import Instant

VECTORS = Path(__file__).parents[3] / "vectors" / "kubernetes"
BEGIN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
DEADLINE_S = 8.0


class FastClock:
    """`speed` seconds pass in one."""

    def __init__(self, speed: float = 40.0) -> None:
        self.speed = speed
        self._began = time.monotonic()

    def now(self) -> Instant:
        passed = (time.monotonic() - self._began) * self.speed
        return Instant(utc=BEGIN + timedelta(seconds=passed), mono=1000.0 + passed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


class Asked:
    """One request."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(target)
        self.method = method
        self.path = parts.path
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.headers = headers
        self.body = body

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "true"


class Wire:
    """The answering end of one request."""

    def __init__(self, writer: asyncio.StreamWriter, date: Callable[[], datetime | None]) -> None:
        self._writer = writer
        self._date = date
        self.is_open = True

    async def head(self, status: int, headers: dict[str, str]) -> None:
        date = self._date()
        if date is not None:
            headers = {"Date": format_datetime(date, usegmt=True), **headers}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        await self.raw("\r\n".join(lines).encode())

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self, status: int, body: object, content_type: str = "application/json", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        await self.head(status, {"Content-Type": content_type, "Content-Length": str(len(data)), **named})
        await self.raw(data)

    async def begin(self, content_type: str = "application/json") -> None:
        await self.head(200, {"Content-Type": content_type, "Transfer-Encoding": "chunked"})

    async def chunk(self, data: bytes) -> None:
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def line(self, event: object) -> None:
        await self.chunk(json.dumps(event).encode() + b"\n")

    async def end(self) -> None:
        await self.raw(b"0\r\n\r\n")

    def cut(self) -> None:
        self.is_open = False
        self._writer.close()


Step = Callable[[Wire, Asked], Awaitable[None]]


class Api:
    """Answers lists and watches by `lists` and `watches` (one step each, then the default), others by `others`.

    By default a list is `objects` at `version`, and a watch tells what `push` is given until the client leaves.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.version = 10
        self.kind = "Pod"
        self.lists: deque[Step] = deque()
        self.watches: deque[Step] = deque()
        self.others: deque[Step] = deque()
        self.asked: list[Asked] = []
        self.date: datetime | None = None
        self.url = ""
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        self.peers: list[Any] = []  # certificates that clients showed
        self._server: asyncio.Server | None = None
        self._port = 0
        self._watching: set[Wire] = set()
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def listed(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "GET" and not asked.is_watch]

    @property
    def watched(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.is_watch]

    @property
    def open_watches(self) -> int:
        return len(self._watching)

    def pod(self, name: str, phase: str = "Running", **meta: Any) -> dict[str, Any]:
        """An object at the next version, stored."""
        self.version += 1
        body = {
            "metadata": {
                "name": name,
                "namespace": "live",
                "uid": name,
                "resourceVersion": str(self.version),
                **meta,
            },
            "spec": {"containers": [{"name": "app", "image": "packager:3.8.1"}]},
            "status": {"phase": phase},
        }
        self.objects[name] = body
        return body

    async def push(self, kind: str, obj: object) -> None:
        for wire in list(self._watching):
            with suppress(ConnectionError):
                await wire.line({"type": kind, "object": obj})

    def list_body(self) -> dict[str, Any]:
        return {
            "kind": f"{self.kind}List",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": str(self.version)},
            "items": list(self.objects.values()),
        }

    async def hold(self, wire: Wire, asked: Asked) -> None:
        await wire.begin()
        await self.stay(wire)

    async def stay(self, wire: Wire) -> None:
        """Push to this watch until its client leaves."""
        self._watching.add(wire)
        try:
            await asyncio.Event().wait()
        finally:
            self._watching.discard(wire)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self.tls)
        self._port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._handlers):
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        self.connections += 1
        self.peers.append(writer.get_extra_info("peercert"))
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.connections -= 1
            self._handlers.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("Content-Length", "0")))
            asked = Asked(method, target, headers, body)
            self.asked.append(asked)
            wire = Wire(writer, lambda: self.date)
            gone = asyncio.create_task(reader.read(1)) if asked.is_watch else None
            answering = asyncio.create_task(self._step(wire, asked))
            if gone is None:
                await answering
            else:
                try:
                    await asyncio.wait((gone, answering), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in (gone, answering):
                        one.cancel()
                    await asyncio.gather(gone, answering, return_exceptions=True)
                return
            if not wire.is_open:
                return

    async def _step(self, wire: Wire, asked: Asked) -> None:
        if asked.is_watch:
            await (self.watches.popleft() if self.watches else self.hold)(wire, asked)
        elif self.others:
            await self.others.popleft()(wire, asked)
        elif self.lists:
            await self.lists.popleft()(wire, asked)
        else:
            await wire.reply(200, self.list_body())


class Reader:
    """Reads a source in the background; `until` waits for a reading that fits."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.all: list[Any] = []
        self._new = asyncio.Event()

    @property
    def last(self) -> Any:
        return self.all[-1]

    async def run(self) -> None:
        async for reading in self.source.readings():
            self.all.append(reading)
            self._new.set()

    async def until(self, fits: Callable[[Any], bool]) -> Any:
        seen = 0
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for reading in self.all[seen:]:
                    seen += 1
                    if fits(reading):
                        return reading
                self._new.clear()
                await self._new.wait()

    async def until_names(self, *names: str) -> Any:
        return await self.until(lambda reading: names_of(reading) == set(names))


def names_of(reading: Any) -> set[str] | None:
    return None if reading.value is None else {one.name for one in reading.value.items.values()}


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110, the condition is in a server or a source that knows no event
            await asyncio.sleep(0.002)


@asynccontextmanager
async def _reading(source: Any) -> AsyncIterator[Reader]:
    reader = Reader(source)
    task = asyncio.create_task(reader.run())
    try:
        yield reader
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _vector(name: str) -> list[dict[str, Any]]:
    exchanges: list[dict[str, Any]] = json.loads((VECTORS / f"{name}.json").read_text())["exchanges"]
    return exchanges


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    api = Api()
    await api.start()
    yield api
    await api.stop()


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def reading() -> Any:
    """`async with reading(source) as reader`."""
    return _reading


@pytest.fixture
def vector() -> Any:
    """The exchanges of one recorded file."""
    return _vector


@pytest.fixture
def until() -> Any:
    """`await until(lambda: condition)`, with a deadline."""
    return eventually


@pytest.fixture
def fast_clock() -> Any:
    """The class, for a clock of another speed."""
    return FastClock
