"""An API server's answer: its bytes, bounded, and what its refusals mean."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.kubernetes.wire import Status
from console.sources.sanitise import clean

if TYPE_CHECKING:
    import aiohttp

BODY_LIMIT = 128 * 1024 * 1024  # 20,000 pods of 5 kB in one answer, for when only a list without pages will do
PAGE_BYTES = 16 * 1024 * 1024  # 500 pods of 32 kB
FREE_BYTES = 1024 * 1024  # of a body, before it waits for its turn: a page of pods is larger, little else is
TURN_S = 60.0  # the most that a large body may keep others waiting
STATUS_LIMIT = 64 * 1024

_KINDS = {
    401: FailureKind.UNAUTHORIZED,
    403: FailureKind.UNAUTHORIZED,
    404: FailureKind.NOT_FOUND,
    429: FailureKind.OVERLOADED,
    502: FailureKind.UNREACHABLE,
    503: FailureKind.OVERLOADED,
    504: FailureKind.TIMEOUT,
}
_HINTS = {
    401: "the credential is not accepted: log in again, or check it with `kubectl auth whoami`",
    403: "ask for that permission (ClusterRole view has it for workloads, not for nodes)",
    404: "does this server have that API? is there a path missing in the url?",
    429: "the server asks for patience; it is asked again by itself",
    502: "a proxy before the API server cannot reach it",
    503: "the API server is starting, stopping or overloaded; it is asked again by itself",
}


class Where(NamedTuple):
    """What is being done, to what: the first half of every error."""

    tried: str
    on: str

    def error(self, kind: FailureKind, got: str, hint: str = "", retry_after_s: float | None = None) -> SourceError:
        """The whole error. `got` is foreign text and cleaned here."""
        return SourceError(
            Failure(
                kind=kind,
                tried=self.tried,
                on=self.on,
                got=clean(got, 400),
                hint=hint,
                retry_after_s=retry_after_s,
            )
        )


class Expired(Exception):
    """410: the version (or the continue token) is older than the server remembers. Only a new list helps."""


class Body(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    where: Where

    @property
    def server_date(self) -> datetime | None:
        return http_date(self.headers.get("Date"))

    def good(self) -> bytes:
        """The bytes of a success. Raises Expired for 410, SourceError for every other refusal."""
        if not 200 <= self.status < 300:
            raise refusal(self.where, self.status, self.headers, self.data)
        return self.data


class Answer:
    """An answer whose body is still coming."""

    def __init__(self, response: aiohttp.ClientResponse, where: Where) -> None:
        self._response = response
        self.where = where
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    @property
    def server_date(self) -> datetime | None:
        return http_date(self.headers.get("Date"))

    async def chunk(self) -> bytes:
        """The next bytes as they come, b"" at the proper end. Raises SourceError (TIMEOUT, UNREACHABLE) when
        cut off.
        """
        import aiohttp

        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise unreachable(self.where, error, None) from error

    async def body(self, limit: int = PAGE_BYTES, turn: asyncio.Lock | None = None) -> Body:
        """All of it. Raises SourceError TOO_LARGE as soon as `limit` is passed.

        What is large is read in turns: a cluster has a dozen lists, and together they must not cost a dozen limits.
        """
        chunks: list[bytes] = []
        size = await self._read(chunks, 0, FREE_BYTES if turn is not None else limit, limit)
        if turn is not None and size > FREE_BYTES:
            async with turn:
                try:
                    async with asyncio.timeout(TURN_S):
                        await self._read(chunks, size, limit, limit)
                except TimeoutError as error:
                    raise unreachable(self.where, error, TURN_S) from error
        return Body(self.status, self.headers, b"".join(chunks), self.where)

    async def _read(self, chunks: list[bytes], size: int, until: int, limit: int) -> int:
        """To its end, or past `until`: how large it is by then; past `limit` is TOO_LARGE."""
        while size <= until and (chunk := await self.chunk()):
            chunks.append(chunk)
            size += len(chunk)
        if size > limit:
            hint = "narrow it: namespaces in the configuration"
            raise self.where.error(FailureKind.TOO_LARGE, f"more than {limit:,} bytes", hint)
        return size


def refusal(where: Where, status: int, headers: Mapping[str, str], data: bytes) -> SourceError | Expired:
    """What an HTTP status that is no success means. 410 is Expired, for whoever can list again."""
    said = status_object(data)
    if status == 410:
        return Expired(said.message if said is not None and said.message else "410 Gone")
    if said is not None and said.message:
        words = said.message
    else:
        words = data[:200].decode("utf-8", "replace").strip() or "no words"
    kind = _KINDS.get(status)
    if kind is None:
        kind = FailureKind.REJECTED if 400 <= status < 500 else FailureKind.BAD_ANSWER
    got = f"{status}: {words}"
    hint = _HINTS.get(status, "")
    if 300 <= status < 400:
        got = f"{status}: redirected to {headers.get('Location', 'nowhere')}"
        hint = "redirects are not followed with a credential: give the final url"
    return where.error(kind, got, hint, _retry_after(headers, said))


def in_band(where: Where, said: Status) -> SourceError | Expired:
    """What the ERROR event of a watch means: HTTP has already said 200, so the code is inside."""
    if said.code == 410 or said.reason in ("Expired", "Gone"):
        return Expired(said.message or "410")
    kind = _KINDS.get(said.code or 500, FailureKind.BAD_ANSWER)
    words = f"{said.code}: {said.message or said.reason or 'no words'}"
    return where.error(kind, f"the watch said {words}", "it is opened again by itself", _retry_after({}, said))


def no_watch(where: Where, data: bytes) -> SourceError:
    """What came is no watch event."""
    words = data[:120].decode("utf-8", "replace").strip()
    return where.error(
        FailureKind.BAD_ANSWER, f"no watch event: {words}", "a proxy or a login page before the API server?"
    )


def status_object(data: bytes) -> Status | None:
    """A Kubernetes Status, when it is one: proxies and the max-inflight filter answer in plain text."""
    if len(data) > STATUS_LIMIT:
        return None
    try:
        said = msgspec.json.decode(data, type=Status)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return said if said.kind == "Status" else None


def unreachable(where: Where, error: Exception, timeout_s: float | None) -> SourceError:
    """What a transport error means."""
    if isinstance(error, TimeoutError):
        waited = f" within {timeout_s:g} s" if timeout_s is not None else ", the stream went silent"
        return where.error(FailureKind.TIMEOUT, f"no answer{waited}", "is the API server reachable? midwatch doctor")
    cause: BaseException | None = error
    while cause is not None:
        # aiohttp's own class inherits from ssl's and lacks its fields; the true one is inside.
        cause = getattr(cause, "certificate_error", cause)
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = getattr(cause, "verify_message", "") or type(cause).__name__
            return where.error(FailureKind.UNREACHABLE, f"certificate not trusted: {why}", "set ca_file")
        if isinstance(cause, ssl.SSLError):
            return where.error(FailureKind.UNREACHABLE, f"TLS: {cause.reason or cause}", "is it https? midwatch doctor")
        if isinstance(cause, OSError) and cause.strerror:
            # asyncio writes the address where the system's own words belong ("Connect call failed ('::1', 6443)")
            words = os.strerror(cause.errno) if cause.errno is not None and cause.errno > 0 else cause.strerror
            return where.error(FailureKind.UNREACHABLE, words, "is the API server up? midwatch doctor")
        cause = getattr(cause, "os_error", None) or cause.__cause__
    if isinstance(error, ValueError):  # a url, a proxy or a header that cannot be used
        # Not the error's text: an invalid url is quoted in it, and a url may hold a password.
        got = f"the request cannot be made ({type(error).__name__})"
        return where.error(FailureKind.REJECTED, got, "check url, proxy and headers")
    return where.error(FailureKind.UNREACHABLE, f"{type(error).__name__}: {error}", "midwatch doctor")


def http_date(text: str | None) -> datetime | None:
    """The Date header in UTC; None when it is absent or nonsense."""
    if not text:
        return None
    try:
        at = parsedate_to_datetime(text[:64])
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _retry_after(headers: Mapping[str, str], said: Status | None) -> float | None:
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    at, now = http_date(text), http_date(headers.get("Date"))
    if at is not None and now is not None:  # both by the server's clock, so that ours does not matter
        return max(0.0, (at - now).total_seconds())
    if said is not None and said.details is not None and said.details.retry_after_seconds:
        return float(said.details.retry_after_seconds)
    return None
