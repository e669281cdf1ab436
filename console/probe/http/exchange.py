"""One answer as it arrives: bytes in, what they say out. It knows no socket, so that every malice can be fed to it.

Interim answers (1xx) are passed over. An answer is over when its message is complete, or as soon as nothing more is wanted of
it (a HEAD, a peek, a body past its limit, the page behind an error); in that case its connection cannot be used again.
"""

from __future__ import annotations

import asyncio
import zlib

import httptools

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.http.question import Question

HEAD_LIMIT = 64 * 1024  # bytes until the end of the headers, interim answers included
DRAINED = 64 * 1024  # bytes read of a body that nobody wants, rather than opening another connection
REDIRECTS = (301, 302, 303, 307, 308)
_READ = {
    name.encode(): name
    for name in (
        "age", "access-control-allow-origin", "cache-control", "connection", "content-encoding", "content-length",
        "content-range", "content-type", "date", "etag", "location", "transfer-encoding", "via", "x-cache", "x-served-by",
    )
}  # fmt: skip
_BODILESS = (204, 304)


class Exchange:
    """The callbacks are the parser's. `done` is set once, whatever happens; `failure` says what went wrong."""

    __slots__ = (
        "_body", "_drains", "_is_head", "_limit", "_parser", "_reason", "_sink", "asked_at", "at",
        "done", "failure", "first_at", "has_head", "headers", "is_cut", "is_over", "is_reusable", "status", "taken",
        "wire",
    )  # fmt: skip

    def __init__(self, question: Question, done: asyncio.Future[None]) -> None:
        self.done = done
        self.asked_at: Instant | None = None  # None: at once, on a connection that stood ready
        self.first_at: Instant | None = None
        self.at: Instant | None = None
        self.status = 0
        self.headers: dict[str, str] = {}
        self.taken = 0  # bytes of all kinds
        self.wire = 0  # bytes of the body
        self.is_cut = False
        self.is_over = False
        self.is_reusable = False
        self.has_head = False
        self.failure: tuple[Outcome, str] | None = None
        self._reason = b""
        self._body: bytes | bytearray = b""
        self._sink = question.sink
        self._limit = question.body_limit
        self._is_head = question.method == "HEAD"
        self._drains = question.is_peek
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    @property
    def is_ok(self) -> bool:
        return 200 <= self.status < 300 or self.status == 304

    @property
    def reason(self) -> str:
        return self._reason.decode("latin-1")

    @property
    def is_unanswered(self) -> bool:
        """The connection was closed before the first byte: a server that had stopped waiting for us."""
        return self.failure is not None and self.failure[0] is Outcome.UNREACHABLE and not self.taken

    def feed(self, data: bytes, at: Instant) -> None:
        """What came from the socket, and when."""
        parser = self._parser
        if parser is None:
            return
        if self.first_at is None:
            self.first_at = at
        self.at = at
        self.taken += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.fail(Outcome.UNREACHABLE, "the answer changes the protocol, which was not asked for")
        except httptools.HttpParserCallbackError as error:
            self._sank(error)
        except httptools.HttpParserError as error:
            self.is_reusable = False
            self.fail(Outcome.UNREACHABLE, f"not HTTP: {str(error) or type(error).__name__}")
        if self.is_over:
            self._parser = None  # the parser holds our methods: a circle that only the collector would find
        elif not self.has_head:
            if self.taken > HEAD_LIMIT:
                self.fail(Outcome.UNREACHABLE, f"headers without end: more than {HEAD_LIMIT} bytes")
        elif self.taken - self.wire > HEAD_LIMIT + self._limit:
            self.fail(Outcome.TOO_LARGE, "more chunk heads and trailers than body")

    def lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        if self.is_over:
            return
        if error is not None:
            words = "connection reset" if isinstance(error, ConnectionResetError) else str(error)
            self.fail(Outcome.UNREACHABLE, words or type(error).__name__)
        elif not self.has_head:
            self.fail(Outcome.UNREACHABLE, f"the connection was closed {'within the headers' if self.taken else 'unanswered'}")
        elif "content-length" in self.headers:
            whole = self.headers["content-length"]
            self.fail(Outcome.UNREACHABLE, f"the connection was closed after {self.wire} of {whole} bytes")
        elif "transfer-encoding" in self.headers:
            self.fail(Outcome.UNREACHABLE, f"the connection was closed within a chunk, after {self.wire} bytes")
        else:
            self._end()  # a body without a length ends with its connection

    def fail(self, outcome: Outcome, words: str) -> None:
        """It is over, and this is why; except that the page behind an error was not wanted anyway."""
        if not self.is_over:
            if self.is_ok or not self._drains:
                self.failure = (outcome, words)
            self.is_reusable = False
            self._end()

    def body(self) -> bytes:
        """Inflated. Raises OverflowError past the limit, zlib.error, and EOFError for a stream that ends too early."""
        raw = bytes(self._body)
        if not raw or self.headers.get("content-encoding", "").lower() not in ("gzip", "x-gzip", "deflate"):
            return raw
        inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        body = inflater.decompress(raw, self._limit + 1)
        if len(body) > self._limit or inflater.unconsumed_tail:
            raise OverflowError(f"more than {self._limit} bytes after inflating")
        if not inflater.eof:
            raise EOFError(f"gzip: ends too early, after {len(body)} bytes")
        return body

    def on_message_begin(self) -> None:
        if self.is_over:  # bytes behind the answer: the connection is out of step
            self.is_reusable = False

    def on_status(self, status: bytes) -> None:
        if not self.has_head:
            self._reason = (self._reason + status)[:200]

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.has_head:  # a trailer, or an answer to nothing
            return
        key = _READ.get(name.lower())
        if key is not None:
            text = value.decode("latin-1")
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        parser = self._parser
        if self.has_head or parser is None:
            return
        status = parser.get_status_code()
        if 100 <= status < 200:
            self.headers.clear()
            self._reason = b""
            return
        self.status = status
        self.has_head = True
        if not 200 <= status <= 599:
            self.fail(Outcome.UNREACHABLE, f"not HTTP: status {status}")
        elif self._is_head:
            # the parser waits for the body that the length announces; whether there may be another answer is ours to say
            self.is_reusable = parser.get_http_version() == "1.1" and "close" not in self.headers.get("connection", "").lower()
            self._end()
        elif status in _BODILESS:
            self._drains = True
        elif self._drains or not self.is_ok:
            self._drains = True
            length = self.headers.get("content-length")
            is_short = length is not None and length.isdigit() and int(length) <= DRAINED
            if not is_short and (self.is_ok or (status in REDIRECTS and "location" in self.headers)):
                self._end()

    def on_body(self, chunk: bytes) -> None:
        if self.is_over:
            self.is_reusable = False
            return
        before = self.wire
        self.wire = before + len(chunk)
        if self._drains:
            if self.wire > DRAINED:
                self._end()
        elif self._sink is not None:
            room = self._limit - before
            if len(chunk) <= room:
                self._sink(chunk)
                return
            self.wire, self.is_cut = self._limit, True
            if room:
                self._sink(chunk[:room])
            self._end()
        elif self.wire > self._limit:
            self.fail(Outcome.TOO_LARGE, f"more than {self._limit} bytes")
        elif not before:
            self._body = chunk
        else:
            if isinstance(self._body, bytes):  # one piece is the rule; many must not each be an object of their own
                self._body = bytearray(self._body)
            self._body += chunk

    def on_message_complete(self) -> None:
        if not self.has_head or self.is_over:  # of an interim answer
            return
        assert self._parser is not None
        self.is_reusable = self._parser.should_keep_alive()
        self._end()

    def _sank(self, error: httptools.HttpParserCallbackError) -> None:
        """A sink that raises is a fault of this program: it goes to whoever asked, not into a finding."""
        cause = error.__context__ or error
        self.is_reusable = False
        if self.is_over:
            return
        self.is_over = True
        if not self.done.done():
            self.done.set_exception(cause)

    def _end(self) -> None:
        self.is_over = True
        if not self.done.done():
            self.done.set_result(None)
