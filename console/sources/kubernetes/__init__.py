"""Kubernetes: pods, deployments, nodes and events of a cluster, kept by reflectors; and one-off questions.

From the outside in: `connection` (kubeconfig, credentials, TLS, one pool a cluster) -> `answer` (bounded
bytes, refusals) -> `listwatch` (list, watch, recover) -> `reflector` (readings). `wire`, `podstatus`,
`pod`, `decode`, `vocabulary`, `lines`, `pages` and `kinds` are pure. Bytes are decoded by msgspec into the few fields
that a row needs, in slices that let the loop breathe, because the official models cost thirty times as much; the
official Watch is not used because it does not recover. A healthy object takes short ways (decoded with its page or its
watch line in one scan, its shared texts looked up); whatever is odd about it sends it the long way, which alone decides.

What must not be done here: import kubernetes or aiohttp at module level (0.8 s of CPU before the first paint;
`kubeconfig` is the one module that does, and it is imported in a thread on first use), keep whole objects,
run a credential plugin on the terminal, or write to a cluster.
"""

from __future__ import annotations

import random

from console.model.instant import Clock
from console.model.kube import Deployment, KubeEvent, Node, Pod
from console.sources.kubernetes.connection import Connection, KubeTarget
from console.sources.kubernetes.decode import DEPLOYMENTS, EVENTS, NODES, PODS
from console.sources.kubernetes.pace import Pace
from console.sources.kubernetes.questions import Access, Questions
from console.sources.kubernetes.reflector import Reflector

__all__ = [
    "Access",
    "Connection",
    "KubeTarget",
    "Pace",
    "Questions",
    "Reflector",
    "deployments",
    "events",
    "nodes",
    "pods",
]


def pods(
    target: KubeTarget,
    clock: Clock,
    *,
    connection: Connection | None = None,
    stale_after_s: float = 30.0,
    pace: Pace | None = None,
    rng: random.Random | None = None,
) -> Reflector[Pod]:
    """Pods as kubectl would print them. Sources of one cluster should share one `connection`."""
    shared = connection if connection is not None else Connection(target, clock)
    return Reflector(PODS, shared, clock, stale_after_s=stale_after_s, pace=pace, rng=rng)


def deployments(
    target: KubeTarget,
    clock: Clock,
    *,
    connection: Connection | None = None,
    stale_after_s: float = 30.0,
    pace: Pace | None = None,
    rng: random.Random | None = None,
) -> Reflector[Deployment]:
    """Deployments and how far their rollouts are."""
    shared = connection if connection is not None else Connection(target, clock)
    return Reflector(DEPLOYMENTS, shared, clock, stale_after_s=stale_after_s, pace=pace, rng=rng)


def nodes(
    target: KubeTarget,
    clock: Clock,
    *,
    connection: Connection | None = None,
    stale_after_s: float = 30.0,
    pace: Pace | None = None,
    rng: random.Random | None = None,
) -> Reflector[Node]:
    """Nodes; they have no namespace, so the target's namespaces do not narrow them."""
    shared = connection if connection is not None else Connection(target, clock)
    return Reflector(NODES, shared, clock, stale_after_s=stale_after_s, pace=pace, rng=rng)


def events(
    target: KubeTarget,
    clock: Clock,
    *,
    connection: Connection | None = None,
    stale_after_s: float = 30.0,
    pace: Pace | None = None,
    rng: random.Random | None = None,
) -> Reflector[KubeEvent]:
    """Events by core/v1, where those written in the newer form appear too."""
    shared = connection if connection is not None else Connection(target, clock)
    return Reflector(EVENTS, shared, clock, stale_after_s=stale_after_s, pace=pace, rng=rng)
