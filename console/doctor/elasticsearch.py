"""Elasticsearch: who it is, how its cluster is, and whether the indices hold the fields that a line is made of."""

from __future__ import annotations

from console.assembly import access, log_fields
from console.config.scope import ScopeNames
from console.config.site import Elasticsearch
from console.doctor.diagnosis import Chart
from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.sources.access import place
from console.sources.elasticsearch import questions
from console.sources.elasticsearch.answers import Capabilities
from console.sources.elasticsearch.client import KIND, ElasticIndex
from console.sources.elasticsearch.fields import Fields
from console.sources.elasticsearch.limits import OVERLAP_S
from console.sources.meter import Meter


def chart(backend: Elasticsearch, clock: Clock) -> Chart:
    """An empty one."""
    return Chart("elasticsearch", KIND, place(KIND, backend.all_urls[0]), clock)


async def ask(chart: Chart, backend: Elasticsearch, names: ScopeNames, clock: Clock) -> None:
    """Raises SourceError when it cannot be asked at all. Rights that reading logs does not need are not required."""
    index = ElasticIndex(access(backend), backend.index, Meter(clock))
    try:
        await _greet(chart, index)
        await _health(chart, index)
        await _fields(chart, index, backend.index, log_fields(names))
        chart.dated(index.server_date or await questions.moment(index))
    finally:
        await index.close()


async def _greet(chart: Chart, index: ElasticIndex) -> None:
    try:
        info = await chart.first(lambda: questions.info(index))
    except SourceError as error:
        if not error.failure.got.startswith("HTTP 403"):
            raise
        chart.note("we may not ask its version")
    else:
        chart.version = info.version
        chart.told.append(f"cluster {info.cluster_name}")


async def _health(chart: Chart, index: ElasticIndex) -> None:
    try:
        health = await questions.health(index)
    except SourceError as error:
        if error.failure.kind is not FailureKind.UNAUTHORIZED:
            raise
        chart.note("we may not ask its health", "the privilege `monitor` on the cluster would tell it")
        return
    chart.told.append(f"health {health.status}")
    if health.status == "red":
        chart.lacks(
            f"health red: {health.unassigned_shards} shards unassigned", "lines of those shards cannot be found"
        )
    elif health.unassigned_shards:
        chart.note(f"{health.unassigned_shards} shards unassigned")


async def _fields(chart: Chart, index: ElasticIndex, pattern: str, fields: Fields) -> None:
    wanted = [*fields.of_a_line(), fields.ingested]
    try:
        known = await index.capabilities(wanted)
    except SourceError as error:
        if error.failure.kind is not FailureKind.NOT_FOUND:
            raise
        known = Capabilities(types={}, indices=0)
    if not known.indices:
        chart.lacks(f"no index matches {pattern}", "check `index` of this backend, and what the credential may read")
        return
    chart.told.append(f"{known.indices} ind{'ices match' if known.indices > 1 else 'ex matches'} {pattern}")
    if not known.is_date_everywhere(fields.at):
        chart.lacks(f"{fields.at} is not a date in every index", "lines without it have no place in the tail")
    for name in (fields.message, fields.level):
        if not _exists(known, name):
            chart.lacks(f"no document has {name}", "the tail reads ECS fields: does the shipper write others?")
    if not known.is_date_everywhere(fields.ingested):
        chart.note(
            f"{fields.ingested} is not a date in every index: documents later than {OVERLAP_S:g} s are not shown",
            f"an ingest pipeline that sets {fields.ingested} (set processor, _ingest.timestamp)",
        )
    absent = [name for name in fields.of_a_line()[3:] if not _exists(known, name)]
    if absent:
        chart.note(
            f"no document has {', '.join(absent)}: lines are not found by them",
            "name the fields that these documents use: [scope.DIMENSION] elasticsearch",
        )


def _exists(known: Capabilities, name: str) -> bool:
    return bool(known.types.get(name, frozenset()) - {"unmapped"})
