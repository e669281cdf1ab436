"""One HTTP question and everything that can go wrong with it, as an `Answer`; never an exception.

Times are stamped where the bytes come from the socket, because a stamp made anywhere later would count our own lateness as
the stream's. Redirects are followed by hand (at most three, http and https only, guarded addresses), bodies are read up to a
cap and inflated up to a cap, and every door (scheme, host, port, connect_to) has connections and a limit of its own, so that
a hanging host delays nobody else.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.address import Door, ForbiddenAddress, door_of, host_and_port, is_forbidden, literal, printable
from console.probe.http.exchange import REDIRECTS, Exchange
from console.probe.http.names import Names
from console.probe.http.pool import Pool, words_of
from console.probe.http.question import BODY_LIMIT, Answer, Question
from console.probe.http.request import request_head

__all__ = ["BODY_LIMIT", "Answer", "Fetcher", "Question"]

REDIRECT_LIMIT = 3
PER_DOOR = 256  # requests in flight; a fleet of 500 channels asks 1,500 times a second, and a far edge takes 0.1 s
WAYS = 16_384  # playlists whose way is remembered; a signed URL changes with its token, so unused ones are forgotten
WAYS_TIDIES = 6  # a way that nobody went for so many times TIDY_S, or twice as many, is forgotten
WAY_URL_LIMIT = 1024  # characters; a longer URL finds its way anew each time
PLACES = 1024  # pools and gates kept; past it those that hold nothing are forgotten
TIDY_S = 10.0
_PRIVATE_HEADERS = ("authorization", "cookie", "x-api-key")


class _Refused(Exception):
    """A redirect or URL to where we do not go."""


class _Way:
    """How a playlist is asked for: all that follows from its URL, its vantage's URL and `connect_to` alone. Names are still
    resolved, and their addresses guarded, whenever a connection is made.
    """

    __slots__ = ("_asked", "gate", "is_own", "parts", "pool")

    def __init__(self, gate: asyncio.Semaphore, pool: Pool, parts: SplitResult, is_own: bool) -> None:
        self.gate = gate
        self.pool = pool
        self.parts = parts
        self.is_own = is_own
        self._asked: tuple[Mapping[str, str], str, bytes] | None = None

    def head(self, method: str, headers: Mapping[str, str], byte_range: str) -> bytes:
        """The request without its condition. Raises ValueError."""
        asked = self._asked
        if asked is not None and asked[0] is headers and asked[1] == method and not byte_range:
            return asked[2]
        made = request_head(method, self.parts, headers, self.is_own, byte_range)
        if not byte_range:
            self._asked = (headers, method, made)
        return made


class Fetcher:
    """Asks. One per prober; closed at its end. `tls` makes the one TLS context, at the first https question."""

    def __init__(
        self, now: Callable[[], Instant], tls: Callable[[], ssl.SSLContext] | None = None, per_door: int | None = None
    ) -> None:
        self._now = now
        self._per_door = per_door or PER_DOOR
        self._loop = asyncio.get_running_loop()
        self._names = Names()
        self._new_tls = tls or ssl.create_default_context
        self._context: ssl.SSLContext | None = None
        self._pools: dict[tuple[Door, bool, bool], Pool] = {}
        self._gates: dict[Door, asyncio.Semaphore] = {}
        self._ways: dict[tuple[str, str, str | None], _Way] = {}
        self._older_ways: dict[tuple[str, str, str | None], _Way] = {}  # those of a while ago: they go unless asked for again
        self._tidied = 0
        self._tidying: asyncio.TimerHandle | None = None
        self.in_flight = 0

    @property
    def connections(self) -> int:
        """How many are open or being made."""
        return sum(len(pool.open) + pool.dialing for pool in self._pools.values())

    async def ask(self, question: Question) -> Answer:
        """The answer, whatever happens; only cancellation passes through."""
        place = (question.url, question.trusted, question.connect_to)
        way = self._ways.get(place)
        if way is None and (way := self._older_ways.pop(place, None)) is not None:
            self._ways[place] = way
        try:
            gate = way.gate if way is not None else self._gate(door_of(question.url, question.connect_to))
        except ValueError as error:
            return self._failed(question, self._now(), Outcome.REFUSED_REDIRECT, str(error))
        async with gate:
            start = self._now()
            self.in_flight += 1
            try:
                return await self._follow(question, start, way or self._first_way(question, gate))
            except TimeoutError:
                words = f"no connection within {question.timeout_s:g} s"
                return self._failed(question, start, Outcome.TIMEOUT, words)
            except (_Refused, ForbiddenAddress) as error:
                return self._failed(question, start, Outcome.REFUSED_REDIRECT, str(error))
            except OSError as error:
                return self._failed(question, start, Outcome.UNREACHABLE, words_of(error))
            except ValueError as error:
                return self._failed(question, start, Outcome.UNREACHABLE, str(error))
            finally:
                self.in_flight -= 1

    async def close(self) -> None:
        """Close every connection."""
        self._forget_ways()
        if self._tidying is not None:
            self._tidying.cancel()
        self._names.close()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
        self._pools.clear()

    def _gate(self, door: Door) -> asyncio.Semaphore:
        gate = self._gates.get(door)
        if gate is None:
            gate = self._gates[door] = asyncio.Semaphore(self._per_door)
        return gate

    def _failed(self, question: Question, start: Instant, outcome: Outcome, detail: str) -> Answer:
        at = self._now()
        return Answer(outcome, at, at.mono - start.mono, question.url, detail=printable(detail))

    async def _follow(self, question: Question, start: Instant, way: _Way) -> Answer:
        url, headers = question.url, question.headers
        deadline = self._loop.time() + question.timeout_s
        byte_range = question.byte_range
        if not byte_range and question.is_peek and question.method == "GET":
            byte_range = "bytes=0-0"
        condition = b"\r\n"
        if question.etag is not None:
            condition = b"If-None-Match: %b\r\n\r\n" % question.etag.encode("latin-1", "replace")
        for hop in range(REDIRECT_LIMIT + 1):
            if hop:
                way = self._way(url, question, way.gate)
            wire = way.head(question.method, headers, byte_range) + condition
            exchange = await way.pool.asked(wire, question, deadline)
            if hop and exchange.asked_at is None:
                exchange.asked_at = exchange.first_at
            location = exchange.headers.get("location") if exchange.status in REDIRECTS else None
            if not location or exchange.failure is not None:
                return self._answer(question, exchange, url, start)
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
        is_once = question.is_once or question.is_peek or question.sink is not None
        if not is_once and len(question.url) <= WAY_URL_LIMIT:
            if len(self._ways) >= WAYS:
                self._older_ways, self._ways = self._ways, {}
            self._ways[question.url, question.trusted, question.connect_to] = way
        return way

    def _way(self, url: str, question: Question, gate: asyncio.Semaphore) -> _Way:
        """The way to a URL, the question's own or one that a redirect named. Raises ForbiddenAddress."""
        parts, trusted = urlsplit(url), urlsplit(question.trusted)
        is_own = host_and_port(parts.netloc)[0] == host_and_port(trusted.netloc)[0]
        door = door_of(url, question.connect_to if is_own else None)
        address = literal(door.host)
        own_loopback = _is_loopback(question.connect_to or trusted.netloc)
        if not is_own and address is not None and is_forbidden(address, own_loopback):
            raise ForbiddenAddress(f"{door.host} is an address that only this machine can reach")
        return _Way(gate, self._pool(door, is_own, own_loopback), parts, is_own)

    def _pool(self, door: Door, is_own: bool, own_loopback: bool) -> Pool:
        key = (door, is_own, own_loopback)
        pool = self._pools.get(key)
        if pool is None:
            if len(self._pools) >= PLACES:
                self._forget()
            pool = self._pools[key] = Pool(
                door, self._names, self._tls, self._now, guard=not is_own, is_own_loopback=own_loopback
            )
            if self._tidying is None:
                self._tidying = self._loop.call_later(TIDY_S, self._tidy)
        return pool

    def _forget(self) -> None:
        """A playlist can name any number of hosts: those where nothing is under way are forgotten."""
        self._forget_ways()
        self._pools = {key: pool for key, pool in self._pools.items() if pool.open or pool.dialing}
        self._gates = {door: gate for door, gate in self._gates.items() if gate._value < self._per_door}

    def _forget_ways(self) -> None:
        self._ways, self._older_ways = {}, {}

    def _tidy(self) -> None:
        self._tidying = self._loop.call_later(TIDY_S, self._tidy)
        self._tidied += 1
        if self._tidied % WAYS_TIDIES == 0:
            self._older_ways, self._ways = self._ways, {}
        for pool in self._pools.values():
            pool.tidy()

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._new_tls()
            self._context.set_alpn_protocols(["http/1.1"])
        return self._context

    def _answer(self, question: Question, exchange: Exchange, url: str, start: Instant) -> Answer:
        at = exchange.at or self._now()
        told = exchange.headers
        failure = exchange.failure
        body = b""
        if failure is None and exchange.is_ok:
            try:
                body = exchange.body()
            except OverflowError as error:
                failure = (Outcome.TOO_LARGE, str(error))
            except zlib.error as error:
                failure = (Outcome.MALFORMED, f"gzip: {error}")
            except EOFError as error:
                failure = (Outcome.MALFORMED, str(error))
        if failure is not None:
            outcome, detail = failure[0], printable(failure[1])
            if outcome is Outcome.TIMEOUT:
                at = self._now()
        elif exchange.is_ok:
            outcome, detail = Outcome.OK, ""
        else:
            outcome, detail = Outcome.HTTP, printable(f"{exchange.status} {exchange.reason}".strip())
        answer = Answer(
            outcome=outcome,
            at=at,
            elapsed_s=at.mono - start.mono,
            url=url if failure is None else question.url,
            status=exchange.status or None if failure is None else None,
            body=body,
            etag=told.get("etag", "")[:512] or None,
            age_header_s=_seconds(told.get("age")),
            detail=detail,
            bytes_in=exchange.wire,
            asked_s=exchange.asked_at.mono - start.mono if exchange.asked_at is not None else 0.0,
            first_byte_s=exchange.first_at.mono - start.mono if exchange.first_at is not None else None,
            size=_size(exchange),
            is_cut=exchange.is_cut,
        )
        if told:
            answer.content_type = _shown(told.get("content-type"), 100)
            answer.content_encoding = _shown(told.get("content-encoding"), 100)
            answer.cache_control = _shown(told.get("cache-control"), 200)
            answer.allow_origin = _shown(told.get("access-control-allow-origin"), 200)
            answer.date = told.get("date", "")[:40]
            if "x-cache" in told or "x-served-by" in told or "via" in told:
                served = "; ".join(told[name] for name in ("x-cache", "x-served-by", "via") if name in told)
                answer.served_by = _shown(served, 120)
        return answer


def _shown(text: str | None, limit: int) -> str:
    """As `printable`, which looks at each character; nearly every header needs none of it."""
    if not text or (len(text) <= limit and text.isascii() and text.isprintable()):
        return text or ""
    return printable(text, limit)


def _size(exchange: Exchange) -> int | None:
    text = exchange.headers.get("content-length")
    if exchange.status == 206:
        text = exchange.headers.get("content-range", "").rpartition("/")[2]
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


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
