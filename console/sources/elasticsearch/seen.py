"""Which documents of the overlap were taken already."""

from __future__ import annotations

from collections.abc import Callable, ItemsView

CAPACITY = 200_000  # about 40 MB; at 60 lines/s nearly an hour, at 2,000 lines/s a hundred seconds


class Seen:
    """`_index/_id` -> tracking time, for all documents the next poll may bring again.

    Bounded: when the overlap holds more than `capacity` documents, the oldest are forgotten and `horizon`
    rises; nothing below it may be asked for again, or lines would be shown twice. So an overflow shortens the
    overlap, visibly.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._times: dict[str, int] = {}
        self.horizon: int | None = None

    def __len__(self) -> int:
        return len(self._times)

    def __contains__(self, key: str) -> bool:
        return key in self._times

    def add(self, key: str, tracking: int) -> None:
        """One document taken."""
        self._times[key] = tracking

    def items(self) -> ItemsView[str, int]:
        """(`_index/_id`, tracking time) of each."""
        return self._times.items()

    def count(self, matches: Callable[[int], bool]) -> int:
        """How many are known whose tracking time matches."""
        return sum(1 for tracking in self._times.values() if matches(tracking))

    def forget_before(self, cutoff: int) -> None:
        """Drop what no later poll can bring, then what does not fit."""
        self._times = {key: tracking for key, tracking in self._times.items() if tracking >= cutoff}
        if self.horizon is not None and self.horizon < cutoff:
            self.horizon = None
        if len(self._times) > self._capacity:
            self.horizon = horizon = sorted(self._times.values())[-self._capacity]
            self._times = {key: tracking for key, tracking in self._times.items() if tracking >= horizon}
