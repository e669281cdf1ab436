"""What a reflector must know of one kind: where it lives in the API and how one of its objects is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from console.sources.kubernetes.wire import WholeFrame, WholePage

T = TypeVar("T")


REGION_LABEL = "topology.kubernetes.io/region"
SERVICE_LABELS = ("app.kubernetes.io/name", "app")


class Place(msgspec.Struct, frozen=True):
    """Where objects come from: what conversion needs besides the object.

    `service_labels`: the first that an object carries names its service; without any, objects have none.
    """

    cluster: str
    region_label: str = REGION_LABEL
    service_labels: tuple[str, ...] = SERVICE_LABELS


class Whole(NamedTuple, Generic[T]):
    """Objects decoded together with the page or the watch line that holds them: half the scanning.

    A shorter way to what `Kind.read` gives, never another answer. Whatever raises on it is read again the long
    way, one object by itself, and that tells what is wrong with which.
    """

    page: msgspec.json.Decoder[WholePage[Any]]
    frame: msgspec.json.Decoder[WholeFrame[Any]]
    made: Callable[[Any, Place], tuple[str, T, str]]  # key, value, resourceVersion


class Kind(NamedTuple, Generic[T]):
    """`read(raw, place)` gives the value and its resourceVersion."""

    plural: str
    group: str
    prefix: str  # "/api/v1", "/apis/apps/v1"
    read: Callable[[bytes | msgspec.Raw, Place], tuple[T, str]]
    key: Callable[[T], str]
    is_namespaced: bool = True
    whole: Whole[T] | None = None
    # API servers watch events in etcd itself, without the cache that makes bookmarks: nothing is said while none happen.
    has_bookmarks: bool = True

    def path(self, namespace: str | None) -> str:
        """Of the collection: in one namespace, or in all (None)."""
        if namespace is None or not self.is_namespaced:
            return f"{self.prefix}/{self.plural}"
        return f"{self.prefix}/namespaces/{quote(namespace, safe='')}/{self.plural}"

    @property
    def resource(self) -> str:
        """As RBAC names it: "deployments.apps"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural
