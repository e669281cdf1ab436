"""One search: a body checked, the seconds it concerns read, the hits sorted and cut.

The scan gives the loop back every few dozen seconds of log, because the same process serves the playlists,
and it stops at the request's own `timeout` with what it has, saying `timed_out`, as Elasticsearch does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from console.demo.elasticsearch.aggregations import Aggregation, aggregations
from console.demo.elasticsearch.buckets import Tally
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
_Hit = tuple[Key, int, Document, list[Any]]
SLICE_SECONDS = 20
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
    """What a scan gathers: a count, the best of the hits, and the aggregations; never all documents."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.total = 0
        self.timed_out = False
        self.terminated = False
        self.tallies = tuple(Tally(one) for one in search.aggs)
        self.wanted = search.start + search.size
        self._hits: list[_Hit] = []

    def take(self, document: Document) -> None:
        """One matching document."""
        self.total += 1
        for tally in self.tallies:
            tally.add(document, 1)
        if self.wanted == 0:
            return
        search = self.search
        values = [level.value(document) for level in search.sort]
        key = tuple(level.key(value) for level, value in zip(search.sort, values, strict=True))
        if search.after is None or key[: len(search.after)] > search.after:
            # The last word is the shard's own order, so that equal keys page the same way twice.
            self._hits.append((key, document.shard_doc, document, values))
            if len(self._hits) > 2 * self.wanted + 5000:
                self._cut()

    def count(self, item: Count, weight: int) -> None:
        """All documents of a level in a second."""
        self.total += weight
        for tally in self.tallies:
            tally.add(item, weight)

    def enough(self) -> bool:
        """Whether no document that sorts after those taken could change the answer."""
        counted = self.search.total_up_to
        return (
            not self.tallies
            and counted is not None
            and self.total > counted
            and len(self._hits) >= self.wanted
        )

    def page(self) -> list[_Hit]:
        """The hits from `from` on, in order."""
        self._cut()
        return self._hits[self.search.start :]

    def _cut(self) -> None:
        self._hits.sort(key=lambda hit: hit[:2])
        del self._hits[self.wanted :]


async def run(index: Index, search: Search, view: View, matched: bool) -> dict[str, Any]:
    """The answer's body, without a pit_id."""
    began = time.monotonic()
    found = _Found(search)
    if matched:
        await _scan(index, search, view, found, began)
    page = found.page()
    hits: dict[str, Any] = {"max_score": None if search.sort or not page else 1.0}
    hits["hits"] = [_shown(search, document, values) for _, _, document, values in page]
    if search.total_up_to is None:
        hits = {"total": {"value": found.total, "relation": "eq"}, **hits}
    elif search.total_up_to > 0:
        relation = "gte" if found.total > search.total_up_to else "eq"
        hits = {"total": {"value": min(found.total, search.total_up_to), "relation": relation}, **hits}
    body: dict[str, Any] = {
        "took": int((time.monotonic() - began) * 1000),
        "timed_out": found.timed_out,
    }
    if search.terminate_after:
        body["terminated_early"] = found.terminated
    shards = SHARDS if matched else 0
    body["_shards"] = {"total": shards, "successful": shards, "skipped": 0, "failed": 0}
    body["hits"] = hits
    if search.aggs:
        body["aggregations"] = {tally.what.name: tally.result() for tally in found.tallies}
    return body


async def _scan(index: Index, search: Search, view: View, found: _Found, began: float) -> None:
    criteria, story = search.criteria, index.story
    event, oldest_view = criteria.event, min(view)
    seconds, in_order = _seconds(index, search, max(view))
    coarse = search.size == 0 and criteria.only_bounds and not search.terminate_after
    coarse = coarse and all(one.coarse for one in search.aggs)
    per_shard = [0] * SHARDS
    for number, second in enumerate(seconds):
        if number % SLICE_SECONDS == SLICE_SECONDS - 1:
            await asyncio.sleep(0)
            if search.timeout_ms is not None and (time.monotonic() - began) * 1000 > search.timeout_ms:
                found.timed_out = True
                return
        whole = event.lo <= second * NS and second * NS + NS - MS <= event.hi
        if coarse and whole and story.settled(second, oldest_view):
            for level, many in story.counts(second):
                if criteria.levels is None or level in criteria.levels:
                    found.count(Count(second * 1000, level), many)
        else:
            _read_second(story.documents(second), search, view, found, per_shard)
        if (in_order and found.enough()) or (found.terminated and min(per_shard) >= search.terminate_after):
            return


def _seconds(index: Index, search: Search, newest: int) -> tuple[range, bool]:
    """The seconds of @timestamp to read, and whether they come in the order of the sort."""
    event, ingested = search.criteria.event, search.criteria.ingested
    first = max(index.first_second(), event.lo // NS)
    if ingested.lo > 0:
        second = ingested.lo // NS
        first = max(first, second - index.story.lateness(second))
    last = min(newest, event.hi, ingested.hi) // NS
    if search.sort and search.sort[0].name == "@timestamp":
        return (range(last, first - 1, -1) if search.sort[0].descending else range(first, last + 1)), True
    return range(first, last + 1), False


def _read_second(
    documents: tuple[Document, ...], search: Search, view: View, found: _Found, per_shard: list[int]
) -> None:
    test = search.criteria.test
    for document in documents:
        if document.ingested_ns <= view[document.shard] and test(document):
            if search.terminate_after:
                if per_shard[document.shard] >= search.terminate_after:
                    found.terminated = True
                    continue
                per_shard[document.shard] += 1
            found.take(document)


def _shown(search: Search, document: Document, values: list[Any]) -> dict[str, Any]:
    hit: dict[str, Any] = {"_index": INDEX, "_id": document.id, "_score": None if search.sort else 1.0}
    if search.source.shown:
        hit["_source"] = source(document, search.source)
    if search.fields:
        hit["fields"] = fields_of(document, search.fields)
    if search.sort:
        hit["sort"] = [level.shown(value) for level, value in zip(search.sort, values, strict=True)]
    return hit
