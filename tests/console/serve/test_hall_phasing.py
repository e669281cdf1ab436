"""Turns: one session after the other, the loop free between them."""

from __future__ import annotations

import asyncio
import gc
import weakref
from datetime import UTC, datetime
from itertools import cycle, pairwise

import pytest

from console.feeds.clock import SystemClock
from console.feeds.passage import Passage
from console.model.instant import Instant
from console.serve.hall.phasing import (
    APART_S,
    ECHO_S,
    EVERY_S,
    KEYS_S,
    SHARE,
    SLOW_EVERY_S,
    TYPED_EVERY_S,
    Beat,
    PhasedClock,
    Turns,
)


async def test_fifty_that_wake_at_once_have_a_turn_each_and_the_loop_looks_at_its_sockets_between_them() -> None:
    turns = Turns(spent=lambda: 0.0)
    looked = 0
    had: list[tuple[int, int]] = []

    def look() -> None:
        nonlocal looked
        looked += 1
        loop.call_soon(look)

    async def session(number: int) -> None:
        await turns.turn()
        had.append((number, looked))

    loop = asyncio.get_running_loop()
    loop.call_soon(look)
    await asyncio.gather(*(session(number) for number in range(50)))
    assert [number for number, _ in had] == list(range(50))
    moments = [moment for _, moment in had]
    assert all(later > sooner for sooner, later in pairwise(moments))


async def test_the_more_a_turn_costs_the_longer_the_loop_is_left_to_others_before_the_next() -> None:
    spent = 0.0
    turns = Turns(spent=lambda: spent)

    async def session() -> None:
        nonlocal spent
        await turns.turn()
        spent += 0.001

    await asyncio.gather(*(session() for _ in range(60)))
    assert 0.0008 < turns.cost_s < 0.00101
    before = asyncio.get_running_loop().time()
    await asyncio.gather(*(session() for _ in range(20)))
    assert asyncio.get_running_loop().time() - before >= 19 * 0.0008 / SHARE


async def test_what_nobody_asked_for_leaves_as_one_frame_and_the_next_one_not_before_its_time() -> None:
    loop = asyncio.get_running_loop()
    beat, left = Beat(), []
    beat._hurried_until = 0.0  # its first frames are done with

    def depart() -> None:
        left.append(loop.time())

    for _ in range(3):  # one renewal, painted in three turns
        beat(depart)
        await asyncio.sleep(0)
    while len(left) < 2:
        beat(depart)
        await asyncio.sleep(0.01)
    assert left[1] - left[0] >= APART_S - 0.01
    beat.close()


async def test_the_echo_of_a_key_leaves_at_once_and_takes_with_it_what_was_waiting() -> None:
    beat, left = Beat(), []
    beat._hurried_until = 0.0
    beat._left_at = asyncio.get_running_loop().time()  # a frame left a moment ago: the next one waits
    beat(lambda: left.append("waiting"))
    await asyncio.sleep(0)
    beat.hurry()
    assert not left  # a key is no news yet
    beat(lambda: left.append("echo"))
    await asyncio.sleep(0)
    assert left == ["echo"]
    beat(lambda: left.append("after the end"))
    beat.close()
    await asyncio.sleep(0)
    assert left == ["echo"] and beat._going is None


async def test_a_turn_of_a_session_that_is_gone_goes_to_the_next_and_holds_on_to_nothing() -> None:
    turns = Turns(spent=lambda: 0.0)
    first = asyncio.create_task(turns.turn())
    second = asyncio.create_task(turns.turn())
    await asyncio.sleep(0)
    first.cancel()
    await second
    gone = weakref.ref(first)
    del first, second
    await asyncio.sleep(0.01)
    gc.collect()
    assert gone() is None and not turns._waiting


async def test_a_sleeper_wakes_in_its_turn_and_not_more_often_than_it_may_paint() -> None:
    turns = Turns(spent=lambda: 0.0)
    clock = PhasedClock(SystemClock(), turns)
    await clock.sleep(0.0)
    before = clock.now().mono
    await clock.sleep(0.0)
    assert clock.now().mono - before >= EVERY_S - 0.01
    assert clock.stepped_s == 0.0


