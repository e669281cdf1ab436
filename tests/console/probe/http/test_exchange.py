"""Answers as bytes, honest and malicious, in pieces of every size; no socket."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from datetime import UTC, datetime

import pytest

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.http.exchange import HEAD_LIMIT, Exchange
from console.probe.http.question import Question

AT = Instant(datetime(2026, 11, 23, 2, 0, tzinfo=UTC), 100.0)
URL = "http://edge.test/x.m3u8"


async def fed(*pieces: bytes, closed: bool = False, **more: object) -> Exchange:
    exchange = Exchange(Question(URL, URL, **more), asyncio.get_running_loop().create_future())  # type: ignore[arg-type]
    for number, piece in enumerate(pieces):
        exchange.feed(piece, AT.plus(number))
    if closed:
        exchange.lost(None)
    assert exchange.done.done() is exchange.is_over
    return exchange


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nETag: W/\"a\"\r\nVia: 1.1 a\r\nvia: 1.1 b\r\n\r\n#EXTM3U"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n#EX\r\n4;x=y\r\nTM3U\r\n0\r\nTrailer: t\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nETag: no\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("raw", [WHOLE, CHUNKED, INTERIM + WHOLE, INTERIM + CHUNKED])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_an_answer_is_the_same_in_pieces_of_any_size(raw: bytes, size: int):
    exchange = await fed(*(raw[at : at + size] for at in range(0, len(raw), size)))
    assert exchange.is_over and exchange.failure is None and exchange.is_reusable
    assert (exchange.status, exchange.reason, exchange.body()) == (200, "OK", b"#EXTM3U")
    if raw.endswith(WHOLE):
        assert (exchange.headers["etag"], exchange.headers["via"]) == ('W/"a"', "1.1 a, 1.1 b")
    assert exchange.first_at == AT and exchange.at == AT.plus((len(raw) - 1) // size)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"\x16\x03\x01 not http", "not HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/9.9 200 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 999 Odd\r\n\r\n", "status 999"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 9\r\n\r\n#EXTM3U", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n#EXTM3U", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\n\n", "not HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPRI", "changes the protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * (HEAD_LIMIT + 1), "headers without end"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * HEAD_LIMIT, "headers without end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * HEAD_LIMIT, "headers without end"),
    ],
)  # fmt: skip
async def test_what_is_not_http_is_unreachable_and_says_why(raw: bytes, told: str):
    for pieces in ((raw,), tuple(raw[at : at + 4096] for at in range(0, len(raw), 4096))):
        exchange = await fed(*pieces)
        assert exchange.failure is not None and exchange.failure[0] is Outcome.UNREACHABLE
        assert told in exchange.failure[1] and not exchange.is_reusable


async def test_a_body_without_a_length_ends_with_its_connection():
    raw = b"HTTP/1.0 200 OK\r\n\r\n#EXT"
    assert not (await fed(raw)).is_over
    exchange = await fed(raw, b"M3U", closed=True)
    assert exchange.failure is None and exchange.body() == b"#EXTM3U" and not exchange.is_reusable


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "closed unanswered"),
        (b"HTTP/1.1 200 OK\r\nConte", "within the headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n#EXTM3U", "after 7 of 9 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n#EXTM3U", "within a chunk, after 7 bytes"),
    ],
)
async def test_a_connection_that_closes_too_early_is_told_with_what_came(raw: bytes, told: str):
    exchange = await fed(*([raw] if raw else []), closed=True)
    assert exchange.failure is not None and told in exchange.failure[1]
    assert exchange.is_unanswered is (raw == b"")


async def test_bytes_behind_the_answer_are_not_an_answer_and_end_the_connection():
    exchange = await fed(WHOLE + WHOLE.replace(b"#EXTM3U", b"smuggle"))
    assert exchange.body() == b"#EXTM3U" and not exchange.is_reusable
    assert not (await fed(WHOLE + b"garbage")).is_reusable


async def test_a_head_is_over_at_its_headers_and_a_body_behind_it_ends_the_connection():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n"
    exchange = await fed(head, method="HEAD", is_peek=True)
    assert exchange.is_over and exchange.is_reusable and exchange.headers["content-length"] == "5000000"
    assert not (await fed(head + b"body", method="HEAD", is_peek=True)).is_reusable
    assert not (await fed(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), method="HEAD")).is_reusable


async def test_a_peek_reads_a_byte_and_leaves_a_whole_segment():
    exchange = await fed(b"HTTP/1.1 206 P\r\nContent-Length: 1\r\nContent-Range: bytes 0-0/900\r\n\r\nx", is_peek=True)
    assert exchange.is_over and exchange.is_reusable and exchange.body() == b""
    exchange = await fed(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n", is_peek=True)
    assert exchange.is_over and not exchange.is_reusable


async def test_a_sink_gets_every_byte_up_to_the_limit_and_nothing_is_kept():
    got: list[bytes] = []
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"a" * 3000
    exchange = await fed(*(raw[at : at + 700] for at in range(0, len(raw), 700)), sink=got.append, body_limit=3000)
    assert b"".join(got) == b"a" * 3000 and exchange.is_reusable and not exchange.is_cut and exchange.body() == b""
    got.clear()
    exchange = await fed(*(raw[at : at + 700] for at in range(0, len(raw), 700)), sink=got.append, body_limit=2000)
    assert b"".join(got) == b"a" * 2000 and exchange.is_cut and exchange.failure is None and not exchange.is_reusable


async def test_a_sink_that_fails_is_a_fault_of_ours_and_no_finding():
    def broken(_: bytes) -> None:
        raise RuntimeError("a bug")

    exchange = await fed(WHOLE, sink=broken)
    with pytest.raises(RuntimeError, match="a bug"):
        exchange.done.result()


async def test_a_body_past_its_limit_ends_at_once_and_an_error_page_is_not_held():
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1000\r\n%b\r\n" % (b"a" * 4096) * 100
    exchange = await fed(*(raw[at : at + 5000] for at in range(0, len(raw), 5000)), body_limit=50_000)
    assert exchange.failure == (Outcome.TOO_LARGE, "more than 50000 bytes") and exchange.taken < 70_000
    exchange = await fed(*(raw.replace(b"200 OK", b"404 Gone")[at : at + 5000] for at in range(0, len(raw), 5000)))
    assert exchange.failure is None and exchange.status == 404 and exchange.taken < 90_000 and exchange.body() == b""


async def test_a_flood_of_chunk_heads_is_bounded_though_its_body_is_small():
    flood = b"1;" + b"x" * 2000 + b"\r\na\r\n"
    exchange = await fed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *([flood * 10] * 100), body_limit=50_000)
    assert exchange.failure is not None and exchange.failure[0] is Outcome.TOO_LARGE and exchange.taken < 200_000


async def test_gzip_that_ends_too_early_or_swells_is_told():
    def zipped(body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    packed = gzip.compress(random.Random(1).randbytes(5000))
    assert len((await fed(zipped(packed))).body()) == 5000
    with pytest.raises(EOFError, match="ends too early"):
        (await fed(zipped(packed[:-9]))).body()
    with pytest.raises(zlib.error):
        (await fed(zipped(packed[:-8] + b"\0" * 8))).body()
    with pytest.raises(OverflowError):
        (await fed(zipped(gzip.compress(b"a" * 60_000)), body_limit=50_000)).body()


async def test_mutated_answers_never_raise_and_never_hold_more_than_their_limit():
    rng = random.Random(5)
    for _ in range(3000):
        raw = bytearray(rng.choice((WHOLE, CHUNKED, INTERIM + CHUNKED)) * rng.randint(1, 3))
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randint(0, 5)] = rng.choice((b"\r\n", b"\0", b"0", b"\xff", b": ", b"99999", bytes(raw[:40])))
        size = rng.randint(1, len(raw))
        exchange = await fed(*(bytes(raw[at : at + size]) for at in range(0, len(raw), size)), closed=True, body_limit=64)
        assert exchange.is_over
        if exchange.failure is None and exchange.is_ok:
            assert len(exchange.body()) <= 64
