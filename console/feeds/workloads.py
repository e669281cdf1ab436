"""Joins the kinds of objects of every cluster of the site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.feeds.derived import Derived, Inputs
from console.feeds.joins import joined
from console.feeds.raw import PUBLISH_EVERY_S
from console.model.failure import Failure
from console.model.instant import Instant
from console.model.joined import Workloads
from console.model.kube import Objects
from console.model.reading import Reading
from console.model.severity import State

KINDS = ("pods", "deployments", "nodes", "events")


def feed_name(cluster: str, kind: str) -> str:
    """The raw feed of one kind in one cluster."""
    return f"kubernetes.{cluster}.{kind}"


class WorkloadsDerivation:
    """Clusters side by side; one that fails keeps its last objects and says so."""

    misses_none_of: tuple[str, ...] = ()
    every_s = PUBLISH_EVERY_S

    def __init__(self, clusters: tuple[str, ...]) -> None:
        self._clusters = clusters
        self.inputs = tuple(feed_name(cluster, kind) for cluster in clusters for kind in KINDS)

    def step(self, inputs: Inputs, now: Instant) -> Derived[Workloads]:
        """Everything joined; the state is that of the pods and deployments, whose absence would hide a fault."""
        readings = inputs.readings
        states: dict[str, State] = {}
        errors: dict[str, Failure] = {}
        unread: list[str] = []
        for cluster in self._clusters:
            parts = [readings[feed_name(cluster, kind)] for kind in KINDS]
            states[cluster] = max((part.state for part in parts), key=lambda state: state.rank)
            for kind, part in zip(KINDS, parts, strict=True):
                if part.error is not None:
                    errors[f"{cluster} {kind}"] = part.error
                if part.value is None:
                    unread.append(f"{cluster} {kind}")
        value = Workloads(
            pods=self._merged(readings, "pods"),
            deployments=self._merged(readings, "deployments"),
            nodes=self._merged(readings, "nodes"),
            events=self._merged(readings, "events"),
            clusters=states,
            errors=errors,
            unread=tuple(unread),
        )
        parts = [readings[name] for name in self.inputs]
        has_any = any(part.value is not None for part in parts)
        return Derived(reading=joined(value if has_any else None, parts))

    def _merged(self, readings: Mapping[str, Reading[Any]], kind: str) -> Mapping[str, Any]:
        merged: dict[str, Any] = {}
        parts: list[Objects[Any]] = [
            reading.value
            for cluster in self._clusters
            if (reading := readings[feed_name(cluster, kind)]).value is not None
        ]
        if len(parts) == 1:
            return parts[0].items
        for part in parts:
            merged.update(part.items)
        return merged
