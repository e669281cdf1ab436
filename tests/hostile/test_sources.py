"""What comes out of a source is clean: every attack in every text of every backend's answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec
import pytest
from aiohttp import web

from console.feeds.raw import internal_failure
from console.model.failure import Failure, SourceError
from console.model.severity import Layer
from console.probe.address import printable, shown
from console.probe.hls.playlist import MasterFacts, PlaylistError, read
from console.sources.access import Access
from console.sources.alertmanager.alerts import AlertPeers
from console.sources.alertmanager.peers import alerts_of
from console.sources.elasticsearch import questions
from console.sources.elasticsearch.client import ElasticIndex
from console.sources.elasticsearch.fields import ECS, line_of
from console.sources.hls.channels import ChannelListError, load
from console.sources.kubernetes import decode
from console.sources.kubernetes.answer import Where, refusal
from console.sources.listing import ChannelListing
from console.sources.meter import Meter
from console.sources.prometheus import answer
from console.sources.prometheus.client import PrometheusClient
from console.sources.sanitise import clean
from console.sources.status import malformed, status_failure
from tests.hand_clock import HandClock
from tests.hostile.corpus import CORPUS, EVERYTHING, SPLIT
from tests.hostile.terminal import offence

AT = "2026-11-22T02:14:07Z"
NAMES = pytest.mark.parametrize("name", CORPUS)


def clean_everywhere(value: Any, *, but: frozenset[str] = frozenset()) -> int:
    """Asserts that no text in a value is hostile; how many texts there were."""
    count = 0
    for text in _texts(value, but):
        wrong = offence(text)
        assert not wrong, wrong
        assert len(text) <= 2000
        count += 1
    return count


def _texts(value: Any, but: frozenset[str]) -> Iterator[str]:
    if isinstance(value, Enum) or value is None:
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            if field not in but:
                yield from _texts(getattr(value, field), but)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(key, but)
            yield from _texts(each, but)
    elif isinstance(value, tuple | list | frozenset):
        for each in value:
            yield from _texts(each, but)


# -- the gate itself --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", EVERYTHING)
def test_the_gate_leaves_nothing_hostile_wherever_an_attack_stands(name: str) -> None:
    attack = EVERYTHING[name]
    for text in (attack, f"before {attack}", f"{attack} after", f"before {attack} after", attack * 3):
        for limit in (2000, 40, 1):
            passed = clean(text, limit)
            assert not offence(passed), offence(passed)
            assert len(passed) <= limit
            assert clean(passed, limit) == passed, "a second passage changes it again"


@pytest.mark.parametrize(("first", "second"), SPLIT)
def test_two_halves_that_were_cleaned_apart_are_harmless_together(first: str, second: str) -> None:
    assert not offence(clean(CORPUS[first]) + clean(CORPUS[second]))


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_cut_anywhere_within_an_attack_leaves_two_harmless_halves(name: str) -> None:
    attack = EVERYTHING[name][:80]
    for place in range(len(attack)):
        assert not offence(clean("a" + attack[:place])) and not offence(clean(attack[place:]))


# -- Kubernetes -------------------------------------------------------------------------------------------------------
def _meta(x: str) -> dict[str, Any]:
    return {
        "name": f"n{x}", "namespace": f"n{x}", "uid": x, "creationTimestamp": x, "resourceVersion": "1",
        "labels": {"app": x, "app.kubernetes.io/name": x, "topology.kubernetes.io/region": x, f"l{x}": x},
        "annotations": {"kubernetes.io/change-cause": x, "deployment.kubernetes.io/revision": x},
        "ownerReferences": [{"kind": x, "name": x, "controller": True}],
    }  # fmt: skip


def _objects(x: str) -> dict[Any, dict[str, Any]]:
    container = {"name": x, "image": f"registry.test/a:{x}"}
    ended = {"terminated": {"reason": x, "exitCode": 1, "finishedAt": AT, "message": x}}
    waiting = {"name": x, "ready": False, "restartCount": 3, "state": {"waiting": {"reason": x, "message": x}}, "lastState": ended}
    condition = {"type": "Progressing", "status": "True", "reason": x, "message": x, "lastUpdateTime": AT}
    return {
        decode.PODS: {
            "metadata": _meta(x), "spec": {"nodeName": x, "containers": [container]},
            "status": {"phase": x, "reason": x, "message": x, "containerStatuses": [waiting], "initContainerStatuses": [waiting]},
        },
        decode.DEPLOYMENTS: {
            "metadata": _meta(x), "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
            "status": {"conditions": [condition]},
        },
        decode.NODES: {
            "metadata": _meta(x),
            "status": {"conditions": [{"type": f"{x}Pressure", "status": "True"}], "nodeInfo": {"kubeletVersion": x}},
        },
        decode.EVENTS: {
            "metadata": _meta(x), "involvedObject": {"kind": x, "name": x}, "reason": x, "message": x, "type": x, "lastTimestamp": AT,
        },
    }  # fmt: skip


@NAMES
def test_objects_of_a_cluster_are_clean(name: str) -> None:
    for kind, document in _objects(CORPUS[name]).items():
        found = decode.item(kind, json.dumps(document).encode(), PLACE)
        assert clean_everywhere(found.value) >= 4
        assert not offence(found.key)


@NAMES
def test_a_refusal_of_the_api_server_is_clean(name: str) -> None:
    x = CORPUS[name]
    status = json.dumps({"kind": "Status", "code": 403, "reason": x, "message": x}).encode()
    for code in (302, 403, 500):
        for body in (status, x.encode()):
            error = refusal(Where("list pods", "kubernetes demo-1"), code, {"Location": x, "Retry-After": x}, body)
            assert isinstance(error, SourceError)
            clean_everywhere(error.failure)


# -- the others, decoded ----------------------------------------------------------------------------------------------
@NAMES
def test_a_log_line_is_clean(name: str) -> None:
    x = CORPUS[name]
    fields = [getattr(ECS, field) for field in ECS.__struct_fields__ if field not in ("at", "ingested")]
    for source in (dict.fromkeys(fields, x), {field: [x] for field in fields}, {field: {x: x} for field in fields}):
        line = line_of({"@timestamp": AT, **source}, f"logs-1/{x}", ECS, is_late=False)
        assert clean_everywhere(line) >= 3


@NAMES
async def test_an_alert_is_clean(name: str) -> None:
    x = CORPUS[name]
    document = {
        "fingerprint": x, "startsAt": AT, "labels": {"alertname": x, "severity": x, x: x}, "annotations": {"summary": x, x: x},
        "status": {"state": x, "silencedBy": [x], "inhibitedBy": [x]},
    }  # fmt: skip
    alerts, unreadable = await alerts_of([msgspec.Raw(json.dumps(document).encode())], "am-1")
    assert unreadable == 0 and clean_everywhere(alerts) > 8


@NAMES
def test_labels_of_a_series_are_clean(name: str) -> None:
    x = CORPUS[name]
    document = {"resultType": "vector", "result": [{"metric": {x: x, "channel": x}, "value": [1.0, "2"]}]}
    series = answer.series(msgspec.Raw(json.dumps(document).encode()))
    assert clean_everywhere(series) >= 2


@NAMES
def test_what_the_prober_reads_and_tells_is_plain_ascii(name: str) -> None:
    x = CORPUS[name]
    for text in (printable(x), shown(f"http://edge.test/{x}?{x}"), printable(f"503 {x}")):
        assert text.isascii() and text.isprintable() and len(text) <= 300
    media = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:{x}\n#EXTINF:4,{x}\n{x}.ts\n"
    master = f'#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME="{x}",URI="a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION={x}\n{x}/index.m3u8\n'
    for body in (media, master, x, f"#EXTM3U\n#EXT-X-TARGETDURATION:{x}\n", f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:{x}\n#EXT-X-TARGETDURATION:4"):
        try:
            facts = read(body.encode(), "http://edge.test/live/")
        except PlaylistError as error:
            assert not offence(printable(str(error)))
            continue
        # where a rendition is fetched from stays as it is; it is told only through `shown`
        clean_everywhere(facts.variants if isinstance(facts, MasterFacts) else facts.facts, but=frozenset(("uri",)))


@NAMES
def test_a_channel_list_is_used_clean_or_refused_in_clean_words(name: str, tmp_path: Any) -> None:
    x = CORPUS[name]
    vantage = {"name": "origin", "layer": "origin", "url": "http://o.test/m.m3u8"}
    honest = {"name": "one", "vantages": [vantage]}
    for hostile in (
        {**honest, "name": f"one{x}"}, {**honest, "region": x}, {**honest, "services": {"package": x}}, {**honest, "services": {x: "p"}},
        {**honest, "renditions": [x]}, {**honest, "kind": x}, {**honest, x: 1},
        *({**honest, "vantages": [{**vantage, key: x}]} for key in ("name", "layer", "cdn", "pop", "service", "connect_to")),
    ):  # fmt: skip
        _used_or_refused("list.json", json.dumps([hostile]).encode())
    row = x.replace('"', "'")
    for heads, values in (("channel,vantage,layer,url,pop", f'one,origin,origin,http://o.test/m.m3u8,"{row}"'), (f'"{row}"', "1")):
        _used_or_refused("list.csv", f"{heads}\n{values}\n".encode())


def _used_or_refused(file: str, data: bytes) -> None:
    try:
        channels = load(file, data)
    except ChannelListError as error:
        assert not offence(clean(str(error), 400))
        return
    assert clean_everywhere(channels) >= 3 and channels[0].vantages[0].layer is Layer.ORIGIN


async def test_a_refused_list_is_told_in_clean_words(tmp_path: Any) -> None:
    for x in CORPUS.values():
        path = tmp_path / "list.json"
        path.write_text(json.dumps([{"name": "one", "vantages": [], x[:200]: 1}]))
        with pytest.raises(SourceError) as raised:
            await ChannelListing((str(path),), (), (), Meter(HandClock())).ask()
        clean_everywhere(raised.value.failure)


# -- failures ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", EVERYTHING)
def test_words_of_errors_are_clean(name: str) -> None:
    x = EVERYTHING[name]
    clean_everywhere(status_failure(400, {"Retry-After": "1"}, "ask", "prometheus", said=x))
    clean_everywhere(malformed("ask", "prometheus", ValueError(x)))
    clean_everywhere(internal_failure("streams", ValueError(x)))


@pytest.fixture
async def hostile_server() -> AsyncIterator[Callable[[str, int], str]]:
    """Answers every question with an attack: as an error's body, or as JSON in which every text is one."""
    said = {"text": "", "status": 500}

    async def every(_: web.Request) -> web.Response:
        x = str(said["text"])
        status = int(said["status"])
        error = {"type": x, "reason": x, "root_cause": [{"type": x, "reason": x}]}
        document = {"status": "error", "errorType": x, "error": error if status == 404 else x, "message": x, "warnings": [x]}
        body = x.encode() if status == 500 else json.dumps(document).encode()
        return web.Response(status=status, body=body, headers={"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", every)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]

    def say(text: str, status: int) -> str:
        said.update(text=text, status=status)
        return f"http://127.0.0.1:{port}"

    yield say
    await runner.cleanup()


async def test_a_backend_that_answers_with_attacks_fails_in_clean_words(hostile_server: Callable[[str, int], str]) -> None:
    clock = HandClock()
    access = Access(urls=(hostile_server("", 500),), timeout_s=5.0)
    peers, index = AlertPeers(access, Meter(clock)), ElasticIndex(access, "logs-*", Meter(clock), 1_000_000)
    prometheus = PrometheusClient(access, clock, Meter(clock))
    failures: list[Failure] = []
    try:
        for status in (500, 400, 404, 200):
            for x in CORPUS.values():
                hostile_server(x[:1000], status)
                for ask in (peers.ask, lambda: questions.info(index), lambda: prometheus.query("up")):
                    try:
                        told = await ask()
                    except SourceError as error:
                        failures.append(error.failure)
                    else:
                        clean_everywhere(told)
    finally:
        await peers.close()
        await index.close()
        await prometheus.close()
    assert len(failures) > 3 * 3 * len(CORPUS) * 0.9
    for failure in failures:
        clean_everywhere(failure)


PLACE = decode.Place(cluster="demo-1")
assert datetime.fromisoformat(AT).tzinfo == UTC
