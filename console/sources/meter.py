"""What we have asked of one backend, counted where we ask."""

from __future__ import annotations

from collections import deque

from console.model.instant import Clock
from console.model.source import Cost

WINDOW_S = 60


class Meter:
    """Counts requests, errors and bytes since start, and their rate over the last minute.

    Rates come from at most sixty one-second buckets, so that memory stays the same at one request a minute
    and at ten thousand a second. A backend may be asked by several sources; they share one meter when the
    cost is told per backend.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.now().mono
        self._requests = 0
        self._errors = 0
        self._bytes = 0
        self._buckets: deque[list[int]] = deque()  # [second, requests, bytes], oldest first

    def asked(self, bytes_in: int = 0, failed: bool = False) -> None:
        """One request ended: `bytes_in` as decoded body bytes (wire bytes where the client tells them)."""
        self._requests += 1
        self._errors += int(failed)
        self._bytes += bytes_in
        second = int(self._clock.now().mono)
        if not self._buckets or self._buckets[-1][0] < second:
            self._buckets.append([second, 0, 0])
            self._forget(second)
        self._buckets[-1][1] += 1
        self._buckets[-1][2] += bytes_in

    def received(self, bytes_in: int) -> None:
        """Bytes that are no new request: what a watch or a stream brought."""
        self._requests -= 1
        self.asked(bytes_in)
        self._buckets[-1][1] -= 1

    @property
    def cost(self) -> Cost:
        """The counts now. Before a full minute has passed the rates are over the time there is (at least one
        second).
        """
        now = self._clock.now().mono
        self._forget(int(now))
        span = min(float(WINDOW_S), max(1.0, now - self._since))
        return Cost(
            requests=self._requests,
            errors=self._errors,
            bytes_in=self._bytes,
            requests_per_s=sum(bucket[1] for bucket in self._buckets) / span,
            bytes_per_s=sum(bucket[2] for bucket in self._buckets) / span,
        )

    def _forget(self, second: int) -> None:
        while self._buckets and self._buckets[0][0] <= second - WINDOW_S:
            self._buckets.popleft()
