"""A way between console and platform that can be closed: a TCP forwarder that keeps its port while it is shut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager


class Forwarder:
    """One port in front of another. Shut, its port is bound and unheard: a client is refused."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._sock = _bound(0)
        self.port: int = self._sock.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._forward, sock=self._sock)

    async def shut(self) -> None:
        """No new connection, and the old ones are cut."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._sock = _bound(self.port)
        for writer in list(self._open):
            writer.transport.abort()

    async def end(self) -> None:
        await self.shut()
        self._sock.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            self._open.discard(writer)
            writer.transport.abort()
            return
        self._open.add(back_writer)
        try:
            await asyncio.gather(_pumped(reader, back_writer), _pumped(back_reader, writer))
        finally:
            for each in (writer, back_writer):
                self._open.discard(each)
                each.transport.abort()


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


class Forwarders:
    """Some forwarders by the names of what they stand before, in a thread of their own."""

    def __init__(self, targets: Mapping[str, int]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="forwarders")
        self._thread.start()
        self._by_name = {name: Forwarder(port) for name, port in targets.items()}
        self.open(targets)

    @property
    def ports(self) -> dict[str, int]:
        return {name: one.port for name, one in self._by_name.items()}

    def open(self, names: Iterable[str]) -> None:
        for name in names:
            asyncio.run_coroutine_threadsafe(self._by_name[name].open(), self._loop).result(10)

    def shut(self, names: Iterable[str]) -> None:
        for name in names:
            asyncio.run_coroutine_threadsafe(self._by_name[name].shut(), self._loop).result(10)

    def end(self) -> None:
        for one in self._by_name.values():
            asyncio.run_coroutine_threadsafe(one.end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def forwarders(targets: Mapping[str, int]) -> Iterator[Forwarders]:
    """Forwarders to `targets`, open."""
    all_of_them = Forwarders(targets)
    try:
        yield all_of_them
    finally:
        all_of_them.end()
