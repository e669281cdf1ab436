"""What doctor asks an Elasticsearch: who are you, and are you well."""

from __future__ import annotations

import msgspec

from console.sources.elasticsearch.client import ElasticIndex
from console.sources.sanitise import clean


class _Version(msgspec.Struct):
    number: str = ""


class _Root(msgspec.Struct):
    cluster_name: str = ""
    version: _Version = msgspec.field(default_factory=_Version)


class Health(msgspec.Struct, frozen=True):
    """The cluster's own word for its state, and what is behind it."""

    cluster_name: str = ""
    status: str = ""  # green | yellow | red
    number_of_nodes: int = 0
    unassigned_shards: int = 0


class Info(msgspec.Struct, frozen=True):
    """What answers."""

    cluster_name: str
    version: str


async def info(index: ElasticIndex) -> Info:
    """Name and version. Raises SourceError."""
    root = await index.get("/", _Root)
    return Info(cluster_name=clean(root.cluster_name, 100), version=clean(root.version.number, 40))


async def health(index: ElasticIndex) -> Health:
    """The cluster's health; needs the right `monitor`. Raises SourceError."""
    told = await index.get("/_cluster/health?timeout=2s", Health)
    return msgspec.structs.replace(told, cluster_name=clean(told.cluster_name, 100), status=clean(told.status, 20))
