"""The query DSL against lines written down in the test, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.demo.elasticsearch.dates import MS, parse_date, spell
from console.demo.elasticsearch.documents import Document, Emitter, Template
from console.demo.elasticsearch.dsl import compile_query
from console.demo.elasticsearch.errors import EsError

NOW = parse_date("2026-11-22T12:00:00Z", 0)


def line(
    name: str, message: str, level: str, service: str, channel: str | None, seconds_ago: int
) -> tuple[str, Document]:
    emitter = Emitter(service, "live", "emea", "emea-node-01", channel, f"{service}-abc-de", lambda s: "")
    event_ms = NOW // MS - seconds_ago * 1000
    template = Template("x", level, 1, lambda e, n, s: message)
    return name, Document(event_ms, event_ms * MS + 123_456_789, 0, 1, template, emitter)


LINES = dict(
    [
        line(
            "late", "segment 17 of uk-sport-1/720p late by 12 s", "error", "packager-emea", "uk-sport-1", 10
        ),
        line("hit", "GET /live/uk-news-1/index.m3u8 200 HIT", "info", "edge-lhr", "uk-news-1", 20),
        line("redis", "Background saving terminated with success", "info", "redis", None, 30),
        line("slow", "slow read: 410 ms from store, late", "warn", "origin", "uk-sport-1", 40),
    ]
)


def found(query: Any) -> set[str]:
    criteria = compile_query(query, NOW)
    hits = {name for name, d in LINES.items() if criteria.test(d)}
    for name in hits:
        # The bounds may spare work but never a document that matches.
        d = LINES[name]
        assert criteria.event.lo <= d.event_ms * MS <= criteria.event.hi
        assert criteria.ingested.lo <= d.ingested_ns <= criteria.ingested.hi
        assert criteria.levels is None or d.level in criteria.levels
    return hits


def qs(text: str, **more: Any) -> Any:
    return {"query_string": {"query": text, **more}}


def simple(text: str, **more: Any) -> Any:
    return {"simple_query_string": {"query": text, **more}}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"match_all": {}}, {"late", "hit", "redis", "slow"}),
        ({"match_none": {}}, set()),
        ({"term": {"log.level": "error"}}, {"late"}),
        ({"term": {"log.level": {"value": "ERROR", "case_insensitive": True}}}, {"late"}),
        ({"term": {"log.level": "ERROR"}}, set()),
        ({"term": {"nothing.here": "x"}}, set()),
        ({"terms": {"log.level": ["error", "warn"]}}, {"late", "slow"}),
        ({"exists": {"field": "labels.channel"}}, {"late", "hit", "slow"}),
        ({"exists": {"field": "labels"}}, {"late", "hit", "slow"}),
        ({"match": {"message": "LATE saving"}}, {"late", "redis", "slow"}),
        ({"match": {"message": {"query": "late segment", "operator": "and"}}}, {"late"}),
        ({"match": {"message": "lat"}}, set()),
        ({"match": {"service.name": "redis"}}, {"redis"}),
        ({"match_phrase": {"message": "late by 12"}}, {"late"}),
        ({"match_phrase": {"message": "by late"}}, set()),
        ({"wildcard": {"service.name": "packager-*"}}, {"late"}),
        ({"wildcard": {"service.name": {"value": "e?ge*"}}}, {"hit"}),
        ({"wildcard": {"message": {"value": "succ*"}}}, {"redis"}),
        ({"prefix": {"labels.channel": "uk-s"}}, {"late", "slow"}),
        ({"range": {"@timestamp": {"gte": "now-20s"}}}, {"late", "hit"}),
        ({"range": {"@timestamp": {"gt": "now-20s"}}}, {"late"}),
        ({"range": {"@timestamp": {"lt": "2026-11-22T11:59:40Z"}}}, {"redis", "slow"}),
        ({"range": {"@timestamp": {"lte": NOW // MS - 20_000, "format": "epoch_millis"}}}, {"hit", "redis", "slow"}),
        ({"range": {"@timestamp": {"gte": "2026-11-22T12:59:45+01:00"}}}, {"late"}),
        ({"range": {"event.ingested": {"gte": "2026-11-22T11:59:50.123456789Z"}}}, {"late"}),
        ({"range": {"event.ingested": {"gt": "2026-11-22T11:59:50.123456789Z"}}}, set()),
        ({"range": {"service.name": {"gte": "o", "lt": "q"}}}, {"late", "slow"}),
        ({"bool": {}}, {"late", "hit", "redis", "slow"}),
        ({"bool": {"filter": {"term": {"log.level": "info"}}, "must_not": [{"exists": {"field": "labels.channel"}}]}}, {"redis"}),
        ({"bool": {"should": [{"term": {"log.level": "warn"}}, {"term": {"service.name": "redis"}}]}}, {"slow", "redis"}),
        ({"bool": {"must": [{"match_all": {}}], "should": [{"term": {"log.level": "warn"}}]}}, {"late", "hit", "redis", "slow"}),
        (
            {"bool": {"must": [{"match_all": {}}], "should": [{"term": {"log.level": "warn"}}], "minimum_should_match": 1}},
            {"slow"},
        ),
        ({"constant_score": {"filter": {"term": {"log.level": "warn"}}}}, {"slow"}),
        (qs("late"), {"late", "slow"}),
        (qs("late AND segment"), {"late"}),
        (qs("late segment", default_operator="AND"), {"late"}),
        (qs("late OR success"), {"late", "slow", "redis"}),
        (qs("late NOT segment"), {"slow"}),
        (qs("late -segment"), {"slow"}),
        (qs("+late segment"), {"late", "slow"}),
        (qs('"late by"'), {"late"}),
        (qs("log.level:error"), {"late"}),
        (qs("log.level:(error OR warn) AND NOT segment"), {"slow"}),
        (qs("service.name:packager-* || service.name:redis"), {"late", "redis"}),
        (qs("_exists_:labels.channel AND !late"), {"hit"}),
        (qs("(late AND segment) OR (success AND saving)"), {"late", "redis"}),
        (qs("*"), {"late", "hit", "redis", "slow"}),
        (qs(r"labels.channel:uk\-sport\-1"), {"late", "slow"}),
        (qs("redis", fields=["service.name"]), {"redis"}),
        (qs(""), set()),
        (simple("late +segment"), {"late"}),
        (simple("late | success"), {"late", "slow", "redis"}),
        (simple("succ*"), {"redis"}),
        (simple('"late by" ('), {"late"}),
    ],
)  # fmt: skip
def test_a_query_finds_what_it_asks_for(query: Any, names: set[str]) -> None:
    assert found(query) == names


@pytest.mark.parametrize(
    ("query", "type_", "says"),
    [
        ({"fuzzy": {"message": "x"}}, "parsing_exception", "unknown query [fuzzy]"),
        ({}, "parsing_exception", "empty clause"),
        ([], "parsing_exception", "must start with start_object"),
        ({"term": {"a": 1, "b": 2}}, "parsing_exception", "doesn't support multiple fields"),
        ({"term": {"a": {"value": 1, "x": 2}}}, "parsing_exception", "does not support [x]"),
        ({"terms": {"log.level": "error"}}, "parsing_exception", "array of values"),
        ({"bool": {"filters": []}}, "parsing_exception", "does not support [filters]"),
        ({"range": {"@timestamp": {"from": 1}}}, "parsing_exception", "does not support [from]"),
        (
            {"range": {"@timestamp": {"gte": "yesterday"}}},
            "parse_exception",
            "failed to parse date field [yesterday]",
        ),
        ({"range": {"@timestamp": {"gte": "2026-13-01"}}}, "parse_exception", "[2026-13-01]"),
        (
            {"range": {"@timestamp": {"gte": 1, "format": "dd/MM"}}},
            "illegal_argument_exception",
            "Invalid format",
        ),
        ({"exists": {}}, "parsing_exception", "[field]"),
        (qs("a AND"), "", ""),
        (qs("(a"), "parsing_exception", "Failed to parse query [(a]"),
        (qs("a)"), "parsing_exception", "closing parenthesis"),
        (qs("a:[1 TO 2]"), "parsing_exception", "Failed to parse query"),
        (qs("a~2"), "parsing_exception", "Failed to parse query"),
        (qs('"a'), "parsing_exception", "Failed to parse query"),
        (qs("NOT"), "parsing_exception", "nothing after"),
        ({"wildcard": {"service.name": "*a" * 50}}, "illegal_argument_exception", "stars"),
    ],
)
def test_a_query_it_cannot_carry_out_is_refused_by_name(query: Any, type_: str, says: str) -> None:
    if not type_:
        # A dangling AND binds nothing; it is read as the one word it stands beside.
        assert found(query) == set()
        return
    with pytest.raises(EsError) as caught:
        compile_query(query, NOW)
    assert (caught.value.status, caught.value.type) == (400, type_)
    assert says in caught.value.reason


def test_nesting_without_end_is_refused() -> None:
    query: Any = {"match_all": {}}
    for _ in range(100):
        query = {"bool": {"must": query}}
    with pytest.raises(EsError, match="nested depth"):
        compile_query(query, NOW)


@given(st.text(alphabet='ab:()"+-|&!*? ANDORT\\', max_size=30))
def test_any_typed_text_is_understood_or_refused(text: str) -> None:
    try:
        found(qs(text))
    except EsError as error:
        assert error.status == 400
    found(simple(text))


@given(st.integers(min_value=0, max_value=4_000_000_000 * 10**9))
def test_a_nanosecond_survives_being_spelled(nanos: int) -> None:
    assert parse_date(spell(nanos, "strict_date_optional_time_nanos"), 0) == nanos


@pytest.mark.parametrize(
    ("text", "upper", "seconds"),
    [("now", False, 0), ("now-15m", False, -900), ("now+1h", False, 3600), ("now/d", False, -43200),
     ("2026-11-22", False, -43200), ("2026-11-22T12:00", False, 0), ("2026-11-22T11:00||+1h", False, 0)],
)  # fmt: skip
def test_date_math_is_computed(text: str, upper: bool, seconds: int) -> None:
    assert parse_date(text, NOW, upper=upper) == NOW + seconds * 10**9


def test_many_spans_of_the_time_of_ingestion_are_one_question_with_the_same_answer() -> None:
    """What a tail asks: they may touch, overlap, hold each other, or be empty."""
    random = Random(4)
    for _ in range(60):
        spans = [(begin := random.randrange(40), begin + random.randrange(-2, 9)) for _ in range(random.randrange(1, 12))]
        should = [{"range": {"event.ingested": {"gte": stamp(lo), "lt": stamp(hi)}}} for lo, hi in spans]
        criteria = compile_query({"bool": {"should": should, "minimum_should_match": 1}}, 0)
        for second in range(60):
            at = BASE_S * 10**9 + second * 10**9
            held = any(lo <= second < hi for lo, hi in spans)
            assert criteria.test(Ingested(at)) is held, (spans, second)
            assert not held or criteria.ingested.lo <= at <= criteria.ingested.hi


BASE_S = 1_700_000_000


class Ingested:
    def __init__(self, ns: int) -> None:
        self.ingested_ns = ns


def stamp(second: int) -> str:
    return datetime.fromtimestamp(BASE_S + second, UTC).isoformat().replace("+00:00", "Z")
