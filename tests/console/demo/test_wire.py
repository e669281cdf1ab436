from __future__ import annotations

import asyncio
import hashlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from console.demo.wire import BODY_BYTES, IDENTITY, Bearers, WireLog, dry, middleware, writes

NOW = datetime(2026, 3, 4, 2, 30, 0, 250_000, tzinfo=UTC)


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def answers(path: Path) -> list[dict[str, object]]:
    return [line for line in read(path) if "method" not in line]


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
    asked, answered = read(tmp_path / "wire.jsonl")
    assert asked.pop("agent").startswith("Python/")
    assert asked == {
        "n": 1,
        "t": "2026-03-04T02:30:00.250000Z",
        "server": "prometheus",
        "peer": "prometheus",
        "port": client.port,
        "method": "GET",
        "path": "/plain",
        "query": "query=up%7B%7D&step=15",
        "write": False,
    }
    assert answered == {"n": 1, "t": "2026-03-04T02:30:00.250000Z", "status": 200, "bytes": 7}


async def test_what_fails_is_written_too(client: TestClient, tmp_path: Path):
    for method, path, status in (
        ("GET", "/nosuch", 404),
        ("POST", "/plain", 405),
        ("GET", "/broken", 500),
        ("HEAD", "/plain", 200),
    ):
        async with client.request(method, path) as response:
            assert response.status == status
    lines = answers(tmp_path / "wire.jsonl")
    assert [line["status"] for line in lines] == [404, 405, 500, 200]
    assert lines[-1]["bytes"] == 0


async def test_a_watch_whose_client_leaves_is_written_with_what_was_sent(client: TestClient, tmp_path: Path):
    async with client.get("/watch") as response:
        assert await response.content.readexactly(1000)
        assert answers(tmp_path / "wire.jsonl") == []
        response.close()
    deadline = time.monotonic() + 5
    while not (lines := answers(tmp_path / "wire.jsonl")):
        assert time.monotonic() < deadline, "the watch was never written"
        await asyncio.sleep(0.01)
    assert lines[0]["status"] == 200 and lines[0]["bytes"] >= 1000


async def test_the_asking_is_on_the_file_before_the_handler_runs_and_before_the_answer(tmp_path: Path):
    path = tmp_path / "wire.jsonl"
    seen: list[list[dict[str, object]]] = []

    async def effect(request: web.Request) -> web.Response:
        seen.append(read(path))
        assert await request.text() == '{"a": 1}'
        return web.Response(status=201)

    application = web.Application()
    application.router.add_post("/api/v2/silences", effect)
    log = WireLog(path)
    middleware("alertmanager-1", log, lambda: NOW, application)
    headers = {"Content-Type": "application/json"}
    async with (
        TestClient(TestServer(application)) as client,
        client.post("/api/v2/silences", data=b'{"a": 1}', headers=headers),
    ):
        pass
    log.close()
    ((asked,),) = seen
    assert (asked["server"], asked["peer"], asked["write"]) == ("alertmanager", "alertmanager-1", True)
    assert (asked["body"], asked["content_type"]) == ('{"a": 1}', "application/json")
    assert answers(path)[0]["status"] == 201


