"""The platform's metrics: which series there are, and each one's value at a scrape.

A target is scraped every 15 s at a phase of its own, so two targets' samples do not line up, as in life.
Values are computed when they are asked for and remembered, because charts ask for the same samples again and
again; the memory is bounded and thrown away whole, since a sample can always be computed anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec

from console.demo.haproxy.balancer import CODES as CLASSES
from console.demo.haproxy.balancer import Balancer
from console.demo.haproxy.layout import BACKENDS, BALANCERS, Backend, Server
from console.demo.prometheus.matchers import NAME, Labels, Matcher, labels_of, selects
from console.demo.prometheus.storage import Series
from console.demo.world.names import CHANNELS, EDGES, NODES, ORIGIN, POPS, REGIONS
from console.demo.world.traffic import CDNS, CODES, Traffic
from console.demo.world.world import PAST, World

SCRAPE_MS = 15_000
MAX_REMEMBERED = 200_000
"""Samples kept over all series, about 20 MB."""
Measure = Callable[[datetime], float]


class Metric(msgspec.Struct, frozen=True):
    """What /api/v1/metadata says of a name."""

    name: str
    type: str
    help: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("up", "gauge", "1 when the last scrape of the target succeeded."),
        Metric("channel_viewers", "gauge", "Viewers of the channel at this moment."),
        Metric("channel_ingest_bps", "gauge", "Contribution bit rate as received, bit/s."),
        Metric("channel_ingest_declared_bps", "gauge", "Contribution bit rate the encoder declared, bit/s."),
        Metric("channel_ingest_reconnects_total", "counter", "How often the channel's publisher came back."),
        Metric("channel_rebuffer_ratio", "gauge", "Share of the viewing time spent stalled, 0 to 1."),
        Metric("channel_start_failure_ratio", "gauge", "Share of the attempts to play that failed, 0 to 1."),
        Metric("channel_latency_seconds", "gauge", "Mean distance of the playhead from live."),
        Metric("edge_bytes_total", "counter", "Bytes sent to viewers."),
        Metric("edge_capacity_bps", "gauge", "Egress the point of presence is built for, bit/s."),
        Metric("edge_requests_total", "counter", "Requests answered, by status code."),
        Metric("edge_segment_delivery_seconds", "gauge", "From the first to the last byte of a segment, mean."),
        Metric("kube_node_status_condition", "gauge", "The condition of a cluster node."),
        Metric("origin_connections", "gauge", "Connections open at the origin."),
        Metric("origin_connections_max", "gauge", "Connections the origin accepts."),
        Metric("transcoder_slots_used", "gauge", "Transcoding slots in use."),
        Metric("transcoder_slots_total", "gauge", "Transcoding slots there are."),
        Metric("vod_queue_jobs", "gauge", "Jobs waiting for a VOD encoder."),
        Metric("vod_queue_oldest_seconds", "gauge", "Age of the oldest runnable VOD job."),
        Metric(
            "vod_queue_oldest_limit_seconds", "gauge", "Age of the oldest runnable VOD job that is promised."
        ),
        Metric("redis_memory_used_bytes", "gauge", "Memory in use."),
        Metric("redis_memory_max_bytes", "gauge", "The maxmemory setting."),
        Metric(
            "packager_publish_delay_seconds",
            "gauge",
            "From the end of a segment to its entry in the playlist.",
        ),
        Metric("entitlement_db_connections_in_use", "gauge", "Connections to the database that are in use."),
        Metric("entitlement_db_connections_max", "gauge", "Connections to the database there may be."),
        Metric("session_refused_total", "counter", "New sessions that were told to come again."),
        Metric("logshipper_queue_events", "gauge", "Events that wait to be taken by the index, over all shippers."),
        Metric("logshipper_queue_events_max", "gauge", "Events that the shippers keep at most."),
        Metric("logshipper_bulk_rejected_total", "counter", "Bulk requests that the index rejected (429)."),
        Metric("cdn_bytes_total", "counter", "Bytes a CDN sent to viewers of the property."),
        Metric("cdn_requests_total", "counter", "Requests a CDN answered, by status code."),
        Metric("cdn_capacity_bps", "gauge", "Egress the CDN is contracted for at the POP, bit/s."),
        Metric("cdn_share", "gauge", "Share of the property's viewers that the CDN has, 0 to 1."),
        Metric("cdn_weight", "gauge", "Weight last set for the CDN."),
        Metric("haproxy_process_start_time_seconds", "gauge", "Start time in seconds."),
        Metric("haproxy_backend_current_sessions", "gauge", "Current number of active sessions."),
        Metric("haproxy_backend_http_requests_total", "counter", "Total number of HTTP requests received."),
        Metric("haproxy_backend_weight", "gauge", "Service weight."),
        Metric("haproxy_backend_active_servers", "gauge", "Current number of active servers."),
        Metric("haproxy_server_current_sessions", "gauge", "Current number of active sessions."),
        Metric("haproxy_server_current_queue", "gauge", "Current number of queued requests."),
        Metric("haproxy_server_limit_sessions", "gauge", "Configured session limit."),
        Metric("haproxy_server_sessions_total", "counter", "Total number of sessions."),
        Metric("haproxy_server_http_responses_total", "counter", "Total number of HTTP responses."),
        Metric("haproxy_server_weight", "gauge", "Service weight."),
        Metric("haproxy_server_status", "gauge", "Current status of the service, per state label value."),
    )
}


class Target(msgspec.Struct, frozen=True):
    """A scrape target."""

    job: str
    instance: str

    @property
    def phase_ms(self) -> int:
        """Where in the scrape interval it is scraped."""
        digest = blake2b(f"{self.job}/{self.instance}".encode(), digest_size=4).digest()
        return int.from_bytes(digest) % SCRAPE_MS


_ANALYTICS = Target("analytics", "cmcd-collector.platform:9400")
_VOD = Target("vod", "vod-api.vod:9400")
_ENTITLEMENT = Target("entitlement", "entitlement-api.platform:9400")
_SESSION = Target("session", "session-api.platform:9400")
_SHIPPER = Target("log-shipper", "log-shipper.platform:9479")
_REDIS = Target("redis", "redis.platform:9121")
_ORIGIN = Target("origin", f"{ORIGIN.host}:9113")
_OTHERS = (Target("prometheus", "localhost:9090"), Target("elasticsearch", "elasticsearch.platform:9114"))


class Catalogue:
    """All series of the world up to `clock`'s now; the storage of the evaluator.

    Samples lie between eight days before the platform's start and now. Not for two threads at a time to
    *write* different values: they cannot, as a sample has only one.
    """

    def __init__(self, world: World, clock: Callable[[], datetime], traffic: Traffic | None = None,
                 balancers: tuple[Balancer, ...] | None = None) -> None:
        """Without `traffic` or `balancers` it looks at ones that nobody writes to."""
        self._world = world
        self._traffic = Traffic(world) if traffic is None else traffic
        self._balancers = tuple(Balancer(name, world) for name in BALANCERS) if balancers is None else balancers
        self._clock = clock
        self._by_name: dict[str, list[tuple[Labels, Target, Measure]]] = {}
        self._targets: set[Target] = set(_OTHERS)
        self._remembered: dict[Labels, dict[int, float]] = {}
        self._count = 0
        self._start = world.start
        self._describe()

    def select(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        """The series that pass, in label order."""
        names = [matcher.value for matcher in matchers if matcher.name == NAME and matcher.op == "="]
        candidates = (
            self._by_name.get(names[0], [])
            if names
            else [one for many in self._by_name.values() for one in many]
        )
        found = [self._series(*one) for one in candidates if selects(matchers, one[0])]
        found.sort(key=lambda series: series.labels)
        return found

    def _series(self, labels: Labels, target: Target, measure: Measure) -> Series:
        if self._start != self._world.start:
            # The platform has just become ready: its story begins anew.
            self._start = self._world.start
            self._remembered.clear()
        known = self._remembered.setdefault(labels, {})
        phase = target.phase_ms

        def read(index: int) -> float:
            value = known.get(index)
            if value is None:
                self._count += 1
                if self._count > MAX_REMEMBERED:
                    self._count = 0
                    for samples in list(self._remembered.values()):
                        samples.clear()
                moment = datetime.fromtimestamp((index * SCRAPE_MS + phase) / 1000, UTC)
                value = known[index] = measure(moment)
            return value

        first = -((phase - _milliseconds(self._world.start - PAST)) // SCRAPE_MS)
        last = (_milliseconds(self._clock()) - phase) // SCRAPE_MS
        return Series(labels, SCRAPE_MS, phase, first, last, read)

    def _add(self, target: Target, name: str, measure: Measure, **labels: str) -> None:
        self._targets.add(target)
        described = labels_of([(NAME, name), *labels.items()])
        self._by_name.setdefault(name, []).append((described, target, measure))

    def _describe(self) -> None:
        self._channels()
        self._edges()
        self._regions()
        self._nodes()
        self._cdns()
        for balancer in self._balancers:
            self._balancer(balancer)
        world, add = self._world, self._add
        add(_ORIGIN, "origin_connections", world.origin_connections)
        add(_ORIGIN, "origin_connections_max", lambda t: world.origin_connections_max)
        add(_VOD, "vod_queue_jobs", world.vod_queue_jobs)
        add(_VOD, "vod_queue_oldest_seconds", world.vod_queue_oldest_s)
        add(_VOD, "vod_queue_oldest_limit_seconds", lambda t: world.vod_queue_oldest_limit_s)
        add(_REDIS, "redis_memory_used_bytes", world.redis_memory_used_bytes)
        add(_REDIS, "redis_memory_max_bytes", lambda t: world.redis_memory_max_bytes)
        add(_ENTITLEMENT, "entitlement_db_connections_in_use", world.entitlement_connections)
        add(_ENTITLEMENT, "entitlement_db_connections_max", lambda t: world.entitlement_connections_max)
        add(_SESSION, "session_refused_total", world.sessions_refused_total)
        add(_SHIPPER, "logshipper_queue_events", world.shipper_queue)
        add(_SHIPPER, "logshipper_queue_events_max", lambda t: world.shipper_queue_max)
        add(_SHIPPER, "logshipper_bulk_rejected_total", world.bulk_rejections_total)
        for target in sorted(self._targets, key=lambda target: (target.job, target.instance)):
            add(target, "up", _of(world.up, target.job), job=target.job, instance=target.instance)

    def _channels(self) -> None:
        world = self._world
        for channel in CHANNELS:
            name, where = channel.name, {"channel": channel.name, "region": channel.region}
            packager = Target("packager", f"{channel.packager}.live:9400")
            self._add(_ANALYTICS, "channel_viewers", _of(world.viewers, name), **where)
            self._add(_ANALYTICS, "channel_rebuffer_ratio", _of(world.rebuffer_ratio, name), **where)
            self._add(_ANALYTICS, "channel_start_failure_ratio", _of(world.start_failure_ratio, name), **where)
            self._add(_ANALYTICS, "channel_latency_seconds", _of(world.latency_s, name), **where)
            self._add(packager, "channel_ingest_bps", _of(world.ingest_bps, name), **where)
            self._add(
                packager, "channel_ingest_declared_bps", _constant(world.ingest_declared_bps(name)), **where
            )
            self._add(
                packager, "channel_ingest_reconnects_total", _of(world.ingest_reconnects_total, name), **where
            )
            self._add(
                packager,
                "packager_publish_delay_seconds",
                _of(world.publish_delay_s, name),
                service=channel.packager,
                **where,
            )

    def _edges(self) -> None:
        world, traffic = self._world, self._traffic
        for edge in EDGES:
            assert edge.pop is not None
            target = Target("edge", f"{edge.host}:9113")
            self._add(target, "edge_bytes_total", _bytes(traffic, "own", edge.pop), pop=edge.pop)
            self._add(target, "edge_capacity_bps", _constant(world.edge_capacity_bps(edge.pop)), pop=edge.pop)
            self._add(target, "edge_segment_delivery_seconds", _of(world.segment_delivery_s, edge.pop),
                      cdn=edge.cdn or "", pop=edge.pop)
            for code in CODES:
                self._add(
                    target, "edge_requests_total", _requests(traffic, "own", edge.pop, code), pop=edge.pop, code=code
                )

    def _cdns(self) -> None:
        traffic, target = self._traffic, Target("cdn-logs", "cdn-logs.platform:9400")
        for cdn in CDNS:
            self._add(target, "cdn_share", _share(traffic, cdn), cdn=cdn, property="live")
            self._add(target, "cdn_weight", _weight(traffic, cdn), cdn=cdn, property="live")
            for pop in POPS:
                where = {"cdn": cdn, "pop": pop}
                self._add(target, "cdn_capacity_bps", _constant(traffic.capacity_bps(cdn, pop)), **where)
                self._add(target, "cdn_bytes_total", _bytes(traffic, cdn, pop), **where)
                for code in CODES:
                    self._add(target, "cdn_requests_total", _requests(traffic, cdn, pop, code), code=code, **where)

    def _balancer(self, balancer: Balancer) -> None:
        target = Target("haproxy", f"{balancer.name}.midwatch.test:8404")

        def add(name: str, measure: Measure, **labels: str) -> None:
            self._add(target, f"haproxy_{name}", measure, balancer=balancer.name, instance=target.instance,
                      job=target.job, **labels)

        add("process_start_time_seconds", lambda t: float(int(balancer.at(t).started.timestamp())))
        for backend in BACKENDS:
            for name, measure in _of_backend(balancer, backend):
                add(f"backend_{name}", measure, proxy=backend.name)
            for server in backend.servers:
                for name, labels, measure in _of_server(balancer, backend, server):
                    add(f"server_{name}", measure, proxy=backend.name, server=server.name, **labels)

    def _nodes(self) -> None:
        """As kube-state-metrics tells a condition: one series a status, of which one is 1."""
        target = Target("kube-state-metrics", "kube-state-metrics.kube-system:8080")
        for node in NODES:
            for status in ("true", "false", "unknown"):
                self._add(target, "kube_node_status_condition", _ready(self._world, node.name, status),
                          condition="Ready", node=node.name, status=status)

    def _regions(self) -> None:
        world = self._world
        for region in REGIONS:
            target = Target("transcoder", f"transcoder-{region}.live:9400")
            self._add(
                target, "transcoder_slots_used", _of(world.transcoder_slots_used, region), region=region
            )
            self._add(
                target,
                "transcoder_slots_total",
                _constant(world.transcoder_slots_total(region)),
                region=region,
            )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _of(measure: Callable[[str, datetime], float], name: str) -> Measure:
    return lambda t: measure(name, t)


def _constant(value: float) -> Measure:
    return lambda t: value


def _ready(world: World, node: str, status: str) -> Measure:
    return lambda t: float(world.node_ready(node, t) == status)


def _bytes(traffic: Traffic, cdn: str, pop: str) -> Measure:
    return lambda t: traffic.bytes_total(cdn, pop, t)


def _requests(traffic: Traffic, cdn: str, pop: str, code: str) -> Measure:
    return lambda t: traffic.requests_total(cdn, pop, code, t)


def _share(traffic: Traffic, cdn: str) -> Measure:
    return lambda t: traffic.shares(t)[cdn]


def _weight(traffic: Traffic, cdn: str) -> Measure:
    return lambda t: traffic.weights_at(t)[cdn]


def _of_backend(balancer: Balancer, backend: Backend) -> list[tuple[str, Measure]]:
    return [
        ("current_sessions", lambda t: float(sum(balancer.current(backend, s, t) for s in backend.servers))),
        ("http_requests_total", lambda t: float(balancer.requests_total(backend, t))),
        ("weight", lambda t: float(balancer.weight(backend, balancer.at(t), t))),
        ("active_servers", lambda t: float(balancer.active(backend, balancer.at(t), t))),
    ]


def _of_server(balancer: Balancer, backend: Backend, server: Server) -> list[tuple[str, dict[str, str], Measure]]:
    def response(code: str) -> Measure:
        return lambda t: float(balancer.responses_total(backend, server, code, t))

    def status(state: str) -> Measure:
        return lambda t: float(balancer.status(backend, server, t) == state)

    return [
        ("current_sessions", {}, lambda t: float(balancer.current(backend, server, t))),
        ("current_queue", {}, lambda t: float(balancer.queued(backend, server, t))),
        ("limit_sessions", {}, _constant(float(server.maxconn))),
        ("sessions_total", {}, lambda t: float(balancer.sessions_total(backend, server, t))),
        ("weight", {}, lambda t: float(balancer.set_at(backend, server, t).weight)),
        *(("http_responses_total", {"code": code}, response(code)) for code in CLASSES),
        *(("status", {"state": state}, status(state)) for state in ("DOWN", "UP", "MAINT", "DRAIN", "NOLB")),
    ]
