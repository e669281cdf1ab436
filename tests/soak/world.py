"""A site that is known to the last number, and sources that tell it until their backend dies.

Everything a frame says can be compared with `World`. The engine is the real one; only the sources under its raw feeds are
these, so that a million readings cost no million requests.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from console.assembly import Engine
from console.config import Config
from console.config.backend import Backend
from console.config.site import Channels, Cluster, Elasticsearch, Site
from console.feeds.raw import RawFeed
from console.model.alert import Alert, Alerts
from console.model.channel import Channel, Vantage
from console.model.failure import Failure, FailureKind
from console.model.figure import Better, Figure, Figures, FigureSpec
from console.model.instant import Clock, Instant
from console.model.kube import Deployment, KubeEvent, Node, Objects, Pod
from console.model.logline import LevelBucket, LevelCounts, LogAccounting, LogBatch, LogLine, shared
from console.model.metric import ChannelMetrics, ChannelTable, Gauge, Gauges, GaugeSpec
from console.model.observation import Asked, Heartbeat, MediaFacts, Observation, Outcome, ProbeBatch, Variant
from console.model.operation import Operations
from console.model.reading import Reading, connecting
from console.model.severity import Layer, State
from console.model.source import Cost

EVERY_S = 0.25  # between two readings of a source
T = 4.0
SEGMENTS = 6
STALE_S = 3.0
FLAPS_S = 660.0  # who is ill again within ten minutes is FLAPPING, and is told at its worst for as long
CLUSTER = "c1"
NAMES = ("uk-sport-1", "uk-news-1", "fr-news-1", "syd-news-2", "jp-music-1", "us-sport-1")
GAUGES = tuple(GaugeSpec(f"egress {pop}", "u", "t", "bit/s") for pop in ("lhr", "syd", "nrt", "iad"))
FIGURES = (
    FigureSpec("viewers", "q1", "viewers", Better.HIGHER, 0.8, 0.5),
    FigureSpec("rebuffer", "q2", "ratio", Better.LOWER, 1.5, 3.0),
)


class Mode(StrEnum):
    """What has become of a backend."""

    UP = "up"
    DOWN = "down"  # every question is refused
    SILENT = "silent"  # nothing is heard
    BROKEN = "broken"  # our own source raises


BACKENDS: Mapping[str, tuple[str, ...]] = {
    "prometheus": ("prometheus.gauges", "prometheus.figures", "prometheus.channels"),
    "alertmanager": ("alertmanager.alerts",),
    "elasticsearch": ("elasticsearch.tail", "elasticsearch.levels"),
    "kubernetes": tuple(f"kubernetes.{CLUSTER}.{kind}" for kind in ("pods", "deployments", "nodes", "events")),
    "prober": ("hls.prober",),
}
"""The feeds of each; those of none (the channel list, our own audit) are always heard."""


class World:
    """What is so. Numbers that drift are drawn from `rng`."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.rng = random.Random(seed)
        self.clock = clock
        self.modes: dict[str, Mode] = dict.fromkeys(BACKENDS, Mode.UP)
        self.since: dict[str, float] = dict.fromkeys(BACKENDS, 0.0)
        self.readings = 0  # that any source has told
        self.frozen: dict[str, float] = {}  # channel -> since when (mono) it publishes nothing
        self.used = {spec.name: 0.5 for spec in GAUGES}
        self.viewers = {name: 10_000.0 * (number + 1) for number, name in enumerate(NAMES)}
        self.rebuffer = 0.004
        self.crashing: set[str] = set()  # channels whose packager crashes
        self.alerts: dict[str, Alert] = {}
        self.is_long_well = False  # for so long that nothing may tell of a fault any more
        self._lines = 0
        self._thawed: dict[str, float] = {}  # channel -> when it was well again
        self._told: dict[tuple[str, str], int] = {}
        self._polls = 0

    def __str__(self) -> str:
        """For a message: what is not well."""
        down = [f"{backend} {mode}" for backend, mode in self.modes.items() if mode is not Mode.UP]
        used = [f"{name} {each:.0%}" for name, each in self.used.items() if each > 0.5]
        parts = (*down, *(f"{name} frozen" for name in self.frozen), *used, *(f"{name} crashing" for name in self.crashing))
        return ", ".join((*parts, *(f"alert on {name}" for name in self.alerts))) or "all well"

    # -- what happens --------------------------------------------------------------------------------------------------
    def turn(self, backend: str, mode: Mode) -> None:
        self.modes[backend] = mode
        self.since[backend] = self.clock.now().mono

    def heal(self) -> None:
        """Everything is well, and every backend is up."""
        for backend, mode in self.modes.items():
            if mode is not Mode.UP:
                self.turn(backend, Mode.UP)
        self._thawed.update(dict.fromkeys(self.frozen, self.clock.now().mono))
        self.frozen.clear()
        self.crashing.clear()
        self.alerts.clear()
        self.used = dict.fromkeys(self.used, 0.5)
        self.viewers = {name: 10_000.0 * (number + 1) for number, name in enumerate(NAMES)}
        self.rebuffer = 0.004

    def happen(self) -> None:
        """One thing or two, by chance."""
        rng, now = self.rng, self.clock.now()
        self.heal()
        for backend in rng.sample(list(BACKENDS), rng.choice((0, 1, 1, 2, 5))):
            self.turn(backend, rng.choice((Mode.DOWN, Mode.SILENT, Mode.BROKEN)))
        rested = [name for name in NAMES if now.mono - self._thawed.get(name, -math.inf) > FLAPS_S]
        for name in rng.sample(rested, min(len(rested), rng.choice((0, 0, 1, 2)))):
            self.frozen[name] = now.mono
        for name in rng.sample(list(self.used), rng.choice((0, 1))):
            self.used[name] = rng.choice((0.85, 0.97))
        if rng.random() < 0.3:
            self.viewers = {name: each * 0.4 for name, each in self.viewers.items()}
        if rng.random() < 0.3:
            self.crashing.add(rng.choice(NAMES))
        if rng.random() < 0.3:
            name = rng.choice(NAMES)
            self.alerts[name] = Alert(
                f"{name}-{int(now.mono)}", "ViewersDropped", "critical", "active", now.utc, f"{name} lost viewers",
                labels={"channel": name, "severity": "critical"}, peers=("am-0",),
            )  # fmt: skip

    # -- what is told --------------------------------------------------------------------------------------------------
    def channels(self) -> tuple[Channel, ...]:
        return tuple(
            Channel(
                name=name,
                vantages=(
                    Vantage("origin", Layer.ORIGIN, f"http://origin/{name}/m.m3u8", service="origin"),
                    Vantage("edge-lhr", Layer.EDGE, f"http://edge-lhr/{name}/m.m3u8", cdn="own", pop="lhr"),
                ),
                region="emea",
                services={"package": f"packager-{name}"},
            )
            for name in NAMES
        )

    def value(self, feed: str, now: Instant) -> Any:
        """What the source of this feed says now."""
        if feed == "prometheus.gauges":
            trend = tuple(self.rng.random() for _ in range(30))
            return Gauges(tuple(Gauge(spec, self.used[spec.name] * 4e11, 4e11, now.utc, trend=trend) for spec in GAUGES))
        if feed == "prometheus.figures":
            told = {"viewers": (sum(self.viewers.values()), 210_000.0), "rebuffer": (self.rebuffer, 0.004)}
            return Figures(tuple(Figure(spec, *told[spec.name], as_of=now.utc) for spec in FIGURES))
        if feed == "prometheus.channels":
            return ChannelTable(
                {
                    name: ChannelMetrics(each, 5e6, self.rebuffer, tuple(self.rng.random() for _ in range(30)))
                    for name, each in self.viewers.items()
                }
            )
        if feed == "alertmanager.alerts":
            return Alerts({alert.fingerprint: alert for alert in self.alerts.values()}, 1, 1)
        if feed == "elasticsearch.tail":
            return self._batch(now)
        if feed == "elasticsearch.levels":
            at = [now.utc - timedelta(seconds=30 * (30 - n)) for n in range(30)]
            return LevelCounts(30.0, tuple(LevelBucket(each, 1800, 7, 20) for each in at))
        if feed == "hls.prober":
            return self._batch_of_prober(now)
        if feed == "channels":
            return self.channels()
        if feed == "actions.operations":
            return Operations(lines=())
        return self._objects(feed.rpartition(".")[2], now)

    def _batch(self, now: Instant) -> LogBatch:
        lines = []
        for _ in range(2):
            self._lines += 1
            name = self.rng.choice(NAMES)
            lines.append(
                LogLine(
                    at=now.utc, level="info", message=f"published segment {self._lines} of {name}",
                    service=shared(f"packager-{name}"), pod=shared(f"packager-{name}-0"), own_id=f"d{self._lines}",
                )
            )  # fmt: skip
        return LogBatch(tuple(lines), LogAccounting(received=self._lines, shown=self._lines), now.utc, 0.2)

    def _batch_of_prober(self, now: Instant) -> ProbeBatch:
        """A share of the playlists each time, so that each is asked twice within T."""
        self._polls += 1
        share = int(T / 2 / EVERY_S)
        seen: list[Observation] = []
        for number, name in enumerate(NAMES):
            if (self._polls + number) % share:
                continue
            for vantage in ("origin", "edge-lhr"):
                if self._polls < 2 * share or not self._polls % (share * 20):
                    seen.append(
                        Observation(
                            name, vantage, Asked.MASTER, None, now, 0.02, Outcome.OK, 200,
                            variants=(Variant("1080p", f"http://{vantage}/{name}/1080p.m3u8", 5_000_000, 1080),),
                        )
                    )  # fmt: skip
                seen.append(self._media(name, vantage, now))
        beat = Heartbeat(now, 0.0, 0.0, len(NAMES), len(seen), 1000, 0)
        return ProbeBatch(tuple(seen), beat)

    def _media(self, name: str, vantage: str, now: Instant) -> Observation:
        at = self.frozen.get(name, now.mono)
        newest = int(at // T)
        is_unchanged = self._told.get((name, vantage)) == newest
        self._told[name, vantage] = newest
        ends_at = now.utc - timedelta(seconds=now.mono - newest * T)
        facts = MediaFacts(
            target_duration_s=T, media_sequence=newest - SEGMENTS + 1, segment_count=SEGMENTS, newest_sequence=newest,
            newest_uri=f"http://{vantage}/{name}/{newest}.ts", newest_ends_at=ends_at, longest_extinf_s=T, window_s=SEGMENTS * T,
        )  # fmt: skip
        return Observation(
            name, vantage, Asked.MEDIA, "1080p", now, 0.02, Outcome.OK, 200, url=f"http://{vantage}/{name}/1080p.m3u8",
            media=facts, is_unchanged=is_unchanged,
        )  # fmt: skip

    def _objects(self, kind: str, now: Instant) -> Objects[Any]:
        long_ago = now.utc - timedelta(days=9)
        items: list[Any] = []
        if kind == "pods":
            for name in NAMES:
                is_well = name not in self.crashing
                items.append(
                    Pod(
                        CLUSTER, "live", f"packager-{name}-0", f"u-{name}", "Running" if is_well else "CrashLoopBackOff", "Running",
                        int(is_well), 1, 0 if is_well else 9, long_ago, service=f"packager-{name}", region="emea",
                    )
                )  # fmt: skip
        elif kind == "deployments":
            items = [
                Deployment(
                    CLUSTER, "live", f"packager-{name}", f"d-{name}", 3, 3, 1, 1, int(name not in self.crashing),
                    int(name not in self.crashing), long_ago, service=f"packager-{name}", version="3.8.1",
                )
                for name in NAMES
            ]  # fmt: skip
        elif kind == "nodes":
            items = [Node(CLUSTER, "node-1", "n1", True, False, long_ago)]
        else:
            items = [
                KubeEvent(CLUSTER, "live", f"e-{name}-{int(now.mono) // 60}", "Pod", f"packager-{name}-0", "BackOff", True,
                          "Back-off restarting failed container", 4, now.utc, now.utc)
                for name in self.crashing
            ]  # fmt: skip
        return Objects({each.key: each for each in items})


class WorldSource:
    """Tells the world until its backend dies, and again once it is back."""

    cost = Cost()
    note = ""

    def __init__(self, feed: str, world: World) -> None:
        self.name = feed
        self.backend = next((backend for backend, feeds in BACKENDS.items() if feed in feeds), "")
        self.kind = self.backend or "midwatch"
        self.period_s = EVERY_S if self.backend else 10.0
        self.stale_after_s = max(STALE_S, 3 * self.period_s)
        self._world = world

    async def readings(self) -> AsyncGenerator[Reading[Any], None]:
        world = self._world
        reading: Reading[Any] = connecting()
        while True:
            mode = world.modes.get(self.backend, Mode.UP)
            now = world.clock.now()
            if mode is Mode.BROKEN:
                raise RuntimeError(f"{self.name} is broken")
            if mode is not Mode.SILENT:
                if mode is Mode.UP:
                    value = world.value(self.name, now)
                    reading = Reading(value=value, state=State.LIVE, received=now, as_of=now.utc)
                else:
                    reading = reading.failed(
                        Failure(FailureKind.UNREACHABLE, "ask", self.kind, "connection refused", "is it up? midwatch doctor")
                    )
                world.readings += 1
                yield reading
            await asyncio.sleep(self.period_s)


def engine(world: World, clock: Clock, environ: Mapping[str, str]) -> Engine:
    """The real engine of a site with every backend, over this world."""
    site = Site(
        prometheus=Backend(url="http://127.0.0.1:1"),
        alertmanager=Backend(url="http://127.0.0.1:1"),
        elasticsearch=Elasticsearch(url="http://127.0.0.1:1"),
        kubernetes={CLUSTER: Cluster(url="http://127.0.0.1:1")},
        channels=Channels(inline=world.channels()),
        gauges=GAUGES,
        figures=FIGURES,
    )
    made = Engine.open(Config(sites={"soak": site}), None, clock, environ)
    for feed in made.hub.feeds():
        if isinstance(feed, RawFeed):
            feed._make = _maker(feed.name, world)
    return made


def _maker(feed: str, world: World) -> Callable[[], WorldSource]:
    return lambda: WorldSource(feed, world)
