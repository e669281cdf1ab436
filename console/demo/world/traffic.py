"""Where the viewers are sent: a property's weights over its CDNs, and what each CDN then carries.

The one thing in this room that remembers: the weights are written to by the CDN API. Everything else stays a
function of time, because a change only ever touches what comes after it. Until the first change a counter is the
closed integral of its curve, as everywhere in the world; from then on it is summed in steps, since a share that
moves times a load that is cut off at a capacity has no closed form.

`own` is the CDN of the edges that the world already has: at its default share the edges carry exactly what the
world says. Moving weight to it loads those very edges.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from console.demo.world.world import World

PROPERTIES = ("live",)
CDNS = ("own", "cdn-a", "cdn-b", "cdn-c")
CODES = ("200", "304", "404", "503")
DEFAULT: dict[str, float] = {"own": 30.0, "cdn-a": 30.0, "cdn-b": 25.0, "cdn-c": 15.0}
TTL_S = 10.0
"""A resolver keeps an answer this long: after a change the viewers move over as their answers run out."""
_SIZE = {"own": 1.0, "cdn-a": 1.0, "cdn-b": 0.85, "cdn-c": 0.5}
"""Capacity at a POP, of the own edge's there. Each CDN carries its default share with ease, at the top of the daily
wave too, and all of the viewers not even at its bottom."""
_STEP_S = 1.0
_CALM_STEP_S = 30.0
MAX_NODES = 8192
"""Of one counter, about 3 days of calm."""
MAX_CHANGES = 5_000
"""Of one property; older ones are forgotten, but for the first, which says when it all began."""


class Change(msgspec.Struct, frozen=True):
    """`shares` is what was in force at `at`, `target` what it moves to within TTL_S; each sums to 1, or is all 0
    when every weight was."""

    at: float
    weights: dict[str, float]
    shares: dict[str, float]
    target: dict[str, float]


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {cdn: (weights[cdn] / total if total > 0 else 0.0) for cdn in weights}


class Steps(Protocol):
    """Where a sum has its nodes."""

    @property
    def since(self) -> float | None:
        """Unix time of the first change; None before there is one."""
        ...

    def following(self, at: float) -> float:
        """The node after `at`, never past a change."""
        ...


class Meter:
    """A counter: closed until the first change, then summed by the midpoints of its rate.

    `closed(t)` and `rate(t)` take a datetime; `rate` is per second and never below 0. Nodes are only ever kept
    for moments that were asked for, so that a change made later finds nothing after it.
    """

    __slots__ = ("_closed", "_nodes", "_rate", "_steps", "_times")

    def __init__(self, steps: Steps, closed: Callable[[datetime], float], rate: Callable[[datetime], float]) -> None:
        self._steps = steps
        self._closed = closed
        self._rate = rate
        self._times: list[float] = []
        self._nodes: list[float] = []

    def value(self, t: datetime) -> float:
        since, until = self._steps.since, t.timestamp()
        if since is None or until <= since:
            return self._closed(t)
        if not self._times:
            self._times, self._nodes = [since], [self._closed(_moment(since))]
        while (following := self._steps.following(self._times[-1])) <= until:
            self._nodes.append(self._nodes[-1] + self._area(self._times[-1], following))
            self._times.append(following)
            if len(self._times) > MAX_NODES:
                self._thin()
        index = bisect_right(self._times, until) - 1
        return self._nodes[index] + self._area(self._times[index], until)

    def _thin(self) -> None:
        """The older half is told half as finely, so that a platform may run for weeks."""
        old = MAX_NODES // 2
        self._times = self._times[:old:2] + self._times[old:]
        self._nodes = self._nodes[:old:2] + self._nodes[old:]

    def _area(self, a: float, b: float) -> float:
        return self._rate(_moment((a + b) / 2)) * (b - a) if b > a else 0.0


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


class Traffic:
    """The steering of all properties (there is one, `live`) and the load it makes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._weights = dict(DEFAULT)
        self._changes: list[Change] = []
        self._default = shares(DEFAULT)
        self._meters: dict[tuple[str, ...], Meter] = {}

    # Steering

    def weights(self) -> dict[str, float]:
        """As they were last set, which is not yet where the viewers are."""
        return dict(self._weights)

    def weights_at(self, t: datetime) -> dict[str, float]:
        now = t.timestamp()
        return next((c.weights for c in reversed(self._changes) if c.at <= now), DEFAULT)

    def set(self, weights: Mapping[str, float], t: datetime) -> None:
        """`weights` names CDNS and nothing else, none below 0."""
        self._changes.append(Change(t.timestamp(), dict(weights), self.shares(t), shares(weights)))
        self._weights = dict(weights)
        if len(self._changes) > MAX_CHANGES:
            del self._changes[1]

    @property
    def since(self) -> float | None:
        """When it was first changed."""
        return self._changes[0].at if self._changes else None

    def following(self, at: float) -> float:
        """The node after `at`: near while viewers are on the move, and never past a change."""
        last = max((c.at for c in reversed(self._changes) if c.at <= at), default=at)
        step = _STEP_S if at < last + TTL_S else _CALM_STEP_S
        return min([at + step, *(change.at for change in self._changes if change.at > at)])

    def shares(self, t: datetime) -> dict[str, float]:
        """Of the viewers, where they are at `t`."""
        now = t.timestamp()
        for change in reversed(self._changes):
            if change.at <= now:
                moved = min(1.0, (now - change.at) / TTL_S)
                return {cdn: (1 - moved) * change.shares[cdn] + moved * change.target[cdn] for cdn in CDNS}
        return self._default

    # Load

    def capacity_bps(self, cdn: str, pop: str) -> float:
        return self.world.edge_capacity_bps(pop) * _SIZE[cdn]

    def _of_own(self, cdn: str, t: datetime) -> float:
        """The share, in default shares of `own`: what the world's own curves are to be multiplied by."""
        return self.shares(t)[cdn] / self._default["own"]

    def demand_bps(self, cdn: str, pop: str, t: datetime) -> float:
        """What its viewers ask for, whether it can carry it or not."""
        return self.world.edge_egress_bps(pop, t) * self._of_own(cdn, t)

    def egress_bps(self, cdn: str, pop: str, t: datetime) -> float:
        return min(self.demand_bps(cdn, pop, t), self.capacity_bps(cdn, pop))

    def requests_per_s(self, cdn: str, pop: str, code: str, t: datetime) -> float:
        """What finds no room is answered with 503."""
        rates = {one: self.world.edge_requests_per_s(pop, one, t) * self._of_own(cdn, t)
                 for one in (CODES if code == "503" else (code,))}
        demand = self.demand_bps(cdn, pop, t)
        served = min(1.0, self.capacity_bps(cdn, pop) / demand) if demand > 0 else 1.0
        if code != "503":
            return rates[code] * served
        return rates["503"] + (1 - served) * (sum(rates.values()) - rates["503"])

    # Counters

    def bytes_total(self, cdn: str, pop: str, t: datetime) -> float:
        """8 * rate() of it is `egress_bps`."""
        world, share = self.world, self._default[cdn] / self._default["own"]

        def closed(at: datetime) -> float:
            return world.edge_bytes_total(pop, at) * share

        return float(round(self._meter(("bytes", cdn, pop), closed,
                                       lambda at: self.egress_bps(cdn, pop, at) / 8).value(t)))

    def requests_total(self, cdn: str, pop: str, code: str, t: datetime) -> float:
        world, share = self.world, self._default[cdn] / self._default["own"]

        def closed(at: datetime) -> float:
            return world.edge_requests_total(pop, code, at) * share

        return float(round(self._meter(("requests", cdn, pop, code), closed,
                                       lambda at: self.requests_per_s(cdn, pop, code, at)).value(t)))

    def _meter(self, name: tuple[str, ...], closed: Callable[[datetime], float],
               rate: Callable[[datetime], float]) -> Meter:
        known = self._meters.get(name)
        if known is None:
            known = self._meters[name] = Meter(self, closed, rate)
        return known
