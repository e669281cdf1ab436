"""What waits to be told, bounded: a console that does not read costs us the oldest observations, never our
memory.
"""

from __future__ import annotations

from collections import deque

from console.model.observation import Heartbeat, Observation, ProbeBatch

LIMIT = 20_000  # observations: two minutes of three hundred playlists
FRAME_OBSERVATIONS = 2_000  # at most in one frame


class Outbox:
    """Observations in the order in which they were made, and the newest heartbeat."""

    def __init__(self) -> None:
        self._waiting: deque[Observation] = deque(maxlen=LIMIT)
        self._heartbeat: Heartbeat | None = None

    def put(self, seen: Observation) -> None:
        """Remember one observation; the oldest goes when there are too many."""
        self._waiting.append(seen)

    def beat(self, heartbeat: Heartbeat) -> None:
        """Remember the newest heartbeat."""
        self._heartbeat = heartbeat

    def take(self) -> ProbeBatch | None:
        """The next frame, or None when there is nothing to tell."""
        if not self._waiting and self._heartbeat is None:
            return None
        count = min(FRAME_OBSERVATIONS, len(self._waiting))
        taken = tuple(self._waiting.popleft() for _ in range(count))
        is_last = not self._waiting
        batch = ProbeBatch(observations=taken, heartbeat=self._heartbeat if is_last else None)
        if is_last:  # a heartbeat tells of the time before it, so it goes with what was seen in that time
            self._heartbeat = None
        return batch
