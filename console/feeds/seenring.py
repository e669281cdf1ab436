"""The lines of the one ring that a session may read: a list of their numbers, shared by all sessions of the same sight.

The ring itself is neither copied nor asked twice about a line: each is judged once, when it comes, and dropped when the ring
drops it. The numbers here are its own and without holes, because readers reckon with them; they never change and are never
reused, as in the ring.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from console.feeds.log import LogRing
from console.model.logline import LevelBucket, LevelCounts, LogLine

INTERVAL_S = 30
BUCKETS = 30
PORTION = 2_000  # old lines judged at a time: some milliseconds, where all of them must be read

Predicate = Callable[[LogLine], bool]


class SeenRing:
    """A window like a `LogRing`'s. What comes is judged when somebody looks; what was there before the first session of this
    sight came is judged backwards, a portion at each `backfill`, so that no login stops the others' screens.
    """

    def __init__(self, ring: LogRing, is_seen: Predicate) -> None:
        self._ring = ring
        self._is_seen = is_seen
        self._seqs: deque[int] = deque()  # in the ring, of the lines that are seen, oldest first
        self._from = self._to = ring.last_seq  # judged are the numbers above `_from`, up to and with `_to`
        self._last = ring.last_seq  # so high that those found backwards have numbers too
        self._levels: dict[int, list[int]] = {}  # start of an interval, epoch s -> [all, errors, warnings]
        self._since: datetime | None = None  # when the oldest line that was judged was written
        self.backfill()

    def advance(self) -> None:
        """Judge what is new, and let go of what the ring has dropped."""
        ring, seqs = self._ring, self._seqs
        first, last = ring.first_seq, ring.last_seq
        if last > self._to:
            new = list(ring.newest(last - max(self._to, first - 1)))
            for seq, line in zip(range(last - len(new) + 1, last + 1), reversed(new), strict=True):
                if self._since is None:
                    self._begins(line)
                if self._is_seen(line):
                    seqs.append(seq)
                    self._last += 1
                    self._count(line)
            self._to = last
        while seqs and seqs[0] < first:
            seqs.popleft()

    def backfill(self, portion: int = PORTION) -> None:
        """Judge up to `portion` older lines."""
        ring = self._ring
        start = max(ring.first_seq - 1, self._from - portion)
        for seq in range(self._from, start, -1):
            line = ring.line(seq)
            self._begins(line)
            if self._is_seen(line):
                self._seqs.appendleft(seq)
                self._count(line)
        self._from = min(start, self._from)

    @property
    def is_whole(self) -> bool:
        """Whether every line that is held has been judged."""
        return self._from < self._ring.first_seq

    @property
    def first_seq(self) -> int:
        """Of the oldest line still held; last_seq + 1 when empty. Falls while older lines are being judged."""
        self.advance()
        return self._last - len(self._seqs) + 1

    @property
    def last_seq(self) -> int:
        """Of the newest line."""
        self.advance()
        return self._last

    def line(self, seq: int) -> LogLine:
        """The line under a number. LookupError when it has fallen out of the ring or does not exist yet."""
        first = self.first_seq
        if not first <= seq <= self._last:
            raise LookupError(f"line {seq} is not among {first}..{self._last}")
        return self._ring.line(self._seqs[seq - first])

    def newest(self, count: int) -> Iterator[LogLine]:
        """Up to `count` newest lines, newest first."""
        self.advance()
        for seq in islice(reversed(self._seqs), count):
            yield self._ring.line(seq)

    def levels(self, now: datetime) -> LevelCounts | None:
        """How many lines of each level, counted from the lines themselves. None before two intervals are whole: what the ring
        did not hold when the first session of this sight came was counted by nobody.
        """
        self.advance()
        if self._since is None:
            return None
        newest = _start(now)
        oldest = max(_start(self._since) + INTERVAL_S, newest - INTERVAL_S * (BUCKETS - 1))
        for gone in [start for start in self._levels if start < newest - INTERVAL_S * BUCKETS]:
            del self._levels[gone]
        if newest - oldest < 2 * INTERVAL_S:
            return None
        starts = range(oldest, newest + 1, INTERVAL_S)
        epoch = now - timedelta(seconds=now.timestamp())
        return LevelCounts(
            interval_s=float(INTERVAL_S),
            buckets=tuple(
                LevelBucket(epoch + timedelta(seconds=start), *self._levels.get(start, (0, 0, 0))) for start in starts
            ),
        )

    def _begins(self, line: LogLine) -> None:
        if not line.is_mark and not line.is_late:
            self._since = line.at

    def _count(self, line: LogLine) -> None:
        if line.is_mark:
            return
        start = _start(line.at)
        counts = self._levels.get(start)
        if counts is None:
            if len(self._levels) > 4 * BUCKETS:  # of documents that lie about their time
                del self._levels[min(self._levels)]
            counts = self._levels[start] = [0, 0, 0]
        counts[0] += 1
        if line.level == "error":
            counts[1] += 1
        elif line.level == "warn":
            counts[2] += 1


def _start(at: datetime) -> int:
    return int(at.timestamp() // INTERVAL_S) * INTERVAL_S
