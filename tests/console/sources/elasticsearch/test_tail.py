"""The tail against the embedded server, over the real client and the wire, and against stories told by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest

from console.demo.elasticsearch import server
from console.demo.world.world import World
from console.model.logline import LogBatch, LogLine
from console.model.severity import State
from console.sources.access import Access
from console.sources.elasticsearch.client import ElasticIndex
from console.sources.elasticsearch.nanos import NS, nanos
from console.sources.elasticsearch.query import between, matching
from console.sources.elasticsearch.tail import Limits, Tail, tail_source
from console.sources.meter import Meter
from tests.console.sources.conftest import Serve
from tests.console.sources.elasticsearch.shard_model import Faults, ShardModel
from tests.hand_clock import HandClock

INDEX = "logs-video-default"


@pytest.fixture
async def index(
    serve: Serve, meter: Meter, clock: HandClock, world_now: Callable[[], datetime]
) -> AsyncIterator[ElasticIndex]:
    world = World(7, "calm", world_now() - timedelta(minutes=20))
    index = ElasticIndex(Access(urls=(await serve(server.app(world, world_now)),)), INDEX, meter)
    yield index
    await index.close()


@pytest.fixture
def model(clock: HandClock) -> ShardModel:
    return ShardModel(lambda: int(clock.now().utc.timestamp() * 1000) * 1_000_000, random.Random(5), delay_s=1.0)


async def polls(tail: Tail, clock: HandClock, count: int, every_s: float = 1.0) -> list[LogBatch]:
    batches = []
    for _ in range(count):
        batches.append((await tail.ask()).value)
        await clock.advance(every_s)
    return batches


def logged(batches: list[LogBatch]) -> list[LogLine]:
    return [line for batch in batches for line in batch.lines if not line.is_mark]


def marks(batches: list[LogBatch]) -> list[str]:
    return [line.message for batch in batches for line in batch.lines if line.is_mark]


async def test_every_line_of_the_embedded_index_is_shown_exactly_once(index: ElasticIndex, clock: HandClock) -> None:
    tail = Tail(index, clock)
    batches = await polls(tail, clock, 20, every_s=1.7)
    lines = logged(batches)
    assert set(Counter(line.doc_id for line in lines).values()) == {1}
    accounting = batches[-1].accounting
    assert accounting.shown == accounting.received == len(lines)
    assert accounting.duplicates > 0, "the overlap asks again for what is known"
    watermark = batches[-1].watermark
    assert watermark is not None
    # After the last poll nothing before the watermark turns up any more: shards refresh each second.
    span = (nanos(clock.now().utc.isoformat()) - 30 * NS, nanos(watermark.isoformat()))
    told = await index.count(matching([between("event.ingested", span)]))
    shown = {doc.doc_id for doc in lines}
    found = await index.search({"size": 5000, "query": matching([between("event.ingested", span)]), "_source": False})
    from console.sources.elasticsearch.tail import _HIT

    wanted = {f"{hit.index}/{hit.id}" for hit in map(_HIT.decode, found.hits.hits)}
    assert told.count == len(wanted) > 1000
    assert wanted <= shown


async def test_a_line_carries_what_the_document_says(index: ElasticIndex, clock: HandClock) -> None:
    tail = Tail(index, clock)
    batch = (await tail.ask()).value
    assert 0 < len(batch.lines) <= 500
    assert batch.note == "", "event.ingested is in every index"
    assert batch.overlap_s == 30.0
    assert batch.lag_s is not None and batch.lag_s < 5
    line = next(line for line in batch.lines if line.pod)
    assert line.level in ("error", "warn", "info", "debug")
    assert line.message and line.service and line.namespace
    assert line.doc_id.startswith(f"{INDEX}/") or "/" in line.doc_id
    assert sorted(line.at for line in batch.lines)[0] > clock.now().utc - timedelta(seconds=30)


async def test_as_a_source_it_reads_and_closes(
    serve: Serve, clock: HandClock, meter: Meter, world_now: Callable[[], datetime]
) -> None:
    world = World(7, "calm", world_now() - timedelta(minutes=20))
    url = await serve(server.app(world, world_now))
    source = tail_source("logs", Access(urls=(url,)), INDEX, clock, meter)
    readings = source.readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.state is State.LIVE
    assert reading.value is not None and reading.value.lines
    assert source.period_s == 1.0
    assert meter.cost.requests == 3


async def test_a_scope_becomes_term_filters(index: ElasticIndex, clock: HandClock) -> None:
    tail = Tail(index, clock, scope={"region": "emea", "cdn": "own"})
    lines = logged(await polls(tail, clock, 3))
    assert lines
    assert {line.region for line in lines} == {"emea"}


async def test_the_first_poll_shows_the_newest_lines_and_no_more_than_its_ceiling(
    model: ShardModel, clock: HandClock
) -> None:
    for _ in range(30):
        model.add(20)
        await clock.advance(0.3)
    await clock.advance(2)
    tail = Tail(model, clock, limits=Limits(first_lines=100))
    first, *later = await polls(tail, clock, 5)
    assert len(first.lines) == 100
    assert {line.message for line in first.lines} == {f"m{number}" for number in range(500, 600)}
    assert logged(later) == [], "what was there before the tail began does not come as late"


async def test_late_lines_are_marked_and_counted(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock)
    model.add(3)
    await clock.advance(3)
    await polls(tail, clock, 2)
    model.add(3)
    await clock.advance(3)
    await polls(tail, clock, 2)
    model.add(2, back_ns=7 * NS)
    await clock.advance(1)
    batches = await polls(tail, clock, 2)
    assert [line.is_late for line in logged(batches)] == [True, True]
    assert batches[-1].accounting.late == 2


async def test_a_failed_shard_holds_the_watermark_and_loses_nothing(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock)
    model.add(30)
    await clock.advance(3)
    (before,) = await polls(tail, clock, 1)
    model.faults = Faults(failed_shards=frozenset({1}))
    for _ in range(60):
        model.add(5)
        await clock.advance(1)
        held = (await tail.ask()).value
    answer = await tail.ask()
    assert held.watermark == before.watermark
    assert held.note == "1 of 3 shards failed: watermark held"
    assert answer.partial_reason == "1 of 3 shards failed"
    assert held.accounting.held_polls == 60
    model.faults = Faults()
    await clock.advance(2)
    healed = (await tail.ask()).value
    assert healed.note == ""
    assert healed.accounting.shown == len(model.documents)
    assert healed.watermark is not None and before.watermark is not None and healed.watermark > before.watermark


async def test_while_shards_fail_the_tail_does_not_read_the_whole_past_each_time(
    model: ShardModel, clock: HandClock
) -> None:
    tail = Tail(model, clock, limits=Limits(overlap_s=5, page=50))
    model.add(10)
    await clock.advance(3)
    await tail.ask()
    model.faults = Faults(failed_shards=frozenset({1}))
    for _ in range(100):
        model.add(20)
        await clock.advance(1)
        before = model.asked
        await tail.ask()
    assert model.asked - before < 12


async def test_a_search_that_timed_out_holds_the_watermark(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock)
    model.add(30)
    await clock.advance(3)
    (before,) = await polls(tail, clock, 1)
    model.add(30)
    await clock.advance(3)
    model.faults = Faults(times_out=True)
    (held,) = await polls(tail, clock, 1)
    assert held.watermark == before.watermark
    assert "timed out" in held.note
    model.faults = Faults()
    assert (await polls(tail, clock, 1))[0].accounting.shown == 60


async def test_after_a_gap_a_mark_says_what_was_missing(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock)
    model.add(5)
    await clock.advance(3)
    await polls(tail, clock, 1)
    for _ in range(11):
        model.faults = Faults(breaks_at=0)
        model.add(10)
        with pytest.raises(Exception, match="refused"):
            await tail.ask()
        await clock.advance(1)
    await clock.advance(3)
    (back,) = await polls(tail, clock, 1)
    assert back.lines[0].is_mark
    assert back.lines[0].message == "reconnected: 15 s missing, 110 lines fetched"
    assert marks(await polls(tail, clock, 2)) == []


async def test_lines_taken_before_a_failure_are_shown_after_it(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock, limits=Limits(page=10))
    model.add(1)
    await clock.advance(3)
    await tail.ask()
    model.add(45)
    await clock.advance(3)
    model.faults = Faults(breaks_at=4)
    with pytest.raises(Exception, match="refused"):
        await tail.ask()
    batch = (await tail.ask()).value
    assert len(logged([batch])) == 45
    assert not model.pits


async def test_beyond_the_ceiling_the_rest_is_counted_and_told(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock, limits=Limits(page=10, pages=3))
    model.add(1)
    await clock.advance(3)
    await tail.ask()
    model.add(100, tie_ns=1)
    await clock.advance(0.5)
    model.add(1)
    await clock.advance(3)
    (batch,) = await polls(tail, clock, 1)
    assert len(logged([batch])) == 39, "three pages of news: the known line fills a place of the first"
    assert batch.accounting.dropped == 62
    assert marks([batch]) == ["62 lines not fetched: more than this tail takes at once"]
    later = await polls(tail, clock, 3)
    assert logged(later) == []
    assert later[-1].accounting.received == 102


async def test_without_event_ingested_the_note_says_what_is_not_shown(model: ShardModel, clock: HandClock) -> None:
    model.types["event.ingested"] = frozenset({"date", "unmapped"})
    tail = Tail(model, clock)
    model.add(1)
    await clock.advance(3)
    (batch,) = await polls(tail, clock, 1)
    assert batch.note == "late documents older than 30 s are not shown"
    assert "@timestamp" in model.bodies[-1]["sort"][0]


async def test_an_unreadable_document_is_dropped_once_and_never_fatal(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock)
    model.add(1)
    await clock.advance(3)
    await tail.ask()
    model.add(1, **{"@timestamp": "yesterday"})
    model.add(1, **{"@timestamp": {"a": 1}})
    model.add(1, message={"not": "text"}, log=7, service={"name": ["a", "b"]})
    await clock.advance(3)
    batches = await polls(tail, clock, 5)
    accounting = batches[-1].accounting
    assert (accounting.received, accounting.shown, accounting.dropped) == (4, 2, 2)
    (line,) = logged(batches)
    assert line.service == "a"


async def test_what_a_document_says_is_cleaned(model: ShardModel, clock: HandClock) -> None:
    tail = Tail(model, clock)
    model.add(1, message="a\x1b]52;c;x\x07b\n\u202e" + "x" * 5000, **{"service.name": "s\x1b[2J"})
    await clock.advance(3)
    (line,) = logged(await polls(tail, clock, 1))
    assert line.message.startswith("ab⏎xxx")
    assert len(line.message) == 2000
    assert line.service == "s"


async def test_more_lines_than_memory_shorten_the_overlap_and_the_note_says_so(
    model: ShardModel, clock: HandClock
) -> None:
    tail = Tail(model, clock, limits=Limits(capacity=50))
    batches = []
    for _ in range(20):
        model.add(20)
        await clock.advance(1)
        batches += await polls(tail, clock, 1, every_s=0)
    assert "overlap shortened to" in batches[-1].note
    assert set(Counter(line.doc_id for line in logged(batches)).values()) == {1}


async def test_a_page_over_the_byte_cap_is_asked_again_in_smaller_pages(
    index: ElasticIndex, clock: HandClock, meter: Meter
) -> None:
    small = ElasticIndex(index._access, INDEX, meter, max_bytes=60_000)
    tail = Tail(small, clock, limits=Limits(first_lines=20))
    await tail.ask()
    await clock.advance(25)
    batch = (await tail.ask()).value
    await small.close()
    assert len(logged([batch])) > 500


async def test_polling_follows_the_refresh_interval(model: ShardModel, clock: HandClock) -> None:
    async def slow() -> float:
        return 30.0

    model.refresh_interval_s = slow  # type: ignore[method-assign]
    tail = Tail(model, clock)
    await tail.ask()
    assert tail.period_s == 30.0
    assert tail.overlap_s == 60.0
