"""What the target itself said when it was asked for a plan: read fresh from its API, never from a feed's memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec


class PodFact(msgspec.Struct, frozen=True, kw_only=True):
    """One pod as the guards need it."""

    namespace: str
    name: str
    uid: str
    node: str = ""
    zone: str = ""  # of its node: topology.kubernetes.io/zone, else its region, else empty
    service: str = ""
    owner_kind: str = ""  # ReplicaSet, DaemonSet, StatefulSet, Node (mirror); empty: nobody's
    owner: str = ""
    is_ready: bool = False
    is_terminating: bool = False
    phase: str = "Running"
    has_empty_dir: bool = False
    labels: Mapping[str, str] = {}

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """One PodDisruptionBudget. `allowed` is None while its controller has not seen the newest generation."""

    namespace: str
    name: str
    allowed: int | None
    pods: frozenset[str] = frozenset()  # keys of the pods it selects


class Scaler(msgspec.Struct, frozen=True, kw_only=True):
    """A HorizontalPodAutoscaler that owns the replica count."""

    name: str
    least: int
    most: int
    wants: int | None = None  # status.desiredReplicas


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of an access review: may this credential (or this person, where it impersonates) do it?"""

    verb: str
    resource: str  # deployments.apps, pods/eviction
    is_allowed: bool | None  # None: it could not be asked
    reason: str = ""


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """The target at one moment, and what stands around it. What does not apply is empty; what could not be read is in
    `unread`, by name, and the guards treat it as unknown and never as absent.
    """

    exists: bool = True
    uid: str = ""
    generation: int | None = None
    read_at: datetime | None = None
    skew_s: float | None = None  # server's Date - our UTC
    services: tuple[str, ...] = ()  # workloads (app labels) that the action touches
    zones: tuple[str, ...] = ()
    owned_by: str = ""  # "argo", "flux", "operator Cassandra": who will fight or undo a change
    owner_keeps: bool = False  # True where that owner is known to leave this very change alone
    owner_heals: bool | None = None  # it puts back by itself what others change (self-heal); None: not known
    scaler: Scaler | None = None
    is_paused: bool = False
    is_terminating: bool = False
    affected: tuple[PodFact, ...] = ()  # pods that the action takes away, restarts or cuts off
    around: tuple[PodFact, ...] = ()  # the other pods of the same services, in every zone
    at_once: int = 0  # of the affected, how many may be down at the same time
    budgets: tuple[Budget, ...] = ()
    rights: tuple[Right, ...] = ()
    last_change_at: datetime | None = None
    is_reversible: bool = True
    load_after: tuple[tuple[str, float], ...] = ()  # traffic: target -> expected used/total after the last step
    unread: Mapping[str, str] = {}  # what could not be read -> why: {"budgets": "403: …"}
