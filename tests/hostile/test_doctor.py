"""What doctor prints of servers whose every word is an attack, and a picture file of a screen full of them."""

from __future__ import annotations

import json
import struct
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from console.app import picture
from console.config.load import load
from console.doctor import examined
from console.doctor.text import WIDTH, table
from console.feeds.clock import SystemClock
from tests.hostile.corpus import CORPUS, EVERYTHING
from tests.hostile.staging import poisoned
from tests.hostile.terminal import offence
from tests.stage import staged

ROUNDS = 4
SITE = """
[sites.s.prometheus]
url = "{url}"
[[sites.s.gauges]]
name = "egress"
used = "u"
[sites.s.alertmanager]
urls = ["{url}"]
[sites.s.elasticsearch]
url = "{url}"
[sites.s.kubernetes.c]
url = "{url}"
namespaces = ["live"]
[sites.s.channels]
urls = ["{url}/channels.json"]
[[sites.s.channels.inline]]
name = "uk-news-1"
[[sites.s.channels.inline.vantages]]
name = "origin"
layer = "origin"
url = "{url}/master.m3u8"
"""
ANSWERS: dict[str, Any] = {
    "/": {"name": "X", "cluster_name": "X", "version": {"number": "8.1X", "build_flavor": "X"}, "tagline": "X"},
    "/version": {"major": "1", "minor": "31", "gitVersion": "v1.31X"},
    "/api/v1/status/buildinfo": {"status": "success", "data": {"version": "3X", "revision": "X", "goVersion": "X"}},
    "/api/v1/targets": {
        "status": "success",
        "data": {"activeTargets": [{"health": "X", "labels": {"job": "X"}, "lastError": "X", "scrapePool": "X"}]},
    },
    "/api/v2/status": {"cluster": {"status": "X", "name": "X", "peers": []}, "versionInfo": {"version": "0X"}, "config": {"original": "X"}},
    "/channels.json": {"channels": [{"name": "X", "vantages": [{"name": "X", "layer": "edge", "url": "http://127.0.0.1:1/X"}]}]},
}  # fmt: skip


class Liar:
    """Answers everything, each word another attack; every third time with an error page instead."""

    def __init__(self) -> None:
        self._attacks = cycle(CORPUS.values())
        self.told = 0

    def _said(self, template: Any) -> Any:
        if isinstance(template, dict):
            return {key: self._said(value) for key, value in template.items()}
        if isinstance(template, list):
            return [self._said(each) for each in template]
        return template.replace("X", self._next()) if isinstance(template, str) else template

    def _next(self) -> str:
        self.told += 1
        return next(self._attacks)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith(".m3u8"):
            return web.Response(text=f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{self._next()}\n#EXT-X-STREAM-INF:{self._next()}\nx\n")
        template = ANSWERS.get(request.path)
        if template is None or self.told % 3 == 2:
            said = self._next()
            body = json.dumps({"message": said, "error": said, "reason": said, "status": "error"}) if self.told % 2 else said
            return web.Response(status=403 if self.told % 2 else 200, body=body.encode("utf-8", "surrogatepass"))
        return web.json_response(self._said(template), headers={"X-Elastic-Product": "Elasticsearch"})


async def test_the_table_and_the_document_of_doctor_hold_no_attack_whatever_the_servers_say(tmp_path: Path) -> None:
    liar = Liar()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", liar.answer)
    server = TestServer(app)
    await server.start_server()
    told = 0
    try:
        path = tmp_path / "config.toml"
        path.write_text(SITE.format(url=f"http://127.0.0.1:{server.port}"))
        config = load(path, {})
        name, site = config.choose()
        for _ in range(ROUNDS):
            found = await examined(site, config, SystemClock(), 10.0)
            for line in table(name, site, found).splitlines():
                assert line.isprintable() and len(line) <= WIDTH and not offence(line), line
                told += 1
            for diagnosis in found:
                for text in _texts(msgspec.to_builtins(diagnosis)):
                    assert not offence(text), (diagnosis.name, text)
    finally:
        await server.close()
    assert liar.told > len(CORPUS) and told > 30


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("start", [0, len(EVERYTHING) // 2])
async def test_a_picture_file_of_a_screen_full_of_attacks_is_a_picture_and_carries_no_text(start: int) -> None:
    async with staged(poisoned(start), (80, 24)) as stage:
        drawn = picture.png(picture.svg(stage.app, EVERYTHING["xml"]))
    assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    kinds, at = [], 8
    while at < len(drawn):
        size, kind = struct.unpack(">I4s", drawn[at : at + 8])
        kinds.append(kind)
        at += 12 + size
    assert at == len(drawn) and kinds[0] == b"IHDR" and kinds[-1] == b"IEND"
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
