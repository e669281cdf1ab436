"""Elasticsearch over its official client: product check, caps, credentials and failures."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from aiohttp import web

from console.demo.elasticsearch import server
from console.demo.world.world import World
from console.model.failure import Failure, FailureKind, SourceError
from console.model.severity import State
from console.sources.access import USER_AGENT, Access
from console.sources.elasticsearch import questions
from console.sources.elasticsearch.client import ElasticIndex
from console.sources.elasticsearch.levels import levels_source
from console.sources.elasticsearch.nanos import moment, nanos, spelt
from console.sources.meter import Meter
from tests.console.sources.conftest import HUGE, Faults, Serve, body, cut_off, page
from tests.hand_clock import HandClock

Open = Callable[..., ElasticIndex]
ALL = {"range": {"@timestamp": {"gte": "now-10s"}}}


@pytest.fixture
async def connect(meter: Meter) -> AsyncIterator[Open]:
    opened: list[ElasticIndex] = []

    def start(*urls: str, timeout_s: float = 5.0, max_bytes: int = 32_000_000, **more: object) -> ElasticIndex:
        opened.append(ElasticIndex(Access(urls=urls, timeout_s=timeout_s, **more), "logs-*", meter, max_bytes))
        return opened[-1]

    yield start
    for index in opened:
        await index.close()


async def failure_of(asking: Awaitable[object]) -> Failure:
    with pytest.raises(SourceError) as raised:
        await asking
    return raised.value.failure


@pytest.fixture
async def embedded(serve: Serve, world_now: Callable[[], datetime]) -> str:
    return await serve(server.app(World(7, "calm", world_now() - timedelta(minutes=40)), world_now))


async def test_doctors_questions_are_answered(embedded: str, connect: Open) -> None:
    index = connect(embedded)
    info = await questions.info(index)
    assert info.version.startswith("8.")
    health = await questions.health(index)
    assert health.status in ("green", "yellow")
    assert health.number_of_nodes >= 1


async def test_capabilities_and_refresh_interval_are_read(embedded: str, connect: Open) -> None:
    index = connect(embedded)
    told = await index.capabilities(["event.ingested", "@timestamp", "nothing"])
    assert told.is_date_everywhere("event.ingested")
    assert not told.is_date_everywhere("nothing")
    assert await index.refresh_interval_s() == 1.0


async def test_levels_are_counted_over_a_quarter_of_an_hour(embedded: str, clock: HandClock, meter: Meter) -> None:
    readings = levels_source("levels", Access(urls=(embedded,)), "logs-*", clock, meter).readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.state is State.LIVE
    counts = reading.value
    assert len(counts.buckets) == 30
    starts = [bucket.at for bucket in counts.buckets]
    assert {later - earlier for earlier, later in pairwise(starts)} == {timedelta(seconds=30)}
    assert starts[-1] <= clock.now().utc < starts[-1] + timedelta(seconds=30)
    assert counts.rate_per_s is not None and 20 < counts.rate_per_s < 200
    assert counts.error_ratio is not None and counts.error_ratio < 0.05
    assert all(bucket.total for bucket in counts.buckets[:-1])


async def test_levels_from_failed_shards_are_partial(serve: Serve, clock: HandClock, meter: Meter) -> None:
    answer = '{"_shards":{"total":3,"failed":1},"hits":{"hits":[]},"aggregations":{"over_time":{"buckets":[]}}}'
    url = await serve(body(answer))
    readings = levels_source("levels", Access(urls=(url,)), "logs-*", clock, meter).readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.state is State.PARTIAL
    assert reading.partial_reason == "1 of 3 shards failed"
    assert sum(bucket.total for bucket in reading.value.buckets) == 0


async def test_levels_with_an_unreadable_aggregation_fail_with_a_reason(
    serve: Serve, clock: HandClock, meter: Meter
) -> None:
    url = await serve(body('{"hits":{"hits":[]},"aggregations":{"over_time":{"buckets":[{"key":"x"}]}}}'))
    readings = levels_source("levels", Access(urls=(url,)), "logs-*", clock, meter).readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.error is not None
    assert reading.error.kind is FailureKind.BAD_ANSWER


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (page(), FailureKind.BAD_ANSWER, "HTML page"),
        (page(502), FailureKind.UNREACHABLE, "HTTP 502 with an HTML page"),
        (body('{"hits": {"hits"'), FailureKind.BAD_ANSWER, "truncated"),
        (body('{"hits": 3}'), FailureKind.BAD_ANSWER, "cannot be read"),
        (body('{"hits": {}}', X_Elastic_Product="other"), FailureKind.BAD_ANSWER, "product header"),
        (cut_off(b'{"hits": {}}'), FailureKind.BAD_ANSWER, "truncated"),
        (
            body('{"error":{"type":"parsing_exception","reason":"unknown query"},"status":400}', 400),
            FailureKind.REJECTED,
            "parsing_exception: unknown query",
        ),
        (body('{"error":"no","status":401}', 401), FailureKind.UNAUTHORIZED, "HTTP 401"),
        (
            body('{"error":{"type":"security_exception","reason":"r"}}', 403),
            FailureKind.UNAUTHORIZED,
            "security_exception",
        ),
        (body('{"error":{"type":"index_not_found_exception","reason":"r"}}', 404), FailureKind.NOT_FOUND, "HTTP 404"),
        (body("{}", 503), FailureKind.OVERLOADED, "HTTP 503"),
    ],
)
async def test_what_is_no_answer_is_a_failure_with_a_reason(
    serve: Serve, connect: Open, meter: Meter, answer: object, kind: FailureKind, says: str
) -> None:
    failure = await failure_of(connect(await serve(answer)).search({"query": ALL}))
    assert failure.kind is kind
    assert says in str(failure)
    assert meter.cost.errors == 1


async def test_429_tells_how_long_to_wait_and_is_not_retried(serve: Serve, connect: Open) -> None:
    faults = Faults(body("{}", 429, Retry_After="11"))
    failure = await failure_of(connect(await serve(faults)).search({"query": ALL}))
    assert (failure.kind, failure.retry_after_s) == (FailureKind.OVERLOADED, 11.0)
    assert len(faults.requests) == 1


async def test_nobody_listening_is_unreachable(connect: Open, refused_url: str) -> None:
    failure = await failure_of(connect(refused_url).search({"query": ALL}))
    assert (failure.kind, failure.got) == (FailureKind.UNREACHABLE, "connection refused")


async def test_a_dead_node_is_another_nodes_question(embedded: str, connect: Open, refused_url: str) -> None:
    index = connect(refused_url, embedded)
    for _ in range(4):
        assert (await index.search({"query": ALL, "size": 1})).hits.hits


async def test_of_200_megabytes_only_the_cap_is_read(serve: Serve, embedded: str, connect: Open) -> None:
    await connect(embedded).search({"query": ALL, "size": 1})
    faults = Faults()
    index = connect(await serve(faults.huge), max_bytes=3_000_000)
    tracemalloc.start()
    failure = await failure_of(index.search({"query": ALL}))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (failure.kind, failure.got) == (FailureKind.TOO_LARGE, "more than 3 MB")
    assert peak < 20_000_000
    assert faults.sent < HUGE / 10


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_server_that_hangs_or_drips_is_given_up(serve: Serve, connect: Open, fault: str) -> None:
    faults = Faults()
    index = connect(await serve(getattr(faults, fault)), timeout_s=0.2)
    assert (await failure_of(index.search({"query": ALL}))).kind is FailureKind.TIMEOUT


async def test_who_asks_is_told_and_a_credential_is_resolved_again_after_a_401(serve: Serve, connect: Open) -> None:
    faults = Faults(body("{}", 401), body('{"hits": {}}'))
    resolved: list[int] = []

    async def authorize() -> Mapping[str, str]:
        resolved.append(1)
        return {"Authorization": f"ApiKey {len(resolved)}"}

    await connect(await serve(faults), authorize=authorize).search({"query": ALL})
    assert [request.headers["Authorization"] for request in faults.requests] == ["ApiKey 1", "ApiKey 2"]
    assert faults.requests[0].headers["User-Agent"] == USER_AGENT
    assert "elasticsearch+json" in faults.requests[0].headers["Content-Type"]


async def test_a_refresh_interval_that_may_not_be_read_does_not_stop_the_tail(
    serve: Serve, clock: HandClock, meter: Meter, connect: Open
) -> None:
    from console.sources.elasticsearch.tail import Tail

    async def answer(request: web.Request) -> web.StreamResponse:
        if "_settings" in request.path:
            return await body('{"error":"no"}', 403)(request)
        if "_field_caps" in request.path:
            return await body('{"indices":["a"],"fields":{"@timestamp":{"date":{}}}}')(request)
        return await body('{"hits": {"hits": []}}')(request)

    tail = Tail(connect(await serve(answer)), clock)
    assert (await tail.ask()).value.lines == ()
    assert tail.period_s == 1.0


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-02", 86_400_000_000_000),
        ("1970-01-01T00:00:00.5", 500_000_000),
        (1500, 1_500_000_000),
        ("15000", 15_000_000_000),
        (1_700_000_000_000_000_001, 1_700_000_000_000_000_001),
    ],
)
def test_dates_are_read_to_the_nanosecond(text: object, at: int) -> None:
    assert nanos(text) == at


@pytest.mark.parametrize(
    "text", ["yesterday", "", None, True, [], 1e300, float("nan"), "9" * 70, "2026-13-01T00:00:00Z"]
)
def test_what_is_no_date_is_refused(text: object) -> None:
    with pytest.raises(ValueError):
        nanos(text)


def test_a_date_survives_being_spelt() -> None:
    at = 1_795_313_647_123_456_789
    assert nanos(spelt(at)) == at
    assert moment(at).microsecond == 123_456


def refused(reason: object, kind: str = "illegal_argument_exception", status: int = 400, **more: object) -> str:
    """An error as Elasticsearch 8.19 writes it."""
    cause = {"type": kind, "reason": reason, **more}
    return msgspec.json.encode({"error": {"root_cause": [cause], **cause}, "status": status}).decode()


async def test_a_view_of_the_shards_that_are_there_is_opened(serve: Serve, connect: Open) -> None:
    faults = Faults(body('{"id":"a"}'))
    assert await connect(await serve(faults)).open_pit() == "a"
    (asked,) = faults.requests
    assert asked.path == "/logs-*/_pit"
    assert dict(asked.query) == {"keep_alive": "1m", "allow_partial_search_results": "true"}


async def test_a_server_before_8_16_is_asked_for_a_view_without_what_it_does_not_know(
    serve: Serve, connect: Open
) -> None:
    unknown = refused("request [/logs-*/_pit] contains unrecognized parameter: [allow_partial_search_results]")
    faults = Faults(body(unknown, 400), body('{"id":"a"}'))
    index = connect(await serve(faults))
    assert [await index.open_pit(), await index.open_pit()] == ["a", "a"]
    assert [dict(each.query) for each in faults.requests[1:]] == [{"keep_alive": "1m"}] * 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            refused("all shards failed", "search_phase_execution_exception", root_cause=[
                {"type": "illegal_argument_exception", "reason": "Fielddata is disabled on [@timestamp]"},
            ]),
            "all shards failed: illegal_argument_exception: Fielddata is disabled on [@timestamp]",
        ),
        (
            refused("", "search_phase_execution_exception", root_cause=[], caused_by={
                "type": "search_phase_execution_exception", "reason": "Search rejected due to missing shards [[logs-b][0]]",
            }),
            "search_phase_execution_exception: Search rejected due to missing shards [[logs-b][0]]",
        ),
        (
            refused("all shards failed", "search_phase_execution_exception", root_cause=[
                {"type": "no_shard_available_action_exception", "reason": None},
            ]),
            "all shards failed: no_shard_available_action_exception",
        ),
    ],
)  # fmt: skip
async def test_a_refusal_says_what_lies_under_it(serve: Serve, connect: Open, answer: str, says: str) -> None:
    failure = await failure_of(connect(await serve(body(answer, 400))).search({}))
    assert failure.got.endswith(says)


async def test_indices_that_cannot_be_asked_for_their_fields_are_counted(serve: Serve, connect: Open) -> None:
    answer = '{"indices":["a"],"fields":{"@timestamp":{"date":{}}},"failed_indices":1,"failures":[{"indices":["b"]}]}'
    told = await connect(await serve(body(answer))).capabilities(["@timestamp"])
    assert (told.indices, told.silent) == (1, 1)


async def test_a_shard_that_failed_says_why(serve: Serve, connect: Open) -> None:
    failed = '[{"shard":0,"index":"logs-b","node":null,"reason":{"type":"no_shard_available_action_exception","reason":null}}]'
    answer = f'{{"_shards":{{"total":5,"failed":2,"failures":{failed}}},"hits":{{"hits":[]}}}}'
    told = await connect(await serve(body(answer))).search({})
    assert told.lacking == "2 of 5 shards failed (logs-b: no_shard_available_action_exception)"


async def test_where_the_root_is_not_served_the_node_tells_its_version(serve: Serve, connect: Open) -> None:
    faults = Faults(
        body('{"error":"Incorrect HTTP method for uri [/] and method [GET], allowed: [DELETE]","status":405}', 405),
        body('{"cluster_name":"c","nodes":{"x":{"version":"8.19.8"}}}'),
    )
    told = await questions.info(connect(await serve(faults)))
    assert (told.cluster_name, told.version) == ("c", "8.19.8")


async def test_where_nothing_tells_a_version_the_first_refusal_stands(serve: Serve, connect: Open) -> None:
    failure = await failure_of(questions.info(connect(await serve(body('{"error":"no such path"}', 405)))))
    assert failure.tried == "GET /"
    assert failure.got == "HTTP 405: no such path"


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [('[{"epoch":"1795375020"}]', 1795375020), ("[]", None), ('[{"epoch":"soon"}]', None), ('{"a":1}', None)],
)
async def test_the_servers_clock_is_asked_for(serve: Serve, connect: Open, answer: str, seconds: int | None) -> None:
    told = await questions.moment(connect(await serve(body(answer))))
    assert (told and told.timestamp()) == seconds
