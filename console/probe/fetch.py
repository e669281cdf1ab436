"""One HTTP question and everything that can go wrong with it, as an `Answer`; never an exception.

Times are stamped when the body is complete, in this process, because a stamp made anywhere later would count
our own lateness as the stream's. Redirects are followed by hand (at most three, http and https only, guarded
addresses), bodies are read up to a cap and inflated up to a cap, and every door (scheme, host, port,
connect_to) has connections and a limit of its own, so that a hanging host delays nobody else.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

import aiohttp
import msgspec
import yarl

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.address import (
    Door,
    FixedResolver,
    ForbiddenAddress,
    GuardedResolver,
    door_of,
    is_forbidden,
    literal,
    printable,
    split_address,
)
from console.probe.playlist import BODY_LIMIT

REDIRECT_LIMIT = 3
PER_DOOR = 64  # requests in flight
WAYS = 4096  # playlists whose way is remembered; a signed URL changes with its token, so they are forgotten all at once
WAY_URL_LIMIT = 1024  # characters; a longer URL finds its way anew each time
SEGMENT_PEEK = 64 * 1024  # bytes read at most of a segment answer before the connection is dropped
_REDIRECTS = (301, 302, 303, 307, 308)
_PRIVATE_HEADERS = ("authorization", "cookie", "x-api-key")


class Answer(msgspec.Struct):
    """How one fetch ended. `body` is inflated; empty unless `outcome` is OK."""

    outcome: Outcome
    at: Instant
    elapsed_s: float
    url: str  # where it ended, with its query: the base for relative URIs
    status: int | None = None
    body: bytes = b""
    etag: str | None = None
    age_header_s: float | None = None
    detail: str = ""
    bytes_in: int = 0


class _Refused(Exception):
    """A redirect or URL to where we do not go."""


class _TooLarge(Exception):
    """More bytes than the cap."""


class Question(msgspec.Struct, frozen=True):
    """What to ask, and by which door. `trusted` is the vantage's own URL: its host is the engineer's word."""

    url: str
    trusted: str
    connect_to: str | None = None
    headers: Mapping[str, str] = {}
    timeout_s: float = 5.0
    etag: str | None = None
    method: str = "GET"
    is_peek: bool = False  # only whether it is there: read at most one byte range


class _Way(NamedTuple):
    """How a playlist is asked for: all that follows from its URL, its vantage's URL and `connect_to` alone. Names are
    still resolved, and their addresses guarded, whenever a connection is made.
    """

    gate: asyncio.Semaphore
    session: aiohttp.ClientSession
    asked_url: yarl.URL | str  # a URL that yarl refuses stays text, for aiohttp to say what is wrong with it
    extra: Mapping[str, str]  # headers that the detour needs


class Fetcher:
    """Asks. One per prober; closed at its end."""

    def __init__(self, now: Callable[[], Instant]) -> None:
        self._now = now
        self._sessions: dict[tuple[Door, bool, bool], aiohttp.ClientSession] = {}
        self._gates: dict[Door, asyncio.Semaphore] = {}
        self._ways: dict[tuple[str, str, str | None], _Way] = {}
        self.in_flight = 0

    async def ask(self, question: Question) -> Answer:
        """The answer, whatever happens; only cancellation passes through."""
        way = self._ways.get((question.url, question.trusted, question.connect_to))
        try:
            gate = way.gate if way is not None else self._gate(door_of(question.url, question.connect_to))
        except ValueError as error:
            return self._failed(question, self._now(), Outcome.REFUSED_REDIRECT, str(error))
        async with gate:
            start = self._now()
            self.in_flight += 1
            try:
                async with asyncio.timeout(question.timeout_s):
                    return await self._follow(question, start, way or self._first_way(question, gate))
            except TimeoutError:
                return self._failed(
                    question, start, Outcome.TIMEOUT, f"no answer within {question.timeout_s:g} s"
                )
            except (_Refused, ForbiddenAddress) as error:
                return self._failed(question, start, Outcome.REFUSED_REDIRECT, str(error))
            except _TooLarge as error:
                return self._failed(question, start, Outcome.TOO_LARGE, str(error))
            except zlib.error as error:
                return self._failed(question, start, Outcome.MALFORMED, f"gzip: {error}")
            except aiohttp.ClientError as error:
                cause = error.__cause__ if isinstance(error.__cause__, ForbiddenAddress) else None
                outcome = Outcome.REFUSED_REDIRECT if cause else Outcome.UNREACHABLE
                return self._failed(question, start, outcome, str(cause or "") or _words(error))
            except (OSError, ValueError) as error:
                return self._failed(question, start, Outcome.UNREACHABLE, _words(error))
            finally:
                self.in_flight -= 1

    async def close(self) -> None:
        """Close every connection."""
        self._ways.clear()
        sessions = list(self._sessions.values())
        self._sessions.clear()
        await asyncio.gather(*(session.close() for session in sessions), return_exceptions=True)

    def _gate(self, door: Door) -> asyncio.Semaphore:
        gate = self._gates.get(door)
        if gate is None:
            gate = self._gates[door] = asyncio.Semaphore(PER_DOOR)
        return gate

    def _failed(self, question: Question, start: Instant, outcome: Outcome, detail: str) -> Answer:
        at = self._now()
        return Answer(outcome, at, at.mono - start.mono, question.url, detail=printable(detail))

    async def _follow(self, question: Question, start: Instant, way: _Way) -> Answer:
        url, headers = question.url, dict(question.headers)
        headers.setdefault("User-Agent", "midwatch-prober")
        headers["Accept-Encoding"] = "gzip"
        if question.etag is not None:
            headers["If-None-Match"] = question.etag
        if question.is_peek and question.method == "GET":
            headers["Range"] = "bytes=0-0"
        for hop in range(REDIRECT_LIMIT + 1):
            if hop:
                way = self._way(url, question, way.gate)
            sent = {**headers, **way.extra} if way.extra else headers
            async with way.session.request(
                question.method, way.asked_url, headers=sent, allow_redirects=False
            ) as response:
                location = response.headers.get("Location") if response.status in _REDIRECTS else None
                if not location:
                    return await self._read(question, response, url, start)
            target = urljoin(url, location[:4096])
            parts = urlsplit(target)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise _Refused(f"redirect to {parts.scheme or 'nowhere'}:, only http and https are followed")
            if parts.hostname != urlsplit(url).hostname:
                headers = {k: v for k, v in headers.items() if k.lower() not in _PRIVATE_HEADERS}
            url = target
        raise _Refused(f"more than {REDIRECT_LIMIT} redirects")

    def _first_way(self, question: Question, gate: asyncio.Semaphore) -> _Way:
        """The way of a question's own URL, remembered for a playlist; a segment is asked for once."""
        way = self._way(question.url, question, gate)
        if not question.is_peek and len(question.url) <= WAY_URL_LIMIT:
            if len(self._ways) >= WAYS:
                self._ways.clear()
            self._ways[question.url, question.trusted, question.connect_to] = way
        return way

    def _way(self, url: str, question: Question, gate: asyncio.Semaphore) -> _Way:
        """The way to a URL, the question's own or one that a redirect named. Raises ForbiddenAddress."""
        trusted = urlsplit(question.trusted)
        is_own = urlsplit(url).hostname == trusted.hostname
        door = door_of(url, question.connect_to if is_own else None)
        address = literal(door.host)
        own_loopback = _is_loopback(question.connect_to or trusted.netloc)
        if not is_own and address is not None and is_forbidden(address, own_loopback):
            raise ForbiddenAddress(f"{door.host} is an address that only this machine can reach")
        if (
            door.connect_to is not None and address is not None
        ):  # resolvers are not asked for literal addresses
            host, port = split_address(door.connect_to)
            parts = urlsplit(url)
            netloc = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            return _Way(
                gate,
                self._session(door, is_own, own_loopback),
                _read_url(urlunsplit(parts._replace(netloc=netloc))),
                {"Host": parts.netloc.rpartition("@")[2]},
            )
        return _Way(gate, self._session(door, is_own, own_loopback), _read_url(url), {})

    def _session(self, door: Door, is_own: bool, own_loopback: bool) -> aiohttp.ClientSession:
        key = (door, is_own, own_loopback)
        session = self._sessions.get(key)
        if session is None:
            resolver: FixedResolver | GuardedResolver | None = None
            if door.connect_to is not None:
                resolver = FixedResolver(*split_address(door.connect_to))
            elif not is_own:
                resolver = GuardedResolver(own_loopback)
            connector = aiohttp.TCPConnector(
                resolver=resolver, limit=PER_DOOR, ttl_dns_cache=30, keepalive_timeout=30
            )
            session = self._sessions[key] = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # the deadline stands around the whole question
                skip_auto_headers=("Accept",),
            )
        return session

    async def _read(
        self, question: Question, response: aiohttp.ClientResponse, url: str, start: Instant
    ) -> Answer:
        raw = b"" if question.is_peek else await _body(response)
        body = raw
        if raw and response.headers.get("Content-Encoding", "").lower() in ("gzip", "deflate", "x-gzip"):
            body = _inflated(raw)
        if (
            question.is_peek
            and question.method == "GET"
            and (response.content_length or SEGMENT_PEEK) < SEGMENT_PEEK
        ):
            await response.read()  # a one-byte range keeps the connection; a whole segment is dropped with it
        at = self._now()
        status = response.status
        is_ok = 200 <= status < 300 or status == 304
        return Answer(
            outcome=Outcome.OK if is_ok else Outcome.HTTP,
            at=at,
            elapsed_s=at.mono - start.mono,
            url=url,
            status=status,
            body=body if is_ok else b"",
            etag=response.headers.get("ETag", "")[:512] or None,
            age_header_s=_seconds(response.headers.get("Age")),
            detail="" if is_ok else printable(f"{status} {response.reason or ''}".strip()),
            bytes_in=len(raw),
        )


