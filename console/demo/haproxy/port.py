"""The stats socket over TCP: lines in, answers out.

Without `prompt` a connection is for the lines that came together and is closed after them; with it, it stays and
asks with `> `. A line may hold several commands between semicolons, each with an answer of its own. A second port,
the master's, knows one command: `reload`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from datetime import datetime

from console.demo.haproxy.balancer import Balancer
from console.demo.haproxy.command import Commands, split, words, writes
from console.demo.wire import Answered, Asked, WireLog, moment

MAX_LINE = 16_384
"""tune.bufsize: what has no end by then is no command, and the connection is closed."""
IDLE_S = 30.0
"""stats timeout."""
BACKLOG = 64


class Port:
    """One socket, bound by who made it. It listens from `start` until `stop`."""

    def __init__(self, name: str, sock: socket.socket, balancer: Balancer, clock: Callable[[], datetime],
                 wire: WireLog | None = None, *, master: bool = False) -> None:
        self.name = name
        self.port: int = sock.getsockname()[1]
        self._sock = sock
        self._balancer = balancer
        self._clock = clock
        self._wire = wire
        self._master = master
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        return self._server is not None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accepted, sock=self._sock, backlog=BACKLOG)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for task in list(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            self._server = None
        self._sock.close()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await _Connection(self, reader, writer).serve()
        except (OSError, TimeoutError):
            # Gone, silent for too long, or a line without an end: the real one closes without a word too.
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    def run(self, commands: Commands, text: str) -> str:
        """Writes the asking down before anything happens."""
        if self._wire is None:
            return self._answer(commands, text)
        number = self._wire.number()
        self._wire.write(Asked(number, moment(self._clock()), "haproxy", self.name, self.port, "CLI", text.strip(), "",
                               writes(text)))
        answer = self._answer(commands, text)
        self._wire.write(Answered(number, moment(self._clock()), None, len(answer.encode())))
        return answer

    def _answer(self, commands: Commands, text: str) -> str:
        if not self._master:
            return commands.answer(text)
        if words(text) == ["reload"]:
            self._balancer.reload(self._clock())
            return ""
        return "Unknown command. Please enter one of the following commands only:\n  reload\n\n"

    def commands(self) -> Commands:
        return Commands(self._balancer, self._clock)


class _Connection:
    def __init__(self, port: Port, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._port = port
        self._reader = reader
        self._writer = writer
        self._commands = port.commands()
        self._prompt = False

    async def serve(self) -> None:
        waiting = b""
        while True:
            came = await asyncio.wait_for(self._reader.read(MAX_LINE), IDLE_S)
            waiting += came
            if not came or (len(waiting) > MAX_LINE and b"\n" not in waiting):
                return
            *lines, waiting = waiting.split(b"\n")
            for line in lines:
                if not await self._line(line.decode(errors="replace").rstrip("\r")):
                    return
            if lines and not self._prompt:
                return

    async def _line(self, line: str) -> bool:
        """False when the connection is to be closed."""
        for text in split(line):
            typed = words(text)
            if typed[:1] == ["quit"]:
                return False
            if typed[:1] == ["prompt"]:
                self._prompt = not self._prompt
                await self._say("\n")
            else:
                await self._say(self._port.run(self._commands, text))
        return True

    async def _say(self, text: str) -> None:
        """Waits for a reader that is slow: a short line may ask for many long tables."""
        self._writer.write((text + ("> " if self._prompt else "")).encode())
        await asyncio.wait_for(self._writer.drain(), IDLE_S)
