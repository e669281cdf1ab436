"""Scenes: what feeds would say in a moment of a scenario, set by hand, so that a screen can be looked at without a backend."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta
from typing import Any

import msgspec

from console.feeds.desk import Desk
from console.feeds.hub import Hub
from console.feeds.log import LogRing
from console.feeds.topic import Topic
from console.model.channel import Channel, Vantage
from console.model.failure import Failure, FailureKind
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import EntryKind, Incident, TimelineEntry
from console.model.instant import Clock, Instant
from console.model.joined import Logs, Streams, Workloads
from console.model.kube import Deployment, KubeEvent, Node, Pod
from console.model.logline import LevelBucket, LevelCounts, LogAccounting, LogLine, LogWindow
from console.model.metric import Capacity, ChannelMetrics, Gauge, GaugeSpec
from console.model.observation import Outcome, Variant
from console.model.opened import OpenedChannel, PlaceFacts
from console.model.operation import OperationLine, Operations, OperationStep
from console.model.reading import Reading, connecting
from console.model.severity import Layer, Severity, State
from console.model.source import Cost, SourceStatus
from tests.hand_clock import HandClock

RENDITIONS = ("1080p", "720p", "540p", "360p", "240p")
EDGES = ("edge-lhr", "edge-syd", "edge-nrt", "edge-iad")
CHANNELS = {
    "uk-sport-1": "emea", "uk-news-1": "emea", "fr-news-1": "emea", "de-cine-1": "emea",
    "syd-news-2": "apac", "jp-music-1": "apac", "au-footy-1": "apac", "in-cricket-1": "apac",
    "us-sport-1": "amer", "us-news-1": "amer",
}  # fmt: skip
REFUSED = Failure(
    kind=FailureKind.UNREACHABLE,
    tried="poll the log tail",
    on="elasticsearch http://127.0.0.1:9200",
    got="connection refused",
    hint="is it up? midwatch doctor",
)


class SetFeed:
    """A feed that says what a test sets."""

    inputs: tuple[str, ...] = ()

    def __init__(self, name: str, reading: Reading[Any]) -> None:
        self.name = name
        self.topic: Topic[Any] = Topic()
        self.topic.publish(reading)

    async def run(self) -> None:
        await asyncio.Event().wait()

    def look(self, *, doubt: bool = False) -> None:
        """It says what it was set to, however late it is."""

    def set(self, reading: Reading[Any]) -> None:
        self.topic.publish(reading)


class Scene:
    """Seven set feeds on one hub, and the desk over them."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or HandClock()
        self.ring = LogRing(1000)
        self.hub = Hub(self.clock)
        now = self.clock.now()
        for line in log_lines(now):
            self.ring.append(line)
        self.feeds = {
            "streams": SetFeed("streams", live(streams(now), now)),
            "logs": SetFeed("logs", live(logs(self.ring, now), now)),
            "workloads": SetFeed("workloads", live(workloads(now), now)),
            "capacity": SetFeed("capacity", live(capacity(now), now)),
            "incidents": SetFeed("incidents", live((incident(now),), now)),
            "actions": SetFeed("actions.operations", live(Operations(lines=(restarted(now),)), now)),
            "sources": SetFeed("sources", live(sources(), now)),
        }
        for feed in self.feeds.values():
            self.hub.add(feed)
        self.desk = Desk(self.hub, self.clock, self.ring, self.opened)

    def opened(self, name: str, now: Instant) -> OpenedChannel | None:
        """The close look at one channel of the streams that are set."""
        value: Streams | None = self.feeds["streams"].topic.reading.value
        return close_look(value, name) if value is not None and name in value.verdicts else None

    def fail(self, view: str, failure: Failure = REFUSED, *, keep: bool = False) -> None:
        """The view's backend fails; with `keep` the last value stays."""
        reading = self.feeds[view].topic.reading if keep else connecting()
        self.feeds[view].set(reading.failed(failure))

    def connecting(self, view: str) -> None:
        self.feeds[view].set(connecting())

    def stale(self, view: str) -> None:
        self.feeds[view].set(self.feeds[view].topic.reading.aged())

    def partial(self, view: str, reason: str) -> None:
        reading = self.feeds[view].topic.reading
        self.feeds[view].set(msgspec.structs.replace(reading, state=State.PARTIAL, partial_reason=reason))


