"""Where in the overlap something new may be: the server's counts in slices of time, against what is known of each.

The overlap is asked for again at every poll, and nearly all of it is known: at 2,000 lines a second 60,000 lines would be
fetched to find a handful of late ones. Counting costs the server a hundredth of fetching. Whatever has been taken is in the
index, so a slice that holds as many documents of an index as are known of it holds nothing new and is left out; every other
slice is read, line by line, as if there were no counts.

Counts are kept per index: when an index is deleted, what went with it must not hide as many new lines of another one.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from itertools import pairwise
from typing import Any

import msgspec

from console.model.failure import FailureKind, SourceError
from console.sources.elasticsearch.answers import LogIndex
from console.sources.elasticsearch.client import KEEP_ALIVE
from console.sources.elasticsearch.nanos import FORMAT, spelt
from console.sources.elasticsearch.query import Span, matching

log = logging.getLogger(__name__)

SLICES = 3000  # in the overlap, at most; finer ones are left out more often, and cost more to count
IN_SLICE = 6  # known lines, below which finer slices save less than they cost
STRETCHES = 100  # that one query names: each costs the server something, and some thousand are refused
LEAST_MS = 10
INDICES = 500  # told apart
WORTH = 0.5  # pages of known lines below which the overlap is simply read
_NONE: dict[int, int] = {}


class _Slice(msgspec.Struct):
    key: float  # its beginning, in milliseconds
    doc_count: int


class _Slices(msgspec.Struct):
    buckets: list[_Slice] = []


class _Index(msgspec.Struct):
    key: str
    slices: _Slices = msgspec.field(default_factory=_Slices)


class _Indices(msgspec.Struct):
    buckets: list[_Index] = []
    sum_other_doc_count: int = 0


class _Aggregations(msgspec.Struct):
    indices: _Indices = msgspec.field(default_factory=_Indices)


class Tally(msgspec.Struct, frozen=True):
    """The slices of one pass, by the tracking field: from `start` to the end of the one that holds `newest`, both in
    nanoseconds. `count`: how many lines are known.
    """

    tracking: str
    start: int
    newest: int
    count: int

    @property
    def slice_ms(self) -> int:
        return max(LEAST_MS, math.ceil((self.newest - self.start) / self._slices / 1_000_000))

    @property
    def _slices(self) -> int:
        return max(1, min(SLICES, self.count // IN_SLICE))

    @property
    def _width(self) -> int:
        return self.slice_ms * 1_000_000

    @property
    def end(self) -> int:
        """The first moment after the last slice: all from here on is read."""
        return (self.newest // self._width + 1) * self._width

    async def narrowed(
        self,
        index: LogIndex,
        query: dict[str, Any],
        patience: str,
        pit: str,
        known: Mapping[str, Collection[int]],
        is_left_out: Callable[[int], bool] | None,
    ) -> tuple[dict[str, Any], str, str]:
        """The query without the slices that hold nothing new, the newest id of the view, and why the counts were not whole,
        or "". The query as it was for a server that does not count so. `known` and `is_left_out` as for `unlike`.

        Raises SourceError as a page would.
        """
        try:
            answer = await index.search(self.body(query, patience, pit))
            spans = self.unlike(answer.aggregations, known, is_left_out)
        except (SourceError, msgspec.MsgspecError) as error:
            if isinstance(error, SourceError) and error.failure.kind is not FailureKind.REJECTED:
                raise
            log.info("the whole overlap is read, since it could not be counted in slices: %s", error)
            return query, pit, ""
        return matching([query, self._only(spans)]), answer.pit_id or pit, answer.lacking

    def body(self, query: dict[str, Any], patience: str, pit: str) -> dict[str, Any]:
        """The search that counts; `patience` is how long the server may take, as it spells time."""
        tracking = self.tracking
        counted = {"range": {tracking: {"gte": spelt(self.start), "lt": spelt(self.end), "format": FORMAT}}}
        slices = {"field": tracking, "fixed_interval": f"{self.slice_ms}ms", "min_doc_count": 1}
        return {
            "size": 0,
            "track_total_hits": False,
            "timeout": patience,
            "pit": {"id": pit, "keep_alive": KEEP_ALIVE},
            "query": matching([query, counted]),
            "aggs": {
                "indices": {
                    "terms": {"field": "_index", "size": INDICES},
                    "aggs": {"slices": {"date_histogram": slices}},
                }
            },
        }

    def unlike(
        self, aggregations: msgspec.Raw, known: Mapping[str, Collection[int]], is_left_out: Callable[[int], bool] | None
    ) -> list[Span]:
        """What has to be read: stretches [from, to) in rising order, without the open one from `end` on.

        `known`: the tracking times of all that has been taken, by index; `is_left_out` says of a time that the query
        leaves it out (None: it leaves out none). Raises msgspec.MsgspecError for an answer that cannot be read.
        """
        told = msgspec.json.decode(aggregations, type=_Aggregations).indices
        if told.sum_other_doc_count:
            return [(self.start, self.end)]
        told_of = {
            one.key: {round(each.key) // self.slice_ms: each.doc_count for each in one.slices.buckets if each.doc_count}
            for one in told.buckets
        }
        known_of = self._of(known, is_left_out)
        numbers: set[int] = set()
        for index in told_of.keys() | known_of.keys():
            theirs, ours = told_of.get(index, _NONE), known_of.get(index, _NONE)
            if theirs != ours:
                numbers.update(at for at in theirs.keys() | ours.keys() if theirs.get(at, 0) != ours.get(at, 0))
        width = self._width
        return [(first * width, (last + 1) * width) for first, last in _runs(sorted(numbers), STRETCHES)]

    def _of(
        self, known: Mapping[str, Collection[int]], is_left_out: Callable[[int], bool] | None
    ) -> dict[str, dict[int, int]]:
        """How many are known of each index in each slice. This is done for every known line at every poll."""
        width, start = self._width, self.start
        if is_left_out is not None:
            known = {index: [at for at in times if not is_left_out(at)] for index, times in known.items()}
        return {index: dict(Counter([at // width for at in times if at >= start])) for index, times in known.items()}

    def _only(self, spans: list[Span]) -> dict[str, Any]:
        ranges: list[dict[str, Any]] = [{"gte": spelt(begins), "lt": spelt(ends)} for begins, ends in spans]
        ranges.append({"gte": spelt(self.end)})
        should = [{"range": {self.tracking: {**bounds, "format": FORMAT}}} for bounds in ranges]
        return {"bool": {"should": should, "minimum_should_match": 1}}


def _runs(numbers: list[int], most: int) -> list[tuple[int, int]]:
    """(first, last) of each run of neighbours; when there are more than `most`, the closest ones are joined."""
    gaps = sorted((after - before for before, after in pairwise(numbers)), reverse=True)
    widest = max(1, gaps[most - 1]) if len(gaps) >= most else 1
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number - runs[-1][1] <= widest:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
