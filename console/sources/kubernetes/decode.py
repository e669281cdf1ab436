"""Bytes of Kubernetes into the nouns of `model.kube`: pure, and hardened against every single object.

One object that cannot be read raises `Unreadable` with whatever still tells whose it was, and the reflector
counts it and goes on. Times that make no sense become None, never an error. All text is cleaned here, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Generic, TypeVar

import msgspec

from console.model.kube import Deployment, KubeEvent, Node, Pod
from console.sources.kubernetes.kinds import Kind, Place, Whole
from console.sources.kubernetes.pod import pod_of
from console.sources.kubernetes.vocabulary import LABELS_KEPT, NAME_LIMIT, TAGS, TIMES, WORDS, labels_of, timestamp
from console.sources.kubernetes.wire import (
    Condition,
    Container,
    Loose,
    Meta,
    Reference,
    WholeFrame,
    WholePage,
    WireDeployment,
    WireEvent,
    WireNode,
    WirePod,
)
from console.sources.sanitise import clean

__all__ = [
    "DEPLOYMENTS",
    "EVENTS",
    "NODES",
    "PODS",
    "Item",
    "Kind",
    "Place",
    "Unreadable",
    "image_tag",
    "item",
    "timestamp",
]

T = TypeVar("T")
W = TypeVar("W")
N = TypeVar("N", Pod, Deployment, Node, KubeEvent)

MESSAGE_LIMIT = 1000
UNREADABLE_ERRORS = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)


class Unreadable(Exception):
    """One object that cannot be understood; `key` and `version` as far as they could be read."""

    def __init__(self, why: str, key: str | None, version: str | None) -> None:
        super().__init__(why)
        self.key = key
        self.version = version


class Item(msgspec.Struct, Generic[T], frozen=True):
    """One object, under its key, at its version."""

    key: str
    version: str
    value: T


def item(kind: Kind[T], raw: bytes | msgspec.Raw, place: Place) -> Item[T]:
    """One object of a list or a watch. Raises Unreadable, and nothing else, whatever the bytes are."""
    try:
        value, version = kind.read(raw, place)
        return Item(key=kind.key(value), version=version, value=value)
    except UNREADABLE_ERRORS as error:
        key, version_or_none = _identity(kind, raw, place.cluster)
        raise Unreadable(f"{type(error).__name__}: {error}", key, version_or_none) from None


def _identity(kind: Kind[T], raw: bytes | msgspec.Raw, cluster: str) -> tuple[str | None, str | None]:
    try:
        meta = msgspec.json.decode(raw, type=Loose).metadata
    except UNREADABLE_ERRORS:
        return None, None
    if meta is None:
        return None, None
    version = meta.resource_version if isinstance(meta.resource_version, str) else None
    if not isinstance(meta.name, str) or not meta.name:
        return None, version
    parts = [cluster, _text(meta.name)]
    if kind.is_namespaced:
        parts.insert(1, _text(meta.namespace) if isinstance(meta.namespace, str) else "")
    return "/".join(parts), version


def _deployment_of(wire: WireDeployment, place: Place) -> tuple[str, Deployment, str]:
    """A deployment. `replicas` absent means one, as in the API's default."""
    meta, spec, status = wire.metadata, wire.spec, wire.status
    labels = labels_of(meta.labels)
    annotations = meta.annotations or {}
    progressing = _condition(status.conditions if status else None, "Progressing")
    template = spec.template.spec if spec and spec.template else None
    revision = annotations.get("deployment.kubernetes.io/revision", "")
    made = Deployment(
        cluster=place.cluster,
        namespace=WORDS[meta.namespace],
        name=_name(meta),
        uid=_text(meta.uid),
        generation=meta.generation or 0,
        observed_generation=(status.observed_generation if status else None) or 0,
        desired=1 if spec is None or spec.replicas is None else spec.replicas,
        updated=(status.updated_replicas if status else None) or 0,
        ready=(status.ready_replicas if status else None) or 0,
        available=(status.available_replicas if status else None) or 0,
        created_at=TIMES[meta.creation_timestamp],
        service=_service(labels, place.service_labels),
        region=labels.get(place.region_label) or None,
        version=image_tag((template.containers if template else None) or []),
        revision=int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 19 else None,
        is_paused=bool(spec and spec.paused),
        progress_reason=WORDS[progressing.reason] or None if progressing else None,
        progress_at=TIMES[progressing.last_update_time] if progressing else None,
        change_cause=_text(annotations.get("kubernetes.io/change-cause"), MESSAGE_LIMIT) or None,
        owner_tool=owner_tool(labels, annotations),
        labels=labels,
    )
    return made.key, made, meta.resource_version or ""


