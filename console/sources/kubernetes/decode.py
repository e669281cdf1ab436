"""Bytes of Kubernetes into the nouns of `model.kube`: pure, and hardened against every single object.

One object that cannot be read raises `Unreadable` with whatever still tells whose it was, and the reflector
counts it and goes on. Times that make no sense become None, never an error. All text is cleaned here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from sys import intern
from typing import Generic, TypeVar

import msgspec

from console.model.kube import Deployment, KubeEvent, Node, Pod
from console.sources.kubernetes.kinds import Kind, Place
from console.sources.kubernetes.podstatus import printed
from console.sources.kubernetes.wire import (
    Condition,
    Container,
    ContainerStatus,
    Loose,
    Meta,
    Reference,
    Terminated,
    WireDeployment,
    WireEvent,
    WireNode,
    WirePod,
)
from console.sources.sanitise import clean

T = TypeVar("T")

NAME_LIMIT = 253
LABEL_LIMIT = 320  # prefix/name
MESSAGE_LIMIT = 1000
LABELS_KEPT = 64
UNREADABLE_ERRORS = (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError)
_OLDEST = datetime(1971, 1, 1, tzinfo=UTC)  # Go's zero time is year 1: it means "not set"


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


_POD = msgspec.json.Decoder(WirePod)
_DEPLOYMENT = msgspec.json.Decoder(WireDeployment)
_NODE = msgspec.json.Decoder(WireNode)
_EVENT = msgspec.json.Decoder(WireEvent)


def pod(raw: bytes | msgspec.Raw, place: Place) -> tuple[Pod, str]:
    """A pod as kubectl would print it, and its version."""
    wire = _POD.decode(raw)
    meta = wire.metadata
    labels = _labels(meta.labels)
    word = printed(wire)
    containers = (wire.spec.containers if wire.spec else None) or []
    statuses: list[ContainerStatus] = []
    if wire.status is not None:
        statuses = [*(wire.status.init_container_statuses or []), *(wire.status.container_statuses or [])]
    return Pod(
        cluster=place.cluster,
        namespace=_shared(meta.namespace),
        name=_name(meta),
        uid=_text(meta.uid),
        status=_shared(word.status),
        phase=_shared(wire.status.phase if wire.status else None),
        ready=word.ready,
        containers=word.containers,
        restarts=word.restarts,
        created_at=timestamp(meta.creation_timestamp),
        node=_shared(wire.spec.node_name if wire.spec else None) or None,
        service=_service(labels, place.service_labels),
        region=labels.get(place.region_label) or None,
        owner=_owner(meta),
        version=image_tag(containers),
        last_exit=_last_exit(statuses),
        is_deleting=meta.deletion_timestamp is not None,
        delete_at=timestamp(meta.deletion_timestamp),
        labels=labels,
    ), meta.resource_version or ""


def deployment(raw: bytes | msgspec.Raw, place: Place) -> tuple[Deployment, str]:
    """A deployment. `replicas` absent means one, as in the API's default."""
    wire = _DEPLOYMENT.decode(raw)
    meta, spec, status = wire.metadata, wire.spec, wire.status
    labels = _labels(meta.labels)
    annotations = meta.annotations or {}
    progressing = _condition(status.conditions if status else None, "Progressing")
    template = spec.template.spec if spec and spec.template else None
    revision = annotations.get("deployment.kubernetes.io/revision", "")
    return Deployment(
        cluster=place.cluster,
        namespace=_shared(meta.namespace),
        name=_name(meta),
        uid=_text(meta.uid),
        generation=meta.generation or 0,
        observed_generation=(status.observed_generation if status else None) or 0,
        desired=1 if spec is None or spec.replicas is None else spec.replicas,
        updated=(status.updated_replicas if status else None) or 0,
        ready=(status.ready_replicas if status else None) or 0,
        available=(status.available_replicas if status else None) or 0,
        created_at=timestamp(meta.creation_timestamp),
        service=_service(labels, place.service_labels),
        region=labels.get(place.region_label) or None,
        version=image_tag((template.containers if template else None) or []),
        revision=int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 19 else None,
        is_paused=bool(spec and spec.paused),
        progress_reason=_shared(progressing.reason) or None if progressing else None,
        progress_at=timestamp(progressing.last_update_time) if progressing else None,
        change_cause=_text(annotations.get("kubernetes.io/change-cause"), MESSAGE_LIMIT) or None,
        owner_tool=_owner_tool(labels, annotations),
        labels=labels,
    ), meta.resource_version or ""


def node(raw: bytes | msgspec.Raw, place: Place) -> tuple[Node, str]:
    """A node. Ready is None when the cluster itself does not know (condition Unknown or absent)."""
    wire = _NODE.decode(raw)
    conditions = (wire.status.conditions if wire.status else None) or []
    ready = _condition(conditions, "Ready")
    info = wire.status.node_info if wire.status else None
    return Node(
        cluster=place.cluster,
        name=_name(wire.metadata),
        uid=_text(wire.metadata.uid),
        is_ready={"True": True, "False": False}.get(ready.status or "") if ready else None,
        is_unschedulable=bool(wire.spec and wire.spec.unschedulable),
        created_at=timestamp(wire.metadata.creation_timestamp),
        region=_text((wire.metadata.labels or {}).get(place.region_label)) or None,
        pressures=tuple(
            _shared(condition.type)
            for condition in islice(conditions, LABELS_KEPT)
            if condition.status == "True" and _is_pressure(condition.type)
        ),
        kubelet=_shared(info.kubelet_version) or None if info else None,
    ), wire.metadata.resource_version or ""


