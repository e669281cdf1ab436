"""Many batches as one, without losing what the judge needs.

While the console is busy, frames pile up. Of each playlist the newest observation is kept, every failed one,
every one that told of an event, every segment, and every retry, because a verdict may rest on them; the rest
said nothing new. Bounded: past `LIMIT` the oldest of those go too.
"""

from __future__ import annotations

from collections import deque

from console.model.observation import Asked, Heartbeat, Observation, Outcome, ProbeBatch

LIMIT = 5_000  # observations kept between two readings
PLAIN_LIMIT = 2_000  # up to here nothing is merged at all

_Key = tuple[str, str, str | None, Asked]


class Gathered:
    """What came since the last reading. The worst heartbeat is kept beside the newest: lateness must not
    be merged away.
    """

    def __init__(self) -> None:
        self._seen: deque[Observation] = deque()
        self._heartbeat: Heartbeat | None = None
        self.merged = 0  # observations that were dropped because newer ones said the same

    def add(self, batch: ProbeBatch) -> None:
        """One frame more."""
        self._seen.extend(batch.observations)
        if batch.heartbeat is not None:
            self._heartbeat = _worse(self._heartbeat, batch.heartbeat)
        if len(self._seen) > PLAIN_LIMIT:
            self._merge()

    @property
    def is_empty(self) -> bool:
        return not self._seen and self._heartbeat is None

    def take(self) -> ProbeBatch:
        """Everything, in order; afterwards there is nothing."""
        batch = ProbeBatch(observations=tuple(self._seen), heartbeat=self._heartbeat)
        self._seen.clear()
        self._heartbeat = None
        return batch

    def _merge(self) -> None:
        newest: dict[_Key, int] = {}
        for place, seen in enumerate(self._seen):
            newest[_key(seen)] = place
        kept = [
            seen for place, seen in enumerate(self._seen) if newest[_key(seen)] == place or _matters(seen)
        ]
        self.merged += len(self._seen) - len(kept)
        if len(kept) > LIMIT:
            self.merged += len(kept) - LIMIT
            kept = kept[-LIMIT:]
        self._seen = deque(kept)


def _key(seen: Observation) -> _Key:
    return (seen.channel, seen.vantage, seen.rendition, seen.asked)


def _matters(seen: Observation) -> bool:
    if seen.outcome is not Outcome.OK or seen.is_retry or seen.segment is not None:
        return True
    return any(remark.is_event for remark in seen.remarks)


def _worse(before: Heartbeat | None, now: Heartbeat) -> Heartbeat:
    """The newer heartbeat with the worse lateness of the two, and the sums of what they count."""
    if before is None:
        return now
    return Heartbeat(
        at=now.at,
        poll_lag_s=max(before.poll_lag_s, now.poll_lag_s),
        loop_lag_s=max(before.loop_lag_s, now.loop_lag_s),
        channels=now.channels,
        polls=before.polls + now.polls,
        bytes_in=before.bytes_in + now.bytes_in,
        in_flight=now.in_flight,
    )
