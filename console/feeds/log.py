"""The log feed: one bounded ring of lines in the hub, of which panes hold only cursors."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from console.feeds.raw import RawFeed
from console.model.instant import Clock
from console.model.logline import LogBatch, LogLine, LogWindow
from console.model.reading import Reading
from console.model.source import Source

RING_LINES = 100_000  # 39 MB measured; see `log_memory` of the benches


class LogRing:
    """The newest lines, each under a sequence number that never changes and is never reused."""

    def __init__(self, capacity: int = RING_LINES) -> None:
        self._lines: deque[LogLine] = deque(maxlen=capacity)
        self.last_seq = 0

    @property
    def first_seq(self) -> int:
        """Of the oldest line still held; last_seq + 1 when empty."""
        return self.last_seq - len(self._lines) + 1

    def append(self, line: LogLine) -> None:
        """Add the newest line; the oldest falls out of a full ring."""
        self._lines.append(line)
        self.last_seq += 1

    def line(self, seq: int) -> LogLine:
        """The line under a number. LookupError when it has fallen out of the ring or does not exist yet."""
        index = seq - self.first_seq
        if not 0 <= index < len(self._lines):
            raise LookupError(f"line {seq} is not among {self.first_seq}..{self.last_seq}")
        return self._lines[index]

    def newest(self, count: int) -> Iterator[LogLine]:
        """Up to `count` newest lines, newest first."""
        for taken, line in enumerate(reversed(self._lines)):
            if taken >= count:
                return
            yield line


class LogFeed(RawFeed[LogBatch, LogWindow]):
    """Takes batches from a tail, keeps the lines in the ring, and publishes only the window."""

    def __init__(
        self, name: str, make: Callable[[], Source[LogBatch]], clock: Clock, capacity: int = RING_LINES
    ) -> None:
        super().__init__(name, make, clock)
        self.ring = LogRing(capacity)

    def _shown(self, reading: Reading[LogBatch]) -> Reading[LogWindow]:
        batch = reading.value
        if batch is not None and batch is not self.latest.value:
            # a failed or aged reading carries the batch before it, whose lines are already in the ring
            for line in batch.lines:
                self.ring.append(line)
        window = None
        if batch is not None:
            window = LogWindow(
                first_seq=self.ring.first_seq,
                last_seq=self.ring.last_seq,
                accounting=batch.accounting,
                lag_s=batch.lag_s,
                overlap_s=batch.overlap_s,
                note=batch.note,
            )
        return reading.carrying(window)
