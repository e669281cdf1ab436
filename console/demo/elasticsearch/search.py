"""One search: a body checked, the seconds it concerns read, the hits sorted and cut.

The scan gives the loop back every few dozen seconds of log, because the same process serves the playlists,
and it stops at the request's own `timeout` with what it has, saying `timed_out`, as Elasticsearch does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from console.demo.elasticsearch.aggregations import Aggregation, Item, aggregations, results
from console.demo.elasticsearch.criteria import Criteria, anything
from console.demo.elasticsearch.dates import MS, span_ms
from console.demo.elasticsearch.documents import INDEX, SHARDS, Count, Document
from console.demo.elasticsearch.dsl import compile_query
from console.demo.elasticsearch.errors import illegal, parsing
from console.demo.elasticsearch.index import Index, View
from console.demo.elasticsearch.lines import NS
from console.demo.elasticsearch.sorting import Key, SortField, sort_fields
from console.demo.elasticsearch.source import Filter, fields_of, source, source_filter

MAX_WINDOW = 10_000
TOTAL_UP_TO = 10_000
SLICE_SECONDS = 60
"""Seconds of log read before the loop gets its turn."""
_KNOWN = frozenset(
    {
        "query",
        "size",
        "from",
        "sort",
        "search_after",
        "_source",
        "fields",
        "track_total_hits",
        "timeout",
        "terminate_after",
        "aggs",
        "aggregations",
        "pit",
        "track_scores",
    }
)


class Search(msgspec.Struct, frozen=True):
    """A checked request. `total_up_to` None counts all, 0 counts none; `after` is the key search_after
    names."""

    criteria: Criteria
    size: int
    start: int
    sort: tuple[SortField, ...]
    after: tuple[Key, ...] | None
    source: Filter
    fields: list[tuple[str, str | None]]
    total_up_to: int | None
    timeout_ms: int | None
    terminate_after: int
    aggs: tuple[Aggregation, ...]


def checked(body: dict[str, Any], now_ns: int, in_pit: bool) -> Search:
    """The request of a body. Raises EsError (400) for anything unknown or out of range."""
    for key in body:
        if key not in _KNOWN:
            raise parsing(f"unknown key [{key}] in the search body, or one that this server lacks")
    size, start = _count(body, "size", 10), _count(body, "from", 0)
    if size + start > MAX_WINDOW:
        raise illegal(
            f"Result window is too large, from + size must be less than or equal to: [{MAX_WINDOW}] but was "
            f"[{size + start}]. See the scroll api for a more efficient way to request large data sets.",
            phase=True,
        )
    sort = sort_fields(body.get("sort"), in_pit)
    after = None
    if body.get("search_after") is not None:
        if start > 0:
            raise illegal("`from` parameter must be set to 0 when `search_after` is used.")
        after = _after(body["search_after"], sort, now_ns)
    query = body.get("query")
    return Search(
        anything() if query is None else compile_query(query, now_ns),
        size,
        start,
        sort,
        after,
        source_filter(body.get("_source")),
        _wanted_fields(body.get("fields")),
        _total(body.get("track_total_hits", TOTAL_UP_TO)),
        None if body.get("timeout") in (None, -1, "-1") else span_ms(body["timeout"], "timeout"),
        _count(body, "terminate_after", 0),
        aggregations(body.get("aggs", body.get("aggregations")), now_ns),
    )


def _count(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise illegal(f"[{name}] parameter cannot be negative or other than a number, found [{value}]")
    return value


def _total(value: object) -> int | None:
    if isinstance(value, bool):
        return None if value else 0
    if isinstance(value, int) and value >= 0:
        return value
    raise illegal(f"[track_total_hits] parameter must be positive or equals to -1, got {value}")


def _after(given: object, sort: tuple[SortField, ...], now_ns: int) -> tuple[Key, ...]:
    if not sort:
        raise illegal("Sort must contain at least one field.")
    # The implicit last _shard_doc may be missing from what the client sends back.
    if not isinstance(given, list) or not len(sort) - (sort[-1].name == "_shard_doc") <= len(given) <= len(
        sort
    ):
        count = len(given) if isinstance(given, list) else 0
        raise illegal(f"search_after has {count} value(s) but sort has {len(sort)}.")
    return tuple(level.key(level.parse(value, now_ns)) for level, value in zip(sort, given, strict=False))


def _wanted_fields(given: object) -> list[tuple[str, str | None]]:
    if given is None:
        return []
    if not isinstance(given, list):
        raise parsing("[fields] is an array")
    return [
        (str(one.get("field")), one.get("format")) if isinstance(one, dict) else (str(one), None)
        for one in given
    ]


class _Found:
    """What a scan gathers."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.counts: list[Item] = []
        self.counted = 0
        self.timed_out = False
        self.terminated = False


