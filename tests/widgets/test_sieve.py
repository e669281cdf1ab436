"""A filter on a moving ring shows exactly the lines a plain filter would."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from console.model.logline import LogLine
from widgets.sieve import Sieve

AT = datetime(2026, 11, 22, 2, 14, tzinfo=UTC)


class Ring:
    """A bounded ring by sequence number."""

    def __init__(self, capacity: int, first: int = 0) -> None:
        self.capacity = capacity
        self.first_seq = first
        self.lines: list[LogLine] = []

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.lines) - 1

    def line(self, seq: int) -> LogLine:
        assert self.first_seq <= seq <= self.last_seq
        return self.lines[seq - self.first_seq]

    def add(self, *levels: str) -> None:
        for level in levels:
            self.lines.append(LogLine(at=AT, level=level, message=""))
        gone = max(0, len(self.lines) - self.capacity)
        del self.lines[:gone]
        self.first_seq += gone


def is_error(line: LogLine) -> bool:
    return line.level == "error"


levels = st.lists(st.sampled_from(["error", "info"]), max_size=30)


@given(levels, st.lists(st.tuples(levels, st.integers(0, 10))), st.integers(1, 40), st.booleans())
def test_the_sieve_agrees_with_a_plain_filter(
    start: list[str], steps: list[tuple[list[str], int]], capacity: int, filtered: bool
) -> None:
    ring = Ring(capacity, first=5)
    ring.add(*start)
    sieve = Sieve(ring, is_error if filtered else None)
    for added, portion in steps:
        ring.add(*added)
        sieve.advance()
        sieve.deepen(portion)
        while not sieve.is_whole:
            sieve.deepen(3)
        expected = [seq for seq in range(ring.first_seq, ring.last_seq + 1) if not filtered or is_error(ring.line(seq))]
        assert [sieve.seq_at(index) for index in range(sieve.count)] == expected
        assert [sieve.index_of(seq) for seq in expected] == list(range(len(expected)))
        assert sieve.index_of(ring.last_seq + 1) == sieve.count


def test_old_lines_are_judged_in_portions() -> None:
    ring = Ring(100_000)
    ring.add(*["error"] * 20_000)
    judged = 0

    def predicate(line: LogLine) -> bool:
        nonlocal judged
        judged += 1
        return True

    sieve = Sieve(ring, predicate)
    assert judged == 5_000 and sieve.count == 5_000 and not sieve.is_whole
    sieve.deepen()
    assert judged == 10_000
    ring.add("info")
    sieve.advance()
    assert judged == 10_001, "a line is judged once"


def test_a_ring_that_began_anew_is_judged_anew() -> None:
    ring = Ring(100)
    ring.add(*["error"] * 50)
    sieve = Sieve(ring, is_error)
    ring.lines.clear()
    ring.first_seq = 0
    ring.add("error", "info")
    sieve.advance()
    assert [sieve.seq_at(index) for index in range(sieve.count)] == [0]
