"""The official client, made to hand through bytes: capped on the way in, decoded by us.

Everything here is made inside functions because the bases come from elasticsearch and aiohttp, which are
loaded in a thread at the first question.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from typing import TYPE_CHECKING, Any

import msgspec

from console.sources.access import Access
from console.sources.body import TooLarge
from console.sources.loading import load

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

MAX_BYTES = 12_000_000  # a page of 1,000 lines of 12 kB; the tail asks for smaller pages past it
CONNECTIONS = 4


async def open_client(access: Access, trouble: list[BaseException], max_bytes: int = MAX_BYTES) -> AsyncElasticsearch:
    """A client for the nodes of `access`; the caller closes it. The credential goes with each request, not in
    here.

    `trouble` receives the exception of a failed connection (the client keeps only its text). Raises OSError
    or ValueError for certificate files that cannot be read.
    """
    await load("elasticsearch", "aiohttp")
    return await asyncio.to_thread(_client, access, trouble, max_bytes)


def _client(access: Access, trouble: list[BaseException], max_bytes: int) -> AsyncElasticsearch:
    from elasticsearch import AsyncElasticsearch, ElasticsearchWarning

    # Deprecation headers, and warnings of nodes that fail, would be printed over the screen; failures are told by us.
    warnings.filterwarnings("ignore", category=ElasticsearchWarning)
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    tls: dict[str, Any] = {}
    if any(url.startswith("https:") for url in access.urls):
        if access.ca_file is not None:
            tls["ca_certs"] = access.ca_file
        if access.client_cert is not None:
            tls["client_cert"], tls["client_key"] = access.client_cert
    passing = _passing()
    return AsyncElasticsearch(
        [_with_port(url) for url in access.urls],
        headers=access.base_headers(),
        node_class=_node(access, trouble, max_bytes),
        connections_per_node=CONNECTIONS,
        request_timeout=access.timeout_s,
        max_retries=len(access.urls) - 1,  # a dead node is another node's question, never the same one's twice
        retry_on_status=(),
        retry_on_timeout=False,
        serializers=dict.fromkeys(_MIMETYPES, passing),
        **tls,
    )


_MIMETYPES = (
    "application/json",
    "application/vnd.elasticsearch+json",
    "text/html",  # a proxy's page: let its status be judged before its body
    "text/plain",
)


def _with_port(url: str) -> str:
    """The client refuses a url without a port."""
    from urllib.parse import urlsplit

    parts = urlsplit(url.rstrip("/"))
    if parts.port is not None:
        return url.rstrip("/")
    port = 443 if parts.scheme == "https" else 80
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()


def _passing() -> Any:
    from elastic_transport import Serializer

    class Passing(Serializer):
        """msgspec on the way out; on the way in the bytes themselves, for the typed decoder that knows the
        question.
        """

        mimetype = "application/json"

        def dumps(self, data: Any) -> bytes:
            return data if isinstance(data, bytes) else msgspec.json.encode(data)

        def loads(self, data: bytes) -> Any:
            return data

    return Passing()


def _node(access: Access, trouble: list[BaseException], max_bytes: int) -> Any:
    import aiohttp
    from elastic_transport import AiohttpHttpNode

    class Capped(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            if self._body is None:
                body = bytearray()
                async for chunk in self.content.iter_any():
                    body += chunk
                    if len(body) > max_bytes:
                        self.close()
                        raise TooLarge
                self._body = bytes(body)
            return self._body

    class Node(AiohttpHttpNode):
        def _create_aiohttp_session(self) -> None:
            self._loop = asyncio.get_running_loop()
            trace = aiohttp.TraceConfig()

            async def failed(_: object, __: object, params: aiohttp.TraceRequestExceptionParams) -> None:
                trouble[:] = [params.exception]

            trace.on_request_exception.append(failed)
            self.session = aiohttp.ClientSession(
                headers=self.headers,
                skip_auto_headers=("accept", "accept-encoding", "user-agent"),
                cookie_jar=aiohttp.DummyCookieJar(),
                response_class=Capped,
                trace_configs=[trace],
                proxy=access.proxy,
                connector=aiohttp.TCPConnector(
                    limit_per_host=self._connections_per_node, ssl=self._ssl_context or True
                ),
            )

    return Node
