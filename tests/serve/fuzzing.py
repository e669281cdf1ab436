"""Hostile connections: a recorded good handshake with flipped bits, sealed nonsense, garbage, half sentences, no end of a banner.

The recorded handshake is what OpenSSH said up to its first sealed packet. Behind that every byte is under a MAC, so that flipped
bits only ever reach the check of the MAC (`mangled`); what reaches the parsers is nonsense that is sealed correctly, and only a
client that holds the session's keys can say it: `sealed` is asyncssh's client, which is made to send packets of any number with
any bytes in them, before it has logged in and after.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncssh

PATIENCE_S = 3.0  # how long a hostile connection stays when nobody ends it
_KEXINIT_AND_MORE = 2600  # bytes of the client's before everything is sealed, at least


async def recorded(port: int, words: Callable[[int], list[str]], environ: dict[str, str], host: str = "127.0.0.1") -> bytes:
    """What OpenSSH's client says in a login that succeeds: it is run against a port that writes down and passes on."""
    said, is_over = bytearray(), asyncio.Event()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if kept is not None:
                    kept += data
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far, onward = await asyncio.open_connection(host, port)
        await asyncio.gather(passed(reader, onward, said), passed(far, writer, None))
        onward.close()
        writer.close()
        is_over.set()

    server = await asyncio.start_server(carried, "127.0.0.1", 0)
    async with server:
        child = await asyncio.create_subprocess_exec(
            *words(server.sockets[0].getsockname()[1]), env=environ,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, err = await asyncio.wait_for(child.communicate(), 60)
        await asyncio.wait_for(is_over.wait(), 10)
        assert said.startswith(b"SSH-2.0-"), (bytes(said[:40]), err)
    return bytes(said)


class Fuzzer:
    """Makes connections and counts how each ended. The same seed makes the same ones."""

    def __init__(self, port: int, good: bytes, user: str, key: Path, seed: int = 1, host: str = "127.0.0.1") -> None:
        self._host, self._port, self._good, self._user, self._key = host, port, good, user, str(key)
        self._chance = random.Random(seed)
        self.ends: Counter[str] = Counter()
        self._kinds: dict[str, tuple[int, Callable[[random.Random], Awaitable[str]]]] = {
            "flipped": (40, self._flipped),
            "sealed": (15, self._sealed),
            "mangled": (5, self._mangled),
            "garbage": (12, self._garbage),
            "truncated": (12, self._truncated),
            "lengths": (8, self._lengths),
            "banner": (4, self._banner),
            "drip": (4, self._drip),
        }

    async def run(self, count: int, at_once: int = 8, beside: Callable[[int], Awaitable[None]] | None = None) -> None:
        """`beside` is called with the number made so far after each hundred, while others go on."""
        kinds = self._chance.choices(list(self._kinds), [share for share, _ in self._kinds.values()], k=count)
        work = iter([(kind, random.Random(self._chance.getrandbits(64))) for kind in kinds])
        made = 0

        async def worker() -> None:
            nonlocal made
            for kind, chance in work:
                try:
                    end = await asyncio.wait_for(self._kinds[kind][1](chance), 20)
                except (OSError, asyncssh.Error, EOFError) as wrong:
                    end = type(wrong).__name__
                except TimeoutError:
                    end = "held for 20 s"
                self.ends[f"{kind}: {end}"] += 1
                made += 1
                if beside is not None and made % 100 == 0:
                    await beside(made)

        await asyncio.gather(*(worker() for _ in range(at_once)))

    async def _told(self, *pieces: bytes, patience_s: float = PATIENCE_S) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                if len(pieces) > 1:
                    await asyncio.sleep(0)
            try:
                async with asyncio.timeout(patience_s):
                    while await reader.read(65536):
                        pass
            except TimeoutError:
                return "left by us"
            return "closed by the server"
        finally:
            writer.transport.abort()

    async def _flipped(self, chance: random.Random) -> str:
        bad = bytearray(self._good)
        for _ in range(chance.choice((1, 1, 1, 2, 8, 64))):
            bad[chance.randrange(min(len(bad), chance.choice((40, 300, 2500))))] ^= 1 << chance.randrange(8)
        cut = chance.randrange(1, len(bad))
        return await self._told(bytes(bad[:cut]), bytes(bad[cut:]), patience_s=0.5)

    async def _garbage(self, chance: random.Random) -> str:
        banner = b"SSH-2.0-x\r\n" if chance.random() < 0.6 else b""
        return await self._told(banner + chance.randbytes(chance.choice((1, 64, 5000, 40_000))), patience_s=0.5)

    async def _truncated(self, chance: random.Random) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write(self._good[: chance.randrange(len(self._good))])
        if chance.random() < 0.5:
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(100), 0.2)
        writer.transport.abort()
        return "left by us"

    async def _lengths(self, chance: random.Random) -> str:
        """A packet that says it is very long, or of no length, and padding that is longer than it."""
        length = chance.choice((0, 1, 5, 35_001, 262_145, 2**31 - 1, 2**32 - 1))
        packet = length.to_bytes(4) + bytes((chance.choice((0, 4, 255)),)) + chance.randbytes(64)
        return await self._told(b"SSH-2.0-OpenSSH_9.2\r\n" + packet, patience_s=0.5)

    async def _banner(self, chance: random.Random) -> str:
        end = chance.choice((b"", b"\n", b"\0"))
        return await self._told(b"SSH-2.0-", *((b"A" * 4096 + end) for _ in range(256)), patience_s=0.5)

    async def _drip(self, chance: random.Random) -> str:
        """A byte at a time, as slow as it likes."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            begin = asyncio.get_running_loop().time()
            for at in range(len(self._good)):
                writer.write(self._good[at : at + 1])
                await writer.drain()
                await asyncio.sleep(chance.choice((0.0, 0.02, 0.1)))
                if asyncio.get_running_loop().time() - begin > PATIENCE_S:
                    return "left by us"
            await asyncio.wait_for(reader.read(), 1)
            return "closed by the server"
        finally:
            writer.transport.abort()

    async def _login(self, tunnelled: int | None = None) -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(
            "127.0.0.1" if tunnelled else self._host, tunnelled or self._port, username=self._user, config=None,
            client_keys=[self._key], known_hosts=None, agent_path=None, login_timeout=10,
        )  # fmt: skip

    async def _sealed(self, chance: random.Random) -> str:
        """Packets that carry the right MAC and nothing else that is right."""
        if chance.random() < 0.3:
            return await self._sealed_before_login(chance)
        connection = await self._login()
        try:
            if chance.random() < 0.7:
                with contextlib.suppress(asyncssh.Error):
                    await connection.create_process(term_type="xterm", term_size=(80, 24), encoding=None)
            await _spoken(connection, chance)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(connection.wait_closed(), 0.3)
        finally:
            connection.abort()
        return "spoken"

    async def _sealed_before_login(self, chance: random.Random) -> str:
        class Rude(asyncssh.SSHClient):
            def __init__(self) -> None:
                self.connection: asyncssh.SSHClientConnection | None = None

            def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
                self.connection = conn

            async def public_key_auth_requested(self) -> None:
                assert self.connection is not None
                await _spoken(self.connection, chance)

        made: list[Rude] = []

        def rude() -> Rude:
            made.append(Rude())
            return made[-1]

        try:
            connection, _ = await asyncssh.create_connection(
                rude, self._host, self._port, username=self._user, config=None, known_hosts=None, agent_path=None,
                client_keys=None, login_timeout=2,
            )  # fmt: skip
            connection.abort()
        except (asyncssh.Error, OSError) as refused:
            return f"before login, {type(refused).__name__}"
        return "before login, LOGGED IN"

    async def _mangled(self, chance: random.Random) -> str:
        """A good client, and bits that flip on its way once everything is sealed."""
        ways: list[asyncio.Task[Any]] = []
        ends: list[asyncio.StreamWriter] = []

        async def way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            ways.append(task)
            far, onward = await asyncio.open_connection(self._host, self._port)
            ends.extend((writer, onward))
            first_bad = _KEXINIT_AND_MORE + chance.randrange(1500)

            async def there() -> None:
                seen = 0
                while data := bytearray(await reader.read(65536)):
                    if seen + len(data) > first_bad:
                        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                    seen += len(data)
                    onward.write(data)
                    await onward.drain()

            async def back() -> None:
                while data := await far.read(65536):
                    writer.write(data)
                    await writer.drain()
                writer.close()

            with contextlib.suppress(OSError):
                await asyncio.gather(there(), back())
            onward.transport.abort()
            writer.transport.abort()

        server = await asyncio.start_server(way, "127.0.0.1", 0)
        try:
            connection = await self._login(server.sockets[0].getsockname()[1])
            try:
                for _ in range(5):
                    await asyncio.wait_for(connection.run("snapshot", check=False), 1)
            finally:
                connection.abort()
        except TimeoutError:
            return "silent"
        finally:
            server.close()
            for end in ends:
                end.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)
        return "not noticed"


async def _spoken(connection: asyncssh.SSHClientConnection, chance: random.Random) -> None:
    """Some packets: numbers of messages that exist and that do not, with bytes that fit nothing."""
    for _ in range(chance.randrange(1, 12)):
        number = chance.choice((1, 2, 3, 4, 5, 6, 20, 30, 50, 60, 61, 80, 81, 90, 91, 93, 94, 95, 96, 97, 98, 99, 100, 192, 255))
        shape = chance.randrange(4)
        if shape == 0:
            body = chance.randbytes(chance.choice((0, 1, 4, 200, 20_000)))
        elif shape == 1:  # for channel 0
            body = b"\0\0\0\0" + chance.randbytes(chance.choice((0, 4, 30)))
        elif shape == 2:  # a request that exists, with nonsense in it
            name = chance.choice((b"pty-req", b"window-change", b"env", b"exec", b"shell", b"subsystem", b"signal", b"x11-req"))
            number, body = 98, b"\0\0\0\0" + len(name).to_bytes(4) + name + b"\1" + chance.randbytes(chance.randrange(40))
        else:  # a length far beyond the packet
            body = b"\0\0\0\0" + b"\xff\xff\xff\xff" + chance.randbytes(8)
        with contextlib.suppress(asyncssh.Error, OSError, AttributeError):
            connection.send_packet(number, body)
        await asyncio.sleep(0)