def live(value: Any, now: Instant) -> Reading[Any]:
    return Reading(value=value, state=State.LIVE, received=now, as_of=now.utc)


def back(now: Instant, seconds: float) -> Any:
    return now.utc - timedelta(seconds=seconds)


def streams(now: Instant) -> Streams:
    """bad-deploy: the four channels of packager-emea stale at the origin; one warning elsewhere."""
    channels, verdicts, metrics = {}, {}, {}
    for number, (name, region) in enumerate(CHANNELS.items()):
        services = {"package": f"packager-{region}", "transcode": f"transcoder-{region}", "origin": "origin"}
        vantages = (
            Vantage("origin", Layer.ORIGIN, f"http://origin/live/{name}/master.m3u8", service="origin"),
            *(
                Vantage(edge, Layer.EDGE, f"http://{edge}/live/{name}/master.m3u8", cdn="own", pop=edge[5:])
                for edge in EDGES
            ),
        )
        channels[name] = Channel(
            name=name, vantages=vantages, region=region, tier=1 if "sport" in name else 2, services=services
        )
        findings: tuple[Finding, ...] = ()
        severity = Severity.OK
        if region == "emea":
            severity = Severity.CRIT
            findings = tuple(
                Finding(
                    code="STALE", entity=name, rendition=rendition, layer=Layer.PACKAGE, vantage=None,
                    severity=Severity.CRIT, first_seen=back(now, 64), last_seen=now.utc,
                    reason=f"{rendition} stale at the origin and 4 of 4 edges: newest segment 64 s old, limit 12 s",
                    evidence={"vantages": ["origin", *EDGES], "age_s": 64.0}, spec_ref="RFC 8216bis 6.2.1",
                )
                for rendition in RENDITIONS
            )  # fmt: skip
        elif name == "syd-news-2":
            severity = Severity.WARN
            findings = (
                Finding("EDGE_SKEW", name, "720p", Layer.EDGE, "edge-syd", Severity.WARN, "720p at edge-syd is 5 segments behind",
                        back(now, 20), now.utc),
            )  # fmt: skip
        verdicts[name] = ChannelVerdict(
            channel=name, severity=severity, findings=findings, reason=findings[0].reason if findings else "", watched_s=90,
            is_settled=True, target_duration_s=4.0, worst_age_over_t=16.0 if severity is Severity.CRIT else 0.9,
            latency_s=72.0 if severity is Severity.CRIT else 11.0,
            renditions_ok=0 if severity is Severity.CRIT else 5, renditions_expected=5, renditions=RENDITIONS, window_s=24.0,
        )  # fmt: skip
        metrics[name] = ChannelMetrics(
            viewers=182_000.0 - number * 15_000, ingest_bps=5.9e6, rebuffer_ratio=0.0341 if region == "emea" else 0.002,
            rebuffer_trend=tuple(0.002 if step < 9 else 0.034 * (step - 8) / 6 for step in range(15)) if region == "emea" else (0.002,) * 15,
        )  # fmt: skip
    return Streams(channels=channels, verdicts=verdicts, metrics=metrics, metrics_state=State.LIVE)


