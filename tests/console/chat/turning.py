"""Turning the clock by hand while real sockets answer in real time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.hand_clock import HandClock


async def until(clock: HandClock, condition: Callable[[], bool], *, by_s: float = 0.25, within_s: float = 600.0) -> float:
    """Turn the clock in small steps until the condition holds; how many seconds of it that took. Fails after `within_s`."""
    start = clock.now().mono
    while not condition():
        assert clock.now().mono - start < within_s, "it never happened"
        for _ in range(6):  # what threads and sockets do between two turns
            if condition():
                break
            await asyncio.sleep(0.001)
        await clock.advance(by_s)
    return clock.now().mono - start
