"""httpx, with what it lacks for asking strangers: a hard cap on bodies, JSON or a reason, our failures for
its exceptions.

httpx costs 150 ms to import and a client 20-40 ms to build (certificates are parsed), so both happen in a
thread, at the first question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.access import Access, Credentials, place
from console.sources.body import ENCODINGS, MAX_BYTES, Body, TooLarge
from console.sources.loading import load, load_here
from console.sources.meter import Meter
from console.sources.sanitise import clean
from console.sources.status import date_of, malformed, page_failure, status_failure, too_large

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
CONNECTIONS = 8


class Decoder(Protocol[T_co]):
    """Bytes to a value; msgspec's, or one for what is no JSON. Raises ValueError."""

    def decode(self, content: bytes, /) -> T_co: ...


class Fetched(msgspec.Struct, Generic[T], frozen=True):
    """One decoded answer."""

    value: T
    server_date: datetime | None
    bytes_in: int


async def open_client(access: Access, connections: int = CONNECTIONS) -> httpx.AsyncClient:
    """A client for one backend; the caller closes it. The credential is not in it: it goes with each request.

    Raises SourceError when a certificate file cannot be read.
    """
    await load("httpx")
    try:
        return await asyncio.to_thread(_client, access, connections)
    except (OSError, ValueError) as error:
        raise SourceError(
            Failure(
                kind=FailureKind.UNREACHABLE,
                tried="prepare a connection",
                on=place("http", access.url),
                got=clean(str(error), 200),
                hint="check ca_file, client_cert and proxy of this backend",
            )
        ) from error


def _client(access: Access, connections: int) -> httpx.AsyncClient:
    import httpx

    with suppress(ImportError):  # httpx imports it at the first request, which is on the loop: 60 ms
        load_here("httpcore", "anyio._backends._asyncio")
    verify: object = True
    if access.ca_file is not None or access.client_cert is not None:
        import ssl

        context = ssl.create_default_context(cafile=access.ca_file)
        if access.client_cert is not None:
            context.load_cert_chain(*access.client_cert)
        verify = context
    elif all(url.startswith("http:") for url in access.urls):
        verify = False  # nothing to verify on plain HTTP: parsing the bundle of certificates would cost 20 ms
    return httpx.AsyncClient(
        headers={**access.base_headers(), "Accept": "application/json", "Accept-Encoding": ENCODINGS},
        timeout=httpx.Timeout(access.timeout_s, connect=min(5.0, access.timeout_s)),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        verify=verify,  # type: ignore[arg-type]
        proxy=access.proxy,
        trust_env=False,
        follow_redirects=False,
    )