async def run(index: Index, search: Search, view: View, matched: bool) -> dict[str, Any]:
    """The answer's body, without a pit_id."""
    began = time.monotonic()
    found = _Found()
    if matched:
        await _scan(index, search, view, found, began)
    total = len(found.documents) + found.counted
    page = _page(search, found.documents)
    hits: dict[str, Any] = {
        "max_score": None if search.sort or not page else 1.0,
        "hits": [_hit(search, *one) for one in page],
    }
    if search.total_up_to is None:
        hits = {"total": {"value": total, "relation": "eq"}, **hits}
    elif search.total_up_to > 0:
        relation = "gte" if total > search.total_up_to else "eq"
        hits = {"total": {"value": min(total, search.total_up_to), "relation": relation}, **hits}
    body: dict[str, Any] = {"took": int((time.monotonic() - began) * 1000), "timed_out": found.timed_out}
    if search.terminate_after:
        body["terminated_early"] = found.terminated
    shards = SHARDS if matched else 0
    body["_shards"] = {"total": shards, "successful": shards, "skipped": 0, "failed": 0}
    body["hits"] = hits
    if search.aggs:
        items: list[Item] = [*found.counts, *((document, 1) for document in found.documents)]
        body["aggregations"] = results(search.aggs, items)
    return body


async def _scan(index: Index, search: Search, view: View, found: _Found, began: float) -> None:
    criteria, story = search.criteria, index.story
    event, ingested = criteria.event, criteria.ingested
    newest = max(view)
    first = max(index.first_second(), event.lo // NS, _earliest(index, ingested.lo))
    last = min(newest, event.hi, ingested.hi) // NS
    coarse = (
        search.size == 0
        and criteria.only_bounds
        and not search.terminate_after
        and all(a.coarse for a in search.aggs)
    )
    oldest_view = min(view)
    test = criteria.test
    per_shard = [0] * SHARDS
    for second in range(first, last + 1):
        if (second - first) % SLICE_SECONDS == SLICE_SECONDS - 1:
            await asyncio.sleep(0)
            if search.timeout_ms is not None and (time.monotonic() - began) * 1000 > search.timeout_ms:
                found.timed_out = True
                return
        if (
            coarse
            and event.lo <= second * NS
            and second * NS + NS - MS <= event.hi
            and story.settled(second, oldest_view)
        ):
            _count_second(story.counts(second), second, criteria, found)
            continue
        for document in story.documents(second):
            if document.ingested_ns <= view[document.shard] and test(document):
                if search.terminate_after:
                    if per_shard[document.shard] >= search.terminate_after:
                        found.terminated = True
                        continue
                    per_shard[document.shard] += 1
                found.documents.append(document)


def _earliest(index: Index, ingested_lo: int) -> int:
    if ingested_lo <= 0:
        return 0
    second = ingested_lo // NS
    return second - index.story.lateness(second)


def _count_second(
    counts: tuple[tuple[str, int], ...], second: int, criteria: Criteria, found: _Found
) -> None:
    for level, many in counts:
        if criteria.levels is None or level in criteria.levels:
            found.counts.append((Count(second * 1000, level), many))
            found.counted += many


def _page(search: Search, documents: list[Document]) -> list[tuple[Document, list[Any]]]:
    if search.size == 0:
        return []
    if not search.sort:
        ordered = sorted(documents, key=lambda document: document.shard_doc)
        return [(document, []) for document in ordered[search.start : search.start + search.size]]
    keyed = []
    for document in documents:
        values = [level.value(document) for level in search.sort]
        key = tuple(level.key(value) for level, value in zip(search.sort, values, strict=True))
        if search.after is None or key[: len(search.after)] > search.after:
            # The last word is the shard's own order, so that equal keys page the same way twice.
            keyed.append((key, document.shard_doc, document, values))
    keyed.sort(key=lambda one: one[:2])
    return [(document, values) for _, _, document, values in keyed[search.start : search.start + search.size]]


def _hit(search: Search, document: Document, values: list[Any]) -> dict[str, Any]:
    hit: dict[str, Any] = {"_index": INDEX, "_id": document.id, "_score": None if search.sort else 1.0}
    if search.source.shown:
        hit["_source"] = source(document, search.source)
    if search.fields:
        hit["fields"] = fields_of(document, search.fields)
    if search.sort:
        hit["sort"] = [level.shown(value) for level, value in zip(search.sort, values, strict=True)]
    return hit
