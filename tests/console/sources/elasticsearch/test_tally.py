"""Counting before reading: the overlap that is known is not fetched again, and nothing new hides behind equal counts."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.elasticsearch.answers import Searched
from console.sources.elasticsearch.limits import Limits
from console.sources.elasticsearch.nanos import NS
from console.sources.elasticsearch.tail import Tail
from console.sources.elasticsearch.tally import Tally, _runs
from tests.console.sources.elasticsearch.shard_model import ShardModel
from tests.hand_clock import HandClock

TALLY = Tally("@timestamp", start=0, newest=30 * NS - 1, count=60_000)  # 3,000 slices of 10 ms


@pytest.fixture
def model(clock: HandClock) -> ShardModel:
    return ShardModel(lambda: int(clock.now().utc.timestamp() * 1000) * 1_000_000, random.Random(5), delay_s=1.0)


def counted(**by_index: dict[int, int]) -> msgspec.Raw:
    """An answer: index -> slice's beginning in milliseconds -> documents."""
    buckets = [
        {"key": name, "slices": {"buckets": [{"key": at, "doc_count": count} for at, count in slices.items()]}}
        for name, slices in by_index.items()
    ]
    return msgspec.Raw(msgspec.json.encode({"indices": {"sum_other_doc_count": 0, "buckets": buckets}}))


def known(**by_index: dict[int, int]) -> dict[str, list[int]]:
    """What has been taken: index -> time in milliseconds -> documents."""
    return {
        name: [at * 1_000_000 for at, count in times.items() for _ in range(count)] for name, times in by_index.items()
    }


def test_slices_that_hold_what_is_known_of_them_are_left_out() -> None:
    answer = counted(a={100: 2, 200: 1, 210: 3})
    assert TALLY.unlike(answer, known(a={105: 2, 200: 1, 219: 2}), None) == [(210_000_000, 220_000_000)]


def test_what_went_with_a_deleted_index_does_not_hide_as_many_new_lines_of_another() -> None:
    taken = known(deleted={100: 5}, a={100: 1})
    assert TALLY.unlike(counted(a={100: 6}), taken, None) == [(100_000_000, 110_000_000)]


def test_what_the_query_leaves_out_does_not_count_as_known() -> None:
    left_out = TALLY.unlike(counted(a={200: 3}), known(a={100: 3, 200: 3}), lambda at: at < 150_000_000)
    assert left_out == []


def test_more_indices_than_are_told_apart_are_read_whole() -> None:
    answer = msgspec.Raw(b'{"indices":{"sum_other_doc_count":1,"buckets":[]}}')
    assert TALLY.unlike(answer, {}, None) == [(0, 30 * NS)]


def test_stretches_past_the_limit_are_joined_where_they_are_closest() -> None:
    assert _runs([1, 2, 5, 20, 22, 40], 10) == [(1, 2), (5, 5), (20, 20), (22, 22), (40, 40)]
    assert _runs([1, 2, 5, 20, 22, 40], 3) == [(1, 5), (20, 22), (40, 40)]
    assert _runs([], 3) == []


async def followed(tail: Tail, model: ShardModel, clock: HandClock, rounds: int = 30) -> None:
    for _ in range(rounds):
        model.add(40)
        await clock.advance(1)
        await tail.ask()


async def test_a_known_overlap_is_counted_and_not_fetched(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock, limits=Limits(page=100))
    await followed(tail, model, clock)
    model.bodies.clear()
    model.add(40)
    model.add(1, back_ns=9 * NS)
    await clock.advance(2)
    late = (await tail.ask()).value
    counts, *pages = model.bodies
    assert "aggs" in counts and len(pages) <= 2, "1,200 known lines are twelve pages"
    assert late.accounting.late >= 1
    await clock.advance(2)
    assert (await tail.ask()).value.accounting.received == len(model.documents)


async def test_where_nothing_is_counted_the_whole_overlap_is_read(model: ShardModel, clock: HandClock) -> None:
    search = model.search

    async def without_aggregations(body: dict[str, Any]) -> Searched:
        if "aggs" in body:
            raise SourceError(Failure(kind=FailureKind.REJECTED, tried="search", on="model", got="HTTP 400"))
        return await search(body)

    model.search = without_aggregations  # type: ignore[method-assign]
    tail = Tail(model, clock, limits=Limits(page=100))
    await followed(tail, model, clock)
    model.add(1, back_ns=9 * NS)
    await clock.advance(2)
    assert (await tail.ask()).value.accounting.received == len(model.documents)


async def test_an_index_that_cannot_be_asked_for_its_fields_changes_nothing(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock)
    model.add(1)
    await clock.advance(2)
    await tail.ask()
    capabilities = model.capabilities

    async def silent(names: list[str]) -> Any:
        model.types["event.ingested"] = frozenset({"unmapped"})
        return msgspec.structs.replace(await capabilities(names), silent=1)

    model.capabilities = silent  # type: ignore[method-assign]
    await clock.advance(61)
    await tail.ask()
    assert "event.ingested" in model.bodies[-1]["sort"][0]


async def test_a_log_without_a_date_is_an_error_until_it_has_one(model: ShardModel, clock: HandClock) -> None:
    model.types = {"@timestamp": frozenset({"text"})}
    tail = Tail(model, clock)
    with pytest.raises(SourceError) as raised:
        await tail.ask()
    assert raised.value.failure.got == "@timestamp is no date in any index: text"
    model.types = {"@timestamp": frozenset({"date"})}
    model.add(1)
    await clock.advance(2)
    assert len((await tail.ask()).value.lines) == 1


@pytest.mark.parametrize(("count", "slice_ms"), [(0, 30_000), (600, 300), (1_800, 100), (18_000, 10), (1_000_000, 10)])
def test_the_fewer_lines_are_known_the_coarser_the_slices(count: int, slice_ms: int) -> None:
    assert Tally("@timestamp", start=0, newest=30 * NS - 1, count=count).slice_ms == slice_ms
