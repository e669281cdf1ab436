"""Aggregations as they are counted: a tree of buckets that items are poured into one by one.

An item is a document, weight 1, or a `Count` standing for all lines of a level in a second; both answer the
same field readers. Only the buckets are kept, so two hours of log cost no more memory than one minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.demo.elasticsearch.aggregations import Aggregation
from console.demo.elasticsearch.dates import MS, spell
from console.demo.elasticsearch.documents import Count, Document
from console.demo.elasticsearch.errors import EsError

MAX_BUCKETS = 65_536


class Bucket:
    """How many, and the same of each aggregation below."""

    __slots__ = ("below", "count")

    def __init__(self, below: tuple[Aggregation, ...]) -> None:
        self.count = 0
        self.below = tuple(Tally(one) for one in below)


class Tally:
    """One aggregation's buckets so far."""

    def __init__(self, what: Aggregation) -> None:
        self.what = what
        self._buckets: dict[Any, Bucket] = {}
        field = what.field
        self._read = field.read if field is not None else None
        # A histogram's raw values are milliseconds or nanoseconds, by the field's type.
        self._width = what.interval_ms * (MS if field is not None and field.type == "date_nanos" else 1)

    def add(self, item: Document | Count, weight: int) -> None:
        """Pour one item in. Raises EsError when that makes too many buckets."""
        if self._read is None:
            return
        key: Any = self._read(item)
        if key is None:
            return
        if self._width:
            key = key // self._width * self.what.interval_ms
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                raise _too_many(len(self._buckets) + 1)
            bucket = self._buckets[key] = Bucket(self.what.below)
        bucket.count += weight
        for tally in bucket.below:
            tally.add(item, weight)

    def result(self) -> dict[str, Any]:
        """As it stands in an answer."""
        return self._terms() if self.what.kind == "terms" else {"buckets": self._histogram()}

    def _terms(self) -> dict[str, Any]:
        by, descending = self.what.order
        listed = sorted(
            self._buckets.items(), key=lambda pair: str(pair[0]), reverse=descending and by == "_key"
        )
        if by == "_count":
            listed.sort(key=lambda pair: -pair[1].count if descending else pair[1].count)
        shown = [pair for pair in listed if pair[1].count >= self.what.min_doc_count][: self.what.size]
        others = sum(bucket.count for _, bucket in listed) - sum(bucket.count for _, bucket in shown)
        buckets = [_shown({"key": key}, bucket) for key, bucket in shown]
        return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": buckets}

    def _histogram(self) -> list[dict[str, Any]]:
        what = self.what
        keys: Sequence[int] = sorted(self._buckets)
        if what.min_doc_count == 0 and (keys or what.bounds):
            ends = [*keys[:1], *keys[-1:], *(what.bounds or ())]
            keys = range(min(ends), max(ends) + 1, what.interval_ms)
            if len(keys) > MAX_BUCKETS:
                raise _too_many(len(keys))
        empty = Bucket(what.below)
        buckets = [
            _shown({"key_as_string": spell(key * MS, what.format), "key": key}, self._buckets.get(key, empty))
            for key in keys
        ]
        return [bucket for bucket in buckets if bucket["doc_count"] >= what.min_doc_count]


def _shown(head: dict[str, Any], bucket: Bucket) -> dict[str, Any]:
    return {**head, "doc_count": bucket.count, **{tally.what.name: tally.result() for tally in bucket.below}}


def _too_many(count: int) -> EsError:
    return EsError(
        400,
        "too_many_buckets_exception",
        f"Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}] but was "
        f"[{count}].",
        phase=True,
        max_buckets=MAX_BUCKETS,
    )
