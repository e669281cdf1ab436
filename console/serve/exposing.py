"""What a server tells of itself: `/metrics` for Prometheus, `/healthz` for whoever restarts it and whoever sends it people.

Both are answered by a thread (`console.exposing.port`), because what matters most is to be told when the loop does not turn. So
the thread asks the loop nothing: once a second the loop's pulse leaves a picture by one assignment, and a picture that has
grown old is the news. Numbers of the loop's own are told however old they are (counters stand still while it does); ages of
feeds grow on in the thread.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from console import __version__
from console.exposing.port import listening
from console.feeds.hub import Hub
from console.feeds.ledger import LedgerFeed
from console.model.instant import Clock, Instant
from console.model.source import SourceStatus
from console.serve.tally import Counts, Tally

PREFIX = "midwatch_serve_"
BEAT_S = 0.1  # how often the loop's lag is felt
PICTURE_S = 1.0
STUCK_S = 5.0  # a loop that has not turned for so long is stuck; one that breathes again is well again
RECENT_S = 60.0  # over how long the quantiles go
BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
Values = Mapping[tuple[str, ...], float]  # a number by the values of the labels
_Families = Iterator[CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily]


class Lag(msgspec.Struct, frozen=True):
    """How late the loop was, in seconds."""

    cumulated: tuple[int, ...]  # beats not later than each of BUCKETS_S, since start
    beats: int
    total_s: float
    p50_s: float  # of the last minute
    p99_s: float


class Picture(msgspec.Struct, frozen=True):
    """Replaced as a whole, so that a scrape never sees half of two."""

    at: Instant
    counts: Counts
    lag: Lag
    sources: tuple[SourceStatus, ...]
    feeds: Mapping[str, tuple[str, float | None]]  # running feeds: state and age in seconds at `at`
    draining: str


class Lateness:
    """The loop's lag, felt by waking up: a histogram since start, and the last minute beat by beat (at most 600)."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_S) + 1)
        self._total_s = 0.0
        self._recent: deque[float] = deque(maxlen=round(RECENT_S / BEAT_S))

    def felt(self, late_s: float) -> None:
        """One beat came `late_s` after it should have."""
        late_s = max(0.0, late_s)
        self._counts[bisect_left(BUCKETS_S, late_s)] += 1
        self._total_s += late_s
        self._recent.append(late_s)

    @property
    def lag(self) -> Lag:
        cumulated, so_far = list[int](), 0
        for count in self._counts[:-1]:
            so_far += count
            cumulated.append(so_far)
        recent = sorted(self._recent)
        return Lag(
            cumulated=tuple(cumulated),
            beats=sum(self._counts),
            total_s=self._total_s,
            p50_s=_quantile(recent, 0.5),
            p99_s=_quantile(recent, 0.99),
        )


def _quantile(ordered: list[float], share: float) -> float:
    """The smallest value that is not below `share` of them; 0 of none."""
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)] if ordered else 0.0


class Exposed(Collector):
    """Feels the loop, and answers whoever scrapes. `run` belongs to the loop, all else is called from threads."""

    def __init__(self, hub: Hub, clock: Clock, tally: Tally) -> None:
        self._hub = hub
        self._clock = clock
        self._tally = tally
        self.beside: list[Collector] = []  # what else of this process is told: each answers in the thread that is scraped
        self._costs = LedgerFeed(hub, clock)  # of our own and never run: it is only asked what each source costs
        self._lateness = Lateness()
        self._picture = self._taken()

    async def run(self) -> None:
        """Until cancelled. Its own lateness is the loop's."""
        loop = asyncio.get_running_loop()
        next_picture = loop.time()
        while True:
            due = loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._lateness.felt(loop.time() - due)
            if self._tally.draining != self._picture.draining or loop.time() >= next_picture:
                next_picture = loop.time() + PICTURE_S
                self._picture = self._taken()

    def _taken(self) -> Picture:
        now = self._clock.now()
        readings = {
            feed.name: feed.topic.reading for feed in self._hub.feeds() if self._hub.is_running(feed.name)
        }
        return Picture(
            at=now,
            counts=self._tally.picture(),
            lag=self._lateness.lag,
            sources=self._costs.statuses(now),
            feeds={name: (reading.state.value, reading.age_s(now)) for name, reading in readings.items()},
            draining=self._tally.draining,
        )

    def listening(self, host: str, port: int) -> AbstractContextManager[int]:
        """The port it answers on while it does. Raises OSError where it cannot."""
        return listening(self, host, port, health=self.unhealthy)

    def unhealthy(self) -> str:
        """Why nobody should be sent here, nothing while somebody may."""
        picture = self._picture
        silent_s = self._clock.now().mono - picture.at.mono
        if silent_s > STUCK_S + PICTURE_S:
            return f"stuck: the loop has not turned for {silent_s:.0f} s"
        return f"draining: {picture.draining}" if picture.draining else ""

    def collect(self) -> Iterator[Metric]:
        yield from families(self._picture, self._clock.now(), is_well=not self.unhealthy())
        for each in tuple(self.beside):
            yield from each.collect()


