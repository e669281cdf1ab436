"""What every one of the servers has: what arrived, and what to answer instead of the truth."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.hand_clock import HandClock

Misbehaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


def status(code: int, body: str = "", **headers: str) -> Misbehaviour:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def page(code: int = 200) -> Misbehaviour:
    """A proxy's login."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")

    return answer


def json(body: dict[str, Any], code: int = 200, **headers: str) -> Misbehaviour:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def hang(_: web.Request) -> web.StreamResponse:
    """Nothing, until the client leaves."""
    await asyncio.Event().wait()
    return web.Response()


async def drop(request: web.Request) -> web.StreamResponse:
    """The connection closes without a word."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


class Pace:
    """What a service bears: `rate` a second on the average, `burst` at once."""

    def __init__(self, clock: HandClock, rate: float, burst: int) -> None:
        self._clock, self._rate, self._burst = clock, rate, burst
        self._left, self._at = float(burst), clock.now().mono

    def bears(self) -> bool:
        now = self._clock.now().mono
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Chat:
    """A server with `misbehave`: each request is answered by the next of these, then by the service itself.

    `took_then` misbehaves after the service has taken the request: the answer is lost, the post is not.
    """

    limit = 30_000_000  # bytes of a request

    def __init__(self) -> None:
        self.misbehave: deque[Misbehaviour] = deque()
        self.took_then: deque[Misbehaviour] = deque()
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.complaints: list[str] = []  # what the real service would have refused
        self.url = ""
        self._runner: web.AppRunner | None = None

    def routes(self, app: web.Application) -> None:
        raise NotImplementedError

    async def start(self) -> str:
        app = web.Application(client_max_size=self.limit, middlewares=[self._between])
        self.routes(app)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self.url = f"http://127.0.0.1:{port}"
        return self.url

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def refuse(self, why: str, response: web.Response) -> web.Response:
        self.complaints.append(why)
        return response

    @web.middleware
    async def _between(self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        # A form can be read only once, and is its handler's.
        body = b"" if request.content_type.startswith("multipart/") else await request.read()
        self.requests.append((request.path, dict(request.headers), body))
        if self.misbehave:
            return await self.misbehave.popleft()(request)
        answer = await handler(request)
        if self.took_then:
            return await self.took_then.popleft()(request)
        return answer
