"""What a server tells of itself, over HTTP as Prometheus and a kubelet ask it."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from console.feeds.hub import Hub
from console.feeds.raw import StateFeed
from console.model.reading import Reading
from console.model.severity import State
from console.serve.exposing import BEAT_S, STUCK_S, Exposed, Lateness
from console.serve.tally import REASONS, Tally
from console.sources.meter import Meter
from tests.hand_clock import HandClock, settle


class Pods:
    """A source with one answer, which cost two requests."""

    name = "kubernetes.apac-1.pods"
    kind = "kubernetes"
    stale_after_s = 60.0

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self._meter = Meter(clock)

    @property
    def cost(self) -> Any:
        return self._meter.cost

    async def readings(self) -> AsyncGenerator[Reading[int], None]:
        self._meter.asked(2000)
        self._meter.asked(failed=True)
        now = self._clock.now()
        yield Reading(value=7, state=State.LIVE, received=now, as_of=now.utc)
        await asyncio.Event().wait()


def asked(port: int, path: str = "/metrics") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def numbers(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Every sample by its name and the values of its labels, in the order of their names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def scraped(exposed: Exposed) -> str:
    """What a scraper would read, without the port's half second of closing."""
    return generate_latest(exposed).decode()


async def beating(exposed: Exposed) -> asyncio.Task[None]:
    task = asyncio.create_task(exposed.run())
    await asyncio.sleep(2.5 * BEAT_S)  # it beats by the loop's own time, which is what it measures
    return task


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_happened_is_told_as_numbers_and_nobody_by_name():
    clock, tally = HandClock(), Tally()
    tally.connected()
    tally.connected()
    tally.unauthenticated = 1
    tally.logged_in("certificate")
    tally.opened("console")
    tally.opened("exec")
    tally.closed("exec")
    tally.refused("wrong_key")
    tally.refused("mei; DROP TABLE")
    tally.sent(352)
    tally.dropped_slow()
    exposed = Exposed(Hub(clock), clock, tally)
    text = scraped(exposed)
    told = numbers(text)
    assert told["midwatch_serve_sessions"] == {("console",): 1.0, ("digest",): 0.0, ("exec",): 0.0}
    assert told["midwatch_serve_sessions_opened_total"] == {("console",): 1.0, ("digest",): 0.0, ("exec",): 1.0}
    assert told["midwatch_serve_logins_total"] == {("key",): 0.0, ("certificate",): 1.0}
    assert told["midwatch_serve_refusals_total"] == {("wrong_key",): 1.0, ("other",): 1.0}
    assert told["midwatch_serve_connections_total"] == {(): 2.0}
    assert told["midwatch_serve_unauthenticated"] == {(): 1.0}
    assert told["midwatch_serve_sent_bytes_total"] == {(): 352.0}
    assert told["midwatch_serve_slow_readers_dropped_total"] == {(): 1.0}
    assert told["midwatch_serve_up"] == {(): 1.0}
    assert "mei" not in text


async def test_reasons_that_strangers_make_up_do_not_become_series_without_end():
    tally = Tally()
    for letter in "abcdefghijklmnopqrstuvwxyz":
        for other in "abc":
            tally.refused(letter + other)
    counted = tally.picture().refusals
    assert len(counted) == REASONS + 1
    assert sum(counted.values()) == 78
    assert counted["other"] == 78 - REASONS


async def test_a_backend_s_cost_and_a_feed_s_age_are_told_and_the_age_grows_on_without_the_loop():
    clock = HandClock()
    hub = Hub(clock)
    hub.add(StateFeed("kubernetes.apac-1.pods", lambda: Pods(clock), clock))
    seat = hub.subscribe("kubernetes.apac-1.pods")
    await settle()
    exposed = Exposed(hub, clock, Tally())
    told = numbers(scraped(exposed))
    key = ("kubernetes", "kubernetes.apac-1.pods")
    assert told["midwatch_serve_source_requests_total"] == {key: 2.0}
    assert told["midwatch_serve_source_errors_total"] == {key: 1.0}
    assert told["midwatch_serve_source_received_bytes_total"] == {key: 2000.0}
    assert told["midwatch_serve_feed_state"] == {("kubernetes.apac-1.pods", "live"): 1.0}
    assert told["midwatch_serve_feed_age_seconds"] == {("kubernetes.apac-1.pods",): 0.0}
    await clock.advance(4.0)
    told = numbers(scraped(exposed))
    assert told["midwatch_serve_feed_age_seconds"] == {("kubernetes.apac-1.pods",): 4.0}
    seat.close()
    await hub.close()


async def test_health_is_well_then_draining_at_the_next_beat():
    clock, tally = HandClock(), Tally()
    exposed = Exposed(Hub(clock), clock, tally)
    beat = await beating(exposed)
    with exposed.listening("127.0.0.1", 0) as port:
        assert await asyncio.to_thread(asked, port, "/healthz") == (200, "ok\n")
        tally.drain("SIGTERM")
        tally.drain("SIGTERM")
        await asyncio.sleep(2.5 * BEAT_S)
        assert await asyncio.to_thread(asked, port, "/healthz") == (503, "draining: SIGTERM\n")
        told = numbers((await asyncio.to_thread(asked, port))[1])
        assert told["midwatch_serve_drains_total"] == {(): 1.0}
        assert told["midwatch_serve_up"] == {(): 0.0}
    await ended(beat)


async def test_a_loop_that_does_not_turn_is_told_by_the_thread_while_it_stands():
    """The loop of this test stands in `asked`, as it would in a computation without end."""
    clock = HandClock()
    exposed = Exposed(Hub(clock), clock, Tally())
    with exposed.listening("127.0.0.1", 0) as port:
        assert asked(port, "/healthz") == (200, "ok\n")
        await clock.advance(STUCK_S + 3.0)
        code, told = asked(port, "/healthz")
        assert (code, told) == (503, "stuck: the loop has not turned for 8 s\n")
        assert numbers(asked(port)[1])["midwatch_serve_loop_silent_seconds"] == {(): 8.0}


async def test_the_lag_that_is_told_is_the_lag_that_was():
    clock = HandClock()
    exposed = Exposed(Hub(clock), clock, Tally())
    beat = await beating(exposed)
    time.sleep(0.15)  # noqa: ASYNC251 - the fault: the loop stands
    await asyncio.sleep(1.2)
    told = numbers(scraped(exposed))
    await ended(beat)
    buckets = told["midwatch_serve_loop_lag_seconds_bucket"]
    assert buckets[("+Inf",)] >= 4
    assert buckets[("0.025",)] < buckets[("+Inf",)], "no beat came late"
    assert told["midwatch_serve_loop_lag_recent_seconds"][("0.99",)] > 0.025


def test_quantiles_are_of_what_was_felt_in_the_last_minute():
    lateness = Lateness()
    for _ in range(10_000):
        lateness.felt(3.0)
    for _ in range(594):
        lateness.felt(0.001)
    lag = lateness.lag
    assert lag.p50_s == 0.001
    assert lag.p99_s == 0.001
    lateness.felt(0.3)
    assert lateness.lag.p99_s == 0.001
    for _ in range(6):
        lateness.felt(0.2)
    assert lateness.lag.p99_s == 0.2
    assert lateness.lag.beats == 10_601


def test_before_the_first_beat_nothing_was_late():
    lag = Lateness().lag
    assert (lag.p50_s, lag.p99_s, lag.beats) == (0.0, 0.0, 0)
