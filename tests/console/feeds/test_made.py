"""A pane is made once for all who look at the same, and again when there is something new."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from console.feeds.made import LIMIT, Made
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.sight import EVERYTHING, Sight
from console.rows import pods
from tests.console.feeds.sight_world import WorldDesk, canaries
from tests.hand_clock import START, HandClock

LIVE = Sight.of([(("live",), ("*",))])
NOW = Instant(START, 1000.0)


def test_what_was_made_is_given_again_for_half_a_second_of_the_same_reading() -> None:
    made, reading = Made(), object()
    first = made.once("pane", (reading,), NOW, object)
    assert made.once("pane", (reading,), NOW.plus(0.49), object) is first
    assert made.once("pane", (reading,), NOW.plus(0.5), object) is not first
    assert made.once("pane", (object(),), NOW, object) is not first
    assert made.once("other", (reading,), NOW, object) is not first


def test_it_keeps_nothing_that_would_not_be_given_again() -> None:
    made, reading = Made(), object()
    for number in range(10 * LIMIT):
        made.once(number, (reading,), NOW, object)
    assert len(made._made) <= LIMIT
    made.once("later", (reading,), NOW.plus(1.0), object)
    assert len(made._made) == 1


async def test_fifty_sessions_on_five_scopes_make_what_five_make(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Scope] = []
    make = pods.pane

    def counted(reading: Any, scope: Scope, now: Instant) -> Any:
        asked.append(scope)
        return make(reading, scope, now)

    monkeypatch.setattr(pods, "pane", counted)
    world = WorldDesk(canaries(HandClock().now()))
    scopes = [Scope.parse([f"region={name}"]) for name in ("emea", "apac", "amer", "mars", "moon")]
    for _ in range(4):
        desks = [world.desk.seen_by(LIVE if number % 2 else EVERYTHING) for number in range(50)]
        seats = [desk.sit("workloads") for desk in desks]
        panes = [seat.pane(scopes[number // 2 % 5], world.now) for number, seat in enumerate(seats)]
        assert len({id(pane) for pane in panes}) == 10
        for seat in seats:
            seat.close()
        world.later(1.0)
    assert len(asked) == 4 * 10
    await world.hub.close()


async def test_sessions_that_may_read_the_same_sit_at_one_desk_which_goes_with_the_last() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    one, other = world.desk.seen_by(LIVE), world.desk.seen_by(Sight.of([(["live"], ["*"])]))
    assert one is other
    assert world.desk.seen_by(EVERYTHING) is world.desk
    gone = weakref.ref(one)
    del one, other
    gc.collect()
    assert gone() is None
    with pytest.raises(ValueError, match="ask the whole one"):
        world.desk.seen_by(LIVE).seen_by(EVERYTHING)


async def test_a_seat_gives_back_the_feeds_that_it_was_filtered_by() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    seat = world.desk.seen_by(LIVE).sit("streams")
    assert world.feeds["workloads"].topic.readers == 1
    seat.close()
    assert world.feeds["workloads"].topic.readers == 0
    await world.hub.close()
