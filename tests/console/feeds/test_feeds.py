"""What readers of a feed may rely on: one source for all, silence told, faults kept in, nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from console.feeds.derived import Derived, DerivedFeed, Inputs
from console.feeds.hub import Hub
from console.feeds.ledger import LedgerFeed
from console.feeds.log import LogFeed, LogRing
from console.feeds.raw import PUBLISH_EVERY_S, StateFeed
from console.feeds.topic import INBOX, Topic
from console.model.failure import Failure, FailureKind
from console.model.instant import Instant
from console.model.logline import LogAccounting, LogBatch, LogLine
from console.model.reading import Reading
from console.model.severity import State
from console.model.source import Cost
from tests.hand_clock import START, HandClock, settle


class ScriptedSource:
    """Says what the test puts into its queue; an exception put there is raised."""

    kind = "scripted"
    stale_after_s = 5.0
    cost = Cost(requests=3)

    def __init__(self, clock: HandClock, name: str = "scripted") -> None:
        self.name = name
        self.script: asyncio.Queue[Any] = asyncio.Queue()
        self.opened = 0
        self.closed = 0
        self._clock = clock

    async def readings(self) -> AsyncGenerator[Reading[Any], None]:
        self.opened += 1
        try:
            while True:
                said = await self.script.get()
                if isinstance(said, Exception):
                    raise said
                yield said
        finally:
            self.closed += 1

    def says(self, value: Any) -> None:
        now = self._clock.now()
        self.script.put_nowait(Reading(value=value, state=State.LIVE, received=now, as_of=now.utc))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def hub(clock: HandClock) -> AsyncGenerator[Hub, None]:
    hub = Hub(clock, linger_s=30.0)
    yield hub
    await hub.close()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()], "a task was left behind"


async def test_two_readers_of_a_feed_cost_the_backend_one_source(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    first, second = hub.subscribe("pods"), hub.subscribe("pods")
    source.says(7)
    await settle()
    assert (first.reading.value, second.reading.value, source.opened) == (7, 7, 1)


async def test_a_feed_is_stopped_only_some_time_after_its_last_reader_left(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    hub.subscribe("pods").close()
    await clock.advance(29)
    assert source.closed == 0
    again = hub.subscribe("pods")
    await clock.advance(60)
    assert source.closed == 0, "it came back in time"
    again.close()
    await clock.advance(31)
    assert (source.closed, hub.is_running("pods")) == (1, False)


async def test_a_held_hub_starts_nothing_until_it_is_opened(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    hub.hold()
    hub.subscribe("pods")
    await clock.advance(5)
    assert source.opened == 0
    hub.open()
    await settle()
    assert source.opened == 1


async def test_silence_turns_a_live_reading_stale_by_the_clock_and_keeps_its_value(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    reader = hub.subscribe("pods")
    source.says(7)
    await clock.advance(4.5)
    assert reader.reading.state is State.LIVE
    await clock.advance(2)
    assert (reader.reading.state, reader.reading.value) == (State.STALE, 7)
    assert reader.reading.age_s(clock.now()) == pytest.approx(6.5)
    source.says(8)
    await clock.advance(0.5)
    assert (reader.reading.state, reader.reading.value) == (State.LIVE, 8)


async def test_an_exception_in_a_source_becomes_a_reading_with_a_reference_and_the_source_is_restarted(
    clock: HandClock, hub: Hub
) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    reader = hub.subscribe("pods")
    source.says(7)
    await clock.advance(0.2)
    source.script.put_nowait(ValueError("boom"))
    await clock.advance(0.2)
    assert (reader.reading.state, reader.reading.value) == (State.ERROR, 7)
    assert reader.reading.error is not None and reader.reading.error.kind is FailureKind.INTERNAL
    assert "boom" in reader.reading.error.got and reader.reading.error.ref
    await clock.advance(3)
    source.says(8)
    await clock.advance(0.2)
    assert (reader.reading.state, reader.reading.value, source.opened) == (State.LIVE, 8, 2)


async def test_a_feed_publishes_at_most_ten_times_a_second_and_ends_with_the_newest(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    reader = hub.subscribe("pods")
    for value in range(30):
        source.says(value)
    await clock.advance(0.95)
    assert reader.version <= 10
    await clock.advance(5)
    assert reader.reading.value == 29


def test_a_reader_that_must_see_everything_has_a_bounded_inbox_that_counts_what_it_lost() -> None:
    topic: Topic[int] = Topic()
    reader = topic.join(every=True)
    for value in range(INBOX + 5):
        topic.publish(Reading(value=value, state=State.LIVE))
    taken = reader.take()
    assert (len(taken), taken[-1].value, reader.lost) == (INBOX, INBOX + 4, 5)
    assert reader.take() == ()


class Doubling:
    """Doubles its input; after two seconds of silence its answer is -1."""

    inputs = ("pods",)
    misses_none_of: tuple[str, ...] = ()
    every_s: float = PUBLISH_EVERY_S

    def __init__(self) -> None:
        self.heard: tuple[int, float] = (0, 0.0)

    def step(self, inputs: Inputs, now: Instant) -> Derived[int]:
        value = inputs.readings["pods"].value
        if value == 13:
            raise RuntimeError("unlucky")
        if value is not None and value != self.heard[0]:
            self.heard = (value, now.mono)
        deadline = self.heard[1] + 2.0
        answer = -1 if now.mono >= deadline else (value or 0) * 2
        return Derived(Reading(value=answer, state=State.LIVE), None if answer == -1 else deadline)


async def test_a_derived_feed_answers_on_a_reading_and_again_on_the_clock_when_nothing_comes(
    clock: HandClock, hub: Hub
) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    hub.add(DerivedFeed("doubled", Doubling(), hub, clock))
    reader = hub.subscribe("doubled")
    await clock.advance(0.2)
    source.says(4)
    await clock.advance(0.5)
    assert reader.reading.value == 8
    await clock.advance(1.9)
    assert reader.reading.value == -1


async def test_an_exception_in_a_derivation_leaves_its_feed_alive(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    hub.add(DerivedFeed("doubled", Doubling(), hub, clock))
    reader = hub.subscribe("doubled")
    source.says(13)
    await clock.advance(0.5)
    assert reader.reading.state is State.ERROR and "unlucky" in str(reader.reading.error)
    source.says(5)
    await clock.advance(0.5)
    assert (reader.reading.state, reader.reading.value) == (State.LIVE, 10)


async def test_leaving_a_derived_feed_lets_what_it_stood_on_stop_too(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    hub.add(DerivedFeed("doubled", Doubling(), hub, clock))
    hub.subscribe("doubled").close()
    await clock.advance(61)
    assert (hub.is_running("doubled"), hub.is_running("pods"), source.closed) == (False, False, 1)


def line(text: str) -> LogLine:
    return LogLine(at=START, level="info", message=text)


async def test_a_log_feed_keeps_lines_once_and_publishes_only_the_window(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    feed = LogFeed("tail", lambda: source, clock, capacity=3)
    hub.add(feed)
    reader = hub.subscribe("tail")
    batch = LogBatch(lines=(line("a"), line("b")), accounting=LogAccounting(received=2, shown=2), watermark=START)
    source.says(batch)
    await clock.advance(0.2)
    failure = Failure(kind=FailureKind.UNREACHABLE, tried="poll", on="elasticsearch", got="refused")
    source.script.put_nowait(Reading(value=batch, state=State.LIVE, received=clock.now()).failed(failure))
    await clock.advance(0.2)
    assert [each.message for each in feed.ring.newest(9)] == ["b", "a"], "a failed reading carries the old batch"
    assert reader.reading.state is State.ERROR
    source.says(LogBatch(lines=(line("c"), line("d")), accounting=LogAccounting(received=4, shown=4), watermark=START))
    await clock.advance(0.2)
    window = reader.reading.value
    assert (window.first_seq, window.last_seq, window.accounting.received) == (2, 4, 4)
    assert feed.ring.line(2) == line("b")
    with pytest.raises(LookupError):
        feed.ring.line(1)


def test_an_empty_ring_has_no_lines_and_a_first_number_after_its_last() -> None:
    ring = LogRing(3)
    assert (ring.first_seq, ring.last_seq, list(ring.newest(5))) == (1, 0, [])


async def test_the_ledger_names_every_running_source_with_its_cost_and_its_fault(clock: HandClock, hub: Hub) -> None:
    source = ScriptedSource(clock)
    hub.add(StateFeed("pods", lambda: source, clock))
    hub.add(StateFeed("idle", lambda: ScriptedSource(clock, "idle"), clock))
    hub.add(LedgerFeed(hub, clock))
    reader = hub.subscribe("sources")
    hub.subscribe("pods")
    source.says(1)
    await clock.advance(2)
    (status,) = reader.reading.value
    assert (status.name, status.state, status.cost.requests) == ("pods", State.LIVE, 3)
