"""A night: the real prober asks a station over loopback, the real judge is stepped on what it tells, and all that was said is kept.

The rig takes the place of the console's feed: it empties the outbox, beats the heart once a second, and steps the judge of a
channel on news (gathered for half a second, as the feed does) and at each deadline it names.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from console.judge import incidents, stream
from console.judge.memory import ChannelMemory
from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import Incident
from console.model.instant import Instant
from console.model.observation import Heartbeat, Observation
from console.model.orders import ProbeOrders
from console.model.severity import Layer, Severity
from console.probe.heartbeat import Pulse
from console.probe.outbox import Outbox
from console.probe.prober import Prober
from tests.streams.hasty import BEGIN_S, HastyLoop
from tests.streams.show import HlsShow, Style
from tests.streams.station import Show, Station

EPOCH = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)  # wall clock at which the loop's own time is BEGIN_S
BEGIN = EPOCH.timestamp()  # a night's begin, seconds since the epoch
TICK_S = 0.1
GATHER_S = 0.5
LATE_S = 0.25  # a heartbeat that tells of more, in a night that nobody stalled: the rig itself failed
NO_BUDGET_BPS = 1e12


class RigFailed(Exception):
    """The night says nothing about anybody: the rig was late, or lost what was on its way."""


class Told(msgspec.Struct, frozen=True):
    """A finding while it was said in the same words of code, layer, severity and places."""

    code: str
    layer: str
    rendition: str | None
    severity: Severity
    vantages: tuple[str, ...]
    first: float  # seconds since the epoch
    last: float
    reason: str
    finding: Finding


class Watched(msgspec.Struct):
    """One channel of a night, and what was said of it."""

    channel: Channel
    show: Show
    told: list[Told] = []
    verdicts: list[tuple[float, ChannelVerdict]] = []  # whenever severity, mark or reason changed
    last: ChannelVerdict | None = None

    def codes(self, until: float = 1e18) -> set[tuple[str, str]]:
        return {(told.code, told.layer) for told in self.told if told.first <= until}


class NightClock:
    """The prober's and the judge's clock: the loop's, with a wall clock that a test may set."""

    def __init__(self, loop: HastyLoop) -> None:
        self._loop = loop
        self.wall_offset_s = 0.0

    def now(self) -> Instant:
        mono = self._loop.time()
        return Instant(utc=EPOCH + timedelta(seconds=mono - BEGIN_S + self.wall_offset_s), mono=mono)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Night:
    """Build it with channels, then `run`. Times are seconds since the night's begin."""

    def __init__(self, seed: int = 1, policy: str = "all", with_incidents: bool = False, pace: float = 0.0) -> None:
        self.seed = seed
        self.watched: dict[str, Watched] = {}
        self.incidents: list[tuple[float, Incident]] = []
        self.figures: dict[str, float] = {}
        self._acts: list[tuple[float, Callable[[Night], None]]] = []
        self._policy = policy
        self._with_incidents = with_incidents
        self._pace = pace
        self.is_stalled = False  # a test stalls the loop on purpose: heartbeats will tell of it
        self.heartbeats: list[Heartbeat] = []
        self.loop: HastyLoop
        self.clock: NightClock
        self.prober: Prober
        self.errors: list[str] = []

    def add(self, name: str, style: Style, faults: Sequence[Any] = (), **more: Any) -> Watched:
        """An HLS channel; the faults' `start` is in seconds since the epoch (BEGIN + ...)."""
        show = HlsShow(name, style, epoch=BEGIN - 10_000 * style.target_s, faults=faults)
        return self.add_show(channel_of(name, style, **more), show)

    def add_show(self, channel: Channel, show: Show) -> Watched:
        watched = self.watched[channel.name] = Watched(channel=channel, show=show)
        return watched

    def at(self, t: float, act: Callable[[Night], None]) -> None:
        """Do something at t."""
        self._acts.append((t, act))

    def run(self, until: float) -> Night:
        """The whole night. Raises RigFailed when it is void."""
        began = time.process_time()
        with asyncio.Runner(loop_factory=lambda: HastyLoop(self._pace)) as runner:
            runner.run(self._run(until))
        self.figures["cpu_s"] = round(time.process_time() - began, 2)
        late_s = max((max(beat.poll_lag_s, beat.loop_lag_s) for beat in self.heartbeats), default=0.0)
        self.figures["late_s"] = late_s
        if not self.is_stalled and late_s > LATE_S:
            raise RigFailed(f"a heartbeat told of {late_s:.2f} s of lateness that nobody ordered")
        return self

    async def _run(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, HastyLoop)
        self.loop, self.clock = loop, NightClock(loop)
        loop.set_exception_handler(lambda _, context: self.errors.append(str(context.get("exception") or context["message"])))
        self.station = Station(lambda: BEGIN + loop.time() - BEGIN_S)
        await self.station.open()
        outbox, pulse = Outbox(), Pulse()
        prober = self.prober = Prober(self.clock, outbox, pulse)
        loop.is_quiet = lambda: prober.in_flight <= self.station.held
        for watched in self.watched.values():
            self.station.shows[watched.channel.name] = watched.show
        port = self.station.port
        prober.follow(
            ProbeOrders(
                channels=tuple(_through(watched.channel, port) for watched in self.watched.values()),
                segment_policy=self._policy,
                segment_budget_Bps=NO_BUDGET_BPS,
            )
        )
        try:
            await self._watch(until, outbox, pulse)
        finally:
            await prober.close()
            await self.station.close()
        self.figures |= {"requests": self.station.requests, "hurried": loop.hurried, "skips": loop.skips}

    async def _watch(self, until: float, outbox: Outbox, pulse: Pulse) -> None:
        loop, clock = self.loop, self.clock
        bench = Bench(self, clock.now())
        acts = sorted(self._acts, key=lambda act: act[0])
        beat_at = loop.time()
        while loop.time() - BEGIN_S < until:
            asked_at = loop.time()
            await asyncio.sleep(TICK_S)
            now = clock.now()
            pulse.overslept(now.mono - asked_at - TICK_S)
            heartbeat = None
            if now.mono >= beat_at:
                heartbeat = pulse.beat(now, self.prober.channels, self.prober.in_flight)
                self.heartbeats.append(heartbeat)
                beat_at = max(beat_at + 1.0, now.mono + 0.5)
            observations: list[Observation] = []
            while (batch := outbox.take()) is not None:
                observations += batch.observations
            bench.step(observations, heartbeat, now)
            while acts and acts[0][0] <= now.mono - BEGIN_S:
                acts.pop(0)[1](self)
        bench.close()


