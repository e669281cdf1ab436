"""The connections to one place: made when none is idle, kept for the next question, closed when they rest too long.

Two questions never share a connection at once. A server may close an idle connection at the very moment in which we ask; so a
question on a used connection that is closed without one byte of an answer is asked once more, on a fresh one.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from console.model.instant import Instant
from console.probe.address import Door, split_address
from console.probe.http.connection import Connection
from console.probe.http.exchange import Exchange
from console.probe.http.names import Names
from console.probe.http.question import Question

IDLE_S = 30.0
CLOSING_S = 1.0
STAGGER_S = 0.25  # before the next of a name's addresses is tried as well (RFC 8305)
ADDRESSES = 6  # tried at most
Tls = Callable[[], ssl.SSLContext]


class Pool:
    """All connections of one way through one door. `guard`: foreign text named the host, so its addresses are looked at."""

    def __init__(
        self, door: Door, names: Names, tls: Tls, now: Callable[[], Instant], *, guard: bool, is_own_loopback: bool
    ) -> None:
        self._door = door
        self._names = names
        self._tls = tls
        self._now = now
        self._guard = guard
        self._is_own_loopback = is_own_loopback
        self._loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []  # the newest last: it is the least likely to have been closed
        self._is_closed = False
        self._emptied: asyncio.Future[None] | None = None
        self.open: set[Connection] = set()
        self.dialing = 0

    async def asked(self, wire: bytes, question: Question, deadline: float) -> Exchange:
        """The exchange, over; `deadline` is on the loop's clock. Raises TimeoutError and OSError while connecting."""
        is_fresh = False
        while True:
            connection = None if is_fresh else self._rested()
            exchange = Exchange(question, self._loop.create_future())
            if connection is None:
                is_fresh = True
                async with asyncio.timeout_at(deadline):
                    connection = await self._dialed()
                exchange.asked_at = self._now()
            connection.ask(wire, exchange, deadline, question.timeout_s)
            try:
                await exchange.done
            finally:
                if not exchange.is_over:  # cancelled
                    connection.drop()
            if is_fresh or not exchange.is_unanswered:
                return exchange
            is_fresh = True

    def made(self, connection: Connection) -> None:
        """A connection stands."""
        self.open.add(connection)
        if self._is_closed:
            connection.drop()

    def rests(self, connection: Connection) -> None:
        """Its answer is complete and it may carry another."""
        connection.idle_since = self._loop.time()
        self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """It is closed, by whichever end."""
        self.open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self.open and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    def tidy(self) -> None:
        """Close what has been idle for long: behind many a firewall it is dead by then."""
        before = self._loop.time() - IDLE_S
        for connection in [each for each in self._idle if each.idle_since < before]:
            connection.drop()

    async def close(self) -> None:
        """Close them all, now; the loop tells of each loss a turn later."""
        self._is_closed = True
        self._emptied = self._loop.create_future()
        for connection in list(self.open):
            connection.drop()
        if self.open:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await self._emptied

    def _rested(self) -> Connection | None:
        before = self._loop.time() - IDLE_S
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_lost and connection.idle_since >= before:
                return connection
            connection.drop()
        return None

    async def _dialed(self) -> Connection:
        self.dialing += 1
        try:
            if self._door.connect_to is not None:
                return await self._to(*split_address(self._door.connect_to))
            found = await self._names.addresses(self._door.host, self._guard, self._is_own_loopback)
            if len(found) == 1:
                return await self._to(found[0], self._door.port)
            return await self._raced(found[:ADDRESSES])
        finally:
            self.dialing -= 1

    async def _to(self, address: str, port: int) -> Connection:
        is_tls = self._door.scheme == "https"
        _, connection = await self._loop.create_connection(
            partial(Connection, self, self._now, self._loop),
            address,
            port,
            ssl=self._tls() if is_tls else None,
            server_hostname=self._door.host.rstrip(".") if is_tls else None,
        )
        return connection

    async def _raced(self, addresses: tuple[str, ...]) -> Connection:
        """The first that stands; the next address is tried when one fails or takes long."""
        tasks: list[asyncio.Task[Connection]] = []
        winner: Connection | None = None
        try:
            waiting = list(addresses)
            pending: set[asyncio.Task[Connection]] = set()
            while winner is None and (waiting or pending):
                if waiting:
                    tasks.append(asyncio.create_task(self._to(waiting.pop(0), self._door.port)))
                    pending.add(tasks[-1])
                done, pending = await asyncio.wait(
                    pending, timeout=STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                winner = next((task.result() for task in done if task.exception() is None), None)
            if winner is None:
                error = tasks[0].exception()
                assert error is not None
                raise error
            return winner
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Connection) and ended is not winner:
                    ended.drop()


def words_of(error: OSError) -> str:
    """Why a connection failed, as a finding's reason will say it; asyncio puts a lot around it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
