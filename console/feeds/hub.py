"""The hub: starts a feed at its first reader, stops it some time after its last. One per process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextvars import Context
from typing import Any, Protocol

from console.feeds.topic import Subscription, Topic
from console.model.instant import Clock
from console.model.reading import Reading

LINGER_S = 30.0  # a view left and entered again must not reconnect

log = logging.getLogger(__name__)


class Feed(Protocol):
    """What the hub runs."""

    @property
    def name(self) -> str: ...

    @property
    def topic(self) -> Topic[Any]: ...

    @property
    def inputs(self) -> tuple[str, ...]: ...

    async def run(self) -> None: ...

    def look(self, *, doubt: bool = False) -> None:
        """Look at the clock now: time may have passed in which nothing of us ran. `doubt`: nobody can say how much."""
        ...


class Hub:
    """All feeds of a site by name, and which of them run."""

    def __init__(self, clock: Clock, linger_s: float = LINGER_S) -> None:
        self._clock = clock
        self._linger_s = linger_s
        self._feeds: dict[str, Feed] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._is_open = True
        self._is_closed = False
        self._context = Context()  # a feed that ran in its first reader's would hold that reader's app for as long as it runs

    def hold(self) -> None:
        """Start nothing yet: the first frame comes before the first connection."""
        self._is_open = False

    def open(self) -> None:
        """Start what was subscribed to while held, and from now on at once."""
        self._is_open = True
        for name, feed in self._feeds.items():
            if feed.topic.readers:
                self._start(name)

    def add(self, feed: Feed) -> None:
        """Register a feed; names are unique."""
        if feed.name in self._feeds:
            raise ValueError(f"two feeds are named {feed.name!r}")
        self._feeds[feed.name] = feed

    def __contains__(self, name: str) -> bool:
        return name in self._feeds

    def feeds(self) -> Iterator[Feed]:
        """All feeds in the order in which they were added."""
        return iter(self._feeds.values())

    def newest(self, name: str) -> Reading[Any] | None:
        """What a feed said last, without reading it: for what is only told when somebody else keeps it running anyway. None
        for a feed that this site does not have.
        """
        feed = self._feeds.get(name)
        return feed.topic.reading if feed is not None else None

    def subscribe(self, name: str, wake: asyncio.Event | None = None, every: bool = False) -> Subscription[Any]:
        """Read a feed, starting it if nobody else does. KeyError for a name that does not exist: a fault of the caller."""
        feed = self._feeds[name]
        subscription = feed.topic.join(wake, every, on_leave=lambda: self._left(name))
        leaving = self._leaving.pop(name, None)
        if leaving is not None:
            leaving.cancel()
        self._start(name)
        return subscription

    def _start(self, name: str) -> None:
        if self._is_open and not self._is_closed and name not in self._running:
            self._running[name] = asyncio.create_task(
                self._feeds[name].run(), name=f"feed {name}", context=self._context.copy()
            )

    def look(self, *, doubt: bool = False) -> None:
        """Let every running feed look at the clock now; in doubt, nothing is live until it is heard again."""
        for name in self._running:
            self._feeds[name].look(doubt=doubt)

    def is_running(self, name: str) -> bool:
        return name in self._running

    def _left(self, name: str) -> None:
        feed = self._feeds[name]
        if feed.topic.readers == 0 and name in self._running and name not in self._leaving and not self._is_closed:
            self._leaving[name] = asyncio.create_task(
                self._linger(name), name=f"linger {name}", context=self._context.copy()
            )

    async def _linger(self, name: str) -> None:
        await self._clock.sleep(self._linger_s)
        self._leaving.pop(name, None)
        if self._feeds[name].topic.readers == 0:
            task = self._running.pop(name)
            self._stopping.add(task)
            try:
                await _stopped(task, name)
            finally:
                self._stopping.discard(task)

    async def close(self) -> None:
        """Stop everything and wait until it has stopped; nothing is left behind."""
        self._is_closed = True
        leaving = list(self._leaving.values())
        self._leaving.clear()
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        while self._running:
            # readers before what they read: a derived feed gives its subscriptions back while its inputs still stand
            running, self._running = self._running, {}
            await asyncio.gather(*(_stopped(task, name) for name, task in running.items()))
        await asyncio.gather(*self._stopping, return_exceptions=True)


async def _stopped(task: asyncio.Task[None], name: str) -> None:
    task.cancel()
    outcomes = await asyncio.gather(task, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            log.error("feed %s ended with %r", name, outcome)
