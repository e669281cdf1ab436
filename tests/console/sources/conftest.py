"""Servers on loopback that misbehave on command, and worlds that stand still until told."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from console.sources.meter import Meter
from tests.hand_clock import HandClock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Handler | web.Application], Awaitable[str]]

HUGE = 200_000_000


class Faults:
    """Answers each request with the next of its faults; the last one stays. `sent` counts body bytes that
    left.
    """

    def __init__(self, *answers: Handler) -> None:
        self._answers = list(answers)
        self.requests: list[web.Request] = []
        self.sent = 0
        self.hanging = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return await answer(request)

    async def huge(self, request: web.Request) -> web.StreamResponse:
        """200 MB of JSON, as fast as the client takes it."""
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}
        )
        await response.prepare(request)
        chunk = b'"' + b"x" * 65_533 + b'",'
        try:
            await response.write(b"[")
            while self.sent < HUGE:
                await response.write(chunk)
                self.sent += len(chunk)
        except (ConnectionError, asyncio.CancelledError):
            return response
        await response.write_eof()
        return response

    async def hang(self, request: web.Request) -> web.StreamResponse:
        """Says nothing, until the client leaves."""
        self.hanging += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.hanging -= 1
        return web.Response()

    async def drip(self, request: web.Request) -> web.StreamResponse:
        """A byte every 50 ms for ever: no single read ever times out."""
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}
        )
        await response.prepare(request)
        try:
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.CancelledError):
            return response


async def until(condition: Callable[[], bool], within_s: float = 5.0) -> None:
    """Waits for what another process or thread does; fails when it does not."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def page(status: int = 200) -> Handler:
    """An HTML page, as a login or a proxy serves."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")

    return answer


def body(content: bytes | str, status: int = 200, **headers: str) -> Handler:
    """A JSON body, or what claims to be one."""

    async def answer(_: web.Request) -> web.Response:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"own-date": "yes"} if "Date" in told else {}
        content_ = content.encode() if isinstance(content, str) else content
        return web.Response(
            status=status,
            body=content_,
            headers={"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json", **told, **own},
        )

    return answer


def cut_off(content: bytes) -> Handler:
    """Promises more bytes than it sends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        headers = {"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}
        response = web.StreamResponse(headers={**headers, "Content-Length": str(len(content) + 100)})
        await response.prepare(request)
        await response.write(content)
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


def bomb() -> Handler:
    """60 MB of spaces in 60 kB of gzip."""
    return body(gzip.compress(b" " * 60_000_000), Content_Encoding="gzip")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def meter(clock: HandClock) -> Meter:
    return Meter(clock)


@pytest.fixture
def world_now(clock: HandClock) -> Callable[[], datetime]:
    """The hand-turned clock as the embedded platform's."""
    return lambda: clock.now().utc


@pytest.fixture
async def serve(clock: HandClock) -> AsyncIterator[Serve]:
    """Starts an application, or a handler of every path, and returns its url. Its `Date` is the hand-turned
    clock's.
    """

    async def dated(_: web.Request, response: web.StreamResponse) -> None:
        if "own-date" not in response.headers:
            response.headers["Date"] = format_datetime(clock.now().utc, usegmt=True)

    servers: list[TestServer] = []

    async def start(what: Handler | web.Application) -> str:
        if isinstance(what, web.Application):
            application = what
        else:
            application = web.Application(client_max_size=10_000_000)

            async def every(request: web.Request) -> web.StreamResponse:
                return await what(request)

            application.router.add_route("*", "/{path:.*}", every)
        application.on_response_prepare.append(dated)
        server = TestServer(application, host="127.0.0.1")
        await server.start_server(shutdown_timeout=0.2)
        servers.append(server)
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
def refused_url(unused_tcp_port: int) -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{unused_tcp_port}"
