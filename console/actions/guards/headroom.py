"""Is what stays enough for the load?

`ratio_after = load / (total x remaining share)`, for each gauge that counts, must stay at or below `1 / limits.headroom`
(1.2: 83 %). The load is the gauge's `used` now, or the 95th percentile of its last quarter of an hour if that is more. The
remaining share is, of the ready pods of the affected service in the same place (region, else zone), the part that is up at
the worst moment of the action. Which gauges count, by the words of their name and of their queries:

- those *of the service*: they name it (`origin connections`), or its name without the place and the place
  (`transcoder slots apac` for transcoder-apac), or a PoP that its vantages serve (`egress lhr` for edge-lhr). Over the limit
  they refuse.
- those *of the place* only (`egress apac`), where a service has none of its own. How much of them the action takes is not
  known; taking the service's share for it, over the limit they ask for the highest tier.
- a gauge that names any other place never counts: capacity elsewhere is not capacity here.

No gauge, no number, NaN or an old reading is "not known": the highest tier. Shifted traffic brings its own expectation
(`survey.load_after`), which is held against the same limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite

import msgspec

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards.removal import Share, by_region, everywhere, shares
from console.actions.guards.trust import PODS, doubt, unread
from console.actions.guards.words import listed, percent
from console.actions.target import TargetKind
from console.actions.verdict import Stand, Verdict
from console.model.metric import Gauge

_SHIFTS = (TargetKind.HAPROXY, TargetKind.SWITCH)


def check(case: Case) -> Verdict:
    most = 1 / case.policy.limits.headroom
    if case.survey.load_after or case.target.kind in _SHIFTS:
        return _shifted(case, most)
    if case.target.cluster and (why := unread(case.survey, PODS)):
        return _unknown(f"which pods go could not be read: {why}")
    places = Places(case)
    taken = [share for share in shares(case, places.of) if share.down]
    if not taken:
        return Verdict("headroom", Stand.PASS, "takes no ready pod away")
    if why := doubt(case.scene.capacity, case.scene.now, case.policy.limits.max_age_s):
        return _unknown(f"capacity gauges are {why}: not known what stays")
    return _judged(case, places, taken, most)


class Weighed(msgspec.Struct, frozen=True):
    """One gauge with what the action leaves of it. `after` is None where a number is missing."""

    gauge: Gauge
    share: Share
    is_own: bool  # of the service, not only of the place
    before: float | None
    after: float | None

    def told(self) -> str:
        name, share = self.gauge.spec.name, self.share
        if self.before is None or self.after is None:
            return f"{name} has no number ({self.gauge.missing or 'no data'})"
        down = f"{share.down} of {share.ready} {share.service} are down"
        after = percent(self.after) if isfinite(self.after) else "nothing left to carry it"
        return f"{name} {percent(self.before)} → {after} while {down}"


def _judged(case: Case, places: Places, taken: list[Share], most: float) -> Verdict:
    whole = {share.service: share for share in shares(case, everywhere)}
    weighed: list[Weighed] = []
    without: list[str] = []
    assert case.scene.capacity is not None and case.scene.capacity.value is not None
    for share in taken:
        found = list(_weighed(case.scene.capacity.value.gauges, share, whole[share.service], places))
        own = [each for each in found if each.is_own]
        weighed += own or found
        if not found:
            without.append(share.name)
    over = [each for each in weighed if each.after is not None and each.after > most]
    if any(each.is_own for each in over):
        told = listed(dict.fromkeys(each.told() for each in over if each.is_own))
        return Verdict("headroom", Stand.REFUSE, f"{told}; at most {percent(most)}")
    missing = [each for each in weighed if each.after is None]
    if over or missing:
        return _unknown(listed(dict.fromkeys(each.told() for each in (*over, *missing))))
    if without:
        return _unknown(f"no gauge tells what {listed(without)} can carry")
    worst = max(weighed, key=lambda each: each.after or 0.0)
    return Verdict("headroom", Stand.PASS, worst.told())


def _weighed(gauges: Iterable[Gauge], share: Share, whole: Share, places: Places) -> Iterable[Weighed]:
    own_places = places.around(share)
    for gauge in gauges:
        words = f"{gauge.spec.name} {gauge.spec.used} {gauge.spec.total or ''}"
        if any(_names(words, place) for place in places.every - own_places):
            continue
        is_placed = any(_names(words, place) for place in own_places)
        is_own = _names(words, share.service) or any(_names(words, pop) for pop in places.pops.get(share.service, ()))
        is_own = is_own or (is_placed and _names(words, _stem(share.service, own_places)))
        if not is_own and not is_placed:
            continue
        counted = share if is_placed else whole
        load = _load(gauge)
        after = None if load is None else load / counted.ratio if counted.ratio > 0 else float("inf")
        yield Weighed(gauge, counted, is_own, load, after)


def _load(gauge: Gauge) -> float | None:
    """Used over total: now, or at the 95th percentile of the last quarter of an hour, whichever is more."""
    now = gauge.ratio
    if now is None or not isfinite(now) or now < 0:
        return None
    seen = sorted(value for value in gauge.trend if isfinite(value))
    return max(now, seen[min(len(seen) - 1, int(len(seen) * 0.95))]) if seen else now


class Places:
    """Where pods are, and by which names gauges may call that."""

    def __init__(self, case: Case) -> None:
        workloads = case.scene.workloads.value if case.scene.workloads is not None else None
        self.of = by_region(case)
        streams = case.scene.streams.value if case.scene.streams is not None else None
        channels = tuple(streams.channels.values()) if streams is not None else ()
        self.pops: dict[str, set[str]] = {}  # service -> the PoPs that its vantages serve
        every = {channel.region for channel in channels}
        for channel in channels:
            for vantage in channel.vantages:
                every.add(vantage.pop)
                if vantage.service and vantage.pop:
                    self.pops.setdefault(vantage.service, set()).add(vantage.pop)
        if workloads is not None:
            every |= {node.region for node in workloads.nodes.values()}
            every |= {deployment.region for deployment in workloads.deployments.values()}
        self._zones: dict[str, set[str]] = {}  # place -> its zones
        for pod in (*case.survey.affected, *case.survey.around):
            every |= {pod.zone, self.of(pod)}
            self._zones.setdefault(self.of(pod), set()).add(pod.zone)
        self.every = frozenset(name for name in every if name)

    def around(self, share: Share) -> frozenset[str]:
        """All names of the place of a share: region, zones, and the PoPs of its service."""
        names = {share.place, *self._zones.get(share.place, ()), *self.pops.get(share.service, ())}
        return frozenset(name for name in names if name)


def _stem(service: str, places: frozenset[str]) -> str:
    """`transcoder` of transcoder-apac."""
    for place in places:
        for end in (f"-{place}", f"_{place}"):
            if service.endswith(end):
                return service.removesuffix(end)
    return service


def _names(words: str, name: str) -> bool:
    """Whether a text holds a name as a word of its own; `apac` is not named by `packager-apac`."""
    return bool(name) and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", words, re.IGNORECASE) is not None


def _shifted(case: Case, most: float) -> Verdict:
    load = case.survey.load_after
    if not load:
        return _unknown("what load the others get is not known")
    over = [f"{name} would run at {percent(ratio)}" for name, ratio in load if ratio > most]
    if over and case.undoes:  # the way back after a halt must not be barred by what made it halt
        return _unknown(f"{listed(over)}, as before what this takes back")
    if over:
        return Verdict("headroom", Stand.REFUSE, f"{listed(over)}; at most {percent(most)}")
    unknown = [name for name, ratio in load if not isfinite(ratio) or ratio < 0]
    if unknown:
        return _unknown(f"what load {listed(unknown)} would get is not known")
    name, ratio = max(load, key=lambda each: each[1])
    return Verdict("headroom", Stand.PASS, f"{name} at {percent(ratio)} at most")


def _unknown(reason: str) -> Verdict:
    return Verdict("headroom", Stand.NOTE, reason, at_least=Tier.HIGH)