def families(picture: Picture, now: Instant, is_well: bool) -> _Families:
    """A picture as Prometheus' metric families. Pure; the text format itself is prometheus_client's."""
    since_s = max(0.0, now.mono - picture.at.mono)
    counts = picture.counts
    yield _gauge("info", "which midwatch this is", {(__version__,): 1.0}, "version")
    yield _gauge("up", "1 while people are let in and the loop turns, as /healthz", {(): float(is_well)})
    yield _gauge("draining", "1 once nobody is let in any more", {(): float(bool(picture.draining))})
    yield _gauge("loop_silent_seconds", "since the loop last left word; it does so each second", {(): since_s})
    yield _gauge("sessions", "sessions that are open", _by(counts.open), "kind")
    yield _gauge("unauthenticated", "connections that have not logged in", {(): float(counts.unauthenticated)})
    yield _counter("sessions_opened", "sessions since start", _by(counts.opened), "kind")
    yield _counter("connections", "connections accepted since start", {(): float(counts.connections)})
    yield _counter("logins", "logins since start", _by(counts.logins), "method")
    yield _counter("refusals", "what was refused, before and after login", _by(counts.refusals), "reason")
    yield _counter("sent_bytes", "to terminals, before encryption", {(): float(counts.bytes_sent)})
    yield _counter("slow_readers_dropped", "sessions whose terminal took nothing", {(): float(counts.slow_dropped)})
    yield _counter("session_faults", "sessions ended by a fault of midwatch's own", {(): float(counts.crashed)})
    yield _counter("drains", "times it began to let nobody in", {(): float(counts.drains)})
    yield from _of_the_loop(picture.lag)
    yield from _of_the_backends(picture, since_s)


def _of_the_loop(lag: Lag) -> _Families:
    felt = HistogramMetricFamily(f"{PREFIX}loop_lag_seconds", "how late the loop came to what was due")
    buckets = [(str(edge), float(count)) for edge, count in zip(BUCKETS_S, lag.cumulated, strict=True)]
    felt.add_metric((), [*buckets, ("+Inf", float(lag.beats))], lag.total_s)
    yield felt
    recent: Values = {("0.5",): lag.p50_s, ("0.99",): lag.p99_s}
    yield _gauge("loop_lag_recent_seconds", "the same over the last minute", recent, "quantile")


def _of_the_backends(picture: Picture, since_s: float) -> _Families:
    """A source that has stopped and begins again counts from 0, as a counter may."""
    costs = {(one.name, one.kind): one.cost for one in picture.sources}
    keys = ("source", "kind")
    for name, told, values in (
        ("source_requests", "what was asked of the backend", {key: cost.requests for key, cost in costs.items()}),
        ("source_errors", "questions that failed", {key: cost.errors for key, cost in costs.items()}),
        ("source_received_bytes", "what it answered, decoded", {key: cost.bytes_in for key, cost in costs.items()}),
    ):
        yield _counter(name, told, {key: float(value) for key, value in values.items()}, *keys)
    ages: Values = {(name,): age + since_s for name, (_, age) in picture.feeds.items() if age is not None}
    yield _gauge("feed_age_seconds", "since what the feed says was true; no series before it said anything", ages, "feed")
    states: Values = {(name, state): 1.0 for name, (state, _) in picture.feeds.items()}
    yield _gauge("feed_state", "1 for the state in which the feed is", states, "feed", "state")


def _by(counted: Mapping[str, int]) -> Values:
    return {(name,): float(count) for name, count in counted.items()}


def _gauge(name: str, told: str, values: Values, *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, told, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _counter(name: str, told: str, values: Values, *labels: str) -> CounterMetricFamily:
    family = CounterMetricFamily(PREFIX + name, told, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


