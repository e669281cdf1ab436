"""The HTTP API, over loopback, by hand and by prometheus_api_client."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from prometheus_api_client import PrometheusConnect


async def get(server: TestServer, path: str, **parameters: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.make_url(path), params=parameters) as answer,
    ):
        assert answer.content_type == "application/json"
        return answer.status, await answer.json()


async def test_a_vector_has_string_values_and_number_times(server: TestServer) -> None:
    status, body = await get(
        server, "/api/v1/query", query='edge_capacity_bps{pop="lhr"}', time="1795348800.5"
    )
    assert status == 200
    assert body == {
        "status": "success",
        "data": {
            "resultType": "vector",
            "result": [
                {
                    "metric": {"__name__": "edge_capacity_bps", "pop": "lhr"},
                    "value": [1795348800.5, "3200000000000"],
                }
            ],
        },
    }


async def test_a_form_post_is_answered_as_a_get(server: TestServer) -> None:
    async with aiohttp.ClientSession() as session:
        url = server.make_url("/api/v1/query_range")
        form = {"query": "count(up)", "start": "2026-11-22T12:00:00Z", "end": "1795348860", "step": "15s"}
        async with session.post(url, data=form) as answer:
            posted = await answer.json()
        async with session.get(url, params=form) as answer:
            assert posted == await answer.json()
    assert posted["data"]["resultType"] == "matrix"
    assert [t for t, _ in posted["data"]["result"][0]["values"]] == [1795348800 + 15 * k for k in range(5)]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "kind", "says"),
    [
        ("query", {}, 400, "bad_data", "no expression found"),
        ("query", {"query": "sum("}, 400, "bad_data", "1:5: parse error"),
        (
            "query",
            {"query": "up", "time": "soon"},
            400,
            "bad_data",
            'cannot parse "soon" to a valid timestamp',
        ),
        ("query", {"query": "up", "timeout": "x"}, 400, "bad_data", '"timeout"'),
        ("query", {"query": "up + on(job) up"}, 422, "execution", "many-to-many"),
        ("query", {"query": "avg_over_time(up[7d])", "timeout": "0.001ms"}, 400, "bad_data", '"timeout"'),
        ("query", {"query": "avg_over_time(up[7d])", "timeout": "0"}, 503, "timeout", "timed out"),
        (
            "query_range",
            {"query": "up", "start": 0, "end": 11001, "step": 1},
            400,
            "bad_data",
            "11,000 points",
        ),
        (
            "query_range",
            {"query": "up", "start": 10, "end": 0, "step": 1},
            400,
            "bad_data",
            "before start time",
        ),
        (
            "query_range",
            {"query": "up", "start": 0, "end": 1, "step": 0},
            400,
            "bad_data",
            "zero or negative",
        ),
        ("query_range", {"query": "up", "start": 0, "end": 1}, 400, "bad_data", "valid duration"),
        (
            "query_range",
            {"query": "up[5m]", "start": 0, "end": 1, "step": 1},
            400,
            "bad_data",
            "must be Scalar",
        ),
        ("series", {}, 400, "bad_data", "no match[] parameter"),
        ("series", {"match[]": "rate(up[5m])"}, 400, "bad_data", "expected a series selector"),
        ("label/1x/values", {}, 400, "bad_data", "invalid label name"),
    ],
)
async def test_a_wrong_request_gets_prometheus_own_error(
    server: TestServer, path: str, parameters: dict[str, Any], status: int, kind: str, says: str
) -> None:
    got, body = await get(server, f"/api/v1/{path}", **parameters)
    assert (got, body["status"], body["errorType"]) == (status, "error", kind)
    assert says in body["error"]


async def test_exactly_eleven_thousand_steps_are_still_answered(server: TestServer) -> None:
    status, body = await get(server, "/api/v1/query_range", query="1", start=0, end=11000, step=1)
    assert status == 200
    assert len(body["data"]["result"][0]["values"]) == 11_001


async def test_series_labels_and_values_are_those_of_the_matching_series(server: TestServer) -> None:
    _, series = await get(server, "/api/v1/series", **{"match[]": 'edge_requests_total{pop="lhr"}'})
    assert {one["code"] for one in series["data"]} == {"200", "304", "404", "503"}
    _, labels = await get(server, "/api/v1/labels", **{"match[]": "channel_viewers"})
    assert labels["data"] == ["__name__", "channel", "region"]
    _, values = await get(server, "/api/v1/label/region/values")
    assert values["data"] == ["amer", "apac", "emea"]
    _, names = await get(server, "/api/v1/label/__name__/values", limit=2)
    assert len(names["data"]) == 2
    _, early = await get(server, "/api/v1/labels", start=0, end=10)
    assert early["data"] == []


async def test_it_is_ready_healthy_and_says_its_version_and_types(server: TestServer) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/-/ready", "/-/healthy"):
            async with session.get(server.make_url(path)) as answer:
                assert answer.status == 200
        async with session.get(server.make_url("/api/v1/nothing")) as answer:
            assert answer.status == 404
    _, build = await get(server, "/api/v1/status/buildinfo")
    assert build["data"]["version"].count(".") == 2
    _, metadata = await get(server, "/api/v1/metadata", metric="edge_bytes_total")
    assert metadata["data"]["edge_bytes_total"][0]["type"] == "counter"


async def test_the_official_client_reads_it(server: TestServer) -> None:
    def converse() -> tuple[bool, list[str], list[Any], list[Any]]:
        client = PrometheusConnect(url=str(server.make_url("")).rstrip("/"), disable_ssl=True)
        names = client.all_metrics()
        now = client.custom_query("topk(2, channel_viewers)", params={"time": "1795349400"})
        from datetime import UTC, datetime

        start, end = (datetime.fromtimestamp(t, UTC) for t in (1795348800, 1795349400))
        ranged = client.custom_query_range("sum(rate(edge_bytes_total[1m])) * 8", start, end, "15s")
        return client.check_prometheus_connection(), names, now, ranged

    connected, names, now, ranged = await asyncio.to_thread(converse)
    assert connected
    assert "packager_publish_delay_seconds" in names
    assert len(now) == 2
    assert float(now[0]["value"][1]) > float(now[1]["value"][1])
    assert len(ranged[0]["values"]) == 41
