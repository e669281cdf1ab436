"""What an action takes away at its worst moment: of each service, in each place, how many ready pods are left.

Not every affected pod is down at the same time (`at_once`), and one that is not ready is no loss.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from console.actions.case import Case
from console.actions.survey import PodFact

Place = Callable[[PodFact], str]
_EVICTIONS = frozenset(("evict", "drain", "delete"))


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One service in one place. `place` is empty where it is not known, or where all places count as one."""

    service: str
    place: str
    ready: int  # now
    taken: int  # of these, what the action touches in all
    down: int  # of these, at the same time at worst

    @property
    def left(self) -> int:
        return self.ready - self.down

    @property
    def ratio(self) -> float:
        """Of the ready ones, what stays; 0 where nothing is ready already."""
        return self.left / self.ready if self.ready else 0.0

    @property
    def name(self) -> str:
        """`packager in apac`."""
        return f"{self.service} in {self.place}" if self.place else self.service


def verb(case: Case) -> str:
    """The second half of the action's name: drain."""
    return case.action.rpartition(".")[2]


def evicts(case: Case) -> bool:
    """Whether pods are taken through the eviction API, which asks the budgets."""
    return verb(case) in _EVICTIONS and bool(case.target.cluster)


def waits(case: Case) -> bool:
    """Whether it is in the nature of the action to wait until a budget allows the next one."""
    return verb(case) == "drain"


def at_once(case: Case) -> int:
    """How many ready pods may be down at the same time.

    A rollout counts those that are not ready among its unavailable ones and takes so many fewer; an eviction does not ask.
    An eviction of nobody at a time does not exist, so that 0 is then taken for "not said": all of them.
    """
    survey = case.survey
    if evicts(case):
        return survey.at_once or len(survey.affected)
    return max(0, survey.at_once - sum(not serves(pod) for pod in survey.affected))


def serves(pod: PodFact) -> bool:
    """Whether it carries load now."""
    return pod.is_ready and not pod.is_terminating


def service_of(pod: PodFact) -> str:
    """Its service; a pod without that label stands for its owner. Empty for one that has neither: it is part of nothing
    that could run low, and that nobody would replace it is for the action itself to say.
    """
    return pod.service or pod.owner


def by_zone(pod: PodFact) -> str:
    return pod.zone


def everywhere(_pod: PodFact) -> str:
    return ""


def by_region(case: Case) -> Place:
    """The region of a pod as the workloads tell it; its zone where they do not know it."""
    workloads = case.scene.workloads.value if case.scene.workloads is not None else None
    pods = workloads.pods if workloads is not None else {}

    def region(pod: PodFact) -> str:
        watched = pods.get(f"{case.target.cluster}/{pod.namespace}/{pod.name}")
        return (watched.region if watched is not None else None) or pod.zone

    return region


def _down(case: Case, most: int, count: int, every: int) -> int:
    """Of `count` pods in one place, how many are down at worst when `most` of `every` are.

    Evictions go in their own order, so all may fall into one place. A rollout takes first from the nodes that hold several,
    which spreads it: each place loses its part, rounded up.
    """
    return min(most, count) if evicts(case) else min(count, -(-most * count // every))


def shares(case: Case, place: Place) -> tuple[Share, ...]:
    """What of each service is left in each place from which something is taken. Worst first."""
    taken: dict[tuple[str, str], int] = {}
    ready: dict[tuple[str, str], int] = {}
    affected = {pod.key for pod in case.survey.affected}
    for pod in case.survey.affected:
        if serves(pod) and service_of(pod):
            key = (service_of(pod), place(pod))
            taken[key] = taken.get(key, 0) + 1
            ready[key] = ready.get(key, 0) + 1
    for pod in case.survey.around:
        key = (service_of(pod), place(pod))
        if key in taken and serves(pod) and pod.key not in affected:
            ready[key] += 1
    most, every = at_once(case), sum(taken.values())
    found = [
        Share(service=key[0], place=key[1], ready=ready[key], taken=count, down=_down(case, most, count, every))
        for key, count in taken.items()
    ]
    return tuple(sorted(found, key=lambda share: (share.ratio, share.left, share.name)))
