"""A clock that a test turns by hand: nothing waits in real time, and every wake-up happens in order."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

from console.model.instant import Instant

START = datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)


class HandClock:
    """Both clocks stand still until `advance`."""

    def __init__(self) -> None:
        self._mono = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> Instant:
        return Instant(utc=START + timedelta(seconds=self._mono - 1000.0), mono=self._mono)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._mono + seconds, self._count, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Turn the clock, waking each sleeper at its moment and letting the loop settle after each."""
        end = self._mono + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._mono = max(self._mono, due)
            if not future.done():
                future.set_result(None)
            await settle()
        self._mono = end
        await settle()


async def settle(turns: int = 12) -> None:
    """Let every task that can run, run."""
    for _ in range(turns):
        await asyncio.sleep(0)
