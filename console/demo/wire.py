"""One JSON line per request: {t, server, method, path, query, status, bytes}.

A middleware and not aiohttp's access log, because the access log stays silent about a request whose client
went away, and a watch always ends that way. The line is written when the answer ends; `t` is when the
request came.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from aiohttp import web

from console.demo.world.truth import rfc3339

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CLIENT_CLOSED = 499
"""What nginx calls a request whose client left before the answer's status was known."""


class Line(msgspec.Struct, frozen=True):
    t: str
    server: str
    method: str
    path: str
    query: str
    """Still percent-encoded, without the question mark."""
    status: int
    bytes: int
    """Of the body, as sent; headers included when a stream was cut short."""


class WireLog:
    """Truncated when opened; unbuffered appends of whole lines."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)

    def write(self, line: Line) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        self._file.close()


def _size(request: web.Request, response: web.StreamResponse) -> int:
    if request.method == "HEAD":
        return 0
    if response.prepared:
        return response.body_length if response.body_length else request.writer.output_size
    return response.content_length or 0


def middleware(server: str, log: WireLog, clock: Callable[[], datetime],
               application: web.Application) -> None:
    """Puts the log around every handler of `application`, the ones that answer 404 included."""
    # By id of the request, which lives as long as its entry: a response that streams is not known to the
    # middleware before its handler returns, and the handler of a watch never does.
    opened: dict[int, web.StreamResponse] = {}
    expected: set[int] = set()

    async def remember(request: web.Request, response: web.StreamResponse) -> None:
        if id(request) in expected:
            opened[id(request)] = response

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        came = clock()
        expected.add(id(request))
        status, size = CLIENT_CLOSED, 0
        try:
            response = await handler(request)
            status, size = response.status, _size(request, response)
            return response
        except web.HTTPException as answer:
            status, size = answer.status, _size(request, answer)
            raise
        except OSError:
            raise
        except Exception:
            status = 500
            raise
        finally:
            expected.discard(id(request))
            stream = opened.pop(id(request), None)
            if status == CLIENT_CLOSED and stream is not None:
                status, size = stream.status, request.writer.output_size
            log.write(Line(rfc3339(came), server, request.method, request.path,
                           request.rel_url.raw_query_string, status, size))

    application.on_response_prepare.append(remember)
    application.middlewares.insert(0, record)
