"""A raw feed: one source, pumped into a topic, with silence told as staleness."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from console.feeds.topic import Topic
from console.model.failure import Failure, FailureKind
from console.model.instant import Clock, Instant
from console.model.reading import Reading, connecting
from console.model.severity import State
from console.model.source import Source

T = TypeVar("T")  # what the source says
P = TypeVar("P")  # what the feed publishes
PUBLISH_EVERY_S = 0.1  # at most ten publications a second; the pump's waiting is the source's back-pressure
RESTART_S = 2.0  # after an exception of our own in a source

log = logging.getLogger(__name__)


class RawFeed(ABC, Generic[T, P]):
    """Runs a source while somebody looks.

    The source is made by `make` at each start, so that a connector is imported and a connection opened only on first use,
    and nothing of them is left after the stop.
    """

    def __init__(self, name: str, make: Callable[[], Source[T]], clock: Clock) -> None:
        self.name = name
        self.topic: Topic[P] = Topic()
        self.source: Source[T] | None = None
        self.latest: Reading[T] = connecting()
        self._make = make
        self._clock = clock
        self._heard: Instant | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """A raw feed stands on nothing but its source."""
        return ()

    @abstractmethod
    def _shown(self, reading: Reading[T]) -> Reading[P]:
        """What the feed publishes of what the source said."""

    def _publish(self, reading: Reading[T]) -> None:
        shown = self._shown(reading)
        self.latest = reading
        self.topic.publish(shown)

    async def run(self) -> None:
        """Pump until cancelled; the source is closed on the way out."""
        watchdog = asyncio.create_task(self._watch(), name=f"{self.name}: staleness")
        try:
            while True:
                try:
                    await self._pump()
                except Exception as error:
                    log.exception("feed %s: its source raised; restarting it", self.name)
                    self._publish(self.latest.failed(internal_failure(self.name, error)))
                await self._clock.sleep(RESTART_S)
        finally:
            watchdog.cancel()
            await asyncio.gather(watchdog, return_exceptions=True)
            self.source = None
            self._heard = None

    async def _pump(self) -> None:
        self.source = self._make()
        async with aclosing(self.source.readings()) as readings:
            async for reading in readings:
                self._heard = self._clock.now()
                self._publish(reading)
                await self._clock.sleep(PUBLISH_EVERY_S)

    def look(self, *, doubt: bool = False) -> None:
        """Call stale what the source has said nothing about for too long; in doubt whatever was said."""
        source, heard = self.source, self._heard
        if source is None or heard is None or self.latest.state not in (State.LIVE, State.PARTIAL):
            return
        if doubt or self._clock.now().mono - heard.mono > source.stale_after_s:
            self._publish(self.latest.aged())

    async def _watch(self) -> None:
        """Turn a live reading stale when the source has said nothing for too long."""
        while True:
            source, heard = self.source, self._heard
            if source is None or heard is None:
                await self._clock.sleep(0.5)
                continue
            silent_s = self._clock.now().mono - heard.mono
            self.look()
            await self._clock.sleep(max(0.25, source.stale_after_s - silent_s))


class StateFeed(RawFeed[T, T]):
    """Publishes what the source says, as it is."""

    def _shown(self, reading: Reading[T]) -> Reading[T]:
        return reading


def internal_failure(name: str, error: Exception) -> Failure:
    """Our own exception as a failure that a pane can show; `ref` finds the traceback in the log."""
    words = str(error)[:200].encode("unicode_escape").decode()  # it may quote foreign text
    return Failure(
        kind=FailureKind.INTERNAL,
        tried=f"run {name}",
        on="midwatch",
        got=f"{type(error).__name__}: {words[:200]}",
        hint="a fault of midwatch itself; the log file has the traceback",
        ref=f"{name}/{type(error).__name__}",
    )
