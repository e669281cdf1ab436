"""One HTTP request to a chat service. Never raises for the other side's sake, and never says where it went: addresses are
secrets here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.chat.outcome import Answer
from console.model.failure import SourceError
from console.sources.access import Access
from console.sources.http import open_client

if TYPE_CHECKING:
    import httpx

ANSWER_BYTES = 64 * 1024
CONNECTIONS = 2  # one for text, one for a picture


class Wire:
    """The connections to one destination, opened at the first request."""

    def __init__(self, *, ca_file: str | None, proxy: str | None, timeout_s: float) -> None:
        self._ca_file = ca_file
        self._proxy = proxy
        self._timeout_s = timeout_s
        # By scheme: plain HTTP needs no certificates, and its client must never be used for anything else.
        self._clients: dict[bool, httpx.AsyncClient] = {}
        self._opening = asyncio.Lock()

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], *, limit_s: float | None = None) -> Answer:
        """POST, and at most 64 kB of the answer, within `limit_s` (the timeout of the destination, twice) in all."""
        try:
            client = await self._opened(is_plain=url[:7].lower() == "http://")
        except SourceError as error:
            return Answer(None, why=f"{error.failure.tried}: {error.failure.got}")
        import httpx

        body = bytearray()
        try:
            async with asyncio.timeout(limit_s or 2 * self._timeout_s):
                async with client.stream("POST", url, content=content, headers=dict(headers)) as response:
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        if len(body) > ANSWER_BYTES:
                            break
                    return Answer(response.status_code, dict(response.headers), bytes(body[:ANSWER_BYTES]))
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, why="no answer in time; it may have arrived")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            return Answer(None, why="its address is none that can be asked: http:// or https:// is missing")
        except httpx.ConnectError:
            return Answer(None, why="cannot be connected to")
        except (httpx.HTTPError, httpx.StreamError) as error:
            return Answer(None, why=f"broken off ({type(error).__name__}); it may have arrived")
        except (ValueError, UnicodeError) as error:  # an address or a header that cannot be written
            return Answer(None, why=f"cannot be asked ({type(error).__name__})")

    async def close(self) -> None:
        """End the connections."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    async def _opened(self, *, is_plain: bool) -> httpx.AsyncClient:
        async with self._opening:
            if is_plain not in self._clients:
                # Which address is asked is known only when a secret has been read; the client is told its scheme alone.
                urls = ("http://chat.invalid",) if is_plain else ("https://chat.invalid",)
                access = Access(urls=urls, ca_file=self._ca_file, proxy=self._proxy, timeout_s=self._timeout_s)
                self._clients[is_plain] = await open_client(access, CONNECTIONS)
            return self._clients[is_plain]
