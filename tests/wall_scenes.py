"""What the feeds say in a moment of each scenario of the demo, for the wall: twelve channels, four figures, eight gauges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from console.feeds.figures import FIGURES
from console.model.failure import Failure, FailureKind
from console.model.figure import Better, Figure, Figures, FigureSpec
from console.model.finding import ChannelVerdict, Finding
from console.model.incident import EntryKind, Incident, TimelineEntry
from console.model.instant import Clock
from console.model.joined import Streams, Workloads
from console.model.metric import Capacity, ChannelMetrics, Gauge, GaugeSpec
from console.model.operation import Operations
from console.model.severity import Layer, Mark, Severity, State
from tests import scene as scenes
from tests.scene import RENDITIONS, Scene, SetFeed, back, live

VIEWERS = {
    "in-cricket-1": ("apac", 941e3), "us-sport-1": ("amer", 586e3), "uk-sport-1": ("emea", 388e3), "br-futbol-1": ("amer", 331e3),
    "au-footy-1": ("apac", 153e3), "us-news-1": ("amer", 132e3), "kr-drama-1": ("apac", 103e3), "uk-news-1": ("emea", 82e3),
    "jp-music-1": ("apac", 66e3), "fr-news-1": ("emea", 54e3), "syd-news-2": ("apac", 42e3), "de-cine-1": ("emea", 36e3),
}  # fmt: skip
GAUGES = {
    "egress lhr": 0.71, "egress syd": 0.58, "egress nrt": 0.52, "egress iad": 0.67, "transcoder slots emea": 0.66,
    "origin connections": 0.44, "session-api lb-1": 0.41, "redis memory": 0.38,
}  # fmt: skip
REFUSED = Failure(
    kind=FailureKind.UNREACHABLE, tried="search", on="elasticsearch http://127.0.0.1:9200", got="connection refused",
    hint="is it up? midwatch doctor",
)  # fmt: skip


class WallScene(Scene):
    """Calm, until something is said to be otherwise."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        now = self.clock.now()
        self.feeds[FIGURES] = SetFeed(FIGURES, live(figures(), now))
        self.hub.add(self.feeds[FIGURES])
        self.say("incidents", ())
        self.say("actions", Operations(lines=()))
        self.say("capacity", capacity())
        self.say("workloads", calm_workloads(self))
        self.say("streams", calm_streams())

    def say(self, feed: str, value: Any) -> None:
        self.feeds[feed].set(live(value, self.clock.now()))

    def value(self, feed: str) -> Any:
        return self.feeds[feed].topic.reading.value

    def fault(self, names: tuple[str, ...], reason: str, layer: Layer, severity: Severity = Severity.CRIT, **said: Any) -> None:
        """These channels have this finding for 64 s; a reason of a rendition is told of each rendition it names."""
        now, streams = self.clock.now(), self.value("streams")
        verdicts = dict(streams.verdicts)
        for name in names:
            first, second = back(now, 64), now.utc
            finding = Finding(said.get("code", "STALE"), name, said.get("rendition"), layer, None, severity, reason, first, second)
            verdicts[name] = msgspec.structs.replace(
                verdicts[name], severity=severity, findings=(finding,), reason=reason, mark=said.get("mark", Mark.NONE),
                renditions_ok=0 if severity is Severity.CRIT else 4,
            )  # fmt: skip
        self.say("streams", msgspec.structs.replace(streams, verdicts=verdicts))

    def open(self, id: str, title: str, *, alert: str = "", rollout: str = "", severity: Severity = Severity.CRIT) -> None:
        """An incident, a minute old."""
        now = self.clock.now()
        entries = [TimelineEntry(back(now, 60), EntryKind.FINDING, severity, title, "x")]
        if rollout:
            entries.insert(0, TimelineEntry(back(now, 95), EntryKind.ROLLOUT, Severity.OK, f"{rollout} rolled out", rollout.split()[0]))
        if alert:
            entries.append(TimelineEntry(back(now, 40), EntryKind.ALERT, severity, alert, "x"))
        opened = Incident(
            id=id, title=title, severity=severity, opened_at=back(now, 60), entities=(), layer=None, service=None,
            timeline=tuple(entries), before_it=f"{rollout} rolled out 02:12" if rollout else "",
        )  # fmt: skip
        self.say("incidents", (*self.value("incidents"), opened))


def calm_streams() -> Streams:
    channels, verdicts, metrics = {}, {}, {}
    for name, (region, viewers) in VIEWERS.items():
        channels[name] = scenes.Channel(name=name, vantages=(), region=region, tier=1 if "sport" in name else 2)
        verdicts[name] = ChannelVerdict(
            channel=name, severity=Severity.OK, watched_s=90, is_settled=True, target_duration_s=4.0, worst_age_over_t=0.9,
            latency_s=5.0, renditions_ok=5, renditions_expected=5, renditions=RENDITIONS, window_s=32.0,
        )  # fmt: skip
        metrics[name] = ChannelMetrics(viewers=viewers, ingest_bps=9e6, rebuffer_ratio=0.0045)
    return Streams(channels=channels, verdicts=verdicts, metrics=metrics, metrics_state=State.LIVE)


def calm_workloads(scene: Scene) -> Workloads:
    """Every pod is running, and nothing was changed today."""
    said: Workloads = scene.feeds["workloads"].topic.reading.value
    pods = {key: msgspec.structs.replace(pod, status="Running", ready=1, restarts=0) for key, pod in said.pods.items()}
    return msgspec.structs.replace(said, pods=pods, deployments={}, events={})


