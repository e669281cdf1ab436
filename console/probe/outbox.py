"""What waits to be told, bounded: a console that does not read costs us the oldest observations, never our
memory.
"""

from __future__ import annotations

import asyncio
from collections import deque

from console.model.observation import Heartbeat, Observation, ProbeBatch

LIMIT = 20_000  # observations: two minutes of three hundred playlists
WEIGHT_LIMIT = 64_000_000  # bytes, about: a remark may carry the difference of two playlists
FRAME_OBSERVATIONS = 2_000  # at most in one frame
FRAME_WEIGHT = 6_000_000  # bytes, about: well below what a frame may be
_PLAIN = 3_000  # bytes of an observation without ladder and remarks, at most
_RUNG = 700


class Outbox:
    """Observations in the order in which they were made, and the newest heartbeat."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Observation, int]] = deque()
        self._weight = 0
        self._heartbeat: Heartbeat | None = None
        self._news = asyncio.Event()

    def put(self, seen: Observation) -> None:
        """Remember one observation; the oldest goes when there are too many."""
        weight = _weight(seen)
        self._waiting.append((seen, weight))
        self._weight += weight
        while len(self._waiting) > LIMIT or (self._weight > WEIGHT_LIMIT and len(self._waiting) > 1):
            self._weight -= self._waiting.popleft()[1]
        self._news.set()

    def beat(self, heartbeat: Heartbeat) -> None:
        """Remember the newest heartbeat."""
        self._heartbeat = heartbeat
        self._news.set()

    async def news(self) -> None:
        """Until there is something to take. For who runs the prober inside a loop of its own; give it a timeout to judge by
        the clock in between.
        """
        await self._news.wait()

    def take(self) -> ProbeBatch | None:
        """The next frame, or None when there is nothing to tell."""
        if not self._waiting and self._heartbeat is None:
            return None
        taken: list[Observation] = []
        framed = 0
        while self._waiting and len(taken) < FRAME_OBSERVATIONS and framed < FRAME_WEIGHT:
            seen, weight = self._waiting.popleft()
            taken.append(seen)
            framed += weight
        self._weight -= framed
        is_last = not self._waiting
        batch = ProbeBatch(observations=tuple(taken), heartbeat=self._heartbeat if is_last else None)
        if is_last:  # a heartbeat tells of the time before it, so it goes with what was seen in that time
            self._heartbeat = None
            self._news.clear()
        return batch


def _weight(seen: Observation) -> int:
    """About how many bytes it takes to tell it, and never less than it takes."""
    if not seen.variants and not seen.remarks:
        return _PLAIN
    weight = _PLAIN + _RUNG * len(seen.variants)
    for remark in seen.remarks:
        weight += 300
        for key, fact in remark.evidence.items():
            weight += 20 + len(key)
            if isinstance(fact, str):
                weight += len(fact)
            elif isinstance(fact, list):
                weight += sum(len(line) + 5 for line in fact)
    return weight
