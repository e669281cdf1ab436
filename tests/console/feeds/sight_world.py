"""A site with things in several namespaces, through the real judge of incidents and the real desk.

Every word that belongs to a namespace `NS` begins with `canary-NS-`, so that a leak of it is found by its name. Things without a
namespace (channels, nodes, gauges, operations, sources) have names of their own and mention canaries where real ones would.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from console.feeds.desk import Desk
from console.feeds.hub import Hub
from console.feeds.log import LogRing
from console.judge import incidents as judge
from console.judge.acted import acted
from console.model.alert import Alert, Alerts
from console.model.channel import Channel, Vantage
from console.model.failure import Failure, FailureKind
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.joined import Logs, Streams, Workloads
from console.model.kube import Deployment, KubeEvent, Node, Pod
from console.model.logline import LevelBucket, LevelCounts, LogAccounting, LogLine, LogWindow
from console.model.metric import Capacity, ChannelMetrics, Gauge, GaugeSpec, Signals
from console.model.observation import Outcome
from console.model.opened import OpenedChannel, PlaceFacts
from console.model.operation import OperationLine, Operations, OperationStep
from console.model.severity import Layer, Severity, State
from console.model.source import Cost, SourceStatus
from tests.hand_clock import HandClock
from tests.scene import SetFeed, live

CLUSTER = "apac-1"


class World(msgspec.Struct):
    """Everything there is at one moment; lists, so that a test can leave some out."""

    pods: list[Pod] = []
    deployments: list[Deployment] = []
    events: list[KubeEvent] = []
    nodes: list[Node] = []
    alerts: list[Alert] = []
    channels: list[Channel] = []
    findings: list[Finding] = []
    metrics: dict[str, ChannelMetrics] = {}
    lines: list[LogLine] = []
    operations: list[OperationLine] = []
    gauges: list[Gauge] = []
    sources: list[SourceStatus] = []
    errors: dict[str, Failure] = {}
    unread: tuple[str, ...] = ()


class WorldDesk:
    """The whole desk over a world, with what a test may want to change."""

    clock: HandClock

    def __init__(self, world: World, clock: HandClock | None = None) -> None:
        self.world = world
        self.clock = clock or HandClock()
        self.hub = Hub(self.clock)
        self.ring = LogRing(1000)
        self.memory = judge.IncidentMemory()
        self.feeds: dict[str, SetFeed] = {}
        for line in world.lines:
            self.ring.append(line)
        for name, value in self.values().items():
            feed = SetFeed(name, live(value, self.now))
            self.feeds[name] = feed
            self.hub.add(feed)
        self.desk = Desk(self.hub, self.clock, self.ring, self.opened)
        self.whole = self.desk

    @property
    def now(self) -> Instant:
        return self.clock.now()

    def values(self) -> dict[str, Any]:
        world = self.world
        streams = Streams(
            channels={channel.name: channel for channel in world.channels},
            verdicts={channel.name: self.verdict(channel.name) for channel in world.channels},
            metrics=world.metrics,
            metrics_state=State.LIVE,
        )
        workloads = Workloads(
            pods={pod.key: pod for pod in world.pods},
            deployments={each.key: each for each in world.deployments},
            nodes={node.key: node for node in world.nodes},
            events={event.key: event for event in world.events},
            clusters={CLUSTER: State.LIVE},
            errors=world.errors,
            unread=world.unread,
        )
        operations = Operations(lines=tuple(world.operations))
        alerts = {alert.fingerprint: alert for alert in world.alerts}
        self.memory, found = judge.step(
            self.memory, streams.verdicts, streams.channels, alerts, workloads.deployments, self.now
        )
        return {
            "streams": streams,
            "workloads": workloads,
            "logs": self.logs(),
            "capacity": Capacity(tuple(world.gauges), {gauge.spec.name: Severity.OK for gauge in world.gauges}),
            "incidents": acted(found, operations.lines, self.now.utc),
            "actions.operations": operations,
            "alertmanager.alerts": Alerts(alerts=alerts, peers_answered=1, peers_total=1),
            "sources": tuple(world.sources),
        }

    def logs(self) -> Logs:
        count = self.ring.last_seq
        window = LogWindow(self.ring.first_seq, count, LogAccounting(received=count, shown=count), lag_s=1.0)
        buckets = tuple(LevelBucket(ago(self.now, (30 - n) * 30), 60, 3, 1) for n in range(30))
        return Logs(window=window, levels=LevelCounts(30.0, buckets))

    def verdict(self, name: str) -> ChannelVerdict:
        found = tuple(each for each in self.world.findings if each.entity == name)
        severity = max((each.severity for each in found), key=lambda each: each.rank, default=Severity.OK)
        return ChannelVerdict(
            name, severity, findings=found, reason=found[0].reason if found else "", watched_s=90.0, is_settled=True,
            target_duration_s=4.0, renditions_ok=1, renditions_expected=1, renditions=("1080p",),
        )  # fmt: skip

    def opened(self, name: str, now: Instant) -> OpenedChannel | None:
        channel = next((each for each in self.world.channels if each.name == name), None)
        if channel is None:
            return None
        places = tuple(
            PlaceFacts(vantage.name, "1080p", Outcome.OK, 200, 4.0, 3.0, url=vantage.url) for vantage in channel.vantages
        )
        return OpenedChannel(channel, self.verdict(name), places, ())

    def renew(self) -> None:
        """Every feed says what the world is now."""
        for name, value in self.values().items():
            self.feeds[name].set(live(value, self.now))

    def later(self, seconds: float) -> None:
        """Time goes on, and nobody is woken by it."""
        self.clock._mono += seconds
        self.renew()


def ago(now: Instant, seconds: float) -> Any:
    return now.utc - timedelta(seconds=seconds)


# -- things ------------------------------------------------------------------------------------------------------------
def pod(namespace: str, name: str, now: Instant, *, service: str | None = None, **said: Any) -> Pod:
    fields: dict[str, Any] = {
        "cluster": CLUSTER, "namespace": namespace, "name": name, "uid": name, "status": "Running", "phase": "Running", "ready": 1,
        "containers": 1, "restarts": 0, "created_at": ago(now, 9000), "node": "worker-1", "service": service, "version": "1.0", **said,
    }  # fmt: skip
    return Pod(**fields)


def deployment(namespace: str, name: str, now: Instant, **said: Any) -> Deployment:
    fields: dict[str, Any] = {
        "cluster": CLUSTER, "namespace": namespace, "name": name, "uid": name, "generation": 2, "observed_generation": 2, "desired": 1,
        "updated": 1, "ready": 1, "available": 1, "created_at": ago(now, 9e5), "service": name, "version": "1.1", "revision": 3,
        "progress_at": ago(now, 600), "progress_reason": "NewReplicaSetAvailable", **said,
    }  # fmt: skip
    return Deployment(**fields)


def alert(fingerprint: str, now: Instant, severity: str = "critical", **labels: str) -> Alert:
    name = f"{labels.pop('prefix', '')}Late"
    return Alert(fingerprint, name, severity, "active", ago(now, 300), f"{name} is late", labels=labels)


def of_namespace(namespace: str, now: Instant) -> World:
    """All that a namespace has, everything in it a canary, and some of it in trouble."""
    canary = f"canary-{namespace}"
    worker = f"{canary}-packager"
    target = f"kube:{CLUSTER}/{namespace}/deployment/{worker}"
    return World(
        pods=[
            pod(
                namespace, f"{worker}-7c9d8b5f6d-{n}aaaa", now, service=worker, owner=f"ReplicaSet/{worker}-7c9d8b5f6d",
                status="CrashLoopBackOff", ready=0, restarts=9, version=f"{canary}-2.0", last_exit=f"{canary}-exit", region="emea",
            )
            for n in range(2)
        ]
        + [pod(namespace, f"{canary}-db-0", now, service=f"{canary}-db", owner=f"StatefulSet/{canary}-db")],
        deployments=[
            deployment(namespace, worker, now, version=f"{canary}-2.0", available=0, change_cause=f"{canary}-cause", owner_tool="argo")
        ],
        events=[
            KubeEvent(CLUSTER, namespace, f"{canary}-e1", "Pod", f"{worker}-7c9d8b5f6d-0aaaa", "BackOff", True,
                      f"{canary}-image cannot be pulled", 4, ago(now, 60), ago(now, 5)),
            KubeEvent(CLUSTER, namespace, f"{canary}-e2", "Job", f"{canary}-job", "Failed", True, "no", 1, ago(now, 60), ago(now, 5)),
        ],
        alerts=[
            alert(f"{canary}-f1", now, prefix=canary, namespace=namespace, service=worker),
            alert(f"{canary}-f2", now, prefix=canary, namespace=namespace, channel="uk-sport-1"),
            alert(f"{canary}-f3", now, "warning", prefix=canary, exported_namespace=namespace, pod=f"{canary}-db-0"),
        ],
        lines=[
            LogLine(ago(now, 5), "error", f"{canary}-message", worker, f"{worker}-7c9d8b5f6d-0aaaa", namespace, f"{canary}-host",
                    "emea", "uk-sport-1", f"logs-{namespace}-1", f"{canary}-id1"),
            LogLine(ago(now, 4), "warn", "no namespace in this document", worker, f"{worker}-7c9d8b5f6d-0aaaa", index="logs-live-1"),
            LogLine(ago(now, 3), "info", "only a service", f"{canary}-db", index="logs-live-1", own_id="2"),
            LogLine(ago(now, 3), "info", f"kubelet: killing {canary}-db-0 of {namespace}", host="worker-1", index="logs-live-1"),
        ],
        operations=[
            OperationLine(id=f"op-{namespace}1", action="deployment.restart", target=target, state="interrupted", tier="medium",
                          by="mei", at=ago(now, 200), last_at=ago(now, 100), reason=f"{canary}-reason", incident="",
                          steps=(OperationStep(f"restart {target}", "done", f"{canary}-answer"),), done=1),
            OperationLine(id=f"op-{namespace}2", action="alert.acknowledge", target=f"alert:{canary}-f1", state="succeeded",
                          tier="low", by="ana", at=ago(now, 200), last_at=ago(now, 100), until=ago(now, -900), reason=f"{canary}-ack",
                          is_over=True),
        ],
    )  # fmt: skip


def of_no_namespace(namespaces: Iterable[str], now: Instant) -> World:
    """Channels, nodes and the rest; they name what lies in these namespaces wherever real ones would."""
    said = " and ".join(f"canary-{each}-packager-7c9d8b5f6d-0aaaa" for each in namespaces)
    world = World(
        nodes=[Node(CLUSTER, "worker-1", "w1", None, False, ago(now, 9e6), pressures=("MemoryPressure",))],
        gauges=[Gauge(GaugeSpec("egress lhr", "u", "t", "bit/s"), None, None, now.utc, f"execution: {said}")],
        sources=[
            SourceStatus(
                f"kubernetes.{CLUSTER}.pods", "kubernetes", State.ERROR, 1.0,
                Failure(FailureKind.UNAUTHORIZED, f"list pods in {' '.join(namespaces)}", "kubernetes https://10.0.0.1", f"403 {said}"),
                Cost(requests=3, errors=1), note=f"watching from {said}",
            )
        ],
        errors={f"{CLUSTER} events": Failure(FailureKind.UNAUTHORIZED, "list", "kubernetes x", said)},
        operations=[
            OperationLine(
                id="op-node", action="node.drain", target=f"node:{CLUSTER}/worker-1", state="interrupted", tier="high", by="mei",
                at=ago(now, 90), last_at=ago(now, 30), reason=f"moves {said}", ending=f"timed out on {said}", progress=said,
                steps=tuple(
                    OperationStep(f"evict kube:{CLUSTER}/{each}/pod/canary-{each}-db-0", "unknown", f"409 {said}") for each in namespaces
                ),
            ),
            OperationLine(id="op-silence", action="alert.silence", target="silence:9f3c", state="succeeded", tier="low", by="mei",
                          at=ago(now, 90), last_at=ago(now, 30), reason=f"quiet {said}", is_over=True),
        ],
        alerts=[alert("f-plain", now, "warning", channel="uk-sport-1")],
        lines=[LogLine(ago(now, 2), "info", "a line of a bare host", "bare", host="bare-1", index="logs-live-1", own_id="9")],
    )  # fmt: skip
    for number, namespace in enumerate(namespaces):
        name = ("uk-sport-1", "fr-news-1", "de-cine-1")[number % 3]
        worker = f"canary-{namespace}-packager"
        world.channels.append(
            Channel(
                name, (Vantage("origin", Layer.ORIGIN, f"http://{worker}.{namespace}.svc:8080/{name}.m3u8", service=worker),
                       Vantage("edge-lhr", Layer.EDGE, f"http://edge-lhr/{name}.m3u8", pop="lhr", service="edge-lhr")),
                services={"package": worker, "origin": worker}, region="emea", tier=1,
            )
        )  # fmt: skip
        world.findings.append(
            Finding(
                "STALE", name, "1080p", Layer.PACKAGE, None, Severity.CRIT, f"1080p stale: {worker}-7c9d8b5f6d-0aaaa stands still",
                ago(now, 64), now.utc,
                {"vantages": ["origin", "edge-lhr"], "age_s": 64.0, "served by": f"{worker}-gone-pod", "headers": [f"via: {said}"]},
            )
        )  # fmt: skip
        world.metrics[name] = ChannelMetrics(
            viewers=1000.0,
            signals=Signals(node=f"{worker}-7c9d8b5f6d-0aaaa", fps=25.0, notes={"fps": f"worst of 2: {said}"}),
        )
    return world


def together(*worlds: World) -> World:
    """All of them in one."""
    whole = World()
    for world in worlds:
        for field in ("pods", "deployments", "events", "nodes", "alerts", "channels", "findings", "lines", "operations", "gauges",
                      "sources"):
            setattr(whole, field, [*getattr(whole, field), *getattr(world, field)])
        whole.metrics = {**whole.metrics, **world.metrics}
        whole.errors = {**whole.errors, **world.errors}
    whole.lines.sort(key=lambda line: line.at)
    return whole


def canaries(now: Instant) -> World:
    """Two namespaces full of canaries, and what has none."""
    return together(of_namespace("vod", now), of_namespace("live", now), of_no_namespace(("vod", "live"), now))
