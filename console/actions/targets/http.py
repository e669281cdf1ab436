"""One HTTP request that changes something, and what can honestly be said of its fate.

httpx sends a request once: it has no retries of its own, and raises when a kept connection turns out closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from console.model.failure import SourceError
from console.sources.access import Access, Credentials, place
from console.sources.http import open_client
from console.sources.sanitise import clean

LIMIT = 1_000_000  # bytes of an answer, where nobody expects more


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `status` None: nothing that can be believed; `was_sent` False: and nothing went out either."""

    status: int | None
    body: bytes = b""
    headers: Mapping[str, str] = {}
    was_sent: bool = True
    text: str = ""

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def words(self) -> str:
        """The server's, bounded and clean."""
        said = clean(self.body[:400].decode("utf-8", "replace").strip(), 300)
        return f"{self.status}: {said}" if said else f"{self.status}"

    @property
    def is_refusal(self) -> bool:
        """Said no, and did nothing: 3xx and 4xx. A proxy's 5xx says nothing about what happened behind it."""
        return self.status is not None and 300 <= self.status < 500


class HttpDoor:
    """One backend, opened at the first request, with its `write` credential; a refused one is fetched anew once."""

    def __init__(self, access: Access, kind: str) -> None:
        self.access = access
        self.on = place(kind, access.url)
        self._credentials = Credentials(access, self.on)
        self._opening = asyncio.Lock()
        self._client: object = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        limit: int = LIMIT,
    ) -> Reply:
        """Never raises for the other side's sake. Of the answer no more than `limit` bytes are read."""
        try:
            client = await self._opened()
            reply = await self._once(client, method, url, content, headers or {}, limit)
            if reply.status == 401 and self._credentials.refused():  # not executed, so it may be sent again
                reply = await self._once(client, method, url, content, headers or {}, limit)
            return reply
        except SourceError as error:  # a certificate or a credential that cannot be read
            return Reply(status=None, was_sent=False, text=error.failure.got)

    async def _opened(self) -> object:
        async with self._opening:
            if self._client is None:
                self._client = await open_client(self.access)
            return self._client

    async def _once(
        self, client: object, method: str, url: str, content: bytes, headers: Mapping[str, str], limit: int
    ) -> Reply:
        import httpx

        assert isinstance(client, httpx.AsyncClient)
        given = {**headers, **await self._credentials.headers()}
        if content:
            given.setdefault("Content-Type", "application/json")
        body = bytearray()
        status: int | None = None
        try:
            async with asyncio.timeout(3 * self.access.timeout_s):
                async with client.stream(method, url, content=content or None, headers=given) as response:
                    status = response.status_code
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        if len(body) > limit:
                            break
                    answered = dict(response.headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            return Reply(
                status=None, was_sent=False, text=clean(f"nothing was sent: {error or type(error).__name__}", 200)
            )
        except (TimeoutError, httpx.HTTPError, httpx.StreamError) as error:
            what = clean(str(error), 160) or type(error).__name__
            if status is not None and 300 <= status < 500:  # the refusal was heard, only its words were cut off
                return Reply(status=status, text=what)
            return Reply(status=None, text=f"no answer that can be believed: {what}")
        return Reply(status=status, body=bytes(body), headers=answered)

    async def close(self) -> None:
        """End its connections."""
        import httpx

        client, self._client = self._client, None
        if isinstance(client, httpx.AsyncClient):
            await client.aclose()
