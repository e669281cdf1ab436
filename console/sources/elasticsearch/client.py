"""One index pattern of one Elasticsearch, asked through the official client."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.access import Access, Credentials, place
from console.sources.body import TooLarge
from console.sources.elasticsearch.answers import Capabilities, Counted, Searched
from console.sources.elasticsearch.wire import MAX_BYTES, open_client
from console.sources.meter import Meter
from console.sources.sanitise import clean
from console.sources.status import date_of, malformed, page_failure, status_failure, too_large

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

__all__ = ["ElasticIndex"]

T = TypeVar("T")
KIND = "elasticsearch"
KEEP_ALIVE = "1m"  # a point in time that was not closed (we died) costs the server a minute
_PARTIAL = "allow_partial_search_results"
DEFAULT_REFRESH_S = 1.0
NEVER_REFRESHED_S = 30.0  # refresh_interval -1: somebody else decides, look now and then
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|micros|nanos|s|m|h|d)?")
_UNIT_S = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class _Cause(msgspec.Struct):
    type: str = ""
    reason: str | None = None
    caused_by: _Cause | None = None
    root_cause: list[_Cause] = []

    @property
    def said(self) -> str:
        """Its own words, and those of what lies under it: "all shards failed" and an empty reason explain nothing."""
        under = self.caused_by or next((one for one in self.root_cause if one.type != self.type), None)
        own = ": ".join(filter(None, (self.type, self.reason)))
        if under is None:
            return own
        return f"{own}: {under.reason or under.type}" if under.type == self.type else f"{own}: {under.said}"


class _ErrorBody(msgspec.Struct):
    error: _Cause | str = ""


class _Pit(msgspec.Struct):
    id: str


class _FieldCaps(msgspec.Struct):
    indices: list[str] | str = []
    fields: dict[str, dict[str, Any]] = {}
    failed_indices: int = 0


class ElasticIndex:
    """Speaks for one index pattern. Opens its client at the first question; `close` lets it be opened again.

    The client's product check is kept: what is not Elasticsearch says so at the first answer.
    """

    def __init__(self, access: Access, index: str, meter: Meter, max_bytes: int = MAX_BYTES) -> None:
        self.on = place(KIND, access.url)
        self._access = access
        self._index = index
        self._meter = meter
        self._max_bytes = max_bytes
        self._credentials = Credentials(access, self.on)
        self._client: AsyncElasticsearch | None = None
        self._opening = asyncio.Lock()
        self._trouble: list[BaseException] = []
        self._server_date: datetime | None = None
        self._may_be_partial = True

    @property
    def server_date(self) -> datetime | None:
        """The `Date` of the last answer, when something on the way told one."""
        return self._server_date

    async def capabilities(self, names: list[str]) -> Capabilities:
        """Types of fields over all matching indices."""
        told = await self._ask(
            "read field capabilities",
            _FieldCaps,
            lambda client: client.field_caps(index=self._index, fields=names, include_unmapped=True),
        )
        indices = told.indices if isinstance(told.indices, list) else [told.indices]
        return Capabilities(
            types={name: frozenset(types) for name, types in told.fields.items()},
            indices=len(indices),
            silent=told.failed_indices,
        )

    async def refresh_interval_s(self) -> float:
        """The longest of the matching indices, in seconds; 1 (the server's default) where none is set or
        told.
        """
        told = await self._ask(
            "read refresh_interval",
            dict[str, Any],
            lambda client: client.indices.get_settings(
                index=self._index, name="index.refresh_interval", flat_settings=True
            ),
        )
        spans = [_refresh_of(one) for one in told.values()]
        return max(spans, default=DEFAULT_REFRESH_S)

    async def open_pit(self) -> str:
        """A frozen view of the index; to be closed.

        A view of the shards that are there: without being told so, a server refuses to open one while any shard is
        missing, and one red index would hide the lines of all others. What is missing is told by each search. Servers
        before 8.16 do not know the parameter, and so are asked again without it.
        """
        if not self._may_be_partial:
            return await self._open_pit(False)
        try:
            return await self._open_pit(True)
        except SourceError as error:
            if error.failure.kind is not FailureKind.REJECTED:
                raise
        opened = await self._open_pit(False)
        self._may_be_partial = False
        return opened

    async def _open_pit(self, may_be_partial: bool) -> str:
        path = f"/{quote(self._index, safe=',*')}/_pit"
        params = {"keep_alive": KEEP_ALIVE, **({_PARTIAL: "true"} if may_be_partial else {})}
        headers = {"accept": "application/json"}
        opened = await self._ask(
            "open a point in time",
            _Pit,
            lambda client: client.perform_request("POST", path, params=params, headers=headers),
        )
        return opened.id

    async def close_pit(self, pit_id: str) -> None:
        """Frees the view; one that is gone already is no error."""
        try:
            await self._ask("close a point in time", msgspec.Raw, lambda c: c.close_point_in_time(id=pit_id))
        except SourceError as error:
            if error.failure.kind is not FailureKind.NOT_FOUND:
                raise

    async def search(self, body: dict[str, Any]) -> Searched:
        """A search; over the point in time when the body names one, else over the pattern."""
        if "pit" in body:
            return await self._ask("search", Searched, lambda client: client.search(body=body))
        return await self._ask("search", Searched, lambda client: client.search(index=self._index, body=body))

    async def count(self, query: dict[str, Any]) -> Counted:
        """How many documents match, exactly."""
        return await self._ask("count", Counted, lambda client: client.count(index=self._index, query=query))

    async def get(self, path: str, kind: type[T]) -> T:
        """Another endpoint, for doctor."""
        return await self._ask(
            f"GET {path}",
            kind,
            lambda client: client.perform_request("GET", path, headers={"accept": "application/json"}),
        )

    async def close(self) -> None:
        """Ends the connections; the next question opens anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ask(self, tried: str, kind: type[T], call: Callable[[AsyncElasticsearch], Awaitable[Any]]) -> T:
        client = await self._opened()
        again = True
        while True:
            headers = dict(await self._credentials.headers())
            failed, length = True, 0
            try:
                answer = await self._called(client, tried, headers, call)
                content: bytes = answer.body if isinstance(answer.body, bytes) else b""
                length = len(content)
                self._server_date = date_of(answer.meta.headers)
                page = page_failure(tried, self.on, answer.meta.headers.get("content-type") or "", content)
                if page is not None:
                    raise SourceError(page)
                try:
                    value = msgspec.json.decode(content, type=kind)
                except msgspec.MsgspecError as error:
                    raise SourceError(malformed(tried, self.on, error)) from error
                failed = False
                return value
            except SourceError as error:
                is_401 = error.failure.got.startswith("HTTP 401")
                if not (is_401 and again and self._credentials.refused()):
                    raise
                again = False
            finally:
                self._meter.asked(length, failed=failed)

    async def _opened(self) -> AsyncElasticsearch:
        async with self._opening:
            if self._client is None:
                try:
                    self._client = await open_client(self._access, self._trouble, self._max_bytes)
                except (OSError, ValueError) as error:
                    raise SourceError(
                        Failure(
                            kind=FailureKind.UNREACHABLE,
                            tried="prepare a connection",
                            on=self.on,
                            got=clean(str(error), 200),
                            hint="check url, ca_file and client_cert of this backend",
                        )
                    ) from error
        return self._client

    async def _called(
        self,
        client: AsyncElasticsearch,
        tried: str,
        headers: dict[str, str],
        call: Callable[[AsyncElasticsearch], Awaitable[Any]],
    ) -> Any:
        from elasticsearch import ApiError, TransportError, UnsupportedProductError

        self._trouble.clear()
        try:
            return await call(client.options(headers=headers) if headers else client)
        except UnsupportedProductError as error:
            content = error.body if isinstance(error.body, bytes) else b""
            page = page_failure(tried, self.on, error.meta.headers.get("content-type") or "", content)
            raise SourceError(page or _not_elastic(tried, self.on)) from error
        except ApiError as error:
            raise SourceError(_status(error, tried, self.on)) from error
        except TooLarge as error:
            raise SourceError(too_large(tried, self.on, self._max_bytes)) from error
        except TransportError as error:
            raise SourceError(self._transport_failure(error, tried)) from error

    def _transport_failure(self, error: Exception, tried: str) -> Failure:
        from elastic_transport import TlsError
        from elasticsearch import ConnectionError as Unconnected
        from elasticsearch import ConnectionTimeout, SerializationError

        kind, hint = FailureKind.UNREACHABLE, "is the server up? midwatch doctor"
        got = clean(str(getattr(error, "message", error)), 160)
        if isinstance(error, ConnectionTimeout):
            kind, got, hint = (
                FailureKind.TIMEOUT,
                "no answer in time",
                "raise timeout_s, or is it overloaded?",
            )
        elif isinstance(error, TlsError):
            hint = "check ca_file and the certificate's names"
        elif isinstance(error, SerializationError):
            kind, hint = FailureKind.BAD_ANSWER, "another product answers at this url"
        elif isinstance(error, Unconnected):
            why = self._trouble[0] if self._trouble else None
            cause = getattr(why, "os_error", why)
            if isinstance(cause, ConnectionRefusedError):
                got = "connection refused"
            elif (
                type(why).__name__ in ("ClientPayloadError", "BadHttpMessage", "ClientResponseError")
                or "payload" in got.lower()
            ):
                kind, hint = FailureKind.BAD_ANSWER, "truncated, or something on the way breaks answers off"
        return Failure(kind=kind, tried=tried, on=self.on, got=got, hint=hint)


def _not_elastic(tried: str, on: str) -> Failure:
    return Failure(
        kind=FailureKind.BAD_ANSWER,
        tried=tried,
        on=on,
        got="an answer without Elasticsearch's product header",
        hint="this url is not Elasticsearch (OpenSearch is not spoken here)",
    )


def _status(error: Any, tried: str, on: str) -> Failure:
    content = error.body if isinstance(error.body, bytes) else b""
    headers = error.meta.headers
    page = page_failure(tried, on, headers.get("content-type") or "", content)
    said = ""
    if page is None:
        try:
            cause = msgspec.json.decode(content, type=_ErrorBody).error
            said = cause if isinstance(cause, str) else cause.said
        except msgspec.MsgspecError:
            said = content[:200].decode("utf-8", "replace")
    return status_failure(error.meta.status, headers, tried, on, said, is_page=page is not None)


def _refresh_of(one: Any) -> float:
    settings = one.get("settings", {}) if isinstance(one, dict) else {}
    text = str(settings.get("index.refresh_interval", "")) if isinstance(settings, dict) else ""
    if text.startswith("-"):
        return NEVER_REFRESHED_S
    match = _SPAN.fullmatch(text)
    return float(match[1]) * _UNIT_S[match[2] or "ms"] if match is not None else DEFAULT_REFRESH_S
