"""What is asked, and what came of it: the words between the prober and its HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from console.model.instant import Instant
from console.model.observation import Outcome

BODY_LIMIT = 4 * 1024 * 1024  # bytes of a body, as it comes and inflated


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
    byte_range: str = ""  # "bytes=0-99", sent as Range
    body_limit: int = BODY_LIMIT  # bytes; past it nothing more is read: TOO_LARGE, or `is_cut` and OK where there is a sink
    is_once: bool = False  # a URL that is never asked for again: its way is not remembered
    sink: Callable[[bytes], object] | None = None  # gets an OK answer's body in pieces, as it came (not inflated)


class Answer(msgspec.Struct):
    """How one fetch ended. `body` is inflated; empty unless `outcome` is OK, and where a sink got it."""

    outcome: Outcome
    at: Instant  # when the last byte came
    elapsed_s: float  # from the start until then
    url: str  # where it ended, with its query: the base for relative URIs
    status: int | None = None
    body: bytes = b""
    etag: str | None = None
    age_header_s: float | None = None
    detail: str = ""
    bytes_in: int = 0  # of the body, as it came
    asked_s: float | None = None  # from the start until the request went out: names, connection, TLS, redirects
    first_byte_s: float | None = None  # from the start until the first byte of the answer
    size: int | None = None  # Content-Length, or the total behind the slash of Content-Range
    is_cut: bool = False  # the body was longer than the limit and was not read to its end
    content_type: str = ""  # as sent, <= 100 characters
    content_encoding: str = ""
    cache_control: str = ""  # as sent, <= 200 characters
    allow_origin: str = ""  # Access-Control-Allow-Origin
    date: str = ""  # as sent, <= 40 characters; not printable for sure
    served_by: str = ""  # X-Cache, X-Served-By, Via, as sent and joined by "; ", printable, <= 120 characters