def _node_of(wire: WireNode, place: Place) -> tuple[str, Node, str]:
    """A node. Ready is None when the cluster itself does not know (condition Unknown or absent)."""
    conditions = (wire.status.conditions if wire.status else None) or []
    ready = _condition(conditions, "Ready")
    info = wire.status.node_info if wire.status else None
    made = Node(
        cluster=place.cluster,
        name=_name(wire.metadata),
        uid=_text(wire.metadata.uid),
        is_ready={"True": True, "False": False}.get(ready.status or "") if ready else None,
        is_unschedulable=bool(wire.spec and wire.spec.unschedulable),
        created_at=TIMES[wire.metadata.creation_timestamp],
        region=_text((wire.metadata.labels or {}).get(place.region_label)) or None,
        pressures=tuple(
            WORDS[condition.type]
            for condition in islice(conditions, LABELS_KEPT)
            if condition.status == "True" and _is_pressure(condition.type)
        ),
        kubelet=WORDS[info.kubelet_version] or None if info else None,
    )
    return made.key, made, wire.metadata.resource_version or ""


def _event_of(wire: WireEvent, place: Place) -> tuple[str, KubeEvent, str]:
    """An event of either form. New-style ones have null first/lastTimestamp and no count: eventTime and
    series tell.
    """
    about = wire.involved_object or wire.regarding or Reference()
    created = TIMES[wire.metadata.creation_timestamp]
    at = TIMES[wire.event_time]
    series = wire.series
    first = TIMES[wire.first_timestamp] or TIMES[wire.deprecated_first_timestamp] or at or created
    last = (
        (TIMES[series.last_observed_time] if series else None)
        or TIMES[wire.last_timestamp]
        or TIMES[wire.deprecated_last_timestamp]
        or at
        or created
    )
    made = KubeEvent(
        cluster=place.cluster,
        namespace=WORDS[wire.metadata.namespace],
        name=_name(wire.metadata),
        kind=WORDS[about.kind],
        regarding=_text(about.name),
        reason=WORDS[wire.reason],
        is_warning=wire.type == "Warning",
        message=_text(wire.message or wire.note, MESSAGE_LIMIT),
        count=max(1, (series.count if series else None) or wire.count or wire.deprecated_count or 1),
        first_at=first,
        last_at=last,
    )
    return made.key, made, wire.metadata.resource_version or ""


def _kind(
    plural: str,
    group: str,
    prefix: str,
    wire: type[W],
    made: Callable[[W, Place], tuple[str, N, str]],
    is_namespaced: bool = True,
) -> Kind[N]:
    """A kind whose objects are read alone, or whole with what holds them; `made` is the one sense made of them."""
    alone = msgspec.json.Decoder(wire)

    def key(value: N) -> str:
        return value.key

    def read(raw: bytes | msgspec.Raw, place: Place) -> tuple[N, str]:
        _, value, version = made(alone.decode(raw), place)
        return value, version

    whole = Whole(msgspec.json.Decoder(WholePage[wire]), msgspec.json.Decoder(WholeFrame[wire]), made)  # type: ignore[valid-type]
    return Kind(plural, group, prefix, read, key, is_namespaced, whole)


PODS: Kind[Pod] = _kind("pods", "", "/api/v1", WirePod, pod_of)
DEPLOYMENTS: Kind[Deployment] = _kind("deployments", "apps", "/apis/apps/v1", WireDeployment, _deployment_of)
NODES: Kind[Node] = _kind("nodes", "", "/api/v1", WireNode, _node_of, is_namespaced=False)
# Both forms are served there.
EVENTS: Kind[KubeEvent] = _kind("events", "", "/api/v1", WireEvent, _event_of)._replace(has_bookmarks=False)


def image_tag(containers: list[Container]) -> str | None:
    """The version that a workload is of: the tag of its first container's image."""
    return TAGS[containers[0].image] if containers else None


def owner_tool(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    """Which tool reverts a change made by hand."""
    for key in (*labels, *annotations):
        if key.startswith("argocd.argoproj.io/"):
            return "argo"
        if key.partition("/")[0].endswith(".toolkit.fluxcd.io"):
            return "flux"
    return None


def _service(labels: Mapping[str, str], known: tuple[str, ...]) -> str | None:
    return next((labels[label] for label in known if labels.get(label)), None)


def _condition(conditions: list[Condition] | None, kind: str) -> Condition | None:
    return next((condition for condition in conditions or () if condition.type == kind), None)


def _is_pressure(kind: str) -> bool:
    return kind.endswith("Pressure") or kind == "NetworkUnavailable"


def _name(meta: Meta) -> str:
    name = _text(meta.name)
    if not name:
        raise ValueError("an object without a name")
    return name


def _text(text: str | None, limit: int = NAME_LIMIT) -> str:
    return clean(text, limit) if text else ""