async def _body(response: aiohttp.ClientResponse) -> bytes:
    parts: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        size += len(chunk)
        if size > BODY_LIMIT:
            raise _TooLarge(f"more than {BODY_LIMIT} bytes")
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _inflated(raw: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    body = inflater.decompress(raw, BODY_LIMIT + 1)
    if len(body) > BODY_LIMIT or inflater.unconsumed_tail:
        raise _TooLarge(f"more than {BODY_LIMIT} bytes after inflating")
    return body


def _read_url(url: str) -> yarl.URL | str:
    try:
        return yarl.URL(url)
    except ValueError:
        return url


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


@lru_cache(maxsize=256)  # asked of vantages only, whose URLs the engineer wrote
def _is_loopback(netloc: str) -> bool:
    host = netloc.rpartition("@")[2]
    if not host.endswith("]") and ":" in host:
        host = host.rpartition(":")[0]
    host = host.removeprefix("[").removesuffix("]")
    address = literal(host)
    return host == "localhost" or (
        address is not None and is_forbidden(address, False) and address.startswith(("127.", "::1"))
    )


def _words(error: Exception) -> str:
    """What a finding's reason will say. The commonest word drowns in what asyncio and aiohttp put around it
    ("Cannot connect to host a:80 ssl:default [Connect call failed ('127.0.0.1', 80)]").
    """
    system = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(system, ConnectionRefusedError):
        return "connection refused"
    return str(error) or type(error).__name__
