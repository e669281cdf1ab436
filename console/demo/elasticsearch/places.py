"""Who writes the lines: every place of every deployment, with the channel it works for and the node it stands
on.

The names come from the world's tables, so that a line's pod is found in the cluster and its host is that
pod's node.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from console.demo.elasticsearch.documents import Emitter
from console.demo.world.names import (
    CHANNELS,
    DEPLOYMENTS,
    VANTAGE,
    Deployment,
    node_name,
    pod_name,
    pod_region,
)
from console.demo.world.pods import REPLACED, pod_at
from console.demo.world.scenario import KINDS
from console.demo.world.world import World

_FAMILIES = ("packager", "transcoder", "edge")
_CHANGING = frozenset({REPLACED, *(kind.service for kind in KINDS.values() if kind.service)})
"""Deployments whose places change hands."""


def family(deployment: str) -> str:
    """`packager` of `packager-emea`; a deployment without a region or pop in its name is its own family."""
    head = deployment.split("-")[0]
    return head if head in _FAMILIES else deployment


def emitters(world: World) -> dict[str, tuple[Emitter, ...]]:
    """Family -> those who write its lines; one for each (place, channel) there is."""

    # A place's successor is looked up per line; the answer holds for the second, and a tail asks for few.
    @lru_cache(maxsize=4096)
    def pod_of(deployment: str, index: int, second: int) -> str:
        return pod_at(world, deployment, index, datetime.fromtimestamp(second, UTC))

    def following(deployment: str, index: int) -> Callable[[int], str]:
        return lambda second: pod_of(deployment, index, second)

    def staying(deployment: str, index: int, pod: str) -> Callable[[int], str]:
        """Of a place that only an intervention gives to another: nearly always nobody has."""
        def standing(second: int) -> str:
            if not world.intervened:
                return pod
            return world.occupant(deployment, index, datetime.fromtimestamp(second, UTC)) or pod

        return standing

    def based(deployment: str, index: int, home: str) -> Callable[[int], str]:
        def host(second: int) -> str:
            if not world.intervened:
                return home
            return world.standing_on(deployment, index, datetime.fromtimestamp(second, UTC)) or home

        return host

    found: dict[str, list[Emitter]] = {}
    for deployment in DEPLOYMENTS:
        for index in range(deployment.replicas):
            home = node_name(deployment, index)
            stands = following(deployment.name, index)
            if deployment.name not in _CHANGING:
                pod = pod_name(world.seed, deployment.name, deployment.version, index)
                stands = staying(deployment.name, index, pod)
            for channel in _channels(deployment, index):
                found.setdefault(family(deployment.name), []).append(
                    Emitter(
                        deployment.service,
                        deployment.namespace,
                        pod_region(deployment, index),
                        home,
                        channel,
                        None,
                        stands,
                        based(deployment.name, index, home),
                    )
                )
    return {name: tuple(many) for name, many in found.items()}


def _channels(deployment: Deployment, index: int) -> tuple[str | None, ...]:
    kind = family(deployment.name)
    if kind == "packager":
        return tuple(c.name for c in CHANNELS if c.region == deployment.region and c.index == index)
    if kind == "transcoder":
        here = [c.name for c in CHANNELS if c.region == deployment.region]
        return (here[index % len(here)],)
    if kind == "edge":
        pop = VANTAGE[deployment.name].pop
        return tuple(c.name for c in CHANNELS if pop in dict(c.pops))
    if kind == "origin":
        return tuple(c.name for c in CHANNELS)
    return (None,)