def event(raw: bytes | msgspec.Raw, place: Place) -> tuple[KubeEvent, str]:
    """An event of either form. New-style ones have null first/lastTimestamp and no count: eventTime and
    series tell.
    """
    wire = _EVENT.decode(raw)
    about = wire.involved_object or wire.regarding or Reference()
    created = timestamp(wire.metadata.creation_timestamp)
    at = timestamp(wire.event_time)
    series = wire.series
    first = timestamp(wire.first_timestamp) or timestamp(wire.deprecated_first_timestamp) or at or created
    last = (
        (timestamp(series.last_observed_time) if series else None)
        or timestamp(wire.last_timestamp)
        or timestamp(wire.deprecated_last_timestamp)
        or at
        or created
    )
    return KubeEvent(
        cluster=place.cluster,
        namespace=_shared(wire.metadata.namespace),
        name=_name(wire.metadata),
        kind=_shared(about.kind),
        regarding=_text(about.name),
        reason=_shared(wire.reason),
        is_warning=wire.type == "Warning",
        message=_text(wire.message or wire.note, MESSAGE_LIMIT),
        count=max(1, (series.count if series else None) or wire.count or wire.deprecated_count or 1),
        first_at=first,
        last_at=last,
    ), wire.metadata.resource_version or ""


PODS: Kind[Pod] = Kind("pods", "", "/api/v1", pod, lambda value: value.key)
DEPLOYMENTS: Kind[Deployment] = Kind("deployments", "apps", "/apis/apps/v1", deployment, lambda value: value.key)
NODES: Kind[Node] = Kind("nodes", "", "/api/v1", node, lambda value: value.key, is_namespaced=False)
# Both forms are served there.
EVENTS: Kind[KubeEvent] = Kind("events", "", "/api/v1", event, lambda value: value.key)


def timestamp(text: str | None) -> datetime | None:
    """RFC 3339 to aware UTC; None for absent, Go's zero time, and nonsense."""
    if not text or len(text) > 40:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not UTC:  # what ends in Z is in UTC already, and that is what API servers write
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at >= _OLDEST else None


def image_tag(containers: list[Container]) -> str | None:
    """The tag of the first container's image; of a digest its first twelve digits; None for neither ("latest"
    is implied).
    """
    image = containers[0].image if containers else None
    if not image:
        return None
    name, _, digest = image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    if colon and tag:
        return _shared(tag)
    algorithm, _, hexadecimal = digest.partition(":")
    return _shared(f"{algorithm}:{hexadecimal[:12]}") if hexadecimal else None


def _last_exit(statuses: list[ContainerStatus]) -> str | None:
    """The latest end of any container that is news: an init container that did its work is not."""
    best: tuple[datetime, Terminated] | None = None
    for status in statuses:
        for state in (status.state, status.last_state):
            ended = state.terminated if state else None
            if ended is None or (not ended.exit_code and ended.reason in (None, "", "Completed")):
                continue
            at = timestamp(ended.finished_at) or _OLDEST
            if best is None or at > best[0]:
                best = (at, ended)
    if best is None:
        return None
    at, ended = best
    how = f"signal {ended.signal}" if ended.signal and not ended.exit_code else f"exit {ended.exit_code or 0}"
    when = f", {at:%H:%M:%S}" if at > _OLDEST else ""
    return f"{_text(ended.reason) or 'Ended'}, {how}{when}"


def _owner(meta: Meta) -> str | None:
    owners = meta.owner_references or []
    chosen = next((owner for owner in owners if owner.controller), owners[0] if owners else None)
    return _shared(f"{chosen.kind}/{chosen.name}") if chosen else None


def _owner_tool(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
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


def _labels(labels: dict[str, str] | None) -> dict[str, str]:
    if not labels:
        return {}
    kept = islice(labels.items(), LABELS_KEPT)
    return {_shared(key, LABEL_LIMIT): _shared(value, LABEL_LIMIT) for key, value in kept}


def _name(meta: Meta) -> str:
    name = _text(meta.name)
    if not name:
        raise ValueError("an object without a name")
    return name


def _text(text: str | None, limit: int = NAME_LIMIT) -> str:
    return clean(text, limit) if text else ""


def _shared(text: str | None, limit: int = NAME_LIMIT) -> str:
    """Cleaned, and one string for all objects that say it: twenty thousand pods name a few nodes and
    statuses.
    """
    if not text:
        return ""
    return _known(text) if len(text) <= NAME_LIMIT else intern(clean(text, limit))


@lru_cache(maxsize=8192)
def _known(text: str) -> str:
    """Remembered, because a pod says a dozen such texts and most have been said before: cleaning them again is a
    twelfth of what an object costs. Only short ones come here, so some MB at most; none of them is cut.
    """
    return intern(clean(text, NAME_LIMIT))
