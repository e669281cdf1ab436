"""Which documents of the overlap were taken already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

CAPACITY = 200_000  # about 40 MB; at 60 lines/s nearly an hour, at 2,000 lines/s a hundred seconds


class Seen:
    """`_index/_id` -> tracking time, for all documents the next poll may bring again; kept by index, as they are counted.

    Bounded: when the overlap holds more than `capacity` documents, the oldest are forgotten and `horizon`
    rises; nothing below it may be asked for again, or lines would be shown twice. So an overflow shortens the
    overlap, visibly.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._times: dict[str, dict[str, int]] = {}
        self.horizon: int | None = None

    def __len__(self) -> int:
        return sum(map(len, self._times.values()))

    def __contains__(self, key: str) -> bool:
        index, _, own = key.partition("/")  # no index has a slash in its name, an id may
        times = self._times.get(index)
        return times is not None and own in times

    def add(self, key: str, tracking: int) -> None:
        """One document taken."""
        index, _, own = key.partition("/")
        times = self._times.get(index)
        if times is None:
            times = self._times[index] = {}
        times[own] = tracking

    def by_index(self) -> Mapping[str, Collection[int]]:
        """The tracking times of what is known of each index."""
        return {index: times.values() for index, times in self._times.items()}

    def count(self, matches: Callable[[int], bool]) -> int:
        """How many are known whose tracking time matches."""
        return sum(1 for times in self._times.values() for tracking in times.values() if matches(tracking))

    def forget_before(self, cutoff: int) -> None:
        """Drop what no later poll can bring, then what does not fit."""
        self._keep_from(cutoff)
        if self.horizon is not None and self.horizon < cutoff:
            self.horizon = None
        if len(self) > self._capacity:
            everything = sorted(tracking for times in self._times.values() for tracking in times.values())
            self.horizon = horizon = everything[-self._capacity]
            self._keep_from(horizon)

    def _keep_from(self, cutoff: int) -> None:
        kept = {
            index: {own: tracking for own, tracking in times.items() if tracking >= cutoff}
            for index, times in self._times.items()
        }
        self._times = {index: times for index, times in kept.items() if times}
