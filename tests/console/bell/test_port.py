"""The port that Alertmanager posts to: who is let in, how much, and how long they may take."""

from __future__ import annotations

import asyncio
import base64
import tracemalloc
from contextlib import closing

import aiohttp
import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from console.bell import port
from console.bell.bell import Key
from console.config.backend import Credential
from tests.console.bell.belfry import TOKEN, alert, payload
from tests.console.chat.turning import until

BODY = msgspec.json.encode(payload(alert(channel="uk-sport-1")))


async def spoken(belfry, *pieces: bytes, within_s: float = 5.0) -> bytes:
    """What comes back for these bytes, until the other end closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", belfry.port)
    with closing(writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(within_s):
            return await reader.read()


def head(**more: str) -> bytes:
    told = {"Host": "bell", "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Content-Length": str(len(BODY))}
    told.update({name.replace("_", "-"): value for name, value in more.items()})
    return b"POST / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items() if value).encode() + b"\r\n"


@pytest.mark.parametrize(
    ("headers", "path", "body", "code"),
    [
        ({"Authorization": ""}, "", BODY, 401),
        ({"Authorization": "Bearer"}, "", BODY, 401),
        ({"Authorization": "Bearer wrong"}, "", BODY, 401),
        ({"Authorization": f"Basic {TOKEN}"}, "", BODY, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, "", BODY, 401),
        ({"Authorization": f"bearer   {TOKEN}"}, "", BODY, 200),
        ({}, "oncall", BODY, 200),
        ({}, "elsewhere", BODY, 404),
        ({}, "../oncall", BODY, 200),  # a client makes it /oncall before it asks
        ({"Content-Type": "text/html"}, "", BODY, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, "", BODY, 200),
        ({"Content-Encoding": "gzip"}, "", BODY, 415),
        ({}, "", b"", 400),
        ({}, "", b"<!DOCTYPE html><title>Sign in</title>", 400),
    ],
)
async def test_what_is_answered(belfry, headers, path, body, code) -> None:
    assert (await belfry.ring(body, headers=headers, path=path))[0] == code


async def test_a_stranger_learns_nothing_but_that_he_is_one(belfry) -> None:
    for told in (b"POST /nowhere HTTP/1.1\r\nHost: b\r\nContent-Length: 99999999\r\n\r\n", b"POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\n"):
        answer = await spoken(belfry, told)
        assert answer.startswith(b"HTTP/1.1 401") and TOKEN.encode() not in answer and b"oncall" not in answer
    assert (await spoken(belfry, b"GET /metrics HTTP/1.1\r\nHost: b\r\n\r\n")).startswith(b"HTTP/1.1 405")


async def test_ten_megabytes_are_refused_by_their_announced_length(belfry) -> None:
    tracemalloc.start()
    try:
        answer = await spoken(belfry, head(Content_Length="10000000"))
        assert answer.startswith(b"HTTP/1.1 413"), "before a byte of it came"
        code, says = await belfry.ring(b"x" * 10_000_000)
        assert code == 413 and "max_alerts" in says, "and the answer is seen by who sends all of it"
        assert tracemalloc.get_traced_memory()[1] < 3 * 10_000_000, "what we hold here is the client's own body"
    finally:
        tracemalloc.stop()
    assert belfry.bell._calls.held == 0
    assert (await belfry.ring(BODY))[0] == 200


async def test_a_body_that_announces_nothing_is_counted_as_it_comes(belfry) -> None:
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    chunked = head(Content_Length="", Transfer_Encoding="chunked")
    assert (await spoken(belfry, chunked, *[piece] * 130)).startswith(b"HTTP/1.1 413")
    whole = chunked + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n"
    answer = await spoken(belfry, whole.replace(b"Host: bell", b"Host: bell\r\nConnection: close"))
    assert answer.startswith(b"HTTP/1.1 200") and belfry.bell._calls.held == 0


async def test_who_asks_first_whether_to_send_is_told(belfry) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", belfry.port)
    with closing(writer):
        writer.write(head(Expect="100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(BODY)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_one_connection_serves_call_after_call(belfry) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", belfry.port)
    with closing(writer):
        for _ in range(3):
            writer.write(head() + BODY[:50])
            await writer.drain()
            writer.write(BODY[50:])
            told = await reader.readuntil(b"\r\n\r\n")
            assert told.startswith(b"HTTP/1.1 200") and b"keep-alive" in told
            await reader.readuntil(b"news\n")


@pytest.mark.parametrize(
    "told",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"POST / HTTP/1.1\r\nHost b\r\n\r\n", b"\r\n" * 20_000, b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"POST / HTTP/1.1\r\n" + b"a: b\r\n" * 5000,
        b"POST /" + b"a" * 100_000, b"POST / HTTP/1.1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\nContent-Length: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: b\r\n\r\n",
    ],
    ids=["tls", "header", "blank", "version", "length", "lengths", "smuggled", "many", "url", "two-logins", "no-length"],
)  # fmt: skip
async def test_what_is_no_call_is_refused_and_harms_nobody(belfry, told, monkeypatch) -> None:
    monkeypatch.setattr(port, "HEAD_S", 0.3)
    monkeypatch.setattr(port, "PAST_S", 0.3)
    answer = await spoken(belfry, told)
    assert not answer or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 401", b"HTTP/1.1 405", b"HTTP/1.1 411", b"HTTP/1.1 431"))
    assert (await belfry.ring(BODY))[0] == 200 and not belfry.bell.counts.calls[500]


async def test_who_is_slow_is_let_go(belfry, monkeypatch) -> None:
    monkeypatch.setattr(port, "HEAD_S", 0.2)
    monkeypatch.setattr(port, "BODY_S", 0.2)
    monkeypatch.setattr(port, "PAST_S", 0.2)
    assert await spoken(belfry, b"POST / HTTP/1.1\r\nHost: ") == b""
    assert (await spoken(belfry, head(), BODY[:20])).startswith(b"HTTP/1.1 408")
    await until(belfry.clock, lambda: not belfry.bell._calls.open and belfry.bell._calls.held == 0)


async def test_strangers_who_hold_connections_keep_nobody_out(belfry, monkeypatch) -> None:
    monkeypatch.setattr(port, "PATIENCE_S", 0.05)
    held = [await asyncio.open_connection("127.0.0.1", belfry.port) for _ in range(port.CALLS * 2)]
    assert (await belfry.ring(BODY))[0] == 200
    assert len(belfry.bell._calls.open) <= port.CALLS and belfry.bell.counts.turned_away["connections"] >= port.CALLS
    for _, writer in held:
        writer.close()


async def test_more_than_may_be_held_is_told_to_come_again(belfry, monkeypatch) -> None:
    monkeypatch.setattr(port, "HELD_BYTES", 2 * len(BODY))
    held = []
    for _ in range(2):
        held.append(await asyncio.open_connection("127.0.0.1", belfry.port))
        held[-1][1].write(head() + BODY[:10])
    await until(belfry.clock, lambda: belfry.bell._calls.held == 2 * len(BODY))
    assert (await belfry.ring(BODY))[0] == 503
    for reader, writer in held:
        writer.write(BODY[10:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert (await belfry.ring(BODY))[0] == 200


async def test_what_cannot_be_written_down_is_not_taken_and_the_next_try_is(belfry, monkeypatch) -> None:
    journal = belfry.bell._tellers["oncall"].journal
    append, fails = journal._disk.append, iter([True, True])

    def full(path, content) -> None:
        if next(fails, False):
            append(path, content[:20])
            raise OSError(28, "No space left on device")
        append(path, content)

    monkeypatch.setattr(journal._disk, "append", full)
    assert [(await belfry.ring(BODY))[0] for _ in range(3)] == [503, 503, 200]
    await belfry.turn(lambda: len(belfry.messages) == 1)
    await belfry.again()
    assert (await belfry.ring(BODY))[1] == "1 alerts, 0 of them news\n"


async def test_the_password_that_alertmanager_sends_is_taken_and_a_new_token_too(clock, kept, tmp_path) -> None:
    told = msgspec.convert({"basic": {"user": "am", "password_file": kept("pw", "pä:ss")}}, Credential)
    key = Key(told, {}, clock)
    sent = base64.b64encode("am:pä:ss".encode()).decode()
    assert await key.fits({"authorization": f"Basic {sent}"}) and await key.fits({"authorization": f"basic {sent}"})
    assert not await key.fits({"authorization": f"Basic {sent.lower()}"}) and not await key.fits({})
    file = kept("token", "first")
    key = Key(msgspec.convert({"bearer_file": file}, Credential), {}, clock)
    assert await key.fits({"authorization": "Bearer first"})
    kept("token", "second")
    await clock.advance(11)
    assert await key.fits({"authorization": "Bearer second"}) and not await key.fits({"authorization": "Bearer first"})
    (tmp_path / "token").unlink()
    await clock.advance(11)
    assert await key.fits({"authorization": "Bearer second"}), "the one that was known is kept"


async def test_who_is_being_answered_when_it_ends_gets_the_answer(belfry) -> None:
    async with aiohttp.ClientSession() as http:
        asked = asyncio.create_task(http.post(belfry.url, data=BODY, headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}))
        await until(belfry.clock, lambda: bool(belfry.bell._calls.held) or asked.done(), by_s=0.0)
        await belfry.bell.close()
        assert (await asked).status == 200
    assert b'"heard"' in belfry.journal.read_bytes()


async def test_what_it_did_is_counted_and_names_nobody(belfry) -> None:
    await belfry.ring(BODY)
    await belfry.ring(BODY)
    await belfry.ring(BODY, token="wrong")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(belfry.bell.counts)
    told = generate_latest(registry).decode()
    assert "midwatch_bell_untold_alerts 1.0" in told and 'midwatch_bell_calls_total{code="401"} 1.0' in told
    await belfry.turn(lambda: len(belfry.messages) == 1 and belfry.bell.counts.texts == 1)
    told = generate_latest(registry).decode()
    for line in ('calls_total{code="200"} 2.0', "alerts_total 2.0", "news_total 1.0", "texts_total 1.0", "untold_alerts 0.0"):
        assert f"midwatch_bell_{line}" in told
    assert "uk-sport" not in told and "127.0.0.1" not in told