class Bench:
    """The judge's side: a memory a channel."""

    def __init__(self, night: Night, now: Instant) -> None:
        self._night = night
        self._memories = {name: ChannelMemory.starting(w.channel, now) for name, w in night.watched.items()}
        self._news: dict[str, list[Observation]] = {}
        self._stepped: dict[str, float] = dict.fromkeys(night.watched, -1e9)
        self._deadlines: dict[str, float] = {}
        self._heartbeat: Heartbeat | None = None
        self._open: dict[str, dict[tuple[Any, ...], Told]] = {name: {} for name in night.watched}
        self._incidents = incidents.IncidentMemory()
        self._incidents_at = -1e9

    def step(self, observations: Sequence[Observation], heartbeat: Heartbeat | None, now: Instant) -> None:
        for seen in observations:
            self._news.setdefault(seen.channel, []).append(seen)
        self._heartbeat = heartbeat or self._heartbeat
        for name in self._memories:
            is_news = name in self._news and now.mono >= self._stepped[name] + GATHER_S
            is_due = self._deadlines.get(name, 1e18) <= now.mono
            if is_news or is_due or heartbeat is not None:
                self._judge(name, now)
        if self._night._with_incidents and heartbeat is not None:
            self._join(now)

    def _judge(self, name: str, now: Instant) -> None:
        watched = self._night.watched[name]
        step = stream.step(self._memories[name], self._news.pop(name, ()), self._heartbeat, now)
        self._memories[name] = step.memory
        self._stepped[name] = now.mono
        self._deadlines[name] = step.deadline_mono if step.deadline_mono is not None else 1e18
        self._keep(watched, step.verdict, BEGIN + now.mono - BEGIN_S)

    def _keep(self, watched: Watched, verdict: ChannelVerdict, t: float) -> None:
        last = watched.last
        if last is None or (last.severity, last.mark, last.reason) != (verdict.severity, verdict.mark, verdict.reason):
            watched.verdicts.append((t, verdict))
        watched.last = verdict
        was, now = self._open[verdict.channel], {}
        for finding in verdict.findings:
            places = finding.evidence.get("vantages") or ([finding.vantage] if finding.vantage else [])
            vantages = tuple(places) if isinstance(places, list) else ()
            key = (finding.code, finding.layer.value, finding.rendition, finding.severity, vantages)
            before = was.get(key)
            first = before.first if before is not None else t
            now[key] = Told(
                finding.code, finding.layer.value, finding.rendition, finding.severity, vantages, first, t, finding.reason, finding
            )
        watched.told += [told for key, told in was.items() if key not in now]
        self._open[verdict.channel] = now
        self._night.figures["steps"] = self._night.figures.get("steps", 0) + 1

    def close(self) -> None:
        for name, still in self._open.items():
            self._night.watched[name].told += list(still.values())

    def _join(self, now: Instant) -> None:
        night = self._night
        verdicts = {name: watched.last for name, watched in night.watched.items() if watched.last is not None}
        channels = {name: watched.channel for name, watched in night.watched.items()}
        self._incidents, told = incidents.step(self._incidents, verdicts, channels, {}, {}, now)
        known = {one.id: one for _, one in night.incidents}
        for one in told:
            if known.get(one.id) is None or known[one.id].title != one.title:
                night.incidents.append((BEGIN + now.mono - BEGIN_S, one))


def channel_of(name: str, style: Style, master: str = "master.m3u8", **more: Any) -> Channel:
    """The channel as a site's list would have it; where it connects to is filled in when the station has a port."""
    places = []
    for vantage in style.vantages:
        layer = Layer.ORIGIN if vantage == "origin" else Layer.EDGE
        places.append(
            Vantage(
                vantage,
                layer,
                f"http://{vantage}.test/{name}/{master}",
                pop=vantage.removeprefix("edge-") if layer is Layer.EDGE else None,
                service=vantage,
            )
        )
    return Channel(name=name, vantages=tuple(places), **more)


def _through(channel: Channel, port: int) -> Channel:
    vantages = tuple(
        msgspec.structs.replace(one, connect_to=one.connect_to or f"127.0.0.1:{port}") for one in channel.vantages
    )
    return msgspec.structs.replace(channel, vantages=vantages)


def figures_of(nights: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The sums of several nights' figures."""
    names = {name for figures in nights for name in figures}
    return {name: round(sum(figures.get(name, 0.0) for figures in nights), 2) for name in sorted(names)}
