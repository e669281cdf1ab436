"""Clocks that are set, machines that sleep: no age is negative, nothing of before is called live, and the servers decide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from console.feeds.clock import SystemClock
from console.feeds.hub import Hub
from console.feeds.ledger import LedgerFeed
from console.feeds.passage import Passage
from console.feeds.raw import StateFeed
from console.model.instant import Instant
from console.model.observation import Asked, Heartbeat, Observation, Outcome, ProbeBatch
from console.model.reading import Reading
from console.model.severity import State
from console.model.source import Cost
from console.sources.hls.prober import on_our_clock
from tests.hand_clock import HandClock, settle

NIGHT = datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)
HOUR = 3600.0


class Machine:
    """Its clocks, set and stopped by hand."""

    def __init__(self) -> None:
        self.wall = NIGHT.timestamp()
        self.boot = 5000.0
        self.clock = SystemClock(lambda: self.wall, lambda: self.boot)

    def runs(self, seconds: float, drift_s: float = 0.0) -> None:
        self.wall += seconds + drift_s
        self.boot += seconds

    def is_set(self, by_s: float) -> None:
        self.wall += by_s

    @property
    def utc(self) -> datetime:
        return self.clock.now().utc


def test_a_clock_that_is_slewed_is_followed() -> None:
    machine = Machine()
    for _ in range(100):
        machine.runs(10.0, drift_s=0.05)
        assert machine.utc.timestamp() == pytest.approx(machine.wall)
    assert machine.clock.stepped_s == 0.0


@pytest.mark.parametrize("by_s", [HOUR, -HOUR, 30.0, -30.0])
def test_a_clock_that_is_set_changes_no_time_of_ours_until_the_servers_agree_with_it(by_s: float) -> None:
    machine = Machine()
    machine.runs(60.0)
    machine.is_set(by_s)
    machine.runs(5.0)
    assert machine.utc == NIGHT + timedelta(seconds=65)
    assert machine.clock.stepped_s == pytest.approx(by_s)
    machine.clock.agreed([0.2, -0.4, 0.1])  # beside ours the servers are right: the system is wrong
    assert machine.utc == NIGHT + timedelta(seconds=65)
    machine.clock.agreed([])
    assert machine.utc == NIGHT + timedelta(seconds=65)
    machine.clock.agreed([by_s + 0.4, by_s - 0.6, 0.3])  # ours was wrong before: it has been set right
    assert machine.utc == NIGHT + timedelta(seconds=65 + by_s)
    assert machine.clock.stepped_s == 0.0
    machine.runs(5.0)
    assert machine.utc == NIGHT + timedelta(seconds=70 + by_s)


def test_a_clock_that_is_set_back_where_it_was_is_followed_again() -> None:
    machine = Machine()
    machine.is_set(HOUR)
    assert machine.utc == NIGHT
    machine.is_set(-HOUR)
    machine.runs(1.0)
    assert machine.utc == NIGHT + timedelta(seconds=1) and machine.clock.stepped_s == 0.0


async def test_who_sleeps_while_the_machine_does_is_awake_soon_after_and_not_as_much_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's own timers stand still while the machine sleeps; here an hour passes on the other clock alone."""
    monkeypatch.setattr("console.feeds.clock.LOOK_S", 0.02)
    machine = Machine()
    early, late = (asyncio.create_task(machine.clock.sleep(seconds)) for seconds in (600.0, 2 * HOUR))
    await settle()
    machine.runs(HOUR)
    async with asyncio.timeout(5):
        await early
    assert not late.done()
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert not machine.clock._sleepers and machine.clock._looking is None


class Said:
    """A source that says one thing and is silent."""

    name, kind, stale_after_s, cost = "said", "scripted", 20.0, Cost()

    def __init__(self, clock: HandClock, skew_s: float | None = None) -> None:
        self._clock, self._skew_s = clock, skew_s

    async def readings(self) -> AsyncGenerator[Reading[str], None]:
        now = self._clock.now()
        yield Reading(value="well", state=State.LIVE, received=now, as_of=now.utc, skew_s=self._skew_s)
        await asyncio.Event().wait()


