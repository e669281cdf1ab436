"""What the controllers share: the store, the tenants, and which deployments are no longer the story's.

Until somebody writes to it, a deployment is a pure function of the world and the clock (life.py, rollout.py). The
first write *adopts* it: its pods become tenants, and from then on what the store says decides, not the story.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from console.demo.kubernetes import eventobject
from console.demo.kubernetes.store import Store
from console.demo.kubernetes.tenant import Tenant
from console.demo.world.names import DEPLOYMENT, Deployment
from console.demo.world.world import World

Object = dict[str, Any]
Key = tuple[str, str]
"""(namespace, name)."""
SETS, DEPLOYMENTS_SHELF = "replicasets.apps", "deployments.apps"


class Estate:
    def __init__(self, store: Store, world: World, minor: int, remember: Callable[[Object, datetime], None]) -> None:
        """`remember`: takes an event and its time, so that it is stored and forgotten in its hour."""
        self.store, self.world, self.minor = store, world, minor
        self._remember = remember
        self.tenants: dict[Key, Tenant] = {}
        self.busy: set[Key] = set()
        """Tenants that will change by themselves."""
        self.adopted: set[Key] = set()
        self.lost: set[str] = set()
        """Nodes whose kubelet nobody hears, and who hears nobody."""
        self.dirty: set[Key] = set()
        """Adopted deployments whose controllers have something to look at."""
        self.deployment_of: dict[Key, str] = {}
        """ReplicaSet -> the deployment that owns it."""
        self._owned: dict[tuple[str, str], set[Key]] = {}

    def add(self, tenant: Tenant) -> None:
        self.tenants[tenant.key] = tenant
        self._owned.setdefault((tenant.namespace, tenant.owner), set()).add(tenant.key)
        if not tenant.settled:
            self.busy.add(tenant.key)

    def drop(self, tenant: Tenant) -> None:
        self.tenants.pop(tenant.key, None)
        self.busy.discard(tenant.key)
        self._owned.get((tenant.namespace, tenant.owner), set()).discard(tenant.key)
        self.stir(tenant)

    def owned(self, namespace: str, owner: str) -> list[Tenant]:
        return [self.tenants[key] for key in sorted(self._owned.get((namespace, owner), ()))]

    def stir(self, tenant: Tenant) -> None:
        """The controllers of this pod must look again."""
        kind, _, name = tenant.owner.partition("/")
        if kind == "ReplicaSet":
            deployment = self.deployment_of.get((tenant.namespace, name))
            if deployment is not None:
                self.dirty.add((tenant.namespace, deployment))
        elif kind:
            self.dirty.add((tenant.namespace, tenant.owner))

    def sets_of(self, namespace: str, deployment: str) -> list[Object]:
        """The ReplicaSets of a deployment, oldest first."""
        found = [stored.read() for key, name in self.deployment_of.items() if name == deployment and key[0] == namespace
                 and (stored := self.store.get(SETS, *key)) is not None]
        return sorted(found, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))

    def pods_on_nodes(self) -> Counter[str]:
        return Counter(one.fields.get("spec.nodeName", "") for one in self.store.shelf("pods").current.values())

    def tell(self, about: Mapping[str, Any], kind: str, reason: str, message: str, t: datetime, component: str,
             host: str = "", warning: bool = False, field: str = "") -> None:
        api_version = "apps/v1" if kind in ("Deployment", "ReplicaSet", "DaemonSet") else "v1"
        self._remember(eventobject.event(about, kind, api_version, reason, message, t, t, 1, component, host, warning,
                                         field), t)

    def remember(self, event: Object, t: datetime) -> None:
        self._remember(event, t)

    @staticmethod
    def known(namespace: str, name: str) -> Deployment | None:
        """The world's own deployment of that name, which has places, logs and channels."""
        found = DEPLOYMENT.get(name)
        return found if found is not None and found.namespace == namespace else None
