"""Kubernetes as the console needs it: the few fields of an object that a row, a judge or a pivot reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Pod(msgspec.Struct, frozen=True, gc=False):
    """One pod. `status` is the word kubectl would print: Running, CrashLoopBackOff, Init:0/1, Terminating.

    Nothing in it can lead back to it, so the collector need not walk through twenty thousand of them.
    """

    cluster: str
    namespace: str
    name: str
    uid: str
    status: str
    phase: str
    ready: int
    containers: int
    restarts: int
    created_at: datetime | None
    node: str | None = None
    service: str | None = None  # label app.kubernetes.io/name or app
    region: str | None = None
    owner: str | None = None  # "ReplicaSet/packager-emea-7c9d8b5f6d"
    version: str | None = None  # tag of the first container's image
    last_exit: str | None = None  # "Error, exit 1, 02:01:14"
    is_deleting: bool = False
    labels: Mapping[str, str] = {}
    delete_at: datetime | None = None  # metadata.deletionTimestamp: when its grace period ends

    @property
    def key(self) -> str:
        return f"{self.cluster}/{self.namespace}/{self.name}"


class Deployment(msgspec.Struct, frozen=True):
    """One deployment and how far its rollout is."""

    cluster: str
    namespace: str
    name: str
    uid: str
    generation: int
    observed_generation: int
    desired: int
    updated: int
    ready: int
    available: int
    created_at: datetime | None
    service: str | None = None
    region: str | None = None
    version: str | None = None  # image tag of the template's first container
    revision: int | None = None  # annotation deployment.kubernetes.io/revision
    is_paused: bool = False
    progress_reason: str | None = None  # condition Progressing: NewReplicaSetAvailable, ProgressDeadlineExceeded ...
    progress_at: datetime | None = None  # that condition's last update
    change_cause: str | None = None  # annotation kubernetes.io/change-cause
    owner_tool: str | None = None  # "argo", "flux", when labels or annotations say who owns it
    labels: Mapping[str, str] = {}

    @property
    def key(self) -> str:
        return f"{self.cluster}/{self.namespace}/{self.name}"

    @property
    def is_rolling(self) -> bool:
        """True while the wanted template is not everywhere, available, and seen by the controller."""
        return not (self.observed_generation >= self.generation and self.updated == self.desired == self.available)


class Node(msgspec.Struct, frozen=True):
    """One node."""

    cluster: str
    name: str
    uid: str
    is_ready: bool | None  # None: condition Ready is Unknown
    is_unschedulable: bool
    created_at: datetime | None
    region: str | None = None
    pressures: tuple[str, ...] = ()  # "MemoryPressure", "DiskPressure" ...
    kubelet: str | None = None

    @property
    def key(self) -> str:
        return f"{self.cluster}/{self.name}"


class KubeEvent(msgspec.Struct, frozen=True):
    """One event of the cluster about one object; both of Kubernetes' event forms end here."""

    cluster: str
    namespace: str
    name: str
    kind: str  # of the object it is about: Pod, Deployment
    regarding: str  # that object's name
    reason: str
    is_warning: bool
    message: str
    count: int
    first_at: datetime | None
    last_at: datetime | None

    @property
    def key(self) -> str:
        return f"{self.cluster}/{self.namespace}/{self.name}"


class Objects(msgspec.Struct, Generic[T], frozen=True):
    """All objects of one kind in one cluster, by key, and which keys changed since the reading before (None: all)."""

    items: Mapping[str, T]
    changed: frozenset[str] | None = None
    resource_version: str = ""