def capacity(**ratios: float | None) -> Capacity:
    """The gauges, some of them otherwise; blanks of a name are written as `_`."""
    said: dict[str, float | None] = {**GAUGES, **{name.replace("_", " "): ratio for name, ratio in ratios.items()}}
    gauges = tuple(
        Gauge(GaugeSpec(name, "u", "t", "bit/s"), None if ratio is None else ratio * 1e12, 1e12, None, "no data" if ratio is None else "")
        for name, ratio in said.items()
    )
    verdicts = {
        name: Severity.UNKNOWN if ratio is None
        else Severity.CRIT if ratio >= 0.92 else Severity.WARN if ratio >= 0.8 else Severity.OK
        for name, ratio in said.items()
    }  # fmt: skip
    return Capacity(gauges, verdicts)


def figures(rebuffer: float = 0.0045, failures: float = 0.0052, viewers: float = 2.9e6, egress: float = 12e12) -> Figures:
    def figure(name: str, unit: str, better: Better, now: float, was: float) -> Figure:
        return Figure(FigureSpec(name, "q", unit, better, 1.5, 3.0), now, was)

    told = (
        figure("viewers", "viewers", Better.NEITHER, viewers, 2.85e6),
        figure("egress", "bit/s", Better.NEITHER, egress, 11.9e12),
        figure("rebuffer", "ratio", Better.LOWER, rebuffer, 0.0045),
        figure("start failures", "ratio", Better.LOWER, failures, 0.0051),
    )
    verdicts = {
        each.name: Severity.CRIT if (each.ratio or 0) >= 3 else Severity.WARN if (each.ratio or 0) >= 1.5 else Severity.OK
        for each in told[2:]
    }
    return Figures(told, verdicts)


def calm(_: WallScene) -> None:
    """Nothing is wrong."""


def edge_stale(scene: WallScene) -> None:
    reason = "1080p stale at 3 of 4 edges (lhr, syd, nrt), origin fresh"
    scene.fault(("uk-sport-1",), reason, Layer.EDGE, rendition="1080p")
    scene.open("INC-af5c", f"uk-sport-1: {reason}", alert="EdgeStale: uk-sport-1 is stale at edge-lhr, edge-syd, edge-nrt")
    scene.say(FIGURES, figures(rebuffer=0.0071))


def bad_deploy(scene: WallScene) -> None:
    emea = tuple(name for name, (region, _) in VIEWERS.items() if region == "emea")
    scene.fault(emea, "all 5 renditions stale at the origin and all 4 edges", Layer.PACKAGE)
    scene.feeds["workloads"].set(live(scenes.workloads(scene.clock.now()), scene.clock.now()))
    scene.open("INC-7f3a", "packager-emea: STALE on 4 channels", alert="PackagerPublishLate", rollout="packager-emea 3.8.2")
    scene.say(FIGURES, figures(rebuffer=0.0154, failures=0.017))


def encoder_flap(scene: WallScene) -> None:
    reason = "all 5 renditions stale at the origin and all 4 edges"
    scene.fault(("in-cricket-1",), reason, Layer.INGEST, mark=Mark.FLAPPING)
    scene.open("INC-11d0", "in-cricket-1: contribution lost 3 times", alert="IngestUnstable: in-cricket-1 came back 3 times")


def cdn_slow(scene: WallScene) -> None:
    slow = (*(name for name, (region, _) in VIEWERS.items() if region == "apac"), "uk-sport-1")
    scene.fault(slow, "1080p SEG_SLOW at 2 of 4 edges (syd, nrt), origin fresh", Layer.EDGE, Severity.WARN, code="SEG_SLOW")
    title = "EdgeSlow: edge-syd, edge-nrt of CDN own send segments slower than they play"
    scene.open("INC-84db", title, alert=title)
    scene.say(FIGURES, figures(rebuffer=0.0112, failures=0.008))


def node_lost(scene: WallScene) -> None:
    lost = ("uk-sport-1", "uk-news-1")
    scene.fault(lost, "all 5 renditions stale at the origin and all 4 edges", Layer.PACKAGE)
    scene.open("INC-791a", "packager-emea: STALE on 2 channels", alert="KubeNodeNotReady: emea-node-08")


def backend_down(scene: WallScene) -> None:
    scene.fail("logs", REFUSED, keep=True)
    said = scene.value("sources")
    scene.say("sources", tuple(
        msgspec.structs.replace(each, state=State.ERROR, error=REFUSED, age_s=34.0) if each.kind == "elasticsearch" else each
        for each in said
    ))  # fmt: skip


def log_storm(scene: WallScene) -> None:
    title = "EntitlementPoolExhausted: entitlement-api has no free connection"
    scene.open("INC-02c9", title, alert="EntitlementPoolExhausted")
    scene.open("INC-5e1b", "LogShippersRejected: queue 97 % full", alert="LogShippersRejected", severity=Severity.WARN)
    scene.say(FIGURES, figures(failures=0.009))


def capacity_crunch(scene: WallScene) -> None:
    ratios: dict[str, float | None] = {"egress_syd": 0.965, "session-api_lb-1": 0.86}
    scene.say("capacity", capacity(**ratios))
    scene.open("INC-c0de", "EdgeEgressNearCapacity: edge-syd", alert="EdgeEgressNearCapacity: edge-syd")
    scene.say(FIGURES, figures(viewers=4.1e6, egress=17e12, failures=0.011))


SCENARIOS: dict[str, Callable[[WallScene], None]] = {
    "calm": calm, "edge-stale": edge_stale, "bad-deploy": bad_deploy, "encoder-flap": encoder_flap, "cdn-slow": cdn_slow,
    "node-lost": node_lost, "backend-down": backend_down, "log-storm": log_storm, "capacity-crunch": capacity_crunch,
}  # fmt: skip


def scene_of(name: str, clock: Clock | None = None) -> WallScene:
    scene = WallScene(clock)
    SCENARIOS[name](scene)
    return scene
