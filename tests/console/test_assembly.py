"""How a configuration becomes sources: which name of a dimension each of them is given."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from console.assembly import Engine, kube_target, log_fields, measure_queries
from console.config.load import load
from console.config.root import Config
from console.config.site import Measures
from console.feeds.clock import SystemClock
from console.feeds.streams import METRICS
from console.sources.elasticsearch.fields import ECS, line_of
from console.sources.kubernetes.decode import PODS, item
from console.sources.kubernetes.kinds import Place
from tests.hand_clock import HandClock

SITE = """
[sites.s.prometheus]
url = "http://127.0.0.1:9"
[sites.s.elasticsearch]
url = "http://127.0.0.1:9"
[sites.s.kubernetes.c]
url = "http://127.0.0.1:9"
[[sites.s.channels.inline]]
name = "uk-news-1"
[[sites.s.channels.inline.vantages]]
name = "origin"
layer = "origin"
url = "http://127.0.0.1:9/master.m3u8"
"""


@pytest.fixture
def config(tmp_path: Path):
    def read(scope: str = "") -> Config:
        path = tmp_path / "config.toml"
        path.write_text(SITE + scope)
        return load(path, {})

    return read


def pod_of(config: Config, **labels: str):
    target = kube_target("c", config.sites["s"].kubernetes["c"], config.scope)
    place = Place(target.cluster, target.region_label, target.service_labels)
    raw = json.dumps({"metadata": {"name": "p", "namespace": "n", "labels": labels}}).encode()
    return item(PODS, raw, place).value


def test_without_a_word_of_the_configuration_documents_are_read_as_ecs(config) -> None:
    assert log_fields(config().scope) == ECS


def test_the_configured_fields_fill_the_parts_of_a_line(config) -> None:
    fields = log_fields(
        config(
            '[scope.channel]\nelasticsearch = "stream.name"\n[scope.service]\nelasticsearch = "app"\n'
            '[scope.pod]\nelasticsearch = "k8s.pod"\n[scope.namespace]\nelasticsearch = "k8s.ns"\n'
            '[scope.region]\nelasticsearch = "dc"\n[scope.node]\nelasticsearch = "hostname"\n'
        ).scope
    )
    document = {
        "@timestamp": "2026-11-22T02:14:07Z",
        "message": "late",
        "stream": {"name": "uk-news-1"},
        "labels": {"channel": "not this one"},
        "app": "packager-emea",
        "k8s": {"pod": "packager-0", "ns": "live"},
        "dc": "emea",
        "hostname": "node-3",
    }
    line = line_of(document, "i/1", fields, is_late=False)
    assert (line.channel, line.service, line.pod, line.namespace, line.region, line.host) == (
        "uk-news-1", "packager-emea", "packager-0", "live", "emea", "node-3",
    )  # fmt: skip
    assert set(fields.of_a_line()) >= {"stream.name", "app", "k8s.pod", "k8s.ns", "dc", "hostname"}


def test_a_dimension_that_the_documents_do_not_know_is_neither_asked_for_nor_found(config) -> None:
    fields = log_fields(config('[scope.channel]\nelasticsearch = ""\n').scope)
    assert "" not in fields.of_a_line()
    assert line_of({"@timestamp": 1_800_000_000_000, "": "x"}, "i/1", fields, is_late=False).channel is None


def test_the_usual_labels_name_the_service_of_a_pod(config) -> None:
    assert pod_of(config(), app="old", **{"app.kubernetes.io/name": "packager"}).service == "packager"
    assert pod_of(config(), app="packager").service == "packager"


def test_a_configured_label_alone_names_the_service_and_the_region_of_a_pod(config) -> None:
    chosen = config('[scope.service]\nkubernetes = "team/service"\n[scope.region]\nkubernetes = "team/dc"\n')
    pod = pod_of(chosen, app="x", **{"team/service": "packager", "team/dc": "emea"})
    assert (pod.service, pod.region) == ("packager", "emea")
    assert pod_of(chosen, app="x").service is None
    assert pod_of(config('[scope.service]\nkubernetes = ""\n'), app="x").service is None


def test_measures_left_alone_follow_the_label_and_written_ones_stay() -> None:
    queries = measure_queries(Measures(viewers="viewers_by_stream", ingest_bps=""), "stream")
    assert queries == {
        "viewers": "viewers_by_stream",
        "rebuffer_ratio": "max by (stream) (channel_rebuffer_ratio)",
        "ingest_declared_bps": "max by (stream) (channel_ingest_declared_bps)",
        "ingest_reconnects": "max by (stream) (increase(channel_ingest_reconnects_total[5m]))",
    }


async def test_an_engine_finds_channels_under_the_label_of_the_configuration(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.query["query"])
        sample = {"metric": {"stream": "uk-news-1", "channel": "no"}, "value": [1_800_000_000, "7"]}
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [sample]}})

    app = web.Application()
    app.router.add_get("/api/v1/query", answer)
    server = TestServer(app)
    await server.start_server()
    path = tmp_path / "config.toml"
    url = f"http://127.0.0.1:{server.port}"
    path.write_text(SITE.replace("http://127.0.0.1:9", url, 1) + '[scope.channel]\nprometheus = "stream"\n')
    engine = Engine.open(load(path, {}), None, SystemClock())
    try:
        async with asyncio.timeout(10):
            subscription = engine.hub.subscribe(METRICS)
            reading = await subscription.next()
    finally:
        await engine.close()
        await server.close()
    assert reading.value is not None, reading.error
    assert reading.value.channels["uk-news-1"].viewers == 7
    measured = [query for query in asked if "__name__" not in query]  # besides the question which exporters there are
    assert measured and all("by (stream)" in query for query in measured)


async def test_a_site_whose_prometheus_knows_no_channels_is_not_asked_for_them(config) -> None:
    asked_for = Engine.open(config(), None, HandClock())
    assert METRICS in asked_for.hub
    engine = Engine.open(config('[scope.channel]\nprometheus = ""\n'), None, HandClock())
    assert METRICS not in engine.hub
    assert "streams" in engine.hub
    await engine.close()
    await asked_for.close()
