"""What every source is doing and costing, once a second: the feed behind the `sources` view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.feeds.clock import SystemClock
from console.feeds.hub import Hub
from console.feeds.raw import RawFeed
from console.feeds.topic import Topic
from console.model.instant import Clock, Instant
from console.model.reading import Reading
from console.model.severity import State
from console.model.source import SourceStatus

EVERY_S = 1.0


class LedgerFeed:
    """Looks at the raw feeds that run; asks nobody outside."""

    name = "sources"
    inputs: tuple[str, ...] = ()

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self.topic: Topic[tuple[SourceStatus, ...]] = Topic()
        self._hub = hub
        self._clock = clock

    async def run(self) -> None:
        while True:
            self.look()
            await self._clock.sleep(EVERY_S)

    def look(self, *, doubt: bool = False) -> None:
        """Publish what is so now."""
        now = self._clock.now()
        if isinstance(self._clock, SystemClock) and self._clock.stepped_s:
            self._clock.agreed(feed.latest.skew_s for feed in self._raw() if feed.latest.skew_s is not None)
            now = self._clock.now()
        self.topic.publish(Reading(value=self.statuses(now), state=State.LIVE, received=now, as_of=now.utc))

    def statuses(self, now: Instant) -> tuple[SourceStatus, ...]:
        """One line for each source that runs, in the order of the configuration."""
        return tuple(
            SourceStatus(
                name=feed.name,
                kind=feed.source.kind,
                state=feed.latest.state,
                age_s=feed.latest.age_s(now),
                error=feed.latest.error,
                cost=feed.source.cost,
                skew_s=feed.latest.skew_s,
                note=str(getattr(feed.source, "note", "")),
            )
            for feed in self._raw()
            if feed.source is not None
        )

    def _raw(self) -> Iterator[RawFeed[Any, Any]]:
        return (feed for feed in self._hub.feeds() if isinstance(feed, RawFeed))