async def test_a_session_whose_key_has_had_no_echo_is_not_renewed_before_it_has_left_but_not_for_long() -> None:
    loop = asyncio.get_running_loop()
    looked = asyncio.Event()

    class Looking(SystemClock):
        """Says when it was slept on for a look at the echo."""

        async def sleep(self, seconds: float) -> None:
            if seconds > 0:
                looked.set()
            await super().sleep(seconds)

    beat = Beat()
    beat.hurry()
    clock = PhasedClock(Looking(), Turns(spent=lambda: 0.0), beat)
    renewing = asyncio.create_task(clock.sleep(0.0))
    for _ in range(2):
        looked.clear()
        await looked.wait()
    assert beat.is_awaited and not renewing.done()
    beat(lambda: None)  # the echo
    await renewing
    assert loop.time() < beat._hurried_until, "it left, and nothing else was waited for"
    clock._renewed_at = float("-inf")
    beat.hurry()  # a key that changes nothing
    pressed_at = loop.time()
    beat.hurry()  # nor does the next one put it off any longer
    await clock.sleep(0.0)
    assert loop.time() - pressed_at >= ECHO_S - 0.01 and not beat.is_awaited
    beat.close()


class Slept(SystemClock):
    """Where sleeping takes no time of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.gone_s = 0.0

    def now(self) -> Instant:
        return Instant(utc=datetime.now(UTC), mono=self.gone_s)

    async def sleep(self, seconds: float) -> None:
        self.gone_s += seconds
        await asyncio.sleep(0)


@pytest.mark.parametrize(("is_long", "is_typed", "every_s"), [
    (False, False, EVERY_S), (False, True, EVERY_S), (True, False, SLOW_EVERY_S), (True, True, TYPED_EVERY_S),
])  # fmt: skip
async def test_a_session_with_a_long_way_is_renewed_seldom_and_more_seldom_while_it_types(
    is_long: bool, is_typed: bool, every_s: float
) -> None:
    beat, time_of = Beat(lambda: is_long), Slept()
    clock = PhasedClock(time_of, Turns(spent=lambda: 0.0), beat)
    if is_typed:
        beat.hurry()
    beat._unanswered_at = None
    assert EVERY_S < SLOW_EVERY_S < TYPED_EVERY_S and beat.every_s == every_s
    await clock.sleep(0.25)
    assert time_of.gone_s == 0.25
    await clock.sleep(0.25)
    assert time_of.gone_s == pytest.approx(0.25 + every_s)
    beat.close()


async def test_however_dear_a_turn_was_all_have_one_in_a_round() -> None:
    turns = Turns(spent=lambda: 0.0, sessions=lambda: 50)
    turns.cost_s = 0.03  # of fifty, that is 3.75 s of a core by SHARE
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(turns.turn() for _ in range(50)))
    assert asyncio.get_running_loop().time() - began < 1.5


async def test_who_is_held_back_on_purpose_was_not_away() -> None:
    beat, time_of = Beat(lambda: True), Slept()
    clock = PhasedClock(time_of, Turns(spent=lambda: 0.0), beat)
    passage = Passage(clock)
    for _ in range(4):
        beat.hurry()  # somebody types on a slow link: TYPED_EVERY_S, and the wait for the echo
        beat._unanswered_at = None
        is_away, _ = passage.looked(clock.now())
        assert not is_away and passage.gap_s <= 1.3
        time_of.gone_s += 1.0
        await clock.sleep(0.25)
    time_of.gone_s += 5.0
    assert passage.looked(clock.now())[0], "and five seconds that nobody wanted are told"


async def test_no_session_has_its_turn_while_the_key_of_another_waits_for_its_echo() -> None:
    loop, turns = asyncio.get_running_loop(), Turns(spent=lambda: 0.0)
    typing = Beat(turns=turns)
    typing.hurry()
    turn = loop.create_task(turns.turn())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not turn.done()
    left: list[float] = []
    typing(lambda: left.append(loop.time()))
    await turn
    assert left, "the echo was first"
    typing.close()


async def test_keys_without_an_echo_hold_up_the_others_for_a_moment_only() -> None:
    loop, turns = asyncio.get_running_loop(), Turns(spent=lambda: 0.0)
    typing = [Beat(turns=turns) for _ in range(20)]
    turns._touched.clear()  # they wait for their first frames
    turn = loop.create_task(turns.turn())
    began = loop.time()
    for beat in cycle(typing):
        if turn.done():
            break
        beat.hurry()
        await asyncio.sleep(0.005)
    assert KEYS_S - 0.01 <= loop.time() - began < 1.0
    for beat in typing:
        beat.close()
    assert not turns._touched
