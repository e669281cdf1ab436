"""The bodies of the tail's searches, and how a scope becomes term filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.sources.elasticsearch.fields import Fields
from console.sources.elasticsearch.nanos import FORMAT, spelt

SCOPE_FIELDS: Mapping[str, str] = {
    "region": "cloud.region",
    "cluster": "orchestrator.cluster.name",
    "namespace": "kubernetes.namespace",
    "node": "kubernetes.node.name",
    "service": "service.name",
    "channel": "labels.channel",
    "pod": "kubernetes.pod.name",
}
Span = tuple[int, int]  # both ends in nanoseconds, both inside


def scope_filters(scope: Mapping[str, str], names: Mapping[str, str] = SCOPE_FIELDS) -> list[dict[str, Any]]:
    """One term filter per dimension that has a field here; a dimension without one does not narrow."""
    return [{"term": {names[dimension]: value}} for dimension, value in scope.items() if dimension in names]


def between(name: str, span: Span) -> dict[str, Any]:
    """The range of a stretch of time, both ends inside."""
    return {"range": {name: {"gte": spelt(span[0]), "lte": spelt(span[1]), "format": FORMAT}}}


def since(name: str, start: str, settle_s: int) -> dict[str, Any]:
    """From `start` (a spelt time, or date math) to the server's own now, less the time a line may take to be
    visible.
    """
    bounds = {"gte": start, "lt": f"now-{settle_s}s" if settle_s else "now", "format": FORMAT}
    return {"range": {name: bounds}}


def matching(must: Sequence[dict[str, Any]], without: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Filters only: nothing is scored."""
    return {"bool": {"filter": list(must), "must_not": list(without)}} if without else {"bool": {"filter": list(must)}}


def page(
    query: dict[str, Any],
    tracking: str,
    fields: Fields,
    size: int,
    timeout: str,
    pit: tuple[str, str] | None = None,
    after: list[Any] | None = None,
    order: str = "asc",
) -> dict[str, Any]:
    """One page; `pit` is (newest id, keep-alive), without which there is no `_shard_doc` to break ties."""
    body: dict[str, Any] = {
        "size": size,
        "query": query,
        "sort": [{tracking: {"order": order, "format": FORMAT}}],
        "_source": fields.of_a_line(),
        "track_total_hits": False,
        "timeout": timeout,
    }
    if pit is not None:
        body["pit"] = {"id": pit[0], "keep_alive": pit[1]}
        body["sort"].append({"_shard_doc": order})
    if after is not None:
        body["search_after"] = after
    return body