def close_look(value: Streams, name: str) -> OpenedChannel:
    """Each rendition at each vantage: 16 T old where the channel is critical, five segments behind at edge-syd of syd-news-2."""
    verdict = value.verdicts[name]
    is_bad = verdict.severity is Severity.CRIT
    places = tuple(
        PlaceFacts(
            vantage=vantage.name, rendition=rendition, outcome=Outcome.OK, status=200, target_s=4.0, age_s=64.0 if is_bad else 3.6,
            latency_s=72.0 if is_bad else 31.0 if vantage.name == "edge-syd" else 11.0, newest_sequence=8812, window_s=24.0,
            url=vantage.url.replace("master", rendition),
        )
        for vantage in value.channels[name].vantages
        for rendition in RENDITIONS
    )  # fmt: skip
    ladder = tuple(
        Variant(rendition, f"{rendition}.m3u8", bandwidth_bps=height * 5500, height=height, average_bps=height * 5000,
                codecs="avc1.640028,mp4a.40.2")
        for rendition, height in ((name, int(name[:-1])) for name in RENDITIONS)
    )  # fmt: skip
    return OpenedChannel(value.channels[name], verdict, places, ladder)


def log_lines(now: Instant) -> list[LogLine]:
    lines = [
        LogLine(at=back(now, 60 - number), level="info", message=f"published segment {8800 + number} in 212 ms",
                service="packager-apac", pod="packager-apac-6d5f-aaaaa", region="apac", channel="jp-music-1")
        for number in range(50)
    ]  # fmt: skip
    lines.append(
        LogLine(at=back(now, 9), level="", message="reconnected: 12 s missing, 340 lines fetched", is_mark=True)
    )
    lines += [
        LogLine(at=back(now, 8 - number), level="error", message=f"segment {8812 + number} late by {6 + number}.1 s",
                service="packager-emea", pod="packager-emea-7c9d8b5f6d-x2k40", region="emea", channel="uk-sport-1")
        for number in range(7)
    ]  # fmt: skip
    lines.append(
        LogLine(
            at=back(now, 1),
            level="warn",
            message="upstream 504 /live/uk-sport-1/…",
            service="origin",
            region="emea",
            is_late=True,
        )
    )
    return lines


def logs(ring: LogRing, now: Instant) -> Logs:
    buckets = tuple(
        LevelBucket(
            at=back(now, (29 - number) * 30),
            total=1800 if number < 24 else 2400,
            errors=7 if number < 24 else 900,
            warnings=20,
        )
        for number in range(30)
    )
    window = LogWindow(
        ring.first_seq, ring.last_seq, LogAccounting(received=38_211, shown=38_211, late=12), lag_s=2.1, overlap_s=30
    )
    return Logs(window=window, levels=LevelCounts(30.0, buckets))


def workloads(now: Instant) -> Workloads:
    pods, deployments, nodes, events = {}, {}, {}, {}

    def add(
        name: str, service: str, region: str, status: str, ready: int, restarts: int, version: str, age_s: float
    ) -> None:
        pod = Pod(
            cluster="demo-1", namespace="live", name=name, uid=name, status=status, phase="Running", ready=ready, containers=1,
            restarts=restarts, created_at=back(now, age_s), node=f"{region}-node-03", service=service, region=region, version=version,
        )  # fmt: skip
        pods[pod.key] = pod

    for number in range(4):
        add(f"packager-emea-7c9d8b5f6d-x2k4{number}", "packager-emea", "emea", "CrashLoopBackOff", 0, 4, "3.8.2", 70)
    for region in ("apac", "amer"):
        for number in range(4):
            add(
                f"packager-{region}-5b7c9f8d6c-q8w7{number}",
                f"packager-{region}",
                region,
                "Running",
                1,
                0,
                "3.8.1",
                9 * 86400,
            )
    for number in range(6):
        add(f"origin-77c5d5f9c-abcd{number}", "origin", "emea", "Running", 1, 0, "2.1.0", 3 * 3600)
    deployment = Deployment(
        cluster="demo-1", namespace="live", name="packager-emea", uid="d1", generation=4, observed_generation=4, desired=4, updated=4,
        ready=0, available=0, created_at=back(now, 9e5), service="packager-emea", region="emea", version="3.8.2", revision=4,
        progress_reason="ReplicaSetUpdated", progress_at=back(now, 75),
    )  # fmt: skip
    deployments[deployment.key] = deployment
    node = Node(
        cluster="demo-1",
        name="emea-node-03",
        uid="n3",
        is_ready=True,
        is_unschedulable=False,
        created_at=back(now, 9e6),
        region="emea",
    )
    nodes[node.key] = node
    event = KubeEvent("demo-1", "live", "e1", "Pod", "packager-emea-7c9d8b5f6d-x2k40", "BackOff", True,
                      "Back-off restarting failed container", 4, back(now, 60), back(now, 5))  # fmt: skip
    events[event.key] = event
    return Workloads(pods=pods, deployments=deployments, nodes=nodes, events=events, clusters={"demo-1": State.LIVE})


