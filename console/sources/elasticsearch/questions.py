"""What doctor asks an Elasticsearch: who are you, are you well, and what time is it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from console.model.failure import FailureKind, SourceError
from console.sources.elasticsearch.client import ElasticIndex
from console.sources.sanitise import clean


class _Version(msgspec.Struct):
    number: str = ""


class _Root(msgspec.Struct):
    cluster_name: str = ""
    version: _Version = msgspec.field(default_factory=_Version)


class _Node(msgspec.Struct):
    version: str = ""


class _Nodes(msgspec.Struct):
    cluster_name: str = ""
    nodes: dict[str, _Node] = {}


class _Moment(msgspec.Struct):
    epoch: str  # seconds since 1970, as every number of a _cat


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
    """Name and version. Raises SourceError.

    Asked of `/`, or of the node that answers where `/` is not served: gateways that pass on only some paths, and
    distributions without that module.
    """
    try:
        root = await index.get("/", _Root)
    except SourceError as error:
        if error.failure.kind not in (FailureKind.REJECTED, FailureKind.NOT_FOUND):
            raise
        try:
            told = await index.get("/_nodes/_local/os?filter_path=cluster_name,nodes.*.version", _Nodes)
        except SourceError:
            raise error from None
        version = next((node.version for node in told.nodes.values()), "")
        root = _Root(cluster_name=told.cluster_name, version=_Version(number=version))
    return Info(cluster_name=clean(root.cluster_name, 100), version=clean(root.version.number, 40))


async def moment(index: ElasticIndex) -> datetime | None:
    """The server's clock, in whole seconds: Elasticsearch sends no `Date`. None when it does not tell; needs the right
    `monitor`.
    """
    try:
        told = await index.get("/_cat/health?format=json&h=epoch", list[_Moment])
    except SourceError:
        return None
    epoch = told[0].epoch if told else ""
    return datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() and len(epoch) < 12 else None


async def health(index: ElasticIndex) -> Health:
    """The cluster's health; needs the right `monitor`. Raises SourceError."""
    told = await index.get("/_cluster/health?timeout=2s", Health)
    return msgspec.structs.replace(told, cluster_name=clean(told.cluster_name, 100), status=clean(told.status, 20))
