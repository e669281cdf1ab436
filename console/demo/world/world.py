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
from console.demo.world.scenario import DURATION_S, GAP_S, KINDS, START_AFTER_S, Fault, schedule

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


class World:
    """Pure and cheap, but for two things that are told to it: a fault healed before its time, and a place that was
    given to another pod. `start` is when the platform became ready; the eight days before it are calm.

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
        self._occupants: dict[tuple[str, int], list[tuple[datetime, str]]] = {}

    # What was done to it

    def heal(self, kind: str, number: int, at: datetime) -> None:
        """The cause of that fault was removed at `at`, before its own end. What was true before `at` stays true."""
        self._healed.setdefault((kind, number), at)

    def occupy(self, deployment: str, index: int, at: datetime, pod: str) -> None:
        """From `at` on this pod does the work of that place, whatever the story would have put there. One entry a
        replacement, the newest OCCUPANTS of them."""
        kept = self._occupants.setdefault((deployment, index), [])
        kept.append((at, pod))
        del kept[:-OCCUPANTS]

    @property
    def intervened(self) -> bool:
        """Whether any place was ever given away."""
        return bool(self._occupants)

    def occupant(self, deployment: str, index: int, t: datetime) -> str | None:
        """Who stood there at `t`; None while the story alone decides."""
        kept = self._occupants.get((deployment, index), ())
        return next((pod for at, pod in reversed(kept) if at <= t), None)

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

    def frozen_since(self, channel: str, rendition: str, vantage: str, t: datetime) -> datetime | None:
        """When that media playlist stopped growing at that vantage; None while it is fresh."""
        since = [f.start for f in self.faults(t) if f.touches(channel, rendition, vantage)]
        return min(since, default=None)

    def impact(self, kind: str, t: datetime, rise_s: float = 60.0, fall_s: float = 30.0) -> float:
        """0..1: how far a fault of the kind has been felt by `t`; 0 long after it healed."""
        fault = self.last(kind, t)
        if fault is None:
            return 0.0
        return envelope((t - fault.start).total_seconds(), fault.lasts_s, rise_s, fall_s)

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
                lasts, rise, fall = self.schedule.duration_s, mark.rise_s, mark.fall_s
                whole = envelope_area(lasts + fall, lasts, rise, fall)
                part = envelope_area((t - last.start).total_seconds(), last.lasts_s, rise, fall)
                area += mark.height * ((begun - 1) * whole + part)
                for kind, number in self._healed:
                    if kind == mark.kind and number < begun - 1:
                        less = self._fault(kind, number).lasts_s
                        area += mark.height * (envelope_area(less + fall, less, rise, fall) - whole)
        return area

    # Audience and quality

    def viewers_curve(self, channel: str) -> Curve:
        known = self._viewer_curves.get(channel)
        if known is None:
            one = CHANNEL[channel]
            top = one.audience
            marks = []
            for kind, share in (("edge-stale", 0.12), ("bad-deploy", 0.40)):
                if channel in KINDS[kind].entities:
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
        """Within 4 % of what was declared: no fault of this world is an ingest fault."""
        return CHANNEL[channel].declared_bps * (0.965 + 0.05 * self.wave(f"ingest/{channel}", t, 47.0))

    def rebuffer_ratio(self, channel: str, t: datetime) -> float:
        """0..1; 0.2 to 0.6 % in calm, 3.4 % at the height of edge-stale, 6.5 % of bad-deploy."""
        calm = 0.002 + 0.003 * self.wave(f"rebuffer/{channel}", t, 3600.0)
        calm += 0.001 * self.wave(f"stall/{channel}", t, 75.0)
        for kind, height in (("edge-stale", 0.034), ("bad-deploy", 0.065)):
            if channel in KINDS[kind].entities:
                calm += (height - calm) * self.impact(kind, t, 75.0, 30.0)
        return calm

    def latency_s(self, channel: str, t: datetime) -> float:
        """Mean of now - PROGRAM-DATE-TIME at the playhead: three target durations and a little; it grows
        with the clock for those who watch a frozen playlist."""
        calm = 3 * TARGET_DURATION_S + 0.6 + 1.2 * self.wave(f"latency/{channel}", t, 600.0)
        for kind, share in (("edge-stale", 0.30), ("bad-deploy", 1.0)):
            fault = self.active(kind, t)
            if fault is not None and channel in fault.entities:
                calm += share * (t - fault.start).total_seconds()
        return calm

    # Origin, package, transcode

    def packager_version(self, service: str, t: datetime) -> str:
        """The image tag that is rolled out at `t`."""
        fault = self.active("bad-deploy", t)
        return fault.bad_version if fault and fault.bad_version and fault.service == service else CALM_VERSION

    def publish_delay_s(self, channel: str, t: datetime) -> float:
        """From the end of a segment to its appearance in the playlist."""
        calm = 0.18 + 0.22 * self.wave(f"publish/{channel}", t, 31.0)
        fault = self.active("bad-deploy", t)
        if fault is not None and channel in fault.entities:
            calm += (t - fault.start).total_seconds()
        return calm

    def origin_connections(self, t: datetime) -> float:
        """Players that find nothing new ask again: the origin feels a bad deploy, never above its WARN
        ratio."""
        calm = 0.40 + 0.12 * self.wave("origin", t) + 0.02 * self.wave("origin/minute", t, 95.0)
        return self.origin_connections_max * (calm + 0.15 * self.impact("bad-deploy", t))

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

    def edge_egress_bps(self, pop: str, t: datetime) -> float:
        return self.value(self._egress_curves[pop], t) * VIEWER_BPS

    def edge_bytes_total(self, pop: str, t: datetime) -> float:
        """8 * rate() of it is `edge_egress_bps`."""
        return float(round(self.total(self._egress_curves[pop], t) * VIEWER_BPS / 8))

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
        """What a fault adds to a service's errors; 0 in calm, when errors are ERROR_SHARE of LINES_PER_S
        over all."""
        fault = self.active("bad-deploy", t)
        if fault is not None and service == fault.service:
            return PACKAGER_ERRORS_PER_S * self.impact("bad-deploy", t, 30.0, 0.0)
        fault = self.active("edge-stale", t)
        if fault is not None and service in fault.vantages:
            return 4.0 * self.impact("edge-stale", t, 15.0, 0.0)
        return 0.0


__all__ = ["CALM_VERSION", "ERROR_SHARE", "LINES_PER_S", "PAST", "World"]
