"""How many lines of each level, over the last quarter of an hour."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import msgspec

from console.model.failure import SourceError
from console.model.instant import Clock
from console.model.logline import LevelBucket, LevelCounts
from console.sources.access import Access
from console.sources.elasticsearch import query as ask_for
from console.sources.elasticsearch.client import KIND, ElasticIndex
from console.sources.elasticsearch.fields import ECS, Fields, level_of
from console.sources.elasticsearch.nanos import NS, moment
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource
from console.sources.status import malformed

BUCKETS = 30
INTERVAL_S = 30
_WORDS = 50  # distinct spellings of levels that are told apart


class _Term(msgspec.Struct):
    key: str | int
    doc_count: int


class _Terms(msgspec.Struct):
    buckets: list[_Term] = []


class _Bucket(msgspec.Struct):
    key: float
    doc_count: int
    levels: _Terms = msgspec.field(default_factory=_Terms)


class _Histogram(msgspec.Struct):
    buckets: list[_Bucket] = []


class _Aggregations(msgspec.Struct):
    over_time: _Histogram = msgspec.field(default_factory=_Histogram)


class Levels:
    """One histogram by level. Counts are exact or the reading is partial: no `terminate_after`, which would
    make them lie.
    """

    def __init__(
        self,
        index: ElasticIndex,
        clock: Clock,
        fields: Fields = ECS,
        scope: Mapping[str, str] | None = None,
        scope_fields: Mapping[str, str] = ask_for.SCOPE_FIELDS,
        timeout_s: float = 8.0,
    ) -> None:
        self._index = index
        self._clock = clock
        self._fields = fields
        self._filters = ask_for.scope_filters(scope or {}, scope_fields)
        self._timeout = f"{max(1, int(timeout_s))}s"

    async def ask(self) -> Answer[LevelCounts]:
        """The last 30 intervals, the newest incomplete. Raises SourceError."""
        since = {"gte": f"now-{(BUCKETS + 1) * INTERVAL_S}s", "lt": "now"}
        body = {
            "size": 0,
            "track_total_hits": False,
            "timeout": self._timeout,
            "query": ask_for.matching([*self._filters, {"range": {self._fields.at: since}}]),
            "aggs": {
                "over_time": {
                    "date_histogram": {
                        "field": self._fields.at,
                        "fixed_interval": f"{INTERVAL_S}s",
                        "min_doc_count": 0,
                    },
                    "aggs": {"levels": {"terms": {"field": self._fields.level, "size": _WORDS}}},
                }
            },
        }
        answer = await self._index.search(body)
        try:
            told = msgspec.json.decode(answer.aggregations, type=_Aggregations).over_time.buckets
        except msgspec.MsgspecError as error:
            raise SourceError(malformed("count lines by level", self._index.on, error)) from error
        date = self._index.server_date
        return Answer(
            value=LevelCounts(interval_s=float(INTERVAL_S), buckets=self._filled(told)),
            server_date=date,
            partial_reason=answer.lacking,
        )

    def _filled(self, told: list[_Bucket]) -> tuple[LevelBucket, ...]:
        """Exactly 30 buckets up to the server's now (ours, when it tells none): the server leaves empty ends
        out.
        """
        by_start = {round(bucket.key / 1000): bucket for bucket in told}
        now = self._index.server_date or self._clock.now().utc
        newest = math.floor(now.timestamp() / INTERVAL_S) * INTERVAL_S
        if by_start and (max(by_start) > newest or self._index.server_date is None):
            newest = max(by_start) if max(by_start) > newest or newest - max(by_start) > 900 else newest
        starts = [newest - INTERVAL_S * back for back in range(BUCKETS - 1, -1, -1)]
        return tuple(_bucket(start, by_start.get(start)) for start in starts)


def _bucket(start: int, told: _Bucket | None) -> LevelBucket:
    counts = {"error": 0, "warn": 0}
    for term in told.levels.buckets if told is not None else ():
        level = level_of(str(term.key))
        if level in counts:
            counts[level] += term.doc_count
    return LevelBucket(
        at=moment(start * NS),
        total=told.doc_count if told is not None else 0,
        errors=counts["error"],
        warnings=counts["warn"],
    )


def levels_source(
    name: str,
    access: Access,
    index: str,
    clock: Clock,
    meter: Meter,
    scope: Mapping[str, str] | None = None,
    scope_fields: Mapping[str, str] = ask_for.SCOPE_FIELDS,
    fields: Fields = ECS,
    period_s: float = 10.0,
    rng: random.Random | None = None,
) -> PollingSource[LevelCounts]:
    """Counts by level as a source."""
    client = ElasticIndex(access, index, meter)
    levels = Levels(client, clock, fields, scope, scope_fields, timeout_s=0.8 * access.timeout_s)
    return PollingSource(name, KIND, levels.ask, period_s, clock, rng=rng, meter=meter, close=client.close)
