"""One TCP or TLS connection, and the exchange that it carries; never two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.http.exchange import Exchange

if TYPE_CHECKING:
    from console.probe.http.pool import Pool


class Connection(asyncio.Protocol):
    """Belongs to a pool from its beginning to its loss. Dropped at once when bytes come that nobody asked for."""

    __slots__ = ("_exchange", "_loop", "_now", "_overdue", "_pool", "_transport", "idle_since", "is_lost")

    def __init__(self, pool: Pool, now: Callable[[], Instant], loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._now = now
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self.idle_since = 0.0  # on the loop's clock
        self.is_lost = False

    def ask(self, wire: bytes, exchange: Exchange, deadline: float, timeout_s: float) -> None:
        """Send the request. `deadline` is on the loop's clock; `timeout_s` is only said."""
        assert self._transport is not None and self._exchange is None
        if self.is_lost or self._transport.is_closing():
            exchange.lost(None)
            return
        self._exchange = exchange
        self._overdue = self._loop.call_at(deadline, self._is_overdue, timeout_s)
        self._transport.write(wire)

    def drop(self) -> None:
        """Close it now, whatever is under way. Without a farewell: a TLS peer that is silent would keep it for long."""
        if self._overdue is not None:
            self._overdue.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so
        self._pool.made(self)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            self.drop()
            return
        exchange.feed(data, self._now())
        if exchange.is_over:
            self._settle(exchange)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        exchange, self._exchange = self._exchange, None
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        if exchange is not None and not exchange.is_over:
            if exchange.at is None:
                exchange.at = self._now()
            exchange.lost(exc)
        self._pool.lost(self)

    def _settle(self, exchange: Exchange) -> None:
        self._exchange = None
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        assert self._transport is not None
        if exchange.is_reusable and not self._transport.is_closing():
            self._pool.rests(self)
        else:
            self._transport.abort()

    def _is_overdue(self, timeout_s: float) -> None:
        exchange = self._exchange
        if exchange is not None:
            words = "no answer" if not exchange.taken else "headers" if not exchange.has_head else f"{exchange.wire} bytes"
            told = "no answer within" if not exchange.taken else f"only {words} within"
            exchange.fail(Outcome.TIMEOUT, f"{told} {timeout_s:g} s")
            exchange.is_reusable = False
            self._settle(exchange)
