"""The ring of a sight: numbers without holes, each line judged once, however the ring moves on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.feeds.log import LogRing
from console.feeds.seenring import INTERVAL_S, PORTION, SeenRing
from console.model.logline import LogLine
from tests.hand_clock import START
from widgets.sieve import Sieve


def line(number: int, level: str = "info") -> LogLine:
    return LogLine(START + timedelta(seconds=number), level, str(number))


def is_even(found: LogLine) -> bool:
    return int(found.message) % 2 == 0


def held(ring: SeenRing) -> list[int]:
    return [int(ring.line(seq).message) for seq in range(ring.first_seq, ring.last_seq + 1)]


@given(st.integers(1, 30), st.integers(0, 60), st.lists(st.integers(0, 25), max_size=8), st.integers(1, 10))
def test_it_holds_what_the_ring_holds_and_may_be_seen(capacity: int, before: int, steps: list[int], portion: int) -> None:
    ring, number = LogRing(capacity), 0
    for _ in range(before):
        ring.append(line(number := number + 1))
    seen = SeenRing(ring, is_even)
    numbered: dict[int, int] = {}
    for step in steps:
        for _ in range(step):
            ring.append(line(number := number + 1))
        seen.backfill(portion)
        assert held(seen) == [n for n in range(number - ring.last_seq + ring.first_seq, number + 1) if n % 2 == 0]
        assert [int(each.message) for each in seen.newest(3)] == held(seen)[::-1][:3]
        for seq in range(seen.first_seq, seen.last_seq + 1):  # a number is never another line's
            assert numbered.setdefault(seq, int(seen.line(seq).message)) == int(seen.line(seq).message)
        for beyond in (seen.first_seq - 1, seen.last_seq + 1):
            with pytest.raises(LookupError):
                seen.line(beyond)


def test_each_line_is_judged_once_however_often_it_is_looked_at() -> None:
    judged: list[str] = []

    def is_seen(found: LogLine) -> bool:
        judged.append(found.message)
        return True

    ring = LogRing(100)
    for number in range(50):
        ring.append(line(number))
    seen = SeenRing(ring, is_seen)
    for number in range(50, 120):
        ring.append(line(number))
        assert seen.last_seq - seen.first_seq + 1 == min(number + 1, 100)
    assert sorted(map(int, judged)) == list(range(120))


def test_old_lines_come_a_portion_at_a_time_and_a_sieve_over_it_finds_them_all() -> None:
    ring = LogRing(20_000)
    for number in range(20_000):
        ring.append(line(number))
    seen = SeenRing(ring, is_even)
    assert seen.last_seq - seen.first_seq + 1 == PORTION / 2
    sieve = Sieve(seen, lambda found: int(found.message) % 4 == 0)
    while not (seen.is_whole and sieve.is_whole):
        seen.backfill()
        sieve.advance()
        sieve.deepen()
    assert sieve.count == 5_000


def test_counts_by_level_are_of_the_seen_lines_and_only_of_whole_intervals() -> None:
    ring = LogRing(1000)
    begin = -START.timestamp() % INTERVAL_S  # until the next whole interval
    for number in range(int(begin) + 5, int(begin) + 125):
        ring.append(line(number, "error" if number % 10 == 0 else "info"))
    seen = SeenRing(ring, is_even)
    assert seen.levels(START + timedelta(seconds=begin + 50)) is None  # the first interval was half over when the ring began
    counts = seen.levels(START + timedelta(seconds=begin + 120))
    assert counts is not None
    assert [(bucket.total, bucket.errors) for bucket in counts.buckets] == [(15, 3), (15, 3), (15, 3), (2, 0 if begin % 10 else 1)]
