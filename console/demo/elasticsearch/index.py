"""Visibility: three shards refreshed on seconds of their own, and the points in time that freeze what they
showed.

A document is ingested at one moment and found only after its shard's next refresh, so a document of one shard
may appear after a younger one of another: the fault every log tail has to survive. A *view* is the three
times of the last refreshes, in nanoseconds; a point in time is a view that is kept.
"""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from console.demo.elasticsearch.documents import SHARDS
from console.demo.elasticsearch.errors import EsError, illegal
from console.demo.elasticsearch.lines import NS, Story
from console.demo.world.world import World

REFRESH_S = 1
STORM_REFRESH_S = 5
RETENTION = timedelta(hours=2)
"""Older documents have been deleted, as by lifecycle management; counted from the platform's start."""
MAX_OPEN_PITS = 300
MAX_KEEP_ALIVE_MS = 86_400_000

View = tuple[int, ...]


class Context(msgspec.Struct):
    """An open point in time. Mutable: every search that names it moves `expires`."""

    view: View
    expires: datetime
    matched: bool
    """False for a pattern that matched no index: such a context finds nothing."""


class Index:
    """The one index, its clock and its open contexts."""

    def __init__(self, world: World, clock: Callable[[], datetime]) -> None:
        self.story = Story(world)
        self._world = world
        self._clock = clock
        self._phases = [world.phase(f"refresh/{shard}") / math.tau for shard in range(SHARDS)]
        self._contexts: dict[int, Context] = {}
        self._numbers = count(1)

    def now_ns(self) -> int:
        """The server's now."""
        return int(self._clock().timestamp() * 1_000_000) * 1000

    def view(self) -> View:
        """When each shard was last refreshed."""
        now = self.now_ns()
        return tuple(self._refreshed(shard, now) for shard in range(SHARDS))

    def _refreshed(self, shard: int, now: int) -> int:
        """When the shard's last refresh was. One that must take in a storm comes to every STORM_REFRESH_S-th only."""
        every = REFRESH_S * NS
        offset = int(self._phases[shard] * every)
        turn = (now - offset) // every
        while turn % STORM_REFRESH_S != shard and self._world.active("log-storm", _moment(turn * every + offset)):
            turn -= 1
        return turn * every + offset

    def first_second(self) -> int:
        """The oldest second the index still holds."""
        return int((self._world.start - RETENTION).timestamp())

    # Points in time

    def open_pit(self, keep_alive_ms: int, matched: bool) -> str:
        """A new context's id. Raises EsError when too many are open or the time is over the limit."""
        self._expire()
        if len(self._contexts) >= MAX_OPEN_PITS:
            raise EsError(
                429,
                "too_many_requests_exception",
                f"{MAX_OPEN_PITS} points in time are open; close some or let them expire",
            )
        number = next(self._numbers)
        self._contexts[number] = Context(self.view(), self._until(keep_alive_ms), matched)
        return _pit_id(number, 0)

    def use_pit(self, pit_id: str, keep_alive_ms: int | None) -> tuple[Context, str]:
        """The context and the id to use from now on; the one given stays good for as long.

        Raises EsError: 400 for what is no id at all, 404 for one that has expired or was closed.
        """
        self._expire()
        number, serial = _parsed(pit_id)
        context = self._contexts.get(number)
        if context is None:
            raise missing_context(number)
        if keep_alive_ms is not None:
            context.expires = max(context.expires, self._until(keep_alive_ms))
        return context, _pit_id(number, serial + 1)

    def close_pit(self, pit_id: str) -> int:
        """How many shard contexts were freed; 0 when there was nothing to close."""
        self._expire()
        number, _ = _parsed(pit_id)
        return SHARDS if self._contexts.pop(number, None) is not None else 0

    def _until(self, keep_alive_ms: int) -> datetime:
        if keep_alive_ms > MAX_KEEP_ALIVE_MS:
            raise illegal(
                f"Keep alive for request ({keep_alive_ms}ms) is too large. It must be less than (1d). "
                "This limit can be set by changing the [search.max_keep_alive] cluster level setting."
            )
        return self._clock() + timedelta(milliseconds=keep_alive_ms)

    def _expire(self) -> None:
        now = self._clock()
        for number in [number for number, context in self._contexts.items() if context.expires <= now]:
            del self._contexts[number]


def missing_context(number: int) -> EsError:
    """404, in the shape a shard reports a context it no longer has."""
    cause = {
        "type": "search_context_missing_exception",
        "reason": f"No search context found for id [{number}]",
    }
    return EsError(404, cause["type"], cause["reason"], phase=True)


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / NS, UTC)


_MARK = "midwatch-pit"


def _pit_id(number: int, serial: int) -> str:
    return urlsafe_b64encode(f"{_MARK}/{number}/{serial}".encode()).decode()


def _parsed(pit_id: str) -> tuple[int, int]:
    try:
        mark, number, serial = urlsafe_b64decode(pit_id.encode()).decode().split("/")
        if mark != _MARK:
            raise ValueError(mark)
        return int(number), int(serial)
    except ValueError as error:
        raise illegal(f"invalid id: [{pit_id[:80]}]") from error
