"""How a stored object looks under the group version and media type a client asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from console.demo.kubernetes import conversion, status
from console.demo.kubernetes.resources import Resource
from console.demo.kubernetes.status import ApiError
from console.demo.kubernetes.store import Stored

_encode = msgspec.json.encode
PLAIN, TABLE, PARTIAL = "plain", "table", "partial"


def negotiate(accept: str) -> str:
    """PLAIN, TABLE or PARTIAL: the first clause of the Accept header that can be served. Raises the 406."""
    for clause in (accept or "*/*").split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        if media not in ("application/json", "application/*", "*/*"):
            continue
        wanted = dict(part.split("=", 1) for part in parameters if "=" in part)
        form = wanted.get("as", "")
        if form and (wanted.get("v"), wanted.get("g")) != ("v1", "meta.k8s.io"):
            continue
        if form == "Table":
            return TABLE
        if form in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return PARTIAL
        if not form:
            return PLAIN
    raise ApiError(
        406,
        status.status(
            406, "only the following media types are accepted: application/json", "NotAcceptable", {}
        ),
    )


def new_event(core: Mapping[str, Any]) -> dict[str, Any]:
    """A core/v1 Event as events.k8s.io shows it."""
    found: dict[str, Any] = {"metadata": core["metadata"], "eventTime": core.get("eventTime")}
    for name, old in (
        ("series", "series"),
        ("reportingController", "reportingComponent"),
        ("reportingInstance", "reportingInstance"),
        ("action", "action"),
        ("reason", "reason"),
        ("regarding", "involvedObject"),
        ("related", "related"),
        ("note", "message"),
        ("type", "type"),
    ):
        if core.get(old):
            found[name] = core[old]
    found["deprecatedSource"] = core.get("source") or {}
    found["deprecatedFirstTimestamp"] = core.get("firstTimestamp")
    found["deprecatedLastTimestamp"] = core.get("lastTimestamp")
    if core.get("count"):
        found["deprecatedCount"] = core["count"]
    return found


class View:
    """One resource under one group version."""

    def __init__(self, resource: Resource, version: str) -> None:
        self.resource = resource
        self.api_version = f"{resource.group}/{version}" if resource.group else version
        self._head = f'{{"kind":"{resource.kind}","apiVersion":"{self.api_version}",'.encode()
        self._version = version
        self._event = resource.group == "events.k8s.io"
        self._converted = self._event or conversion.converts(resource.kind, version)

    def convert(self, core: dict[str, Any]) -> dict[str, Any]:
        """From the stored form to this group version's."""
        if self._event:
            return new_event(core)
        return conversion.outward(self._version, core) if self._converted else core

    def item(self, stored: Stored) -> bytes:
        """As an item of a list: without kind and apiVersion."""
        return _encode(self.convert(stored.read())) if self._converted else stored.body

    def alone(self, stored: Stored) -> bytes:
        return self._head + self.item(stored)[1:]

    def many(self, metadata: dict[str, object], items: Sequence[Stored]) -> bytes:
        head = _encode(
            {"kind": f"{self.resource.kind}List", "apiVersion": self.api_version, "metadata": metadata}
        )
        return b"".join((head[:-1], b',"items":[', b",".join([self.item(one) for one in items]), b"]}\n"))

    def partial(self, stored: Stored) -> dict[str, Any]:
        return {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": stored.read()["metadata"],
        }

    def partial_list(self, metadata: dict[str, object], items: Sequence[Stored]) -> bytes:
        # This list kind has no remaining count.
        metadata = {k: v for k, v in metadata.items() if k != "remainingItemCount"}
        return (
            _encode(
                {
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": metadata,
                    "items": [self.partial(one) for one in items],
                }
            )
            + b"\n"
        )

    def bookmark(self, revision: int, initial_end: bool = False) -> bytes:
        """Almost empty on purpose; `initial_end` marks the end of a streaming list's first part."""
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        return _encode({"kind": self.resource.kind, "apiVersion": self.api_version, "metadata": metadata})