@pytest.mark.parametrize("body", [b"x" * (BODY_BYTES + 1), b"\xff\xfe"])
async def test_a_long_or_binary_body_is_told_by_its_digest(tmp_path: Path, body: bytes):
    async def effect(request: web.Request) -> web.Response:
        return web.Response()

    application = web.Application()
    application.router.add_put("/x", effect)
    log = WireLog(tmp_path / "wire.jsonl")
    middleware("cdn", log, lambda: NOW, application)
    async with TestClient(TestServer(application)) as client, client.put("/x", data=body):
        pass
    log.close()
    asked = read(tmp_path / "wire.jsonl")[0]
    assert "body" not in asked and asked["body_bytes"] == len(body)
    assert asked["body_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("server", "method", "path", "write"),
    [
        ("kubernetes", "GET", "/api/v1/pods", False),
        ("kubernetes", "PATCH", "/apis/apps/v1/namespaces/live/deployments/origin", True),
        ("kubernetes", "POST", "/api/v1/namespaces/live/pods/p/eviction", True),
        ("kubernetes", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", False),
        ("kubernetes", "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", False),
        ("kubernetes", "POST", "/apis/authorization.k8s.io/v1/namespaces/live/localsubjectaccessreviews", False),
        ("kubernetes", "POST", "/apis/authentication.k8s.io/v1/tokenreviews", False),
        ("kubernetes", "POST", "/api/v1/namespaces/live/configmaps", True),
        ("prometheus", "POST", "/api/v1/query", False),
        ("prometheus", "POST", "/api/v1/admin/tsdb/delete_series", True),
        ("elasticsearch", "POST", "/logs-video-*/_search", False),
        ("elasticsearch", "POST", "/_search", False),
        ("elasticsearch", "POST", "/logs/_pit", False),
        ("elasticsearch", "DELETE", "/_pit", False),
        ("elasticsearch", "POST", "/logs/_doc", True),
        ("elasticsearch", "POST", "/logs/_delete_by_query", True),
        ("elasticsearch", "PUT", "/_search", False),
        ("alertmanager", "POST", "/api/v2/silences", True),
        ("alertmanager", "DELETE", "/api/v2/silence/x", True),
        ("alertmanager", "HEAD", "/api/v2/silences", False),
        ("cdn", "PUT", "/v1/properties/live/weights", True),
    ],
)
def test_a_write_is_what_the_server_takes_for_one(server: str, method: str, path: str, write: bool):
    assert writes(server, method, path) is write


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        (["All"], b"{}", True),
        (["Some"], b"{}", False),
        ([], b'{"kind": "DeleteOptions", "dryRun": ["All"]}', True),
        ([], b'{"dryRun": ["All"]}', True),
        ([], b'{"kind": "Eviction", "deleteOptions": {"dryRun": ["All"]}}', True),
        ([], b'{"kind": "Eviction", "dryRun": ["All"]}', False),
        ([], b'{"kind": "Deployment", "dryRun": ["All"]}', False),
        ([], b'{"dryRun": ["All"]', False),
        ([], b'["dryRun"]', False),
    ],
)
def test_a_dry_run_is_known_by_the_query_or_by_the_options_in_the_body(query: list[str], body: bytes, expected: bool):
    assert dry("kubernetes", query, body) is expected
    assert dry("alertmanager", query, body) is False


async def test_an_asker_is_named_and_its_token_never_written(tmp_path: Path):
    async def effect(request: web.Request) -> web.Response:
        return web.Response()

    application = web.Application()
    application[IDENTITY] = Bearers({"s3cret": "cdn-writer"})
    application.router.add_put("/x", effect)
    path = tmp_path / "wire.jsonl"
    log = WireLog(path)
    middleware("cdn", log, lambda: NOW, application)
    async with TestClient(TestServer(application)) as client:
        for token in ("s3cret", "wr0ng"):
            headers = {"Authorization": f"Bearer {token}", "Impersonate-User": "ann"}
            async with client.put("/x", headers=headers):
                pass
    log.close()
    known, unknown = (line for line in read(path) if "method" in line)
    assert (known["identity"], known["acts_as"]) == ("cdn-writer", "ann") and "identity" not in unknown
    assert "s3cret" not in path.read_text() and "wr0ng" not in path.read_text()


async def test_a_byte_that_is_no_text_does_not_keep_a_line_from_being_written(client: TestClient, tmp_path: Path):
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /plain HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\xfe\r\nConnection: close\r\n\r\n")
    assert b" 200 " in (await reader.read()).split(b"\r\n")[0]
    writer.close()
    asked, _ = read(tmp_path / "wire.jsonl")
    assert asked["agent"] == "??"
