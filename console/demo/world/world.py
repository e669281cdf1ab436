"""The one story. A method per thing that both a metric and a log line (or an alert, or a playlist) must
agree on."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from hashlib import blake2b
from math import sin, tau

from msgspec import structs

from console.demo.world.curve import Curve, Mark, envelope, envelope_area
from console.demo.world.names import CHANNEL, CHANNELS, EDGES, TARGET_DURATION_S, VANTAGE
from console.demo.world.scenario import (
    DURATION_S,
    GAP_S,
    KINDS,
    NODE_GRACE_S,
    SLOW_S,
    START_AFTER_S,
    Fault,
    schedule,
)

DAY_S = 86400.0
PAST = timedelta(days=8)
"""How far back the world can be asked; counters are 0 before."""
CALM_VERSION = "3.8.1"
VIEWER_BPS = 4.2e6
"""Mean bit rate of one viewer over the ladder."""
REQUESTS_PER_VIEWER = 0.5
"""One playlist and one segment every target duration."""

# Above every other service's own share of errors, so that "about 40/s" is what the whole packager says.
PACKAGER_ERRORS_PER_S = 40.0
LINES_PER_S = 60.0
ERROR_SHARE = 0.004
OCCUPANTS = 64
"""Replacements of one place that are remembered, for log lines about the past."""
RESUMED = 64
"""Channels that were taken over from a lost node that are remembered."""
NODE_OUT_S = 76.0
"""About how long a channel is gone with its node: the grace of the node, the toleration of the packager's pod, and the
start of the next one. Only what an audience feels goes by it; when a channel is back, the cluster says (`resume`)."""
# Kind -> (share of the viewers who leave, rebuffer ratio at its height) of a channel that it hits.
_FELT: dict[str, tuple[float, float]] = {
    "edge-stale": (0.12, 0.034),
    "bad-deploy": (0.40, 0.065),
    "encoder-flap": (0.15, 0.045),
    "cdn-slow": (0.06, 0.055),
    "node-lost": (0.25, 0.060),
}


class World:
    """Pure and cheap, but for three things that are told to it: a fault healed before its time, a place that was
    given to another pod, and a channel that went on without its lost node. `start` is when the platform became ready;
    the eight days before it are calm.

    `start` may be set once more, when every port answers; nothing asked before that moment is kept.
    """

    def __init__(self, seed: int, scenario: str, start: datetime, start_after_s: float = START_AFTER_S,
                 duration_s: float = DURATION_S, gap_s: float = GAP_S) -> None:
        self.seed = seed
        self.scenario = scenario
        self.start = start
        self.schedule = schedule(scenario, start_after_s, duration_s, gap_s)
        self._phases: dict[str, float] = {}
        self._viewer_curves: dict[str, Curve] = {}
        self._healed: dict[tuple[str, int], datetime] = {}
        self._occupants: dict[tuple[str, int], list[tuple[datetime, str, str]]] = {}
        self._resumed: dict[tuple[str, int, str], datetime] = {}

    # What was done to it

    def heal(self, kind: str, number: int, at: datetime) -> None:
        """The cause of that fault was removed at `at`, before its own end. What was true before `at` stays true."""
        self._healed.setdefault((kind, number), at)

    def resume(self, fault: Fault, channel: str, at: datetime) -> None:
        """Another pod than the lost one publishes the channel from `at` on."""
        self._resumed.setdefault((fault.kind, fault.number, channel), at)
        while len(self._resumed) > RESUMED:
            del self._resumed[next(iter(self._resumed))]

    def occupy(self, deployment: str, index: int, at: datetime, pod: str, node: str = "") -> None:
        """From `at` on this pod, on this node (its home when none is said), does the work of that place, whatever the
        story would have put there. One entry a replacement, the newest OCCUPANTS of them."""
        kept = self._occupants.setdefault((deployment, index), [])
        kept.append((at, pod, node))
        del kept[:-OCCUPANTS]

    @property
    def intervened(self) -> bool:
        """Whether any place was ever given away."""
        return bool(self._occupants)

    def occupant(self, deployment: str, index: int, t: datetime) -> str | None:
        """Who stood there at `t`; None while the story alone decides."""
        return self._tenancy(deployment, index, t)[0] or None

    def standing_on(self, deployment: str, index: int, t: datetime) -> str | None:
        """The node of whoever stood there at `t`; None while the story alone decides."""
        return self._tenancy(deployment, index, t)[1] or None

    def _tenancy(self, deployment: str, index: int, t: datetime) -> tuple[str, str]:
        kept = self._occupants.get((deployment, index), ())
        return next(((pod, node) for at, pod, node in reversed(kept) if at <= t), ("", ""))

    # The faults

    def _fault(self, kind: str, number: int) -> Fault:
        what, plan = KINDS[kind], self.schedule
        first = plan.first_s(kind)
        assert first is not None
        begin = self.start + timedelta(seconds=first + number * plan.period_s)
        end = begin + timedelta(seconds=plan.duration_s)
        healed = self._healed.get((kind, number))
        if healed is not None:
            end = max(begin, min(end, healed))
        return Fault(**structs.asdict(what), start=begin, end=end, number=number)

    def occurrence(self, kind: str, number: int) -> Fault:
        """The fault of that number as it is known now: what healed before its time ends when it did."""
        return self._fault(kind, number)

    def occurrences(self, kind: str, t: datetime) -> int:
        """How many faults of the kind have started by `t`, healed ones included."""
        return self.schedule.begun(kind, (t - self.start).total_seconds())

    def last(self, kind: str, t: datetime) -> Fault | None:
        """The newest fault of the kind that started by `t`, healed or not."""
        begun = self.occurrences(kind, t)
        return self._fault(kind, begun - 1) if begun else None

    def active(self, kind: str, t: datetime) -> Fault | None:
        fault = self.last(kind, t)
        return fault if fault is not None and t < fault.end else None

    def faults(self, t: datetime) -> tuple[Fault, ...]:
        """Those active at `t`."""
        found = (self.active(kind, t) for kind in self.schedule.kinds)
        return tuple(fault for fault in found if fault is not None)

    def begun(self, since: datetime, t: datetime) -> tuple[Fault, ...]:
        """All faults that started in (since, t], oldest first: what a revision history or a log backlog
        needs."""
        found = []
        for kind in self.schedule.kinds:
            for number in range(self.occurrences(kind, since), self.occurrences(kind, t)):
                found.append(self._fault(kind, number))
        return tuple(sorted(found, key=lambda fault: fault.start))

    def next_change(self, t: datetime) -> datetime | None:
        """The next start or end of a fault strictly after `t`; None when nothing will ever change again."""
        moments = []
        for kind in self.schedule.kinds:
            begun = self.occurrences(kind, t)
            if begun and t < (fault := self._fault(kind, begun - 1)).end:
                moments.append(fault.end)
            if begun == 0 or self.schedule.endless:
                moments.append(self._fault(kind, begun).start)
        return min(moments, default=None)

    def spells(self, fault: Fault, channel: str) -> tuple[tuple[datetime, datetime], ...]:
        """[gone, back) in which nothing of the channel is published because of that fault."""
        if not fault.interrupts or channel not in fault.entities:
            return ()
        if fault.node is not None:
            back = self._resumed.get((fault.kind, fault.number, channel), fault.end)
            return ((fault.start, min(back, fault.end)),)
        return fault.spells()

    def over_at(self, fault: Fault, channel: str) -> datetime:
        """When the fault no longer harms the channel."""
        spells = self.spells(fault, channel)
        return spells[-1][1] if spells else fault.end

    def gone_since(self, channel: str, t: datetime) -> datetime | None:
        """Since when nothing of the channel is published; None while something is."""
        since = [gone for f in self.faults(t) for gone, back in self.spells(f, channel) if gone <= t < back]
        return min(since, default=None)

    def frozen_since(self, channel: str, rendition: str, vantage: str, t: datetime) -> datetime | None:
        """When that media playlist stopped growing at that vantage; None while it is fresh."""
        pinned = [f.start for f in self.faults(t)
                  if "STALE" in f.codes and not f.interrupts and f.touches(channel, rendition, vantage)]
        gone = self.gone_since(channel, t)
        return min(pinned if gone is None else [*pinned, gone], default=None)

    def slow(self, channel: str, rendition: str, vantage: str, t: datetime) -> bool:
        """Whether segments of it are sent slower than they play."""
        return any("SEG_SLOW" in f.codes and f.touches(channel, rendition, vantage) for f in self.faults(t))

    def lost_node(self, t: datetime) -> str | None:
        """The node nobody hears from."""
        return next((f.node for f in self.faults(t) if f.node is not None), None)

    def impact(self, kind: str, t: datetime, rise_s: float = 60.0, fall_s: float = 30.0) -> float:
        """0..1: how far a fault of the kind has been felt by `t`; 0 long after it healed."""
        fault = self.last(kind, t)
        if fault is None:
            return 0.0
        return envelope((t - fault.start).total_seconds(), _felt_s(kind, fault.lasts_s), rise_s, fall_s)

    # Shapes

    def phase(self, name: str) -> float:
        """Radians in [0, 2 pi), by (seed, name)."""
        known = self._phases.get(name)
        if known is None:
            digest = blake2b(f"{self.seed}/{name}".encode(), digest_size=8).digest()
            known = self._phases[name] = int.from_bytes(digest) / 2**64 * tau
        return known

    def wave(self, name: str, t: datetime, period_s: float = DAY_S) -> float:
        """In [0, 1], phase by (seed, name)."""
        return 0.5 + 0.5 * sin(tau * t.timestamp() / period_s + self.phase(name))

    def value(self, curve: Curve, t: datetime) -> float:
        total = curve.waves(t.timestamp())
        for mark in curve.marks:
            total += mark.height * self.impact(mark.kind, t, mark.rise_s, mark.fall_s)
        return total

    def total(self, curve: Curve, t: datetime) -> float:
        """The integral of `curve` since eight days before the start; a counter, so never below 0."""
        since = (self.start - PAST).timestamp()
        now = t.timestamp()
        if now <= since:
            return 0.0
        area = curve.waves_area(since, now)
        for mark in curve.marks:
            begun = self.occurrences(mark.kind, t)
            if begun:
                last = self._fault(mark.kind, begun - 1)
                lasts, rise, fall = _felt_s(mark.kind, self.schedule.duration_s), mark.rise_s, mark.fall_s
                whole = envelope_area(lasts + fall, lasts, rise, fall)
                part = envelope_area((t - last.start).total_seconds(), _felt_s(mark.kind, last.lasts_s), rise, fall)
                area += mark.height * ((begun - 1) * whole + part)
                for kind, number in self._healed:
                    if kind == mark.kind and number < begun - 1:
                        less = _felt_s(kind, self._fault(kind, number).lasts_s)
                        area += mark.height * (envelope_area(less + fall, less, rise, fall) - whole)
        return area

    # Audience and quality

    def viewers_curve(self, channel: str) -> Curve:
        known = self._viewer_curves.get(channel)
        if known is None:
            one = CHANNEL[channel]
            top = one.audience
            marks = []
            for kind, (share, _) in _FELT.items():
                if channel in KINDS[kind].entities:
                    share *= _there(kind, channel)
                    marks.append(Mark(kind, -share * top * 0.55, 120.0, 45.0))
            known = self._viewer_curves[channel] = Curve(
                0.76 * top,
                ((0.20 * top, tau / DAY_S, self.phase(f"day/{one.region}")),
                 (0.02 * top, tau / 840.0, self.phase(f"quarter/{channel}")),
                 (0.01 * top, tau / 130.0, self.phase(f"minute/{channel}"))),
                tuple(marks),
            )
        return known

    def viewers(self, channel: str, t: datetime) -> float:
        return self.value(self.viewers_curve(channel), t)

    def ingest_declared_bps(self, channel: str) -> float:
        return float(CHANNEL[channel].declared_bps)

    def ingest_bps(self, channel: str, t: datetime) -> float:
        """Within 4 % of what was declared, and 0 while its encoder is not connected."""
        if self.encoder_gone_since(channel, t) is not None:
            return 0.0
        return CHANNEL[channel].declared_bps * (0.965 + 0.05 * self.wave(f"ingest/{channel}", t, 47.0))

    def encoder_gone_since(self, channel: str, t: datetime) -> datetime | None:
        """Since when the contribution encoder is not connected."""
        fault = self.active("encoder-flap", t)
        spells = self.spells(fault, channel) if fault is not None else ()
        return next((gone for gone, back in spells if gone <= t < back), None)

    def ingest_reconnects_total(self, channel: str, t: datetime) -> float:
        """How often its publisher came back, a counter; in calm it never has to."""
        fault = self.last("encoder-flap", t)
        if fault is None or channel not in fault.entities:
            return 0.0
        spells = self.spells(fault, channel)
        return float(fault.number * len(spells) + sum(back <= t for _, back in spells))

    def rebuffer_ratio(self, channel: str, t: datetime) -> float:
        """0..1; 0.2 to 0.6 % in calm, 3.4 % at the height of edge-stale, 6.5 % of bad-deploy."""
        calm = 0.002 + 0.003 * self.wave(f"rebuffer/{channel}", t, 3600.0)
        calm += 0.001 * self.wave(f"stall/{channel}", t, 75.0)
        for kind, (_, height) in _FELT.items():
            if channel in KINDS[kind].entities:
                calm += (height - calm) * self.impact(kind, t, 75.0, 30.0) * _there(kind, channel)
        return calm

    def latency_s(self, channel: str, t: datetime) -> float:
        """Mean of now - PROGRAM-DATE-TIME at the playhead: three target durations and a little; it grows
        with the clock for those who watch a frozen playlist."""
        calm = 3 * TARGET_DURATION_S + 0.6 + 1.2 * self.wave(f"latency/{channel}", t, 600.0)
        pinned = self.active("edge-stale", t)
        if pinned is not None and channel in pinned.entities:
            calm += 0.30 * (t - pinned.start).total_seconds()
        gone = self.gone_since(channel, t)
        if gone is not None:
            calm += (t - gone).total_seconds()
        return calm

    # Origin, package, transcode

    def packager_version(self, service: str, t: datetime) -> str:
        """The image tag that is rolled out at `t`."""
        fault = self.active("bad-deploy", t)
        return fault.bad_version if fault and fault.bad_version and fault.service == service else CALM_VERSION

    def publish_delay_s(self, channel: str, t: datetime) -> float:
        """From the end of a segment to its appearance in the playlist."""
        calm = 0.18 + 0.22 * self.wave(f"publish/{channel}", t, 31.0)
        gone = self.gone_since(channel, t)
        if gone is not None and self.encoder_gone_since(channel, t) is None:
            calm += (t - gone).total_seconds()
        return calm

    def segment_delivery_s(self, pop: str, t: datetime) -> float:
        """From the first to the last byte of a segment of the top rendition, as the edge's clients get it."""
        calm = 0.31 + 0.09 * self.wave(f"delivery/{pop}", t, 210.0)
        if f"edge-{pop}" in KINDS["cdn-slow"].vantages:
            calm += (SLOW_S - calm) * self.impact("cdn-slow", t, 10.0, 10.0)
        return calm

    def node_ready(self, node: str, t: datetime) -> str:
        """`true`, or `unknown` once the node has been silent for NODE_GRACE_S."""
        fault = self.active("node-lost", t)
        silent = fault is not None and fault.node == node and (t - fault.start).total_seconds() >= NODE_GRACE_S
        return "unknown" if silent else "true"

    def origin_connections(self, t: datetime) -> float:
        """Players that find nothing new ask again: the origin feels a bad deploy, never above its WARN
        ratio."""
        calm = 0.40 + 0.12 * self.wave("origin", t) + 0.02 * self.wave("origin/minute", t, 95.0)
        extra = 0.15 * self.impact("bad-deploy", t) + 0.08 * self.impact("node-lost", t)
        return self.origin_connections_max * (calm + extra)

    origin_connections_max: float = 24_000.0

    def transcoder_slots_total(self, region: str) -> float:
        return {"apac": 320.0, "emea": 288.0, "amer": 224.0}[region]

    def transcoder_slots_used(self, region: str, t: datetime) -> float:
        share = 0.52 + 0.12 * self.wave(f"day/{region}", t) + 0.03 * self.wave(f"slots/{region}", t, 300.0)
        return float(round(self.transcoder_slots_total(region) * share))

    # Edges

    @cached_property
    def _egress_curves(self) -> dict[str, Curve]:
        curves: dict[str, Curve] = {}
        for edge in EDGES:
            sum_ = Curve(0.0)
            for channel in CHANNELS:
                share = dict(channel.pops).get(edge.pop or "", 0.0)
                if share:
                    sum_ = sum_.plus(self.viewers_curve(channel.name).times(share))
            curves[edge.pop or ""] = sum_
        return curves

    def edge_capacity_bps(self, pop: str) -> float:
        return VANTAGE[f"edge-{pop}"].capacity_bps

    @cached_property
    def _byte_curves(self) -> dict[str, Curve]:
        """Viewers who get their segments too slowly step down the ladder."""
        slow = KINDS["cdn-slow"].vantages
        return {
            pop: curve.plus(Curve(0.0, (), (Mark("cdn-slow", -0.18 * curve.constant, 40.0, 40.0),)))
            if f"edge-{pop}" in slow else curve
            for pop, curve in self._egress_curves.items()
        }

    def edge_egress_bps(self, pop: str, t: datetime) -> float:
        return self.value(self._byte_curves[pop], t) * VIEWER_BPS

    def edge_bytes_total(self, pop: str, t: datetime) -> float:
        """8 * rate() of it is `edge_egress_bps`."""
        return float(round(self.total(self._byte_curves[pop], t) * VIEWER_BPS / 8))

    @cached_property
    def _request_curves(self) -> dict[tuple[str, str], Curve]:
        curves: dict[tuple[str, str], Curve] = {}
        shares = {"200": 0.9755, "304": 0.0220, "404": 0.0020, "503": 0.0005}
        for pop, audience in self._egress_curves.items():
            for code, share in shares.items():
                curve = audience.times(share * REQUESTS_PER_VIEWER)
                mean = audience.constant * REQUESTS_PER_VIEWER
                if code == "503" and f"edge-{pop}" in KINDS["edge-stale"].vantages:
                    curve = curve.plus(Curve(0.0, (), (Mark("edge-stale", 0.012 * mean, 30.0, 20.0),)))
                if code == "304":
                    curve = curve.plus(Curve(0.0, (), (Mark("bad-deploy", 0.03 * mean, 30.0, 20.0),)))
                curves[pop, code] = curve
        return curves

    def edge_requests_per_s(self, pop: str, code: str, t: datetime) -> float:
        """`code` is one of 200, 304, 404, 503."""
        return self.value(self._request_curves[pop, code], t)

    def edge_requests_total(self, pop: str, code: str, t: datetime) -> float:
        return float(round(self.total(self._request_curves[pop, code], t)))

    # VOD and platform

    vod_queue_oldest_limit_s: float = 900.0

    def vod_queue_jobs(self, t: datetime) -> float:
        return float(round(40 + 90 * self.wave("vod/jobs", t) + 12 * self.wave("vod/burst", t, 420.0)))

    def vod_queue_oldest_s(self, t: datetime) -> float:
        """Age of the oldest runnable job."""
        return 70.0 + 190.0 * self.wave("vod/jobs", t) + 40.0 * self.wave("vod/oldest", t, 240.0)

    redis_memory_max_bytes: float = float(16 * 2**30)

    def redis_memory_used_bytes(self, t: datetime) -> float:
        share = 0.54 + 0.10 * self.wave("redis", t) + 0.02 * self.wave("redis/evict", t, 900.0)
        return float(round(self.redis_memory_max_bytes * share))

    def up(self, job: str, t: datetime) -> float:
        """What the scrape of `job` would have found."""
        return 0.0 if job == "elasticsearch" and self.active("backend-down", t) else 1.0

    # Logs

    def errors_per_s(self, service: str, t: datetime) -> float:
        """What a fault adds to a service's errors and warnings; 0 in calm, when errors are ERROR_SHARE of
        LINES_PER_S over all."""
        fault = self.active("bad-deploy", t)
        if fault is not None and service == fault.service:
            return PACKAGER_ERRORS_PER_S * self.impact("bad-deploy", t, 30.0, 0.0)
        for kind, rate in (("edge-stale", 4.0), ("cdn-slow", 3.0)):
            fault = self.active(kind, t)
            if fault is not None and service in fault.vantages:
                return rate * self.impact(kind, t, 15.0, 0.0)
        fault = self.active("encoder-flap", t)
        if fault is not None and service == CHANNEL[fault.entities[0]].packager:
            return 1.5 if self.encoder_gone_since(fault.entities[0], t) is not None else 0.0
        fault = self.active("node-lost", t)
        if fault is not None and service == "origin":
            return 3.0 * sum(self.gone_since(channel, t) is not None for channel in fault.entities)
        return 0.0


def _felt_s(kind: str, lasts_s: float) -> float:
    """For how long of a fault its viewers feel it."""
    return min(lasts_s, NODE_OUT_S) if kind == "node-lost" else lasts_s


def _there(kind: str, channel: str) -> float:
    """The share of a channel's viewers that a fault of the kind reaches."""
    if kind != "cdn-slow":
        return 1.0
    return sum(share for pop, share in CHANNEL[channel].pops if f"edge-{pop}" in KINDS[kind].vantages)


__all__ = ["CALM_VERSION", "ERROR_SHARE", "LINES_PER_S", "PAST", "World"]
