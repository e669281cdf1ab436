"""A line to the API server that can be cut and shut. It forwards bytes and understands none: TLS is between the two ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType


class Gate:
    """Listens on a port of its own; `async with` opens it. `connections`: how many came, also those sent away."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0
        self.is_shut = False
        self.is_deaf = False  # what the server says is lost; what it is told arrives

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def open_lines(self) -> int:
        return len(self._lines)

    async def __aenter__(self) -> Gate:
        self._server = await asyncio.start_server(self._line, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Every line ends now, in the middle of whatever was said."""
        lines = list(self._lines)
        for line in lines:
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)

    async def shut(self) -> None:
        """As `cut`, and whoever comes is sent away until `open`."""
        self.is_shut = True
        await self.cut()

    def open(self) -> None:
        self.is_shut = False

    async def _line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        there: asyncio.StreamWriter | None = None
        try:
            if self.is_shut:
                return
            back, there = await asyncio.open_connection("127.0.0.1", self._to)
            ways = [
                asyncio.ensure_future(_pour(reader, there)),
                asyncio.ensure_future(_pour(back, writer, lambda: self.is_deaf)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, asyncio.CancelledError):
            pass  # the server is down, or the line is cut: the client sees its end closed
        finally:
            self._lines.discard(task)
            for end in (writer, there):
                if end is not None:
                    end.transport.abort()


async def _pour(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_lost: Callable[[], bool] = lambda: False
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            if is_lost():
                continue
            writer.write(data)
            await writer.drain()
