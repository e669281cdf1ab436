"""A narrow, long way for one TCP port: rate, delay each way, a bounded queue, and losses as a TCP would feel them.

What a proxy cannot do is lose a packet: both its ends are whole TCP connections over loopback. So a loss is played: the segment
comes one retransmission later (a round trip where enough follows it for three duplicate acknowledgements, else the timeout of
RFC 6298, never under 200 ms as Linux has it), and everything behind it waits, because TCP delivers in order. Real losses under a
real TCP are made by `air.py`, which needs root.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

SEGMENT = 1400
SENT_AGAIN_SOON = 3  # segments behind a lost one that make it be sent again without waiting for the timeout
LEAST_TIMEOUT_S = 0.2


class Way(msgspec.Struct, frozen=True):
    """What a link is like, in each direction."""

    rate_bps: float = 64_000.0
    delay_s: float = 0.150
    loss: float = 0.0
    queue: int = 16_384  # bytes that wait for their turn; two seconds of this rate
    seed: int = 1


class _Direction:
    """From one socket to another. Reading stops while the queue is full: that is the sender's window."""

    def __init__(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random) -> None:
        self._way, self._reader, self._writer, self._chance = way, reader, writer, chance
        self._flying: deque[tuple[float, bytes]] = deque()
        self._news = asyncio.Event()
        self._is_over = False

    async def run(self) -> None:
        landing = asyncio.create_task(self._land())
        try:
            await self._depart()
            await landing
        finally:
            landing.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await landing

    async def _depart(self) -> None:
        loop, way = asyncio.get_running_loop(), self._way
        free_at = landed_at = 0.0
        with contextlib.suppress(OSError):
            while data := await self._reader.read(SEGMENT):
                now = loop.time()
                free_at = max(now, free_at) + (len(data) + 40) * 8 / way.rate_bps
                at = free_at + way.delay_s
                while self._chance.random() < way.loss:
                    at += self._sent_again_after_s()
                landed_at = max(landed_at, at)
                self._flying.append((landed_at, data))
                self._news.set()
                waits = free_at - now - way.queue * 8 / way.rate_bps
                if waits > 0:
                    await asyncio.sleep(waits)
        self._is_over = True
        self._news.set()

    def _sent_again_after_s(self) -> float:
        round_trip_s = 2 * self._way.delay_s
        return round_trip_s if len(self._flying) >= SENT_AGAIN_SOON else max(LEAST_TIMEOUT_S, 1.5 * round_trip_s)

    async def _land(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._flying:
                if self._is_over:
                    with contextlib.suppress(OSError):
                        self._writer.write_eof()
                    return
                self._news.clear()
                await self._news.wait()
            at, data = self._flying.popleft()
            if (early := at - loop.time()) > 0:
                await asyncio.sleep(early)
            self._writer.write(data)
            await self._writer.drain()


class Slowly:
    """The port in front of another; its loop is a thread's, so that a test that waits does not slow it down further."""

    def __init__(self, target: int, way: Way) -> None:
        self._target, self._way = target, way
        self._chance = random.Random(way.seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow link")
        self._thread.start()
        self._open: set[asyncio.Task[None]] = set()
        self._server = self._asked(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._carry, "127.0.0.1", 0, limit=SEGMENT)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        onward: asyncio.StreamWriter | None = None
        try:
            far, onward = await asyncio.open_connection("127.0.0.1", self._target, limit=SEGMENT)
            for end in (writer, onward):
                sock: socket.socket = end.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what our kernel hides from the sender
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            there = _Direction(self._way, reader, onward, self._chance)
            back = _Direction(self._way, far, writer, self._chance)
            await asyncio.gather(there.run(), back.run())
        except (OSError, asyncio.CancelledError):
            pass  # an end went away, or the test is over
        finally:
            self._open.discard(task)
            for end in (writer, onward):
                if end is not None:
                    end.transport.abort()

    def _asked(self, what: object) -> object:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)  # type: ignore[arg-type]

    async def _end(self) -> None:
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def end(self) -> None:
        self._asked(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@contextmanager
def slowly(target: int, way: Way) -> Iterator[int]:
    """The port of a narrow way to `target`."""
    link = Slowly(target, way)
    try:
        yield link.port
    finally:
        link.end()
