"""The course of events: which fault is at work when, and what was told to the world from outside.

Beside it stand the shapes that everything of the world is made of: waves, curves and their integrals over the faults.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from math import sin, tau

from msgspec import structs

from console.demo.world.curve import Curve, Mark, envelope, envelope_area
from console.demo.world.scenario import DURATION_S, GAP_S, KINDS, START_AFTER_S, Fault, schedule

DAY_S = 86400.0
PAST = timedelta(days=8)
"""How far back the world can be asked; counters are 0 before."""
OCCUPANTS = 64
"""Replacements of one place that are remembered, for log lines about the past."""
RESUMED = 64
"""Channels that were taken over from a lost node that are remembered."""
NODE_OUT_S = 76.0
"""About how long a channel is gone with its node: the grace of the node, the toleration of the packager's pod, and the
start of the next one. Only what an audience feels goes by it; when a channel is back, the cluster says (`resume`)."""


class Course:
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
            fault = self.last(mark.kind, t)
            if fault is not None:
                total += mark.added(fault.start.timestamp()) * self.impact(mark.kind, t, mark.rise_s, mark.fall_s)
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
                area += self._added_before(mark, begun - 1) * whole + mark.added(last.start.timestamp()) * part
                for kind, number in self._healed:
                    if kind == mark.kind and number < begun - 1:
                        less = _felt_s(kind, self._fault(kind, number).lasts_s)
                        added = mark.added(self._fault(kind, number).start.timestamp())
                        area += added * (envelope_area(less + fall, less, rise, fall) - whole)
        return area

    def _added_before(self, mark: Mark, number: int) -> float:
        """The heights of the faults before that number, summed."""
        if mark.beneath is None or number == 0:
            return mark.height * number
        return sum(mark.added(self._fault(mark.kind, one).start.timestamp()) for one in range(number))


def _felt_s(kind: str, lasts_s: float) -> float:
    """For how long of a fault its viewers feel it."""
    return min(lasts_s, NODE_OUT_S) if kind == "node-lost" else lasts_s
