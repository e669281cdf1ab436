from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from console.demo.wire import WireLog, middleware

NOW = datetime(2026, 3, 4, 2, 30, 0, 250_000, tzinfo=UTC)


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
async def client(tmp_path: Path):
    async def plain(request: web.Request) -> web.Response:
        return web.Response(text="seven b")

    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError("on purpose")

    async def watch(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 1000)
        await asyncio.Event().wait()
        return response

    application = web.Application()
    application.router.add_get("/plain", plain)
    application.router.add_get("/broken", broken)
    application.router.add_get("/watch", watch)
    log = WireLog(tmp_path / "wire.jsonl")
    middleware("prometheus", log, lambda: NOW, application)
    async with TestClient(TestServer(application, handler_cancellation=True)) as client:
        yield client
    log.close()


async def test_a_request_is_one_line_with_its_time_status_and_size(client: TestClient, tmp_path: Path):
    async with client.get(URL("/plain?query=up%7B%7D&step=15", encoded=True)) as response:
        await response.read()
    (line,) = read(tmp_path / "wire.jsonl")
    assert line == {
        "t": "2026-03-04T02:30:00.250Z",
        "server": "prometheus",
        "method": "GET",
        "path": "/plain",
        "query": "query=up%7B%7D&step=15",
        "status": 200,
        "bytes": 7,
    }


async def test_what_fails_is_written_too(client: TestClient, tmp_path: Path):
    for method, path, status in (
        ("GET", "/nosuch", 404),
        ("POST", "/plain", 405),
        ("GET", "/broken", 500),
        ("HEAD", "/plain", 200),
    ):
        async with client.request(method, path) as response:
            assert response.status == status
    lines = read(tmp_path / "wire.jsonl")
    assert [line["status"] for line in lines] == [404, 405, 500, 200]
    assert lines[-1]["bytes"] == 0


async def test_a_watch_whose_client_leaves_is_written_with_what_was_sent(client: TestClient, tmp_path: Path):
    async with client.get("/watch") as response:
        assert await response.content.readexactly(1000)
        assert read(tmp_path / "wire.jsonl") == []
        response.close()
    deadline = time.monotonic() + 5
    while not (lines := read(tmp_path / "wire.jsonl")):
        assert time.monotonic() < deadline, "the watch was never written"
        await asyncio.sleep(0.01)
    assert lines[0]["status"] == 200 and lines[0]["bytes"] >= 1000
