"""Which packs are here: one question a minute for all of their names, and how often each is scraped."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence

import msgspec

from console.model.failure import SourceError
from console.model.instant import Clock
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.packs import PACKS, Pack

EVERY_S = 60.0
SCRAPES = 4  # of a window: fewer make a rate of two points, or none after one failed scrape
LOOK_BACK_S = 300.0  # in which scrapes are counted
SHORTEST_S, LONGEST_S = 15.0, 300.0
UNKNOWN_WINDOW_S = 60.0  # four scrapes of the usual 15 s


class Present(msgspec.Struct, frozen=True):
    """A pack that is here, and the window of its rates."""

    pack: Pack
    window_s: float


class Presence:
    """Remembers for a minute; a pack that was here and is not any more is told by name."""

    def __init__(self, client: PrometheusClient, clock: Clock, packs: Sequence[Pack] = PACKS) -> None:
        self._client = client
        self._clock = clock
        self._packs = tuple(packs)
        self._asked_at: float | None = None
        self._present: tuple[Present, ...] = ()
        self._since: dict[str, str] = {}  # pack -> when it was last here
        self._gone: Mapping[str, str] = {}

    @property
    def gone(self) -> Mapping[str, str]:
        """Pack -> why its signals are unknown."""
        return self._gone

    async def ask(self) -> tuple[Present, ...]:
        """Raises SourceError when the store cannot be asked; what was known is asked for again then."""
        now = self._clock.now()
        if self._asked_at is not None and now.mono - self._asked_at < EVERY_S:
            return self._present
        names = await self._names()
        here = [pack for pack in self._packs if not names.isdisjoint(pack.presence)]
        windows = await asyncio.gather(*(self._window_s(pack, names) for pack in here))
        self._present = tuple(Present(pack, window_s) for pack, window_s in zip(here, windows, strict=True))
        for pack in here:
            self._since[pack.name] = f"{now.utc:%H:%M:%S}"
        known = {pack.name for pack in here}
        self._gone = {
            name: f"its series are gone, last seen {at} UTC" for name, at in self._since.items() if name not in known
        }
        self._asked_at = now.mono
        return self._present

    async def _names(self) -> frozenset[str]:
        every = "|".join(name for pack in self._packs for name in pack.presence)
        answered = await self._client.query(f'count by (__name__) ({{__name__=~"{every}"}})')
        return frozenset(series.labels.get("__name__", "") for series in answered.series)

    async def _window_s(self, pack: Pack, names: frozenset[str]) -> float:
        """By the median of its places, of which some were started just now; a guess when it cannot be told."""
        name = next(name for name in pack.presence if name in names)
        seen = f"quantile(0.5, max by (instance) (count_over_time({name}[{LOOK_BACK_S:g}s])))"
        try:
            answered = await self._client.query(seen)
        except SourceError:
            return UNKNOWN_WINDOW_S
        count = answered.series[0].value if answered.series else math.nan
        if not count >= 1:
            return UNKNOWN_WINDOW_S
        # half a scrape more, so that a late one does not leave three
        return min(LONGEST_S, max(SHORTEST_S, math.ceil((SCRAPES + 0.5) * LOOK_BACK_S / count)))
