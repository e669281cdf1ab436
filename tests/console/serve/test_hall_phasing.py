"""Turns: one session after the other, the loop free between them."""

from __future__ import annotations

import asyncio
import gc
import weakref
from itertools import pairwise

from console.feeds.clock import SystemClock
from console.serve.phasing import FASTEST_S, SHARE, SLOWEST_S, PhasedClock, Turns


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


async def test_the_more_a_turn_costs_and_the_more_sessions_there_are_the_less_often_each_paints() -> None:
    spent = 0.0
    turns = Turns(spent=lambda: spent)
    turns.sessions = 3
    assert turns.interval_s == FASTEST_S

    async def session() -> None:
        nonlocal spent
        await turns.turn()
        spent += 0.01

    await asyncio.gather(*(session() for _ in range(60)))
    assert 0.008 < turns.cost_s < 0.0101
    turns.sessions = 20
    assert abs(turns.interval_s - 20 * turns.cost_s / SHARE) < 1e-9
    turns.sessions = 1000
    assert turns.interval_s == SLOWEST_S


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
    assert clock.now().mono - before >= FASTEST_S - 0.01
    assert clock.stepped_s == 0.0
