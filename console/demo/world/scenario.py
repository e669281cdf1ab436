"""What breaks, when, and for how long.

A scenario is a sequence of fault kinds with calm between them. Occurrences are computed from the clock
instead of being scheduled, so the n-th fault of an endless `cycle` costs the same as the first and no
process has to stay up to remember it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from console.demo.world.names import CHANNELS, EDGES, RENDITIONS, VANTAGES

START_AFTER_S = 20.0
DURATION_S = 180.0
GAP_S = 60.0
ALERT_AFTER_S = 20.0
"""How long a fault must last before the alert rule's `for:` lets its alert fire."""


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
KINDS = {kind.kind: kind for kind in (EDGE_STALE, BAD_DEPLOY, BACKEND_DOWN)}

SCENARIOS: dict[str, tuple[str, ...]] = {
    "calm": (),
    "edge-stale": ("edge-stale",),
    "bad-deploy": ("bad-deploy",),
    "backend-down": ("backend-down",),
    "cycle": ("edge-stale", "bad-deploy", "backend-down"),
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

    @property
    def alert_at(self) -> datetime:
        """When its alert fires, if it has one and the fault lasts that long."""
        return self.start + timedelta(seconds=ALERT_AFTER_S)

    @property
    def lasts_s(self) -> float:
        return (self.end - self.start).total_seconds()

    def touches(self, channel: str, rendition: str, vantage: str) -> bool:
        return channel in self.entities and rendition in self.renditions and vantage in self.vantages


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
