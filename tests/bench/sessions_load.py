"""The two children of the bench `sessions`: a hall over the platform with a listener that asks nobody for a key, and the clients.

The server tells by lines on its stdin and stdout: `mark` answers the figures since the last mark. The clients read everything
that comes and type; each is a connection of its own.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

import asyncssh

SIZE = (120, 36)
BEAT_S = 0.01
SCOPES = ("", "region=emea", "region=apac", "region=amer", "channel=us-news-1")
MARKS = "¤§¶¢£¥µþðø"  # what no screen of ours shows: the echo of such a key is the key's
PROMPT = "╮"  # the frame of the prompt, which nothing else on the overview has
KEY_EVERY_S = 4.0
PATIENCE_S = 120.0  # on a machine that does much else


# -- the server --------------------------------------------------------------------------------------------------------
class Lateness:
    """How late the loop comes back to one who asked for a moment."""

    def __init__(self) -> None:
        self.late_s: list[float] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self.late_s.append(loop.time() - due)


async def serve(config: Path) -> None:
    from console.assembly import Engine
    from console.commands.asked import asked
    from console.config.load import load
    from console.feeds.clock import SystemClock
    from console.serve.hall.hall import Bounds, Hall, settled
    from tests.console.serve.listening import listening

    engine = Engine.open(load(config, os.environ), None, SystemClock(), os.environ)
    hall = Hall(engine, load(config, os.environ), bounds=Bounds(sessions=100, per_user=100), grammar=asked)
    await hall.open()
    lateness = Lateness()
    beats = asyncio.create_task(lateness.run())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with listening(hall) as port:
        _say({"port": port})
        while line := await lines.readline():
            word = line.decode().strip()
            if word == "settle":
                settled()
            if word == "collect":
                gc.collect()
            late_s, lateness.late_s = lateness.late_s, []
            _say({
                "rss_mb": _rss_mb(), "cpu_s": time.process_time(), "late_s": late_s, "sessions": len(hall.sessions),
                "apps": _apps(), "cost_s": hall.turns.cost_s,
                "tasks": len(asyncio.all_tasks()), "descriptors": len(os.listdir("/proc/self/fd")),
            })  # fmt: skip
    beats.cancel()
    await hall.close()
    await engine.close()


def _apps() -> int:
    from console.app.app import MidwatchApp

    return sum(isinstance(each, MidwatchApp) for each in gc.get_objects())


def _rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


# -- the clients -------------------------------------------------------------------------------------------------------
class Client(asyncssh.SSHClientSession[bytes]):
    """One terminal: counts what it gets, and knows when it saw the mark it waits for."""

    def __init__(self) -> None:
        self.received = 0
        self.awaited = b""
        self.tail = b""
        self.seen = asyncio.Event()
        self.painted = asyncio.Event()
        self.ended = asyncio.Event()

    def data_received(self, data: bytes, datatype: Any) -> None:
        self.received += len(data)
        if self.received > 600:
            self.painted.set()
        if self.awaited:
            self.tail = (self.tail + data)[-8_000:]
            if self.awaited in self.tail:
                self.awaited = b""
                self.seen.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


class Seated:
    """A client's connection, with what it typed."""

    def __init__(self, connection: Any, channel: Any, client: Client) -> None:
        self.connection, self.channel, self.client = connection, channel, client

    @classmethod
    async def at(cls, port: int, name: str) -> Seated:
        from tests.console.serve.listening import connected

        connection = await connected(port, name, encryption_algs="aes128-gcm@openssh.com")
        channel, client = await connection.create_session(
            Client, term_type="xterm-256color", term_size=SIZE, encoding=None, request_pty="force"
        )
        async with asyncio.timeout(PATIENCE_S):
            await client.painted.wait()
        return cls(connection, channel, client)

    async def typed(self, keys: str, awaited: str) -> float:
        """Seconds until what is awaited came."""
        client = self.client
        client.seen.clear()
        client.tail, client.awaited = b"", awaited.encode()
        at = time.perf_counter()
        self.channel.write(keys.encode())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await client.seen.wait()
        except TimeoutError:
            raise RuntimeError(f"no echo of {awaited!r} but {client.tail[-500:]!r} closed={client.ended.is_set()}") from None
        return time.perf_counter() - at

    async def leave(self) -> None:
        self.channel.write(b"\x1b")  # out of a prompt, if one is open
        await asyncio.sleep(0.2)
        self.channel.write(b"q")
        async with asyncio.timeout(PATIENCE_S):
            await self.client.ended.wait()
        self.connection.close()
        await self.connection.wait_closed()


async def clients() -> None:
    """Commands: `seat N` more, `type SECONDS`, `churn N` logins and logouts, `leave`."""
    port = int(sys.argv[2])
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    seated: list[Seated] = []
    chance = random.Random(6)
    while line := await lines.readline():
        word, *rest = line.decode().split()
        told: dict[str, Any] = {}
        if word == "seat":
            for _ in range(int(rest[0])):
                one = await Seated.at(port, f"user-{len(seated)}")
                scope = SCOPES[len(seated) % len(SCOPES)]
                if scope:
                    await one.typed(":", PROMPT)
                    one.channel.write(f"scope {scope}\r".encode())
                seated.append(one)
        elif word == "type":
            before = sum(each.client.received for each in seated)
            until = time.monotonic() + float(rest[0])
            found = await asyncio.gather(*(_typing(each, until, chance) for each in seated))
            told = {"latency_s": [each for one in found for each in one], "bytes": sum(e.client.received for e in seated) - before}
        elif word == "churn":
            for at in range(int(rest[0])):
                one = await Seated.at(port, f"user-{at % 7}")
                await one.leave()
        elif word == "leave":
            for each in seated:
                await each.leave()
            seated.clear()
        _say(told)


async def _typing(seated: Seated, until: float, chance: random.Random) -> list[float]:
    """A key in a prompt now and then, and a step down between: what an engineer does, not what a benchmark likes."""
    found = []
    await asyncio.sleep(chance.uniform(0, KEY_EVERY_S))
    while time.monotonic() < until:
        await seated.typed(":", PROMPT)
        await asyncio.sleep(0.3)
        for mark in chance.sample(MARKS, 2):
            found.append(await seated.typed(mark, mark))
            await asyncio.sleep(chance.uniform(0.1, 0.3))
        seated.channel.write(b"\x1b")
        await asyncio.sleep(0.3)
        seated.channel.write(b"j")
        await asyncio.sleep(chance.uniform(0.5, 1.5) * KEY_EVERY_S)
    return found


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[2])) if sys.argv[1] == "serve" else clients())
