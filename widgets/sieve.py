"""Which lines of a log window are shown, counted and found by sequence number.

Without a predicate it is arithmetic. With one, the numbers of the matching lines are kept in order: new lines
are judged as they come, old ones backwards in portions, so that setting a filter on a full ring does not stop
the screen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import Protocol

from console.model.logline import LogLine

Predicate = Callable[[LogLine], bool]
PORTION = 5_000  # old lines judged at a time: some milliseconds


class LineWindow(Protocol):
    """A bounded ring of lines by sequence number, as a log feed holds it."""

    @property
    def first_seq(self) -> int:
        """The oldest line still held."""
        ...

    @property
    def last_seq(self) -> int:
        """The newest line; first_seq - 1 when there is none."""
        ...

    def line(self, seq: int) -> LogLine:
        """A line held; asked only for first_seq <= seq <= last_seq."""
        ...


class Sieve:
    """The matching lines of a window, oldest first."""

    def __init__(self, window: LineWindow, predicate: Predicate | None = None) -> None:
        self.window = window
        self.predicate = predicate
        self._seqs: list[int] = []
        self._gone = 0  # matches at the front of `_seqs` that the ring has dropped
        self._judged_from = self._judged_to = window.last_seq + 1  # [from, to) is judged
        self.deepen()

    @property
    def count(self) -> int:
        """How many lines are shown, as far as they are judged."""
        if self.predicate is None:
            return self.window.last_seq - self.window.first_seq + 1
        return len(self._seqs) - self._gone

    @property
    def is_whole(self) -> bool:
        """Whether every line held has been judged."""
        return self.predicate is None or self._judged_from <= self.window.first_seq

    def seq_at(self, index: int) -> int:
        """The sequence number of the index-th line shown."""
        return self.window.first_seq + index if self.predicate is None else self._seqs[self._gone + index]

    def index_of(self, seq: int) -> int:
        """The index of a line, or of the first shown after it; `count` when there is none."""
        if self.predicate is None:
            return max(0, min(seq - self.window.first_seq, self.count))
        return max(0, bisect_left(self._seqs, seq, lo=self._gone) - self._gone)

    def advance(self) -> None:
        """The window moved: judge the new lines, let go of the dropped ones."""
        window, predicate = self.window, self.predicate
        if predicate is None:
            return
        first, last = window.first_seq, window.last_seq
        if last + 1 < self._judged_to:  # the ring began anew
            self._seqs, self._gone = [], 0
            self._judged_from = self._judged_to = first
        start = max(self._judged_to, first)
        self._seqs.extend(seq for seq in range(start, last + 1) if predicate(window.line(seq)))
        self._judged_to = last + 1
        self._judged_from = min(max(self._judged_from, first), last + 1)
        self._gone = bisect_left(self._seqs, first, lo=self._gone)
        if self._gone > PORTION:
            del self._seqs[: self._gone]
            self._gone = 0

    def deepen(self, portion: int = PORTION) -> None:
        """Judge up to `portion` older lines."""
        window, predicate = self.window, self.predicate
        if predicate is None:
            return
        start = max(window.first_seq, self._judged_from - portion)
        older = [seq for seq in range(start, self._judged_from) if predicate(window.line(seq))]
        self._seqs = older + self._seqs[self._gone :]
        self._gone = 0
        self._judged_from = min(start, self._judged_from)