async def test_after_a_time_away_nothing_of_before_is_live_before_anybody_has_painted() -> None:
    clock = HandClock()
    hub = Hub(clock)
    feed = StateFeed("said", lambda: Said(clock), clock)
    hub.add(feed)
    hub.add(LedgerFeed(hub, clock))
    reader = hub.subscribe("said")
    try:
        await clock.advance(1.0)
        assert reader.reading.state is State.LIVE
        clock._mono += 52 * 60  # nothing of ours ran: no timer woke anybody
        hub.look()
        assert reader.reading.state is State.STALE
        age_s = reader.reading.age_s(clock.now())
        assert age_s is not None and age_s > 52 * 60
        assert reader.reading.value == "well", "what was last known stays, as old as it is"
    finally:
        await hub.close()


async def test_a_step_that_may_have_been_a_pause_of_the_whole_machine_leaves_nothing_live() -> None:
    clock = HandClock()
    hub = Hub(clock)
    hub.add(StateFeed("said", lambda: Said(clock), clock))
    reader = hub.subscribe("said")
    try:
        await clock.advance(1.0)
        hub.look()
        assert reader.reading.state is State.LIVE
        hub.look(doubt=True)
        assert reader.reading.state is State.STALE
    finally:
        await hub.close()


@pytest.mark.parametrize(("skew_s", "follows"), [(HOUR, True), (0.3, False), (None, False)])
async def test_the_servers_dates_decide_whether_a_step_was_a_correction(skew_s: float | None, follows: bool) -> None:
    machine = Machine()
    hub = Hub(machine.clock)
    hub.add(StateFeed("said", lambda: Said(machine.clock, skew_s), machine.clock))  # type: ignore[arg-type]
    ledger = LedgerFeed(hub, machine.clock)
    hub.add(ledger)
    hub.subscribe("said")
    try:
        await settle()
        machine.is_set(HOUR)
        machine.runs(1.0)
        assert machine.utc == NIGHT + timedelta(seconds=1)
        ledger.look()
        assert machine.utc == NIGHT + timedelta(seconds=1 + (HOUR if follows else 0.0))
    finally:
        await hub.close()


def test_the_screen_is_told_what_the_clocks_did() -> None:
    machine = Machine()
    passage = Passage(machine.clock)

    def looked() -> tuple[bool, bool]:
        return passage.looked(machine.clock.now())

    assert looked() == (False, False)
    machine.runs(1.0)
    assert looked() == (False, False) and passage.mark(machine.clock.now()) == ""
    machine.runs(52 * 60)  # asleep: both clocks ran on
    assert looked() == (True, False)
    assert passage.mark(machine.clock.now()) == "away 52m until 03:06:08"
    machine.runs(61.0)
    assert passage.mark(machine.clock.now()) == ""
    looked()
    machine.is_set(HOUR)
    machine.runs(1.0)
    assert looked() == (False, True), "a pause of the machine looks the same"
    assert passage.mark(machine.clock.now()) == "system clock was set: 1h ahead of ours"
    machine.is_set(-2 * HOUR)
    machine.runs(1.0)
    assert looked() == (False, False)
    assert passage.mark(machine.clock.now()) == "system clock was set: 1h behind ours"


def test_what_the_prober_stamped_by_a_clock_that_was_set_is_told_by_ours() -> None:
    now = Instant(NIGHT, 5000.0)

    def batch(off_s: float) -> ProbeBatch:
        at = Instant(NIGHT + timedelta(seconds=off_s - 2.0), 4998.0)
        seen = Observation(
            channel="c", vantage="v", asked=Asked.MEDIA, rendition="720p", at=at, elapsed_s=0.1, outcome=Outcome.OK
        )
        beat = Heartbeat(at=at, poll_lag_s=0.0, loop_lag_s=0.0, channels=1, polls=1, bytes_in=0, in_flight=0)
        return ProbeBatch(observations=(seen,), heartbeat=beat)

    for off_s in (HOUR, -HOUR):
        told = on_our_clock(batch(off_s), now)
        assert told.observations[0].at == told.heartbeat.at == Instant(NIGHT - timedelta(seconds=2), 4998.0)  # type: ignore[union-attr]
    even = batch(0.4)
    assert on_our_clock(even, now) is even
    assert on_our_clock(ProbeBatch(), now) == ProbeBatch()
