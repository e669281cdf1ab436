"""What breaks, when, and for how long.

A scenario is a sequence of fault kinds with calm between them. Occurrences are computed from the clock
instead of being scheduled, so the n-th fault of an endless `cycle` costs the same as the first and no
process has to stay up to remember it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from console.demo.world.names import (
    CHANNELS,
    DEPLOYMENT,
    EDGES,
    ORIGIN,
    RENDITIONS,
    TARGET_DURATION_S,
    VANTAGES,
    node_name,
)

START_AFTER_S = 20.0
DURATION_S = 180.0
GAP_S = 60.0
ALERT_AFTER_S = 20.0
"""How long a fault must last before the alert rule's `for:` lets its alert fire."""
NODE_GRACE_S = 40.0
"""node-monitor-grace-period: how long a node may be silent before it is held for lost."""
GONE_S = 14.0
GONE_EVERY_S = 36.0
"""About: the spells of `encoder-flap` are spread so that the last of them ends with the fault."""
SLOW_RATIO = 1.5
"""Of its own duration, that a segment takes to be delivered in `cdn-slow`."""
SLOW_S = SLOW_RATIO * TARGET_DURATION_S


class FaultKind(msgspec.Struct, frozen=True):
    """What is true of every occurrence of a fault."""

    kind: str
    cause: str
    """One sentence, as an engineer would write it into the incident's timeline."""
    layer: str
    entities: tuple[str, ...]
    """Channels, or the name of the backend that is gone."""
    renditions: tuple[str, ...]
    vantages: tuple[str, ...]
    codes: tuple[str, ...]
    service: str | None = None
    bad_version: str | None = None
    alert: str | None = None
    node: str | None = None
    """The Kubernetes node that is gone."""
    alert_after_s: float = ALERT_AFTER_S
    aside: tuple[tuple[str, str], ...] = ()
    """(entity, layer) of what suffers from it and is not what broke: told in the truth without a code."""


EDGE_STALE = FaultKind(
    kind="edge-stale",
    cause="The shield in front of edge-lhr, edge-syd and edge-nrt pins one copy of uk-sport-1 1080p.",
    layer="edge",
    entities=("uk-sport-1",),
    renditions=("1080p",),
    vantages=tuple(edge.name for edge in EDGES if edge.pop != "iad"),
    codes=("STALE",),
    alert="EdgeStale",
)
BAD_DEPLOY = FaultKind(
    kind="bad-deploy",
    cause="packager-emea was rolled out to 3.8.2, which crash-loops and publishes nothing.",
    layer="package",
    entities=tuple(channel.name for channel in CHANNELS if channel.region == "emea"),
    renditions=RENDITIONS,
    vantages=tuple(vantage.name for vantage in VANTAGES),
    codes=("STALE",),
    service="packager-emea",
    bad_version="3.8.2",
    alert="PackagerPublishLate",
)
BACKEND_DOWN = FaultKind(
    kind="backend-down",
    cause="Elasticsearch closed its port.",
    layer="source",
    entities=("elasticsearch",),
    renditions=(),
    vantages=(),
    codes=(),
)
ENCODER_FLAP = FaultKind(
    kind="encoder-flap",
    cause="The contribution encoder of in-cricket-1 loses its connection again and again, for 14 s each time.",
    layer="ingest",
    entities=("in-cricket-1",),
    renditions=RENDITIONS,
    vantages=tuple(vantage.name for vantage in VANTAGES),
    codes=("STALE",),
    alert="IngestUnstable",
)
_SLOW_POPS = ("syd", "nrt")
CDN_SLOW = FaultKind(
    kind="cdn-slow",
    cause="The parent caches that fill edge-syd and edge-nrt keep 1080p of the channels watched there on a failing disk: "
    "its segments are sent slower than they play.",
    layer="edge",
    entities=tuple(c.name for c in CHANNELS if any(pop in _SLOW_POPS for pop, _ in c.pops)),
    renditions=("1080p",),
    vantages=tuple(edge.name for edge in EDGES if edge.pop in _SLOW_POPS),
    codes=("SEG_SLOW",),
    alert="EdgeSlow",
)
_LOST_NODE = node_name(DEPLOYMENT["packager-emea"], 0)
NODE_LOST = FaultKind(
    kind="node-lost",
    cause=f"The switch port of {_LOST_NODE} died: its kubelet is not heard, and what runs on it reaches nobody.",
    layer="package",
    entities=tuple(
        c.name for c in CHANNELS if c.region == "emea" and node_name(DEPLOYMENT[c.packager], c.index) == _LOST_NODE
    ),
    renditions=RENDITIONS,
    vantages=tuple(vantage.name for vantage in VANTAGES),
    codes=("STALE",),
    alert="KubeNodeNotReady",
    node=_LOST_NODE,
    alert_after_s=NODE_GRACE_S + 15.0,
)
STORMING = "entitlement-api"
LOG_STORM = FaultKind(
    kind="log-storm",
    cause=f"{STORMING} has no free connection to its database and asks again at once, with a line each time: 800 "
    "error lines a second, more than Elasticsearch takes; logs come late.",
    layer="drm",
    entities=(STORMING,),
    renditions=(),
    vantages=(),
    codes=(),
    alert="EntitlementPoolExhausted",
    aside=(("elasticsearch", "source"),),
)
CROWDED_CHANNEL, CROWDED_POP, DOOR = "au-footy-1", "syd", "session-api"
CAPACITY_CRUNCH = FaultKind(
    kind="capacity-crunch",
    cause=f"The last quarter of the grand final on {CROWDED_CHANNEL}: edge-{CROWDED_POP} sends nearly all it can, and "
    f"{DOOR}, at its autoscaler's maximum, turns new viewers away to protect those who are in.",
    layer="edge",
    entities=(f"edge-{CROWDED_POP}",),
    renditions=(),
    vantages=(f"edge-{CROWDED_POP}",),
    codes=(),
    alert="EdgeEgressNearCapacity",
    alert_after_s=75.0,
    aside=((DOOR, "edge"),),
)
KINDS = {
    kind.kind: kind
    for kind in (
        EDGE_STALE, BAD_DEPLOY, BACKEND_DOWN, ENCODER_FLAP, CDN_SLOW, NODE_LOST, LOG_STORM, CAPACITY_CRUNCH
    )
}

