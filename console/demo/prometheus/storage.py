"""What the evaluator reads: series whose samples lie on a grid, looked up by index and never stored as a
list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from console.demo.prometheus.functions import Window
from console.demo.prometheus.matchers import Labels, Matcher

LOOKBACK_MS = 300_000
"""An instant vector takes the newest sample that is younger than this."""


class Series:
    """One series sampled every `interval_ms` at its own phase `offset_ms`.

    `read` gives the value of sample k, taken at k * interval + offset; only first <= k <= last exist, so that
    neither the future nor what lies before the retention can be asked for.
    """

    __slots__ = ("first", "interval_ms", "labels", "last", "offset_ms", "read")

    def __init__(
        self,
        labels: Labels,
        interval_ms: int,
        offset_ms: int,
        first: int,
        last: int,
        read: Callable[[int], float],
    ) -> None:
        self.labels = labels
        self.interval_ms = interval_ms
        self.offset_ms = offset_ms
        self.first = first
        self.last = last
        self.read = read

    def newest(self, time_ms: int) -> int | None:
        """Index of the sample an instant vector sees at a time; None when there is none within the
        lookback."""
        index = min((time_ms - self.offset_ms) // self.interval_ms, self.last)
        if index < self.first or time_ms - self.time(index) >= LOOKBACK_MS:
            return None
        return index

    def time(self, index: int) -> int:
        """When sample `index` was taken, Unix milliseconds."""
        return index * self.interval_ms + self.offset_ms

    def window(self, start_ms: int, end_ms: int) -> Window | None:
        """The samples in (start, end], or None when there are none."""
        low = max((start_ms - self.offset_ms) // self.interval_ms + 1, self.first)
        high = min((end_ms - self.offset_ms) // self.interval_ms, self.last)
        if high < low:
            return None
        indices = range(low, high + 1)
        begin = low * self.interval_ms + self.offset_ms
        times = range(begin, begin + len(indices) * self.interval_ms, self.interval_ms)
        return Window(start_ms, end_ms, times, [self.read(index) for index in indices])


class Storage(Protocol):
    """Where series come from."""

    def select(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        """All series that pass every matcher, in label order."""
        ...
