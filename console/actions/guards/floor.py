"""What must stay up: of each service, in each zone from which pods are taken, at least one ready pod and the policy's share.

Ready pods of other zones never make up for it: they are there for the day on which this zone is gone, and their network is
not that of these viewers. One exception: a service that keeps a single pod per zone has its floor in the region. Its only pod
in a zone may go, at the highest tier, while the region keeps its share; else no node under such a service could be drained.
"""

from __future__ import annotations

from console.actions.audit.operation import Tier
from console.actions.case import Case
from console.actions.guards.removal import Share, by_region, by_zone, evicts, serves, service_of, shares
from console.actions.guards.trust import PODS, ZONES, unread
from console.actions.guards.words import listed, percent
from console.actions.verdict import Stand, Verdict


def check(case: Case) -> Verdict:
    if case.target.cluster and (why := unread(case.survey, PODS)):
        return Verdict("floor", Stand.REFUSE, f"which pods would stay could not be read: {why}")
    found = shares(case, by_zone)
    least = case.policy.limits.floor_ratio
    thin = _thin(case, found, least)
    broken = [_told(share, least) for share in found if _is_broken(share, least) and share not in thin]
    if broken:
        return Verdict("floor", Stand.REFUSE, listed(broken))
    if not found:
        return Verdict("floor", Stand.PASS, "takes no ready pod away")
    if why := unread(case.survey, ZONES):
        return Verdict("floor", Stand.NOTE, f"which zones the pods are in could not be read: {why}", at_least=Tier.HIGH)
    if dark := _dark(case, found):
        return Verdict("floor", Stand.NOTE, dark, at_least=Tier.HIGH)
    if thin:
        told = listed(f"takes the only ready pod of {share.name}" for share in thin)
        return Verdict("floor", Stand.NOTE, f"{told}; the rest of the region stays", at_least=Tier.HIGH)
    together = [share for share in found if evicts(case) and share.taken == share.ready > 1]
    if together:
        told = listed(
            f"all {share.ready} ready pods of {share.name} are taken, {share.down} at a time" for share in together
        )
        return Verdict("floor", Stand.NOTE, told, at_least=Tier.HIGH)
    worst = found[0]
    return Verdict("floor", Stand.PASS, f"{worst.left} of {worst.ready} ready pods of {worst.name} stay")


def _is_broken(share: Share, least: float) -> bool:
    return share.down > 0 and (share.left < 1 or share.ratio < least)


def _thin(case: Case, found: tuple[Share, ...], least: float) -> tuple[Share, ...]:
    """Single pods of a zone that may go, because their service stays in the other zones of the region. Where the region is
    not known the zone stands for it, and nothing stays there.
    """
    region = by_region(case)
    regions = {(share.service, share.place): share for share in shares(case, region)}
    home = {(service_of(pod), pod.zone): region(pod) for pod in case.survey.affected if serves(pod)}
    return tuple(
        share
        for share in found
        if share.ready == share.down == 1
        and not _is_broken(regions[share.service, home[share.service, share.place]], least)
    )


def _told(share: Share, least: float) -> str:
    if share.left < 1:
        which = "the last ready pod" if share.ready == 1 else f"all {share.ready} ready pods"
        return f"takes {which} of {share.name}"
    left = f"{share.left} of {share.ready} ready pods of {share.name} ({percent(share.ratio)})"
    return f"leaves {left}; {percent(least)} must stay"


def _dark(case: Case, found: tuple[Share, ...]) -> str:
    """A zone in which a service has pods and none is ready: the others carry its load already."""
    taking = {share.service for share in found if share.down}
    ready: dict[tuple[str, str], int] = {}
    for pod in (*case.survey.affected, *case.survey.around):
        if pod.zone and service_of(pod) in taking:
            key = (service_of(pod), pod.zone)
            ready[key] = ready.get(key, 0) + serves(pod)
    dark = [f"{service} has nothing ready in {zone}" for (service, zone), count in ready.items() if count == 0]
    return f"{listed(dark)} already, and the other zones carry it" if dark else ""