async def get_json(
    client: httpx.AsyncClient,
    url: str,
    decoder: Decoder[T],
    tried: str,
    on: str,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    max_bytes: int = MAX_BYTES,
    limit_s: float = 30.0,
    meter: Meter | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> Fetched[T]:
    """GET and decode; `extensions` are httpx's (`sni_hostname`).

    Reads at most `max_bytes` (inflated) and at most `limit_s` in all, however slowly bytes drip.
    Every fault of the other side, of the network or of the body is a SourceError.
    """
    import httpx

    body: Body | None = None
    try:
        async with asyncio.timeout(limit_s):
            asked = client.stream("GET", url, params=params, headers=headers, extensions=dict(extensions or {}))
            async with asked as response:
                body = Body(
                    max_bytes if response.status_code == 200 else 65_536,
                    response.headers.get("content-encoding", ""),
                )
                async for chunk in response.aiter_raw():
                    body.feed(chunk)
        content = body.done()
        failure = _refusal(response.status_code, response.headers, content, tried, on)
        if failure is not None:
            raise SourceError(failure)
        value = decoder.decode(content)
    except SourceError:
        _count(meter, body, failed=True)
        raise
    except TooLarge as error:
        _count(meter, body, failed=True)
        status = response.status_code
        failure = (
            too_large(tried, on, max_bytes) if status == 200 else status_failure(status, response.headers, tried, on)
        )
        raise SourceError(failure) from error
    except (msgspec.MsgspecError, ValueError) as error:
        _count(meter, body, failed=True)
        if isinstance(error, httpx.InvalidURL):
            raise SourceError(_network_failure(error, tried, on)) from error
        raise SourceError(malformed(tried, on, error)) from error
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        _count(meter, body, failed=True)
        raise SourceError(_network_failure(error, tried, on)) from error
    _count(meter, body, failed=False)
    return Fetched(value=value, server_date=date_of(response.headers), bytes_in=body.received)


def _count(meter: Meter | None, body: Body | None, failed: bool) -> None:
    if meter is not None:
        meter.asked(body.received if body is not None else 0, failed=failed)


def _refusal(status: int, headers: Mapping[str, str], content: bytes, tried: str, on: str) -> Failure | None:
    page = page_failure(tried, on, headers.get("content-type", ""), content)
    if status == 200:
        return page
    said = content[:400].decode("utf-8", "replace") if page is None else ""
    return status_failure(status, headers, tried, on, said, is_page=page is not None)


def _network_failure(error: Exception, tried: str, on: str) -> Failure:
    import httpx

    if isinstance(error, TimeoutError | httpx.TimeoutException):
        phase = {"ConnectTimeout": "to connect", "PoolTimeout": "for a free connection"}.get(type(error).__name__, "")
        got = f"timed out waiting {phase}".strip() if phase else "no answer in time"
        return Failure(
            kind=FailureKind.TIMEOUT,
            tried=tried,
            on=on,
            got=got,
            hint="raise timeout_s, or is it overloaded?",
        )
    text = clean(str(error), 160) or type(error).__name__
    if isinstance(error, httpx.ConnectError):
        low = text.lower()
        got = text
        hint = "is the server up? midwatch doctor"
        if "all connection attempts failed" in low or "refused" in low:
            got = "connection refused" if _is_refused(error) else text
        elif "certificate" in low or "ssl" in low:
            hint = "check ca_file and the certificate's names"
        return Failure(kind=FailureKind.UNREACHABLE, tried=tried, on=on, got=got, hint=hint)
    if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError):
        return Failure(
            kind=FailureKind.BAD_ANSWER,
            tried=tried,
            on=on,
            got=f"broken off: {text}",
            hint="does HTTP live at this url?",
        )
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return Failure(kind=FailureKind.REJECTED, tried=tried, on=on, got=text, hint="check the url of this backend")
    return Failure(kind=FailureKind.UNREACHABLE, tried=tried, on=on, got=text, hint="is the server up? midwatch doctor")


def _is_refused(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return True
        if isinstance(seen, BaseExceptionGroup) and any(_is_refused(inner) for inner in seen.exceptions):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


class HttpBackend:
    """One backend asked over httpx: opens its client at the first question, renews the credential after a
    401.
    """

    def __init__(self, access: Access, kind: str, meter: Meter) -> None:
        self._access = access
        self._kind = kind
        self._meter = meter
        self._credentials = Credentials(access, place(kind, access.url))
        self._client: httpx.AsyncClient | None = None
        self._opening = asyncio.Lock()

    async def get(
        self,
        path: str,
        decoder: Decoder[T],
        tried: str,
        params: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> Fetched[T]:
        """GET `url + path`. Raises SourceError."""
        async with self._opening:
            if self._client is None:
                self._client = await open_client(self._access)
        on = place(self._kind, self._access.url)
        again = True
        while True:
            try:
                return await get_json(
                    self._client,
                    self._access.url + path,
                    decoder,
                    tried,
                    on,
                    params=params,
                    headers=await self._credentials.headers(),
                    max_bytes=max_bytes,
                    limit_s=3 * self._access.timeout_s,
                    meter=self._meter,
                )
            except SourceError as error:
                is_401 = error.failure.got.startswith("HTTP 401")
                if not (is_401 and again and self._credentials.refused()):
                    raise
                again = False

    async def close(self) -> None:
        """Ends its connections; the next `get` opens anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
