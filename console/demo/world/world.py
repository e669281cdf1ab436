"""The one story. A method per thing that both a metric and a log line (or an alert, or a playlist) must
agree on."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from math import tau

from console.demo.world.course import DAY_S, OCCUPANTS, PAST, Course
from console.demo.world.curve import Curve, Mark
from console.demo.world.names import CHANNEL, CHANNELS, EDGES, TARGET_DURATION_S, VANTAGE
from console.demo.world.scenario import CROWDED_CHANNEL, CROWDED_POP, DOOR, KINDS, NODE_GRACE_S, SLOW_S, STORMING

CALM_VERSION = "3.8.1"
VIEWER_BPS = 4.2e6
"""Mean bit rate of one viewer over the ladder."""
REQUESTS_PER_VIEWER = 0.5
"""One playlist and one segment every target duration."""

# Above every other service's own share of errors, so that "about 40/s" is what the whole packager says.
PACKAGER_ERRORS_PER_S = 40.0
LINES_PER_S = 60.0
ERROR_SHARE = 0.004
STORM_LINES_PER_S = 800.0
SHIPPERS = 12
SHIPPER_QUEUE = 1152.0
"""Events that one shipper keeps for an index that does not take them."""
CROWDED = 0.965
"""Of what an edge can send, when the crowd is there: above every gauge's CRIT and below what cannot be sent."""
CROWD_RISE_S, CROWD_FALL_S = 40.0, 40.0
DOOR_RISE_S = 25.0
"""Those at the door are there before those who watch."""
DOOR_DEMAND = 2.4
"""Of what the door's replicas in calm carry: more than its autoscaler may have."""
# Kind -> (share of the viewers who leave, rebuffer ratio at its height) of a channel that it hits.
_FELT: dict[str, tuple[float, float]] = {
    "edge-stale": (0.12, 0.034),
    "bad-deploy": (0.40, 0.065),
    "encoder-flap": (0.15, 0.045),
    "cdn-slow": (0.06, 0.055),
    "node-lost": (0.25, 0.060),
}
# Kind -> the lines a second at its height that it adds to each service's.
_SAID: dict[str, dict[str, float]] = {
    "log-storm": {STORMING: STORM_LINES_PER_S, "log-shipper": 6.0, "vod-api": 5.0},
    "capacity-crunch": {DOOR: 9.0, f"edge-{CROWDED_POP}": 4.0},
}


