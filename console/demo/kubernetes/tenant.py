"""A pod that controllers and a kubelet look after, beside the ones whose life is told by the story.

It is what a kubelet remembers and the API does not say: when the containers start, whether they will crash, and what
was reported last. What it looks like to a reader stays in the store alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from console.demo.kubernetes import life as lives
from console.demo.kubernetes.life import PodLife

GONE_S = 2.0
"""From SIGTERM until a container of the demo is down; the grace period is only the longest it may take."""


class Tenant(msgspec.Struct):
    namespace: str
    name: str
    owner: str
    """kind/name of the controller that replaces it: ReplicaSet, DaemonSet, Node (a mirror pod); empty: nobody."""
    index: int
    """Its place, as the world counts places: decides address, home node and channel."""
    version: str
    """Image tag of its first container."""
    created: datetime
    node: str = ""
    """Empty until it is bound."""
    first: datetime | None = None
    """When its containers start for the first time; None until it is bound, or when its image cannot be pulled."""
    bad: bool = False
    """Its image crash-loops."""
    unpulled: bool = False
    leaving: datetime | None = None
    """When it was told to go."""
    grace_s: float = 30.0
    ready_again: datetime | None = None
    """When its node was heard again after it had been lost: nothing ran anew, but its readiness changed then."""
    told: PodLife | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @property
    def active(self) -> bool:
        return self.leaving is None

    @property
    def ready(self) -> bool:
        return self.told is not None and self.told.ready

    @property
    def settled(self) -> bool:
        """Nothing about it will change by itself."""
        return self.active and ((self.ready and not self.bad) or (
            self.unpulled and self.told is not None and self.told.state == "unpulled"))

    def life(self, t: datetime) -> PodLife:
        """What its kubelet would report; only for one that is bound."""
        if self.first is None:
            return PodLife(self.name, self.version, self.created)
        if self.unpulled:
            state = "creating" if t < self.first else "unpulled"
            return PodLife(self.name, self.version, self.created, state)
        now = lives.started(self.name, self.version, self.created, self.first, t, self.bad)
        if now.ready and self.ready_again is not None:
            return msgspec.structs.replace(now, ready_at=self.ready_again)
        return now

    def gone(self, t: datetime) -> bool:
        if self.leaving is None:
            return False
        return t >= self.leaving + timedelta(seconds=min(GONE_S, self.grace_s))


def adopted(namespace: str, owner: str, index: int, node: str, told: PodLife, bad: bool) -> Tenant:
    """One that stood in the story, and goes on living as it would have."""
    first = lives.first_start(told.created, index)
    if told.began is not None and not bad:
        first = told.began
    return Tenant(namespace, told.name, owner, index, told.version, told.created, node, first, bad,
                  leaving=told.deleting, told=told)
