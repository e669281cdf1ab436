"""Meter, backoff and breaker: how much is asked, and how it is held back."""

from __future__ import annotations

import random

from console.sources.backoff import RETRY_AFTER_CEILING_S, Backoff
from console.sources.breaker import Breaker
from console.sources.meter import WINDOW_S, Meter
from tests.hand_clock import HandClock


async def test_rates_are_over_the_last_minute_and_memory_is_bounded(clock: HandClock) -> None:
    meter = Meter(clock)
    for _ in range(600):
        meter.asked(100)
        await clock.advance(0.5)
    cost = meter.cost
    assert (cost.requests, cost.bytes_in, cost.errors) == (600, 60_000, 0)
    assert 1.9 <= cost.requests_per_s <= 2.1
    assert 190 <= cost.bytes_per_s <= 210
    assert len(meter._buckets) <= WINDOW_S + 1
    await clock.advance(120)
    assert meter.cost.requests_per_s == 0
    assert meter.cost.requests == 600


async def test_rates_before_a_minute_are_over_the_time_there_is(clock: HandClock) -> None:
    meter = Meter(clock)
    await clock.advance(10)
    for _ in range(20):
        meter.asked(failed=True)
    assert meter.cost.requests_per_s == 2.0
    assert meter.cost.errors == 20


async def test_streamed_bytes_are_no_requests(clock: HandClock) -> None:
    meter = Meter(clock)
    meter.received(1000)
    assert (meter.cost.requests, meter.cost.bytes_in) == (0, 1000)


def test_backoff_draws_below_doubling_ceilings() -> None:
    draws = [
        [backoff.next_s() for _ in range(12)] for backoff in (Backoff(rng=random.Random(seed)) for seed in range(300))
    ]
    for attempt in range(12):
        reach = min(30.0, 0.8 * 2**attempt)
        column = [row[attempt] for row in draws]
        assert max(column) <= reach
        assert max(column) > 0.8 * reach, "the jitter is full"
        assert min(column) < 0.2 * reach


def test_backoff_begins_anew_after_a_success() -> None:
    backoff = Backoff(rng=random.Random(1))
    for _ in range(10):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.8


def test_a_servers_wish_is_a_floor_and_has_a_ceiling() -> None:
    backoff = Backoff(rng=random.Random(1))
    assert 20 <= backoff.next_s(20) <= 22
    assert backoff.next_s(1e9) <= 1.1 * RETRY_AFTER_CEILING_S
    assert backoff.next_s(float("nan")) <= 30


async def test_a_breaker_opens_after_failures_in_a_row_and_one_probe_decides(clock: HandClock) -> None:
    breaker = Breaker(clock, threshold=3, rest_s=10)
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()
    await clock.advance(10)
    assert breaker.allows()
    assert not breaker.allows(), "only one probe"
    breaker.failed()
    assert breaker.rest_s == 10
    await clock.advance(10)
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows()