SCENARIOS: dict[str, tuple[str, ...]] = {
    "calm": (),
    "edge-stale": ("edge-stale",),
    "bad-deploy": ("bad-deploy",),
    "backend-down": ("backend-down",),
    "encoder-flap": ("encoder-flap",),
    "cdn-slow": ("cdn-slow",),
    "node-lost": ("node-lost",),
    "log-storm": ("log-storm",),
    "capacity-crunch": ("capacity-crunch",),
    "cycle": (
        "edge-stale", "bad-deploy", "backend-down", "encoder-flap", "cdn-slow", "node-lost", "log-storm", "capacity-crunch"
    ),
}
ENDLESS = frozenset({"cycle"})


class Fault(msgspec.Struct, frozen=True):
    """One occurrence: active while start <= t < end. `number` counts from 0 within its kind."""

    kind: str
    start: datetime
    end: datetime
    cause: str
    layer: str
    entities: tuple[str, ...]
    renditions: tuple[str, ...]
    vantages: tuple[str, ...]
    codes: tuple[str, ...]
    number: int = 0
    service: str | None = None
    bad_version: str | None = None
    alert: str | None = None
    node: str | None = None
    alert_after_s: float = ALERT_AFTER_S
    aside: tuple[tuple[str, str], ...] = ()

    @property
    def alert_at(self) -> datetime:
        """When its alert fires, if it has one and the fault lasts that long."""
        return self.start + timedelta(seconds=self.alert_after_s)

    @property
    def lasts_s(self) -> float:
        return (self.end - self.start).total_seconds()

    def touches(self, channel: str, rendition: str, vantage: str) -> bool:
        return channel in self.entities and rendition in self.renditions and vantage in self.vantages

    @property
    def interrupts(self) -> bool:
        """Whether it keeps a channel from being published at all, and so at the origin."""
        return "STALE" in self.codes and ORIGIN.name in self.vantages

    def spells(self) -> tuple[tuple[datetime, datetime], ...]:
        """[from, until) in which its cause is at work: all of it, but for an encoder that comes and goes."""
        if self.kind != ENCODER_FLAP.kind:
            return ((self.start, self.end),)
        again = int((self.lasts_s - GONE_S) // GONE_EVERY_S) if self.lasts_s > GONE_S else 0
        if again == 0:
            return ((self.start, self.end),)
        every = timedelta(seconds=(self.lasts_s - GONE_S) / again)
        begins = [self.start + n * every for n in range(again + 1)]
        return tuple((begin, begin + timedelta(seconds=GONE_S)) for begin in begins)


class Schedule(msgspec.Struct, frozen=True):
    """When the kinds of a scenario occur, in seconds after `World.start`."""

    kinds: tuple[str, ...]
    endless: bool
    start_after_s: float = START_AFTER_S
    duration_s: float = DURATION_S
    gap_s: float = GAP_S

    @property
    def period_s(self) -> float:
        """From one occurrence of a kind to its next, when endless."""
        return len(self.kinds) * (self.duration_s + self.gap_s)

    def first_s(self, kind: str) -> float | None:
        """Start of the first occurrence, or None when the kind has no part in the scenario."""
        if kind not in self.kinds:
            return None
        return self.start_after_s + self.kinds.index(kind) * (self.duration_s + self.gap_s)

    def begun(self, kind: str, elapsed_s: float) -> int:
        """How many occurrences have started by then."""
        first = self.first_s(kind)
        if first is None or elapsed_s < first:
            return 0
        return 1 + int((elapsed_s - first) // self.period_s) if self.endless else 1


def schedule(scenario: str, start_after_s: float = START_AFTER_S, duration_s: float = DURATION_S,
             gap_s: float = GAP_S) -> Schedule:
    """Raises ValueError naming the scenarios there are."""
    if scenario not in SCENARIOS:
        raise ValueError(f"no scenario {scenario!r}; there are {', '.join(SCENARIOS)}")
    return Schedule(SCENARIOS[scenario], scenario in ENDLESS, start_after_s, duration_s, gap_s)
