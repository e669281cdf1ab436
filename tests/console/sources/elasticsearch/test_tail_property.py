"""Whatever shards, faults and bursts do: every document is shown exactly once, or counted as dropped."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.failure import SourceError
from console.sources.elasticsearch.nanos import NS
from console.sources.elasticsearch.tail import Limits, Tail
from tests.console.sources.elasticsearch.shard_model import Faults, ShardModel
from tests.hand_clock import HandClock

OVERLAP_S = 8.0

STEP = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 25), st.sampled_from([1, NS, 1_000_000])),
    st.tuples(st.just("late"), st.integers(1, 5), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 40), st.just(0)),
    st.tuples(st.just("poll"), st.just(0), st.just(0)),
    st.tuples(st.just("poll"), st.just(0), st.just(0)),
    st.tuples(st.just("fail shards"), st.integers(0, 2), st.just(0)),
    st.tuples(st.just("time out"), st.booleans(), st.just(0)),
    st.tuples(st.just("break"), st.integers(0, 8), st.just(0)),
    st.tuples(st.just("heal"), st.just(0), st.just(0)),
)


class Watcher:
    """Polls, and keeps what a screen would have been given."""

    def __init__(self, clock: HandClock, model: ShardModel, limits: Limits) -> None:
        self.tail = Tail(model, clock, limits=limits)
        self.shown: Counter[str] = Counter()
        self.watermark = None
        self.accounting = None

    async def poll(self) -> int:
        try:
            batch = (await self.tail.ask()).value
        except SourceError:
            return -1
        lines = [line for line in batch.lines if not line.is_mark]
        self.shown.update(line.doc_id for line in lines)
        accounting = self.accounting = batch.accounting
        assert accounting.received == accounting.shown + accounting.dropped
        assert accounting.shown == sum(self.shown.values())
        assert self.watermark is None or batch.watermark >= self.watermark, "the watermark went back"
        self.watermark = batch.watermark
        return len(lines)


def nanoseconds(clock: HandClock) -> Callable[[], int]:
    return lambda: int(clock.now().utc.timestamp() * 1000) * 1_000_000


async def play(steps: list[tuple[str, int, int]], seed: int, limits: Limits) -> tuple[Watcher, ShardModel]:
    clock = HandClock()
    model = ShardModel(nanoseconds(clock), random.Random(seed), delay_s=OVERLAP_S - 2)
    watcher = Watcher(clock, model, limits)
    assert await watcher.poll() == 0
    for what, first, second in steps:
        match what:
            case "add":
                model.add(first, tie_ns=second)
            case "late":
                elapsed = nanoseconds(clock)() - nanoseconds(HandClock())()
                model.add(first, back_ns=min(second * NS, elapsed))
            case "wait":
                await clock.advance(first / 10)
            case "poll":
                await watcher.poll()
            case "fail shards":
                model.faults.failed_shards = frozenset({first})
            case "time out":
                model.faults.times_out = bool(first)
            case "break":
                model.faults.breaks_at = first
            case "heal":
                model.faults = Faults()
    model.faults = Faults()
    await clock.advance(OVERLAP_S)
    for _ in range(7):
        await watcher.poll()
        await clock.advance(2.0)
    assert not model.pits, "a point in time stayed open"
    return watcher, model


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=40), st.integers(0, 2**32))
def test_every_document_is_shown_exactly_once(steps: list[tuple[str, int, int]], seed: int) -> None:
    limits = Limits(overlap_s=OVERLAP_S, page=7, pages=10_000, first_lines=10_000)
    watcher, model = asyncio.run(play(steps, seed, limits))
    assert set(watcher.shown.values()) <= {1}, "shown twice"
    assert set(watcher.shown) == {f"logs/{doc.id}" for doc in model.documents}
    if watcher.accounting is not None:
        assert watcher.accounting.dropped == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=40), st.integers(0, 2**32), st.integers(1, 3))
def test_beyond_a_ceiling_every_document_is_shown_once_or_counted_as_dropped(
    steps: list[tuple[str, int, int]], seed: int, pages: int
) -> None:
    limits = Limits(overlap_s=OVERLAP_S, page=4, pages=pages, first_lines=10_000, recounted=10_000)
    watcher, model = asyncio.run(play(steps, seed, limits))
    assert set(watcher.shown.values()) <= {1}, "shown twice"
    assert watcher.accounting is not None
    assert watcher.accounting.shown + watcher.accounting.dropped == len(model.documents)


@settings(max_examples=30, deadline=None)
@given(st.lists(STEP, max_size=40), st.integers(0, 2**32), st.integers(5, 40))
def test_with_too_little_memory_for_the_overlap_nothing_is_shown_twice(
    steps: list[tuple[str, int, int]], seed: int, capacity: int
) -> None:
    limits = Limits(overlap_s=OVERLAP_S, page=7, pages=10_000, first_lines=10_000, capacity=capacity)
    watcher, _ = asyncio.run(play(steps, seed, limits))
    assert set(watcher.shown.values()) <= {1}, "shown twice"


@pytest.mark.parametrize("naive_overlap_s", [0.0])
def test_the_model_defeats_a_tail_without_overlap(naive_overlap_s: float) -> None:
    """The property can fail: without the overlap the same stories lose lines."""

    async def lost() -> int:
        missing = 0
        for seed in range(20):
            steps = [("add", 5, 1), ("wait", 10, 0), ("poll", 0, 0)] * 8
            limits = Limits(overlap_s=naive_overlap_s, page=7, pages=10_000, first_lines=10_000)
            Tail.overlap_s, kept = property(lambda _: naive_overlap_s), Tail.overlap_s  # type: ignore[method-assign]
            try:
                watcher, model = await play(steps, seed, limits)
            finally:
                Tail.overlap_s = kept  # type: ignore[method-assign]
            missing += len(model.documents) - len(watcher.shown)
        return missing

    assert asyncio.run(lost()) > 0
