"""What every handler needs to know of the server it runs in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from console.demo.kubernetes.access import Gate
from console.demo.kubernetes.podlog import LogStory
from console.demo.kubernetes.resources import Catalogue, Resource
from console.demo.kubernetes.store import Store
from console.demo.kubernetes.views import View
from console.demo.world.names import suffix


class Serving:
    """One server. `bookmark_s`: between two bookmarks of a watch. `too_large_wait_s`: how long a list waits
    for a version from the future. `watch_list`: the WatchList feature gate."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        catalogue: Catalogue,
        gate: Gate,
        logs: LogStory,
        bookmark_s: float,
        too_large_wait_s: float,
        watch_list: bool,
        timeout_unit_s: float,
        touched: Callable[[Resource, str, str], None] | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.catalogue = catalogue
        self.gate = gate
        self.logs = logs
        self.bookmark_s = bookmark_s
        self.too_large_wait_s = too_large_wait_s
        self.watch_list = watch_list
        self.timeout_unit_s = timeout_unit_s
        self._touched = touched

    def touch(self, resource: Resource, namespace: str, name: str) -> None:
        """Called before a write: from now on the object is not the story's alone."""
        if self._touched is not None:
            self._touched(resource, namespace, name)

    def fresh_uid(self, name: str) -> str:
        """For the would-be object of a dry run."""
        digest = blake2b(f"dry/{name}/{self.store.revision}".encode(), digest_size=16).digest()
        return str(UUID(bytes=digest, version=4))

    def generated_name(self, prefix: str) -> str:
        return prefix + suffix(f"{prefix}/{self.store.revision}")

    @staticmethod
    def embedded(view: View, obj: dict[str, Any], include: str) -> dict[str, Any] | None:
        """What a table's row carries, by the query's includeObject: None, Metadata (the default) or
        Object."""
        if include == "None":
            return None
        if include == "Object":
            return {"kind": view.resource.kind, "apiVersion": view.api_version, **view.convert(obj)}
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
