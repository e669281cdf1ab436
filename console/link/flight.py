"""One frame in flight. On a slow link it is not the bytes but the frames already under way that make a screen old: so the
next one is made only when the channel has taken the last, and then shows what is true by then.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 10  # what a rate is the mean of: a few updates at 1 Hz


class Flight:
    """Whether a frame may depart. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.frames = 0
        """How many have departed."""
        self.bytes = 0
        """How many bytes they were."""
        self.merged = 0
        """How many pictures were replaced by a newer one while they waited: nobody had to sit through them."""
        self.in_flight = False
        self._is_waiting = False
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW_S + 1)  # (second, bytes)

    def offered(self) -> bool:
        """There is news. True: make a frame now and let it depart; False: one is in flight, `landed` will say when."""
        if not self.in_flight:
            return True
        self.merged += self._is_waiting
        self._is_waiting = True
        return False

    def departed(self, size: int, now: float) -> None:
        """A frame of `size` bytes is handed to the channel; of 0 bytes: it turned out that there was nothing to say."""
        self._is_waiting = False
        self.in_flight = size > 0
        if not size:
            return
        self.frames += 1
        self.bytes += size
        second = int(now)
        if self._recent and self._recent[-1][0] == second:
            size += self._recent.pop()[1]
        self._recent.append((second, size))

    def landed(self) -> bool:
        """The channel's buffer is empty again. True where somebody has waited for that: make a frame now."""
        self.in_flight = False
        return self._is_waiting

    def bytes_per_second(self, now: float) -> float:
        """Mean of the last ten whole seconds and the one that runs."""
        first = int(now) - WINDOW_S + 1
        span_s = now - first
        return sum(size for second, size in self._recent if second >= first) / span_s
