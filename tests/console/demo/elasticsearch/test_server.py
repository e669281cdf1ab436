"""The REST API over loopback, by hand and by the official client."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from elasticsearch import AsyncElasticsearch, BadRequestError, NotFoundError

from console.demo.elasticsearch.dates import parse_date
from console.demo.elasticsearch.index import Index
from console.demo.elasticsearch.lines import NS
from console.demo.world.world import World

INDEX = "logs-video-default"
TAIL_SORT = [
    {"event.ingested": {"order": "asc", "format": "strict_date_optional_time_nanos"}},
    {"_shard_doc": {"order": "asc"}},
]


def body_of(answer: Any) -> Any:
    return answer.body if hasattr(answer, "body") else answer


async def test_the_client_accepts_it_as_elasticsearch(client: AsyncElasticsearch) -> None:
    assert await client.ping()
    info = await client.info()
    assert info["version"]["number"] == "8.15.3"
    assert info["tagline"] == "You Know, for Search"
    assert (await client.cluster.health())["status"] == "green"
    settings = await client.indices.get_settings(index="logs-video-*", name="index.refresh_interval")
    assert settings[INDEX]["settings"]["index"]["refresh_interval"] == "1s"


async def test_field_caps_say_which_fields_there_are_and_of_what_type(client: AsyncElasticsearch) -> None:
    caps = await client.field_caps(
        index="logs-video-*", fields=["event.ingested", "@timestamp", "trace.id", "lo*"]
    )
    assert caps["indices"] == [INDEX]
    assert caps["fields"]["event.ingested"]["date_nanos"]["searchable"] is True
    assert caps["fields"]["@timestamp"]["date"]["aggregatable"] is True
    assert caps["fields"]["log.level"]["keyword"]["type"] == "keyword"
    assert caps["fields"]["log"]["object"]["searchable"] is False
    assert "trace.id" not in caps["fields"]


async def page_all(client: AsyncElasticsearch, query: dict[str, Any], size: int) -> list[Any]:
    pit = (await client.open_point_in_time(index="logs-video-*", keep_alive="1m"))["id"]
    hits: list[Any] = []
    after = None
    while True:
        answer = await client.search(
            pit={"id": pit, "keep_alive": "1m"}, query=query, sort=TAIL_SORT, size=size, search_after=after,
            track_total_hits=False,
        )  # fmt: skip
        pit = answer["pit_id"]
        if not answer["hits"]["hits"]:
            break
        hits += answer["hits"]["hits"]
        after = hits[-1]["sort"]
    assert (await client.close_point_in_time(id=pit))["num_freed"] == 3
    return hits


async def test_paging_through_a_point_in_time_finds_each_document_once(client: AsyncElasticsearch) -> None:
    query = {"range": {"event.ingested": {"gte": "now-10s", "lt": "now"}}}
    hits = await page_all(client, query, 37)
    ids = [hit["_id"] for hit in hits]
    assert len(ids) == len(set(ids)) > 400
    whole = await client.search(index=INDEX, query=query, size=5000, sort=TAIL_SORT[:1])
    assert {hit["_id"] for hit in whole["hits"]["hits"]} == set(ids)
    stamps = [hit["_source"]["event"]["ingested"] for hit in hits]
    assert stamps == sorted(stamps)
    assert [hit["sort"][0] for hit in hits] == stamps


async def test_a_point_in_time_does_not_see_what_comes_after_it(
    client: AsyncElasticsearch, clock: Any
) -> None:
    pit = (await client.open_point_in_time(index=INDEX, keep_alive="1m"))["id"]
    asked: dict[str, Any] = {
        "query": {"range": {"@timestamp": {"gte": "2026-11-22T12:01:50Z"}}},
        "track_total_hits": True,
        "size": 0,
    }
    before = (await client.search(pit={"id": pit}, **asked))["hits"]["total"]["value"]
    clock.forward(5)
    assert (await client.search(pit={"id": pit}, **asked))["hits"]["total"]["value"] == before
    assert (await client.search(index=INDEX, **asked))["hits"]["total"]["value"] > before + 200


async def test_a_tail_with_an_overlap_loses_nothing_and_meets_documents_out_of_order(
    client: AsyncElasticsearch, clock: Any
) -> None:
    first = clock.now
    arrived: dict[str, str] = {}
    out_of_order = 0
    for _ in range(40):
        clock.forward(0.25)
        query = {"range": {"event.ingested": {"gte": first.isoformat(), "lt": clock.now.isoformat()}}}
        answer = await client.search(index=INDEX, query=query, size=5000, sort=TAIL_SORT[:1])
        newest = max(arrived.values(), default="")
        for hit in answer["hits"]["hits"]:
            stamp = hit["_source"]["event"]["ingested"]
            if hit["_id"] not in arrived and stamp < newest:
                out_of_order += 1
            arrived[hit["_id"]] = stamp
    assert out_of_order > 50
    end = clock.now
    clock.forward(2)
    query = {"range": {"event.ingested": {"gte": first.isoformat(), "lt": end.isoformat()}}}
    whole = await client.search(index=INDEX, query=query, size=5000)
    missing = {hit["_id"]: hit["_source"]["event"]["ingested"] for hit in whole["hits"]["hits"]}
    assert set(arrived) <= set(missing)
    # What the last poll had not seen was ingested less than a refresh before it.
    end_ns = parse_date(end.isoformat(), 0)
    unseen = [parse_date(stamp, 0) for id_, stamp in missing.items() if id_ not in arrived]
    assert unseen
    assert all(end_ns - NS <= stamp < end_ns for stamp in unseen)


async def test_documents_are_counted_by_the_index_they_are_in(client: AsyncElasticsearch) -> None:
    query = {"range": {"@timestamp": {"gte": "now-20s", "lt": "now-5s"}}}
    told = await client.search(index=INDEX, query=query, aggs={"indices": {"terms": {"field": "_index"}}}, size=0)
    (bucket,) = told["aggregations"]["indices"]["buckets"]
    assert bucket["key"] == INDEX
    assert bucket["doc_count"] == told["hits"]["total"]["value"] > 0


def test_each_shard_is_refreshed_once_a_second_at_a_moment_of_its_own(world: World, clock: Any) -> None:
    index = Index(world, clock)
    views = []
    for _ in range(50):
        clock.forward(0.1)
        view = index.view()
        assert all(0 <= index.now_ns() - refreshed < NS for refreshed in view)
        views.append(view)
    for shard in range(3):
        assert len({view[shard] for view in views}) in (5, 6)
    assert len({refreshed % NS for refreshed in views[0]}) == 3


async def test_an_expired_closed_or_invented_point_in_time_is_refused(
    client: AsyncElasticsearch, clock: Any
) -> None:
    pit = (await client.open_point_in_time(index=INDEX, keep_alive="10s"))["id"]
    clock.forward(9)
    await client.search(pit={"id": pit, "keep_alive": "10s"}, size=0)
    clock.forward(9)
    await client.search(pit={"id": pit}, size=0)
    clock.forward(2)
    with pytest.raises(NotFoundError) as caught:
        await client.search(pit={"id": pit}, size=0)
    assert caught.value.info["error"]["root_cause"][0]["type"] == "search_context_missing_exception"
    with pytest.raises(NotFoundError) as gone:
        await client.close_point_in_time(id=pit)
    assert gone.value.info == {"succeeded": True, "num_freed": 0}
    with pytest.raises(BadRequestError, match="illegal_argument_exception"):
        await client.search(pit={"id": "nonsense"}, size=0)


async def test_counts_and_totals_agree_with_the_histogram_and_the_documents(
    client: AsyncElasticsearch,
) -> None:
    window = {"gte": "2026-11-22T11:50:00Z", "lt": "2026-11-22T12:01:30Z"}
    query = {"range": {"@timestamp": window}}
    aggs = {
        "time": {
            "date_histogram": {"field": "@timestamp", "fixed_interval": "30s", "min_doc_count": 0},
            "aggs": {"level": {"terms": {"field": "log.level"}}},
        }
    }
    fast = await client.search(index=INDEX, query=query, aggs=aggs, size=0, track_total_hits=True)
    # One hit asked for, and the documents themselves are counted.
    slow = await client.search(index=INDEX, query=query, aggs=aggs, size=1, track_total_hits=True)
    assert body_of(fast)["aggregations"] == body_of(slow)["aggregations"]
    buckets = fast["aggregations"]["time"]["buckets"]
    assert len(buckets) == 23
    assert buckets[0]["key_as_string"] == "2026-11-22T11:50:00.000Z"
    total = sum(bucket["doc_count"] for bucket in buckets)
    assert total == fast["hits"]["total"]["value"] == slow["hits"]["total"]["value"]
    assert total == (await client.count(index=INDEX, query=query))["count"]
    assert all(b["doc_count"] == sum(one["doc_count"] for one in b["level"]["buckets"]) for b in buckets)
    errors = {one["key"]: one["doc_count"] for one in buckets[-1]["level"]["buckets"]}["error"]
    assert 1000 < errors < 1400


async def test_a_histogram_counts_only_what_is_visible_and_fills_its_bounds(
    client: AsyncElasticsearch,
) -> None:
    bounds = {"min": "2026-11-22T12:01:50Z", "max": "2026-11-22T12:02:09Z"}
    answer = await client.search(
        index=INDEX,
        size=0,
        query={
            "bool": {
                "filter": [{"range": {"@timestamp": {"gte": bounds["min"]}}}, {"term": {"log.level": "info"}}]
            }
        },
        aggs={
            "t": {
                "date_histogram": {
                    "field": "@timestamp",
                    "fixed_interval": "1s",
                    "min_doc_count": 0,
                    "extended_bounds": bounds,
                }
            }
        },
    )
    counts = [bucket["doc_count"] for bucket in answer["aggregations"]["t"]["buckets"]]
    assert len(counts) == 20
    assert all(count > 30 for count in counts[:8])
    assert counts[10:] == [0] * 10


async def test_terms_count_services_under_a_filter(client: AsyncElasticsearch) -> None:
    answer = await client.search(
        index=INDEX,
        size=0,
        query={
            "bool": {
                "filter": [{"range": {"@timestamp": {"gte": "now-30s"}}}, {"term": {"log.level": "error"}}]
            }
        },
        aggs={"services": {"terms": {"field": "service.name", "size": 2}}},
    )
    services = answer["aggregations"]["services"]
    assert services["buckets"][0]["key"] == "packager-emea"
    assert len(services["buckets"]) <= 2


async def test_source_and_fields_show_what_was_asked(client: AsyncElasticsearch) -> None:
    async def first(**more: Any) -> Any:
        answer = await client.search(
            index=INDEX, size=1, query={"range": {"@timestamp": {"gte": "now-10s"}}}, **more
        )
        return answer["hits"]["hits"][0]

    assert "_source" not in await first(source=False)
    assert set((await first(source=["message", "kubernetes"]))["_source"]) == {"message", "kubernetes"}
    assert set((await first(source={"excludes": ["*.*", "message"]}))["_source"]) == {"@timestamp"}
    hit = await first(source=False, fields=["log.level", {"field": "@timestamp", "format": "epoch_millis"}])
    assert hit["fields"]["@timestamp"][0].isdigit()
    assert hit["fields"]["log.level"][0] in ("info", "debug", "warn", "error")


async def test_the_newest_first_sort_and_totals_are_those_of_elasticsearch(
    client: AsyncElasticsearch,
) -> None:
    answer = await client.search(
        index="logs-video", size=5, sort=[{"@timestamp": "desc"}, {"service.name": "asc"}]
    )
    hits = answer["hits"]["hits"]
    assert answer["hits"]["total"] == {"value": 10000, "relation": "gte"}
    assert answer["_shards"] == {"total": 3, "successful": 3, "skipped": 0, "failed": 0}
    keys = [hit["sort"] for hit in hits]
    assert keys == sorted(keys, key=lambda key: (-key[0], key[1]))
    assert isinstance(keys[0][0], int)
    assert hits[0]["_score"] is None
    assert "total" not in (await client.search(index=INDEX, size=0, track_total_hits=False))["hits"]


async def test_terminate_after_bounds_what_is_collected_per_shard(client: AsyncElasticsearch) -> None:
    answer = await client.search(index=INDEX, size=0, terminate_after=5)
    assert answer["terminated_early"] is True
    assert answer["hits"]["total"]["value"] == 15


async def test_a_search_stops_at_its_timeout_and_says_so(client: AsyncElasticsearch) -> None:
    answer = await client.search(index=INDEX, size=1, query={"match": {"message": "nowhere"}}, timeout="1ms")
    assert answer["timed_out"] is True


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "type_"),
    [
        ("POST", "/nope/_search", {}, 404, "index_not_found_exception"),
        ("POST", "/nope/_pit?keep_alive=1m", None, 404, "index_not_found_exception"),
        ("POST", f"/{INDEX}/_pit", None, 400, "action_request_validation_exception"),
        ("POST", f"/{INDEX}/_pit?keep_alive=5", None, 400, "illegal_argument_exception"),
        ("POST", f"/{INDEX}/_pit?keep_alive=2d", None, 400, "illegal_argument_exception"),
        ("POST", f"/{INDEX}/_search?keepalive=1m", {}, 400, "illegal_argument_exception"),
        ("POST", f"/{INDEX}/_search", {"size": 10001}, 400, "search_phase_execution_exception"),
        ("POST", f"/{INDEX}/_search", {"size": -1}, 400, "illegal_argument_exception"),
        ("POST", f"/{INDEX}/_search", {"highlight": {}}, 400, "parsing_exception"),
        ("POST", f"/{INDEX}/_search", {"sort": ["nope"]}, 400, "search_phase_execution_exception"),
        ("POST", f"/{INDEX}/_search", {"sort": ["message"]}, 400, "search_phase_execution_exception"),
        ("POST", f"/{INDEX}/_search", {"sort": ["_shard_doc"]}, 400, "action_request_validation_exception"),
        ("POST", f"/{INDEX}/_search", {"search_after": [1]}, 400, "illegal_argument_exception"),
        (
            "POST",
            f"/{INDEX}/_search",
            {"sort": ["@timestamp"], "search_after": [1, 2]},
            400,
            "illegal_argument_exception",
        ),
        (
            "POST",
            f"/{INDEX}/_search",
            {"aggs": {"a": {"cardinality": {"field": "x"}}}},
            400,
            "parsing_exception",
        ),
        ("POST", f"/{INDEX}/_search", {"query": {"fuzzy": {}}}, 400, "parsing_exception"),
        ("POST", f"/{INDEX}/_count", {"size": 1}, 400, "parsing_exception"),
        ("POST", f"/{INDEX}/_field_caps", {}, 400, "action_request_validation_exception"),
        ("POST", f"/{INDEX}/_search", {"pit": {"id": "x"}}, 400, "action_request_validation_exception"),
        ("DELETE", "/_pit", {}, 400, "illegal_argument_exception"),
    ],
)
async def test_a_wrong_request_gets_elasticsearchs_own_error(
    server: TestServer, method: str, path: str, body: Any, status: int, type_: str
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, server.make_url(path), json=body) as answer,
    ):
        got = await answer.json()
        assert (answer.status, got["status"], got["error"]["type"]) == (status, status, type_)
        assert got["error"]["root_cause"][0]["reason"]


async def test_a_pattern_without_a_match_is_an_empty_answer(client: AsyncElasticsearch) -> None:
    answer = await client.search(index="metrics-*")
    assert answer["hits"]["hits"] == []
    assert answer["_shards"]["total"] == 0
    assert (await client.search(index="nope", ignore_unavailable=True))["hits"]["total"]["value"] == 0
    with pytest.raises(NotFoundError):
        await client.search(index="metrics-*", allow_no_indices=False)


@pytest.mark.parametrize("header", ["Accept", "Content-Type"])
async def test_the_media_type_of_version_nine_is_refused(server: TestServer, header: str) -> None:
    headers = {
        "Content-Type": "application/json",
        header: "application/vnd.elasticsearch+json; compatible-with=9",
    }
    url = server.make_url("/_search")
    async with aiohttp.ClientSession() as session, session.post(url, data=b"{}", headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["error"]["type"] == "media_type_header_exception"


async def test_headers_name_the_product_and_the_version_asked_for(server: TestServer) -> None:
    vendor = "application/vnd.elasticsearch+json; compatible-with=8"
    async with aiohttp.ClientSession() as session:
        async with session.get(server.make_url("/"), headers={"Accept": vendor}) as answer:
            assert answer.headers["X-Elastic-Product"] == "Elasticsearch"
            assert answer.headers["Content-Type"] == "application/vnd.elasticsearch+json;compatible-with=8"
        async with session.get(server.make_url("/")) as answer:
            assert answer.headers["Content-Type"].startswith("application/json")
        async with session.post(
            server.make_url("/_search"), data=b"x", headers={"Content-Type": "text/plain"}
        ) as answer:
            assert answer.status == 406
            told = await answer.json(content_type=None)
            assert told == {"error": "Content-Type header [text/plain] is not supported", "status": 406}
        async with session.put(server.make_url("/_search")) as answer:
            assert answer.status == 405
        async with session.get(server.make_url("/_nodes")) as answer:
            assert answer.status == 400


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"a":' * 3000, b"\xff\xfe", b'{"size": 1e400}'])
async def test_a_broken_body_is_a_400(server: TestServer, data: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    url = server.make_url("/_search")
    async with aiohttp.ClientSession() as session, session.post(url, data=data, headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["reason"]


@pytest.mark.parametrize("scenario", ["backend-down"])
async def test_after_an_outage_the_tail_still_finds_what_was_held_up(
    client: AsyncElasticsearch, clock: Any
) -> None:
    clock.forward(87)  # 207 s after the start; the outage ended at 200 s and its backlog has drained
    answer = await client.search(
        index=INDEX, size=0, track_total_hits=True, query={"range": {"event.ingested": {"gte": "now-8s"}}}
    )
    assert answer["hits"]["total"]["value"] > 180 * 50
