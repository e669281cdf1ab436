"""The real prober in the test's own loop, against a station on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from console.model.channel import Channel
from console.model.observation import Asked, Observation
from console.model.orders import ProbeOrders
from console.probe.heartbeat import Pulse
from console.probe.outbox import Outbox
from console.probe.prober import Prober
from tests.console.sources.hls.station import Clock

PATIENCE_S = 20.0


class Probing:
    """What the prober has told so far."""

    def __init__(self, prober: Prober, outbox: Outbox, pulse: Pulse) -> None:
        self.prober = prober
        self.outbox = outbox
        self.pulse = pulse
        self.seen: list[Observation] = []

    def of(self, asked: Asked, rendition: str | None = None, channel: str = "one") -> list[Observation]:
        return [
            one
            for one in self.seen
            if one.asked is asked and one.channel == channel and (rendition is None or one.rendition == rendition)
        ]

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    while (batch := self.outbox.take()) is not None:
                        self.seen.extend(batch.observations)
                    if holds():
                        return
                    await self.outbox.news()
        except TimeoutError:
            raise AssertionError(f"waited in vain until {what}; the last were {self.seen[-5:]}") from None


@asynccontextmanager
async def probing(*channels: Channel, **orders: object) -> AsyncIterator[Probing]:
    outbox, pulse = Outbox(), Pulse()
    prober = Prober(Clock(), outbox, pulse)
    prober.follow(ProbeOrders(channels, **orders))  # type: ignore[arg-type]
    try:
        yield Probing(prober, outbox, pulse)
    finally:
        await prober.close()
