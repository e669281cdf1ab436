"""The embedded server beside the real one: the same questions, the same status, media type and shape of the answer. What the
embedded one is known to do otherwise is in docs/lab.md.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from console.demo.elasticsearch import server as embedded
from console.demo.world.world import World
from tests.lab.elasticsearch.server import Server, alone, folder
from tests.lab.elasticsearch.writing import document

LAB = folder()
INDEX = "logs-video-default"  # as the embedded one calls its own
BY_TIME = [{"@timestamp": {"order": "asc", "format": "strict_date_optional_time_nanos"}}, {"_shard_doc": "asc"}]
SLICES = {"date_histogram": {"field": "@timestamp", "fixed_interval": "10ms", "min_doc_count": 1}}
COMPATIBLE = "application/vnd.elasticsearch+json; compatible-with={}"

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(
        not (LAB / "site.toml").exists(), reason="no Elasticsearch is up: run `make lab-elasticsearch` first"
    ),
]

Asked = tuple[str, str, Any, str]  # method, path, body, media type; "<pit>" stands for the view's id
VIEW = {"id": "<pit>", "keep_alive": "1m"}
QUESTIONS: dict[str, Asked] = {
    "open a view": ("POST", f"/{INDEX}/_pit?keep_alive=1m&allow_partial_search_results=true", None, ""),
    "open one without keep_alive": ("POST", f"/{INDEX}/_pit", None, ""),
    "open one with a misspelt parameter": ("POST", f"/{INDEX}/_pit?keep_alive=1m&keepalive=2", None, ""),
    "open one of nothing": ("POST", "/logs-nothing-*/_pit?keep_alive=1m", None, ""),
    "open one of a missing index": ("POST", "/nothing/_pit?keep_alive=1m", None, ""),
    "a page": ("POST", "/_search", {"size": 1, "pit": VIEW, "sort": BY_TIME, "track_total_hits": False, "_source": ["message"]}, ""),
    "a page that names an index": ("POST", f"/{INDEX}/_search", {"pit": VIEW}, ""),
    "the counts by slice": (
        "POST", "/_search", {"size": 0, "pit": VIEW, "track_total_hits": False, "query": {"range": {"@timestamp": {"gte": "now-9s"}}},
        "aggs": {"indices": {"terms": {"field": "_index"}, "aggs": {"slices": SLICES}}}}, ""),
    "close it": ("DELETE", "/_pit", {"id": "<pit>"}, ""),
    "close it again": ("DELETE", "/_pit", {"id": "<pit>"}, ""),
    "a missing index": ("POST", "/nothing/_search", {}, ""),
    "an unknown key": ("POST", f"/{INDEX}/_search", {"querry": {}}, ""),
    "a count": ("POST", f"/{INDEX}/_count", {"query": {"match_all": {}}}, ""),
    "fields": ("POST", f"/{INDEX}/_field_caps?include_unmapped=true", {"fields": ["@timestamp", "nope"]}, ""),
    "fields of a missing index": ("POST", "/nothing/_field_caps", {"fields": ["@timestamp"]}, ""),
    "the refresh interval": ("GET", f"/{INDEX}/_settings/index.refresh_interval?flat_settings=true", None, ""),
    "health": ("GET", "/_cluster/health", None, ""),
    "a client of this version": ("POST", f"/{INDEX}/_search", {"size": 0}, COMPATIBLE.format(8)),
    "a client of the next version": ("POST", f"/{INDEX}/_search", {}, COMPATIBLE.format(9)),
    "a body of text": ("POST", f"/{INDEX}/_search", {}, "text/plain"),
}  # fmt: skip


@pytest.fixture
async def both() -> AsyncIterator[tuple[str, str]]:
    with alone(LAB):
        async for each in _both():
            yield each


async def _both() -> AsyncIterator[tuple[str, str]]:
    real = Server(LAB)
    real.drop("logs-*")
    real.create(INDEX)
    real.put(INDEX, *(document(f"line {number}") for number in range(3)))
    world = World(7, "calm", datetime.now(UTC) - timedelta(minutes=20))
    async with TestServer(embedded.app(world, lambda: datetime.now(UTC))) as running:
        yield real.url, str(running.make_url("")).rstrip("/")
    real.drop("logs-*")


def shape(value: Any) -> Any:
    """Keys and types; of a list the first."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in sorted(value.items())}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return type(value).__name__


async def answers(url: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    view = ""
    async with aiohttp.ClientSession() as session:
        for name, (method, path, body, media) in QUESTIONS.items():
            sent = None if body is None else json.dumps(body).replace("<pit>", view).encode()
            headers = {"Content-Type": media or "application/json"} if sent is not None else {}
            headers |= {"Accept": media} if "elasticsearch" in media else {}
            async with session.request(method, url + path, data=sent, headers=headers) as answer:
                value = json.loads(await answer.text())
                product = answer.headers.get("X-Elastic-Product")
                told[name] = (answer.status, answer.headers["Content-Type"], product, shape(value))
            if name == "open a view":
                view = value["id"]
    return told


async def test_the_embedded_server_answers_the_tails_questions_as_the_real_one(both: tuple[str, str]) -> None:
    real, demo = [await answers(url) for url in both]
    different = {name: (real[name], demo[name]) for name in QUESTIONS if real[name] != demo[name]}

    assert not different
