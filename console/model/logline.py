"""Log lines, and the account of every one of them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import msgspec

_KNOWN_NAMES = 8192  # enough for the pods of a site; a name beyond them is not shared, which costs memory and nothing else


@lru_cache(maxsize=_KNOWN_NAMES)
def shared(name: str) -> str:
    """The one string for all equal names. Not `sys.intern`: what a stranger sends must not stay for ever."""
    return name


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """One line, sanitised. `level` is one of error, warn, info, debug, or "" when the document has none.

    A hundred thousand of them stand in the ring. So whoever makes one gives its names, of which there are few, as
    `shared`; the document's id is kept without its index; and the collector passes lines over (`gc=False`: nothing that
    a line holds could hold a line).
    """

    at: datetime  # @timestamp
    level: str
    message: str
    service: str | None = None
    pod: str | None = None
    namespace: str | None = None
    host: str | None = None
    region: str | None = None
    channel: str | None = None
    index: str = ""  # `_index` of the document
    own_id: str = ""  # `_id`, unique within its index only
    is_late: bool = False  # arrived out of order: lines younger than it were already shown
    is_mark: bool = (
        False  # no log line but a word of ours in the stream: "reconnected: 12 s missing, 340 lines fetched"
    )

    @property
    def doc_id(self) -> str:
        """`_index/_id`, which finds the whole document; the id alone where no index is known."""
        return f"{self.index}/{self.own_id}" if self.index else self.own_id


class LogAccounting(msgspec.Struct, frozen=True):
    """What became of every line. received = shown + dropped (+ what a filter hides, which the pane says itself)."""

    received: int = 0  # new lines taken from the backend, duplicates not counted
    shown: int = 0  # put into the ring
    dropped: int = 0  # known to exist, not fetched (page ceiling) or rejected as unreadable
    late: int = 0  # of the received, those out of order
    duplicates: int = 0  # seen again in the overlap and dropped; the price of losing nothing
    held_polls: int = 0  # polls in which shards failed and the watermark stood still


class LogBatch(msgspec.Struct, frozen=True):
    """What one poll of the tail brought."""

    lines: tuple[LogLine, ...]
    accounting: LogAccounting  # since the tail began
    watermark: datetime | None  # newest tracking time seen
    lag_s: float | None = None  # our now - newest @timestamp, when lines arrive
    overlap_s: float = 0.0
    note: str = ""  # "late documents older than 30 s are not shown", "1 of 3 shards failed: watermark held"


class LevelBucket(msgspec.Struct, frozen=True):
    """How many lines of each level in one interval."""

    at: datetime
    total: int
    errors: int
    warnings: int


class LevelCounts(msgspec.Struct, frozen=True):
    """Counts by level over time, newest last; the newest bucket is incomplete and is marked so by its place."""

    interval_s: float
    buckets: tuple[LevelBucket, ...]

    @property
    def rate_per_s(self) -> float | None:
        """Lines a second over the last complete bucket; None when there is none."""
        return self.buckets[-2].total / self.interval_s if len(self.buckets) >= 2 else None

    @property
    def error_ratio(self) -> float | None:
        """Errors / all over the last complete buckets of about a minute; None without lines."""
        complete = self.buckets[:-1][-max(1, int(60 / self.interval_s)) :]
        total = sum(bucket.total for bucket in complete)
        return sum(bucket.errors for bucket in complete) / total if total else None


class LogWindow(msgspec.Struct, frozen=True):
    """The reading of a log sequence feed: which lines the hub's ring holds, by sequence number."""

    first_seq: int  # of the oldest line still held
    last_seq: int  # of the newest; first_seq - 1 when empty
    accounting: LogAccounting
    lag_s: float | None = None
    overlap_s: float = 0.0
    note: str = ""