def capacity(now: Instant) -> Capacity:
    def gauge(name: str, used: float | None, total: float | None, unit: str, missing: str = "") -> Gauge:
        return Gauge(GaugeSpec(name, "u", "t", unit), used, total, now.utc, missing)

    gauges = (
        gauge("egress lhr", 410e9, 450e9, "bit/s"),
        gauge("egress syd", 160e9, 300e9, "bit/s"),
        gauge("egress nrt", 120e9, 300e9, "bit/s"),
        gauge("transcoder slots emea", 172, 200, "slots"),
        gauge("origin connections", 4400, 10_000, "connections"),
        gauge("redis memory", None, 8e9, "bytes", "no data"),
    )
    verdicts = {
        each.spec.name: Severity.UNKNOWN if each.ratio is None or math.isnan(each.ratio)
        else Severity.WARN if each.ratio >= 0.8 else Severity.OK
        for each in gauges
    }  # fmt: skip
    return Capacity(gauges, verdicts)


def incident(now: Instant) -> Incident:
    return Incident(
        id="INC-7f3a", title="packager-emea: STALE on 4 channels", severity=Severity.CRIT, opened_at=back(now, 60),
        entities=("uk-sport-1", "uk-news-1", "fr-news-1", "de-cine-1"), layer=Layer.PACKAGE, service="packager-emea",
        timeline=(
            TimelineEntry(back(now, 75), EntryKind.ROLLOUT, Severity.OK, "packager-emea 3.8.2 rolled out", "packager-emea"),
            TimelineEntry(back(now, 60), EntryKind.FINDING, Severity.CRIT, "uk-sport-1 1080p stale at the origin", "uk-sport-1"),
            TimelineEntry(back(now, 40), EntryKind.ALERT, Severity.CRIT, "PackagerPublishLate", "packager-emea"),
        ),
        before_it="packager-emea 3.8.2 rolled out 02:12",
    )  # fmt: skip


def operation(now: Instant, **said: Any) -> OperationLine:
    """`deployment.restart` of packager-apac by mei, an hour ago, done; but for what is said."""
    fields: dict[str, Any] = {
        "id": "op-11aa22bb33cc", "action": "deployment.restart", "target": "kube:demo-1/live/deployment/packager-apac",
        "state": "succeeded", "tier": "medium", "site": "demo", "by": "mei", "at": back(now, 3700), "last_at": back(now, 3500),
        "reason": "leaks", "plan_hash": "9f" * 32, "done": 1, "is_over": True, "ending": "every pod new, streams no worse",
        "steps": (OperationStep("restart kube:demo-1/live/deployment/packager-apac", "done", "accepted"),), **said,
    }  # fmt: skip
    return OperationLine(**fields)


def restarted(now: Instant) -> OperationLine:
    """The one operation of the day."""
    return operation(now)


def sources() -> tuple[SourceStatus, ...]:
    return tuple(
        SourceStatus(
            name, name.partition(".")[0], State.LIVE, 1.2, None, Cost(requests=120, requests_per_s=0.4, bytes_per_s=900)
        )
        for name in (
            "prometheus.gauges",
            "alertmanager.alerts",
            "elasticsearch.tail",
            "kubernetes.demo-1.pods",
            "hls.prober",
        )
    )
