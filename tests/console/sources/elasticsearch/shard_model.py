"""A log index in memory whose shards refresh independently: what the tail's property test tails."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.elasticsearch.answers import Capabilities, Counted, Searched, Shards
from console.sources.elasticsearch.nanos import NS, nanos, spelt


class Document(msgspec.Struct, frozen=True):
    id: str
    tracking: int
    shard: int
    visible_at: int
    body: dict[str, Any]


class Faults(msgspec.Struct):
    """What the next questions meet."""

    failed_shards: frozenset[int] = frozenset()
    times_out: bool = False
    breaks_at: int | None = None  # the n-th question from now fails


class ShardModel:
    """Implements `LogIndex`. A document is found once its shard's refresh has passed; a PIT freezes what is found."""

    shards = 3

    def __init__(self, now_ns: Callable[[], int], rng: random.Random, delay_s: float, tells_date: bool = True) -> None:
        self._now = now_ns
        self._rng = rng
        self._delay_s = delay_s
        self._tells_date = tells_date
        self.documents: list[Document] = []
        self.faults = Faults()
        self.pits: dict[str, int] = {}
        self.opened = self.closed = self.asked = 0
        self.bodies: list[dict[str, Any]] = []
        self.types = {"event.ingested": frozenset({"date_nanos"}), "@timestamp": frozenset({"date"})}

    @property
    def server_date(self) -> datetime | None:
        return datetime.fromtimestamp(self._now() // NS, UTC) if self._tells_date else None

    def add(self, count: int = 1, tie_ns: int = 1, back_ns: int = 0, **body: Any) -> None:
        """Index `count` documents now (`back_ns` ago by their tracking time), visible within the delay."""
        for _ in range(count):
            now = self._now()
            tracking = (now - back_ns) // tie_ns * tie_ns
            at = now + int(self._rng.random() * max(0.0, self._delay_s * NS - (now - tracking)))
            number = len(self.documents)
            source = {"@timestamp": spelt(tracking), "event": {"ingested": spelt(tracking)}, "message": f"m{number}"}
            self.documents.append(
                Document(f"d{number}", tracking, self._rng.randrange(self.shards), at, {**source, **body})
            )

    def _step(self) -> None:
        self.asked += 1
        if self.faults.breaks_at is not None:
            self.faults.breaks_at -= 1
            if self.faults.breaks_at < 0:
                self.faults.breaks_at = None
                raise SourceError(
                    Failure(kind=FailureKind.UNREACHABLE, tried="search", on="model", got="connection refused")
                )

    async def capabilities(self, names: list[str]) -> Capabilities:
        self._step()
        return Capabilities(types={name: self.types.get(name, frozenset()) for name in names}, indices=1)

    async def refresh_interval_s(self) -> float:
        self._step()
        return 1.0

    async def open_pit(self) -> str:
        self._step()
        self.opened += 1
        name = f"pit-{self.opened}-0"
        self.pits[name] = self._now()
        return name

    async def close_pit(self, pit_id: str) -> None:
        self.closed += 1
        assert self.pits.pop(pit_id, None) is not None, "a point in time closed that is not the newest"
        self._step()

    async def count(self, query: dict[str, Any]) -> Counted:
        self._step()
        found = self._found(query, self._now())
        return Counted(count=len(found), shards=Shards(total=3, failed=len(self.faults.failed_shards)))

    async def search(self, body: dict[str, Any]) -> Searched:
        self._step()
        self.bodies.append(body)
        seen_at, pit_id = self._now(), None
        if "pit" in body:
            seen_at = self.pits.pop(body["pit"]["id"])
            head, _, serial = body["pit"]["id"].rpartition("-")
            pit_id = f"{head}-{int(serial) + 1}"
            self.pits[pit_id] = seen_at
        found = self._found(body["query"], seen_at)
        if "aggs" in body:
            return self._counted(body["aggs"], found, pit_id)
        order = next(iter(body["sort"][0].values()))["order"]
        keyed = sorted((doc.tracking, int(doc.id[1:])) for doc in found)
        if order == "desc":
            keyed.reverse()
        if "search_after" in body:
            after = (nanos(body["search_after"][0]), body["search_after"][1])
            keyed = [key for key in keyed if key > after]
        size = body["size"]
        timed_out = self.faults.times_out
        if timed_out:
            size = max(0, size // 2)
        hits = [self._hit(key, self.documents[key[1]]) for key in keyed[:size]]
        return msgspec.convert(
            {
                "hits": {"hits": [msgspec.Raw(msgspec.json.encode(hit)) for hit in hits]},
                "timed_out": timed_out,
                "_shards": {"total": 3, "failed": len(self.faults.failed_shards)},
                "pit_id": pit_id,
            },
            Searched,
        )

    def _counted(self, aggs: dict[str, Any], found: list[Document], pit_id: str | None) -> Searched:
        """`terms` of the index over a `date_histogram`, as the tail asks for them."""
        interval = aggs["indices"]["aggs"]["slices"]["date_histogram"]["fixed_interval"]
        width = int(interval.removesuffix("ms")) * 1_000_000
        if self.faults.times_out:
            found = found[::2]
        slices = Counter(doc.tracking // width for doc in found)
        buckets = [{"key": at * width // 1_000_000, "doc_count": count} for at, count in sorted(slices.items())]
        indices = [{"key": "logs", "doc_count": len(found), "slices": {"buckets": buckets}}] if found else []
        return msgspec.convert(
            {
                "timed_out": self.faults.times_out,
                "_shards": {"total": 3, "failed": len(self.faults.failed_shards)},
                "pit_id": pit_id,
                "aggregations": msgspec.Raw(
                    msgspec.json.encode({"indices": {"sum_other_doc_count": 0, "buckets": indices}})
                ),
            },
            Searched,
        )

    def _hit(self, key: tuple[int, int], doc: Document) -> dict[str, Any]:
        return {"_index": "logs", "_id": doc.id, "sort": [spelt(key[0]), key[1]], "_source": doc.body}

    def _found(self, query: dict[str, Any], seen_at: int) -> list[Document]:
        matches = _bool(query["bool"], self._now())
        return [
            doc
            for doc in self.documents
            if doc.visible_at <= seen_at and doc.shard not in self.faults.failed_shards and matches(doc)
        ]


def _bool(body: dict[str, Any], now: int) -> Callable[[Document], bool]:
    must = [_clause(one, now) for one in body.get("filter", [])]
    without = [_clause(one, now) for one in body.get("must_not", [])]
    should = [_clause(one, now) for one in body.get("should", [])]
    return lambda doc: (
        all(one(doc) for one in must)
        and not any(one(doc) for one in without)
        and (not should or any(one(doc) for one in should))
    )


def _clause(one: dict[str, Any], now: int) -> Callable[[Document], bool]:
    if "term" in one:
        ((name, value),) = one["term"].items()
        return lambda doc: doc.body.get(name) == value
    if "bool" in one:
        return _bool(one["bool"], now)
    ((_, bounds),) = one["range"].items()
    low = _time(bounds["gte"], now)
    if "lt" not in bounds and "lte" not in bounds:
        return lambda doc: low <= doc.tracking
    high = _time(bounds["lt"], now) - 1 if "lt" in bounds else _time(bounds["lte"], now)
    return lambda doc: low <= doc.tracking <= high


def _time(text: str, now: int) -> int:
    """Elasticsearch's `now` has milliseconds."""
    if not text.startswith("now"):
        return nanos(text)
    back = int(text[4:-1]) if len(text) > 3 else 0
    return math.floor(now / 1e6) * 1_000_000 - back * NS