class World(Course):
    """What there is to be measured, at any moment of the course."""

    @cached_property
    def _viewer_curves(self) -> dict[str, Curve]:
        return {}

    # Audience and quality

    def viewers_curve(self, channel: str) -> Curve:
        known = self._viewer_curves.get(channel)
        if known is None:
            top = CHANNEL[channel].audience
            marks = []
            for kind, (share, _) in _FELT.items():
                if channel in KINDS[kind].entities:
                    share *= _there(kind, channel)
                    marks.append(Mark(kind, -share * top * 0.55, 120.0, 45.0))
            if channel == CROWDED_CHANNEL:
                marks.append(self._crowd())
            known = self._viewer_curves[channel] = self._audience(channel).plus(Curve(0.0, (), tuple(marks)))
        return known

    def _audience(self, channel: str) -> Curve:
        """Whoever watches when nothing is wrong."""
        one = CHANNEL[channel]
        top = one.audience
        return Curve(
            0.76 * top,
            ((0.20 * top, tau / DAY_S, self.phase(f"day/{one.region}")),
             (0.02 * top, tau / 840.0, self.phase(f"quarter/{channel}")),
             (0.01 * top, tau / 130.0, self.phase(f"minute/{channel}"))),
        )

    def _crowd(self) -> Mark:
        """So many come that the edge they are sent to is nearly full, whatever the hour."""
        there = Curve(0.0)
        for channel in CHANNELS:
            share = dict(channel.pops).get(CROWDED_POP, 0.0)
            if share:
                there = there.plus(self._audience(channel.name).times(share))
        share = dict(CHANNEL[CROWDED_CHANNEL].pops)[CROWDED_POP]
        room = CROWDED * self.edge_capacity_bps(CROWDED_POP) / VIEWER_BPS
        return Mark("capacity-crunch", room / share, CROWD_RISE_S, CROWD_FALL_S, there.times(1 / share))

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

    def start_failure_ratio(self, channel: str, t: datetime) -> float:
        """0..1 of the attempts to play; 0.3 to 0.8 % in calm. Who already watches stalls, who comes does not get in: it rises
        with rebuffering, by half of what that has above its calm."""
        calm = 0.003 + 0.004 * self.wave(f"starts/{channel}", t) + 0.001 * self.wave(f"start/{channel}", t, 110.0)
        return calm + 0.5 * max(0.0, self.rebuffer_ratio(channel, t) - 0.006)

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
                if code == "503" and pop == CROWDED_POP:
                    turned_away = Mark("capacity-crunch", 0.03 * mean, CROWD_RISE_S, CROWD_FALL_S)
                    curve = curve.plus(Curve(0.0, (), (turned_away,)))
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

    entitlement_connections_max: float = 400.0

    def entitlement_connections(self, t: datetime) -> float:
        """To its database, in use; all of them while it storms."""
        share = 0.34 + 0.10 * self.wave("entitlement", t) + 0.02 * self.wave("entitlement/minute", t, 70.0)
        share += (1.0 - share) * self.impact("log-storm", t, 8.0, 10.0)
        return float(round(self.entitlement_connections_max * share))

    def demand(self, service: str, t: datetime) -> float:
        """In what its replicas in calm carry."""
        crowd = self.impact("capacity-crunch", t, DOOR_RISE_S, CROWD_FALL_S) if service == DOOR else 0.0
        return 1.0 + (DOOR_DEMAND - 1.0) * crowd

    @cached_property
    def _refusals(self) -> Curve:
        return Curve(0.0, (), (Mark("capacity-crunch", 420.0, DOOR_RISE_S, CROWD_FALL_S),))

    def sessions_refused_total(self, t: datetime) -> float:
        """New sessions that were told to come again, a counter."""
        return float(round(self.total(self._refusals, t)))

    # Logs

    shipper_queue_max: float = SHIPPERS * SHIPPER_QUEUE

    def shipper_queue(self, t: datetime) -> float:
        """Events that wait in the shippers: what the index does not take in a storm, all that come while it is down."""
        waiting = 25.0 + 30.0 * self.wave("shippers", t, 55.0)
        waiting += 0.97 * self.shipper_queue_max * self.impact("log-storm", t, 25.0, 20.0)
        outage = self.active("backend-down", t)
        if outage is not None:
            waiting += LINES_PER_S * (t - outage.start).total_seconds()
        return float(round(min(waiting, self.shipper_queue_max)))

    @cached_property
    def _rejections(self) -> Curve:
        return Curve(0.0, (), (Mark("log-storm", 38.0, 25.0, 10.0),))

    def bulk_rejections_total(self, t: datetime) -> float:
        """Bulk requests of the shippers that Elasticsearch refused (429), a counter."""
        return float(round(self.total(self._rejections, t)))

    def log_delay_s(self, t: datetime) -> float:
        """What a storm adds to the way of a line from its writer into the index."""
        full = 0.97 * self.shipper_queue_max / (STORM_LINES_PER_S + LINES_PER_S)
        return full * self.impact("log-storm", t, 25.0, 20.0)

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
        for kind, rates in _SAID.items():
            if service in rates and self.active(kind, t) is not None:
                return rates[service] * self.impact(kind, t, 20.0, 0.0)
        fault = self.active("encoder-flap", t)
        if fault is not None and service == CHANNEL[fault.entities[0]].packager:
            return 1.5 if self.encoder_gone_since(fault.entities[0], t) is not None else 0.0
        fault = self.active("node-lost", t)
        if fault is not None and service == "origin":
            return 3.0 * sum(self.gone_since(channel, t) is not None for channel in fault.entities)
        return 0.0


def _there(kind: str, channel: str) -> float:
    """The share of a channel's viewers that a fault of the kind reaches."""
    if kind != "cdn-slow":
        return 1.0
    return sum(share for pop, share in CHANNEL[channel].pops if f"edge-{pop}" in KINDS[kind].vantages)


__all__ = ["CALM_VERSION", "ERROR_SHARE", "LINES_PER_S", "OCCUPANTS", "PAST", "World"]
