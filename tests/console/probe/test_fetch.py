"""The fetcher against real sockets that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiohttp import web

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.address import is_forbidden, printable, shown, split_address
from console.probe.fetch import Answer, Fetcher, Question
from console.probe.hls.playlist import BODY_LIMIT
from console.probe.token import Token, TokenError, run, signed

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def now() -> Instant:
    return Instant(datetime.now(UTC), time.monotonic())


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    finally:
        await runner.cleanup()


async def ask(port: int, path: str = "/x", host: str = "edge.midwatch.test", **more: object) -> Answer:
    fetcher = Fetcher(now)
    url = f"http://{host}{path}"
    try:
        return await fetcher.ask(
            Question(url=url, trusted=url, connect_to=f"127.0.0.1:{port}", **more)  # type: ignore[arg-type]
        )
    finally:
        await fetcher.close()


async def test_it_connects_where_it_is_told_and_keeps_the_host():
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["Host"], headers={"Age": "7", "ETag": '"e"'})

    async with serving(echo) as port:
        answer = await ask(port)
        assert (answer.outcome, answer.body, answer.age_header_s, answer.etag) == (
            Outcome.OK,
            b"edge.midwatch.test",
            7.0,
            '"e"',
        )
        answer = await ask(port, host="192.0.2.1:8080")  # a literal address is mapped, too
        assert answer.body == b"192.0.2.1:8080"


async def test_a_conditional_question_sends_the_etag_and_a_304_is_well():
    async def conditional(request: web.Request) -> web.Response:
        return web.Response(status=304 if request.headers.get("If-None-Match") == '"e"' else 200)

    async with serving(conditional) as port:
        assert (await ask(port, etag='"e"')).status == 304
        assert (await ask(port)).status == 200


async def test_gzip_is_inflated_up_to_the_cap():
    bodies = {
        "/small": gzip.compress(b"#EXTM3U"),
        "/bomb": gzip.compress(b"x" * (BODY_LIMIT * 3)),
        "/broken": b"no gzip",
    }

    async def zipped(request: web.Request) -> web.Response:
        return web.Response(body=bodies[request.path], headers={"Content-Encoding": "gzip"})

    async with serving(zipped) as port:
        assert (await ask(port, "/small")).body == b"#EXTM3U"
        assert (await ask(port, "/bomb")).outcome is Outcome.TOO_LARGE
        assert (await ask(port, "/broken")).outcome is Outcome.MALFORMED


async def test_a_body_without_end_is_cut_at_the_cap():
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with serving(endless) as port:
        assert (await ask(port)).outcome is Outcome.TOO_LARGE


async def test_a_silent_server_is_a_timeout_and_a_closed_port_is_unreachable():
    async def silent(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with serving(silent) as port:
        answer = await ask(port, timeout_s=0.2)
        assert answer.outcome is Outcome.TIMEOUT
        assert answer.elapsed_s == pytest.approx(0.2, abs=0.3)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert (await ask(held.getsockname()[1])).outcome is Outcome.UNREACHABLE


async def test_what_is_no_http_at_all_is_unreachable():
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"\x00\x01 garbage\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        answer = await ask(server.sockets[0].getsockname()[1])
        assert answer.outcome is Outcome.UNREACHABLE
        assert answer.detail.isprintable() and answer.detail.isascii()


@pytest.mark.parametrize(
    ("location", "outcome"),
    [
        ("/there", Outcome.OK),
        ("http://edge.midwatch.test/there", Outcome.OK),
        ("file:///etc/passwd", Outcome.REFUSED_REDIRECT),
        ("ftp://edge.midwatch.test/", Outcome.REFUSED_REDIRECT),
        ("http://169.254.169.254/latest/meta-data", Outcome.REFUSED_REDIRECT),
        ("http://[::ffff:169.254.169.254]/", Outcome.REFUSED_REDIRECT),
        ("http://[fe80::1]/", Outcome.REFUSED_REDIRECT),
        ("/loop", Outcome.REFUSED_REDIRECT),
    ],
)
async def test_redirects_go_where_they_may_and_nowhere_else(location: str, outcome: Outcome):
    async def redirect(request: web.Request) -> web.Response:
        if request.path == "/there":
            return web.Response()
        return web.Response(
            status=302, headers={"Location": location if request.path == "/x" else request.path}
        )

    async with serving(redirect) as port:
        assert (await ask(port)).outcome is outcome


async def test_a_credential_is_not_carried_to_another_host():
    got: list[tuple[str, str | None]] = []

    async def redirect(request: web.Request) -> web.Response:
        got.append((request.host, request.headers.get("Authorization")))
        if request.path == "/x":
            return web.Response(status=302, headers={"Location": f"http://localhost:{port}/y"})
        return web.Response()

    async with serving(redirect) as port:
        await ask(port, headers={"Authorization": "Bearer s3cret"})
    assert got == [("edge.midwatch.test", "Bearer s3cret"), (f"localhost:{port}", None)]


async def test_a_playlists_own_urls_obey_the_same_rules():
    fetcher = Fetcher(now)
    for url in ("file:///etc/passwd", "http://169.254.169.254/seg.ts", "http:///x", "gopher://h/"):
        answer = await fetcher.ask(Question(url=url, trusted="http://cdn.midwatch.test/m.m3u8"))
        assert answer.outcome is Outcome.REFUSED_REDIRECT
    assert (
        await fetcher.ask(Question("http://127.0.0.1:1/x", "http://192.0.2.1/m"))
    ).outcome is Outcome.REFUSED_REDIRECT
    await fetcher.close()


def test_addresses_that_only_this_machine_can_reach():
    assert is_forbidden("127.0.0.1", False) and not is_forbidden("127.0.0.1", True)
    assert (
        is_forbidden("169.254.169.254", True)
        and is_forbidden("fd00:ec2::254", True)
        and is_forbidden("0.0.0.0", True)
    )
    assert not is_forbidden("10.0.0.1", False)
    assert split_address("[::1]:80") == ("::1", 80)
    with pytest.raises(ValueError, match="not ip:port"):
        split_address("127.0.0.1")


def test_what_is_told_of_a_url_holds_no_secret():
    assert shown("https://user:pw@h.test:8443/a/b.m3u8?sig=s3cret#x") == "https://h.test:8443/a/b.m3u8"
    assert "pw" not in shown("http://user:pw@[bad/a?sig=1")
    assert printable("a\x1b[31m\u202eb" + "c" * 300, 20) == "a?[31m?bccccccccc..."


async def test_a_token_is_what_the_command_prints():
    assert await run(("printf", "?sig=1&exp=2\n")) == "sig=1&exp=2"
    assert signed("http://h/a?x=1", "sig=1") == "http://h/a?x=1&sig=1"
    for command in (
        ("false",),
        ("/no/such/command",),
        ("printf", ""),
        ("printf", "a b"),
        ("head", "-c", "9000", "/dev/zero"),
    ):
        with pytest.raises(TokenError) as caught:
            await run(command)
        assert command[0] in str(caught.value)


async def test_a_token_is_kept_and_asked_again_when_it_was_refused(tmp_path):
    script = tmp_path / "count"
    script.write_text(f"#!/bin/sh\necho x >> {tmp_path}/runs\necho sig=$(wc -l < {tmp_path}/runs)\n")
    script.chmod(0o700)
    clock = [0.0]
    token = Token((str(script),), lambda: clock[0])
    first = await asyncio.gather(*(token.query() for _ in range(10)))
    assert set(first) == {"sig=1"}
    token.refused()
    clock[0] = 6.0
    assert await token.query() == "sig=2"
