"""Questions over real sockets to servers that misbehave; and after each, nothing is left open and nothing runs."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe import fetch
from console.probe.fetch import Answer, Fetcher, Question
from console.probe.http import names, pool

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n#EXTM3U"
HOST = "edge.midwatch.test"


def now() -> Instant:
    return Instant(datetime.now(UTC), time.monotonic())


class Server:
    """How many connections it got, and what it was asked on each."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[list[bytes]] = []


@asynccontextmanager
async def serving(talk: Talk, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    server = Server()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.asked.append([])
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                server.asked[-1].append(await reader.readuntil(b"\r\n\r\n"))
                await talk(reader, writer)
                await writer.drain()
        writer.close()

    listening = await asyncio.start_server(connected, host, 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def saying(raw: bytes, closes: bool = False) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        if closes:
            writer.close()

    return talk


@asynccontextmanager
async def fetching(**more: object) -> AsyncIterator[Fetcher]:
    """A fetcher that must leave no connection, no task and no timer of its own behind."""
    before = asyncio.all_tasks()
    fetcher = Fetcher(now, **more)  # type: ignore[arg-type]
    try:
        yield fetcher
    finally:
        places = list(fetcher._pools.values())
        await fetcher.close()
        assert fetcher.in_flight == 0
        assert [len(each.open) + each.dialing for each in places] == [0] * len(places)
        assert not [task for task in asyncio.all_tasks() - before if "serving" not in repr(task.get_coro())]


def question(port: int, path: str = "/x", scheme: str = "http", **more: object) -> Question:
    url = f"{scheme}://{HOST}{path}"
    return Question(url=url, trusted=url, connect_to=f"127.0.0.1:{port}", **more)  # type: ignore[arg-type]


async def ask(talk: Talk, **more: object) -> Answer:
    async with serving(talk) as server, fetching() as fetcher:
        return await fetcher.ask(question(server.port, **more))


async def test_polls_of_one_door_share_a_connection_and_each_gets_its_own_answer():
    async with serving(saying(OK)) as server, fetching() as fetcher:
        for _ in range(20):
            assert (await fetcher.ask(question(server.port))).outcome is Outcome.OK
        assert [len(each) for each in server.asked] == [20]
        assert fetcher.connections == 1
        assert {each.outcome for each in await asyncio.gather(*(fetcher.ask(question(server.port)) for _ in range(30)))} == {Outcome.OK}
        assert len(server.asked) <= 30 and fetcher.connections == len(server.asked)


async def test_a_door_lets_only_so_many_in_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "PER_DOOR", 3)
    async with serving(saying(OK)) as server, fetching() as fetcher:
        answers = await asyncio.gather(*(fetcher.ask(question(server.port)) for _ in range(12)))
        assert {each.outcome for each in answers} == {Outcome.OK} and len(server.asked) == 3


async def test_a_server_that_closed_between_two_polls_is_asked_once_more_and_no_oftener():
    async def once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if sum(len(each) for each in server.asked) == 2:  # the second question on the first connection
            writer.transport.abort()
        else:
            writer.write(OK)

    async with serving(once) as server, fetching() as fetcher:
        assert (await fetcher.ask(question(server.port))).outcome is Outcome.OK
        assert (await fetcher.ask(question(server.port))).outcome is Outcome.OK
        assert [len(each) for each in server.asked] == [2, 1]

    async with serving(saying(b"", closes=True)) as server, fetching() as fetcher:
        answer = await fetcher.ask(question(server.port))
        assert answer.outcome is Outcome.UNREACHABLE and answer.detail == "the connection was closed unanswered"
        assert len(server.asked) == 1


async def test_an_answer_that_was_cut_off_after_its_first_byte_is_not_asked_again():
    async def torn(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = sum(len(each) for each in server.asked) == 1
        writer.write(OK if first else OK[:-3])
        if not first:
            writer.close()

    async with serving(torn) as server, fetching() as fetcher:
        await fetcher.ask(question(server.port))
        answer = await fetcher.ask(question(server.port))
        assert answer.outcome is Outcome.UNREACHABLE and answer.detail == "the connection was closed after 4 of 7 bytes"
        assert [len(each) for each in server.asked] == [2]


async def test_what_a_server_sends_unasked_ends_its_connection_and_is_nobodys_answer():
    async def talkative(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(OK.replace(b"#EXTM3U", b"poison!"))

    async with serving(talkative) as server, fetching() as fetcher:
        assert (await fetcher.ask(question(server.port))).body == b"#EXTM3U"
        deadline = time.monotonic() + 5
        while fetcher.connections and time.monotonic() < deadline:  # noqa: ASYNC110, nothing tells of a connection's end
            await asyncio.sleep(0.001)
        assert fetcher.connections == 0
        assert (await fetcher.ask(question(server.port))).body == b"#EXTM3U"


async def test_a_connection_that_rests_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch):
    async with serving(saying(OK)) as server, fetching() as fetcher:
        await fetcher.ask(question(server.port))
        monkeypatch.setattr(pool, "IDLE_S", -1.0)
        await fetcher.ask(question(server.port))
        assert len(server.asked) == 2
        for each in fetcher._pools.values():
            each.tidy()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert fetcher.connections == 0


async def endless(writer: asyncio.StreamWriter, piece: bytes, pause_s: float = 0.0) -> None:
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause_s)


@pytest.mark.parametrize(
    ("head", "piece", "pause_s", "outcome", "told"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Pad: " + b"a" * 1000 + b"\r\n", 0.0, Outcome.UNREACHABLE, "headers without end"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 5000, 0.0, Outcome.UNREACHABLE, "headers without end"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536, 0.0, Outcome.TOO_LARGE, "more than 200000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"a", 0.02, Outcome.TIMEOUT, "bytes within 0.2 s"),
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n", 0.02, Outcome.TIMEOUT, "only headers within 0.2 s"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n#EXTM3U", b"", 0.02, Outcome.TIMEOUT, "only 7 bytes within 0.2 s"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n", b"", 0.02, Outcome.HTTP, "503 Busy"),
    ],
)
async def test_an_answer_without_end_ends(head: bytes, piece: bytes, pause_s: float, outcome: Outcome, told: str):
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await endless(writer, piece, pause_s)

    answer = await ask(talk, timeout_s=0.2 if pause_s else 5.0, body_limit=200_000)
    assert (answer.outcome, told in answer.detail) == (outcome, True), answer
    assert answer.elapsed_s < 3


@pytest.mark.parametrize(
    ("raw", "outcome", "told"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n#EXTM3U", Outcome.OK, ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n#EXTM3U", Outcome.UNREACHABLE, "after 7 of 9 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n#EXTM3U", Outcome.OK, ""),  # the rest is nobody's answer
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"#EXTM3U", mtime=0)[:-4], Outcome.MALFORMED, "too early"),
        (b"ICY 200 OK\r\n\r\n", Outcome.UNREACHABLE, "not HTTP"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Outcome.OK, ""),
        (b"HTTP/1.1 302 Found\r\n\r\n", Outcome.HTTP, "302 Found"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n", Outcome.UNREACHABLE, "Invalid IPv6"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://e\xffg/\r\nContent-Length: 0\r\n\r\n", Outcome.UNREACHABLE, ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://a b/\r\nContent-Length: 0\r\n\r\n", Outcome.UNREACHABLE, "no host name"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x:99999/\r\nContent-Length: 0\r\n\r\n", Outcome.UNREACHABLE, "Port"),
    ],
)  # fmt: skip
async def test_odd_answers_have_a_clear_end(raw: bytes, outcome: Outcome, told: str, monkeypatch: pytest.MonkeyPatch):
    def unresolved(host: str) -> tuple[str, ...]:
        raise OSError(f"the name {host} cannot be resolved: not here")

    monkeypatch.setattr(names, "_resolved", unresolved)
    answer = await ask(saying(raw, closes=True))
    assert (answer.outcome, told in answer.detail) == (outcome, True), answer


async def test_a_question_that_is_cancelled_leaves_nothing():
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async with serving(silent) as server, fetching() as fetcher:
        asking = asyncio.create_task(fetcher.ask(question(server.port)))
        while not (server.asked and server.asked[0]):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert fetcher.connections == 0 and fetcher.in_flight == 0


async def test_a_question_whose_connection_never_stands_is_a_timeout():
    with socket.socket() as full:  # a backlog that is full: the handshake is not answered
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        async with fetching() as fetcher:
            answer = await fetcher.ask(question(port, timeout_s=0.2))
            assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "no connection within 0.2 s")
        for each in waiting:
            each.close()


async def test_foreign_text_cannot_write_into_the_request():
    async with serving(saying(OK)) as server, fetching() as fetcher:
        for path in ("/a b?c=ä&d=\x01", "/a\r\nX-Evil: 1\r\n\r\nGET /b", "/%41%zz", "?only=query"):
            assert (await fetcher.ask(question(server.port, path))).outcome is Outcome.OK
        asked = [each.split(b"\r\n") for each in server.asked[0]]
        assert [lines[0] for lines in asked] == [
            b"GET /a%20b?c=%C3%A4&d=%01 HTTP/1.1", b"GET /aX-Evil:%201GET%20/b HTTP/1.1", b"GET /%41%zz HTTP/1.1", b"GET /?only=query HTTP/1.1",
        ]  # fmt: skip
        assert {len(lines) for lines in asked} == {6}  # the line, Host, User-Agent, Accept-Encoding, two ends
        answer = await fetcher.ask(question(server.port, headers={"X-Key": "a\r\nX-Evil: 1"}))
        assert answer.outcome is Outcome.UNREACHABLE and "control character" in answer.detail
        answer = await fetcher.ask(question(server.port, "/" + "a" * 20_000))
        assert answer.outcome is Outcome.UNREACHABLE and "20001 characters" in answer.detail


async def test_what_the_engineer_wrote_is_sent_as_written():
    async with serving(saying(OK)) as server, fetching() as fetcher:
        headers = {"host": "other.test", "User-Agent": "player", "Accept-Encoding": "br", "X-Key": "ü"}
        await fetcher.ask(question(server.port, headers=headers, etag='"e"', byte_range="bytes=0-9"))
        url = f"http://me:p%40ss@{HOST}:8080/x"
        await fetcher.ask(Question(url, url, connect_to=f"127.0.0.1:{server.port}"))
    lines = server.asked[0][0].decode().split("\r\n")[1:-2]
    assert sorted(lines) == sorted(
        ["Host: other.test", "User-Agent: player", "X-Key: ü", "Range: bytes=0-9", "Accept-Encoding: gzip", 'If-None-Match: "e"']
    )
    assert b"Authorization: Basic bWU6cEBzcw==\r\n" in server.asked[1][0] and f"Host: {HOST}:8080\r\n".encode() in server.asked[1][0]


async def test_what_an_answers_headers_give_away_is_told_and_is_printable():
    raw = (
        b"HTTP/1.1 206 Partial\r\nCache-Control: max-age=2\r\nContent-Type: video/mp2t\r\nAccess-Control-Allow-Origin: *\r\n"
        b"Content-Range: bytes 0-6/1234\r\nX-Cache: HIT \xff\r\nX-Served-By: node-1\r\nVia: " + b"v" * 300 + b"\r\nAge: 3\r\nContent-Length: 7\r\n\r\n#EXTM3U"
    )  # fmt: skip
    answer = await ask(saying(raw), byte_range="bytes=0-6")
    assert (answer.size, answer.cache_control, answer.content_type, answer.allow_origin) == (1234, "max-age=2", "video/mp2t", "*")
    assert answer.served_by.startswith("HIT ?; node-1; vvv") and len(answer.served_by) == 120
    assert answer.age_header_s == 3.0
    assert 0 <= answer.asked_s <= answer.first_byte_s <= answer.elapsed_s  # type: ignore[operator]


async def test_a_large_segment_goes_through_the_sink_and_its_times_are_told():
    body = random.Random(2).randbytes(3_000_000)
    sizes: list[int] = []

    async def slowly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        for at in range(0, len(body), 500_000):
            writer.write(body[at : at + 500_000])
            await writer.drain()
            await asyncio.sleep(0.005)

    answer = await ask(slowly, sink=lambda piece: sizes.append(len(piece)), body_limit=10_000_000)
    assert sum(sizes) == answer.bytes_in == answer.size == len(body) and answer.body == b""
    assert answer.first_byte_s is not None and answer.elapsed_s - answer.first_byte_s > 0.02
    assert max(sizes) <= 512 * 1024


@pytest.fixture
def certified(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for the host, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), at - timedelta(1), at + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_tls_keeps_the_name_under_connect_to(certified: tuple[ssl.SSLContext, ssl.SSLContext]):
    server_tls, client_tls = certified
    asked: list[str | None] = []
    server_tls.sni_callback = lambda _, name, __: asked.append(name)  # type: ignore[assignment]
    async with serving(saying(OK), server_tls) as server, fetching(tls=lambda: client_tls) as fetcher:
        for _ in range(3):
            assert (await fetcher.ask(question(server.port, scheme="https"))).body == b"#EXTM3U"
        assert asked == [HOST] and [len(each) for each in server.asked] == [3]
        other = f"https://wrong.midwatch.test:{server.port}/x"
        answer = await fetcher.ask(Question(other, other, connect_to=f"127.0.0.1:{server.port}"))
        assert answer.outcome is Outcome.UNREACHABLE
        assert answer.detail.startswith("the certificate is refused: Hostname mismatch")


async def test_a_certificate_that_nobody_signed_is_refused_in_words(certified: tuple[ssl.SSLContext, ssl.SSLContext]):
    async with serving(saying(OK), certified[0]) as server, fetching() as fetcher:
        answer = await fetcher.ask(question(server.port, scheme="https"))
        assert (answer.outcome, answer.detail) == (Outcome.UNREACHABLE, "the certificate is refused: self-signed certificate")


async def test_tls_to_a_port_that_speaks_none_is_unreachable():
    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with listening, fetching() as fetcher:
        answer = await fetcher.ask(question(listening.sockets[0].getsockname()[1], scheme="https"))
        assert answer.outcome is Outcome.UNREACHABLE and answer.detail.startswith("TLS: "), answer


async def test_a_tls_handshake_that_hangs_is_a_timeout_and_its_connection_is_closed():
    is_closed = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()  # to its end: the other side has closed
        is_closed.set()
        writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with listening, fetching() as fetcher:
        answer = await fetcher.ask(question(listening.sockets[0].getsockname()[1], scheme="https", timeout_s=0.2))
        assert (answer.outcome, answer.detail) == (Outcome.TIMEOUT, "no connection within 0.2 s")
        async with asyncio.timeout(5):
            await is_closed.wait()


async def test_a_name_is_looked_up_once_for_all_who_ask_and_its_failure_is_told(monkeypatch: pytest.MonkeyPatch):
    looked_up: list[str] = []

    def resolved(host: str) -> tuple[str, ...]:
        looked_up.append(host)
        if host != "known.test":
            raise OSError(f"the name {host} cannot be resolved: Name or service not known")
        return ("127.0.0.1",)

    monkeypatch.setattr(names, "_resolved", resolved)
    async with serving(saying(OK)) as server, fetching() as fetcher:
        known, unknown = f"http://known.test:{server.port}/x", "http://unknown.test/x"
        answers = await asyncio.gather(*(fetcher.ask(Question(url, url)) for url in (known, unknown) * 5))
        assert [each.outcome for each in answers[:2]] == [Outcome.OK, Outcome.UNREACHABLE]
        assert answers[1].detail == "the name unknown.test cannot be resolved: Name or service not known"
        assert sorted(looked_up) == ["known.test", "unknown.test"]


async def test_a_real_name_that_is_none_is_told_in_words():
    async with fetching() as fetcher:
        answer = await fetcher.ask(Question("http://no.such.name.invalid/x", "http://no.such.name.invalid/x", timeout_s=20))
        assert answer.outcome is Outcome.UNREACHABLE and "no.such.name.invalid cannot be resolved" in answer.detail


async def test_a_foreign_name_that_leads_to_this_machine_is_refused_and_the_own_one_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(names, "_resolved", lambda host: ("169.254.169.254", "127.0.0.1"))
    async with serving(saying(OK)) as server, fetching() as fetcher:
        url = f"http://rebound.test:{server.port}/x"
        answer = await fetcher.ask(Question(url, "http://198.51.100.7/m.m3u8"))
        assert answer.outcome is Outcome.REFUSED_REDIRECT and "only this machine" in answer.detail
        assert not server.asked
        monkeypatch.setattr(names, "_resolved", lambda host: ("127.0.0.1",))
        fetcher._names._known.clear()
        assert (await fetcher.ask(Question(url, url))).outcome is Outcome.OK


async def test_the_next_address_is_tried_when_the_first_is_dead(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(names, "_resolved", lambda host: ("::1", "127.0.0.1"))
    async with serving(saying(OK)) as server, fetching() as fetcher:  # nobody listens at ::1
        url = f"http://two.test:{server.port}/x"
        assert (await fetcher.ask(Question(url, url))).outcome is Outcome.OK
        gone = f"http://two.test:{server.port + 1 if server.port < 65535 else 1}/x"
        assert (await fetcher.ask(Question(gone, gone))).detail == "connection refused"


async def test_ipv6_is_asked_by_address_and_by_connect_to():
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"this machine has no ::1: {error}")
    async with serving(saying(OK), host="::1") as server, fetching() as fetcher:
        url = f"http://[::1]:{server.port}/x"
        assert (await fetcher.ask(Question(url, url))).outcome is Outcome.OK
        mapped = Question("http://[2001:db8::1]/x", "http://[2001:db8::1]/x", connect_to=f"[::1]:{server.port}")
        assert (await fetcher.ask(mapped)).outcome is Outcome.OK
        assert f"Host: [::1]:{server.port}\r\n".encode() in server.asked[0][0] and b"Host: [2001:db8::1]\r\n" in server.asked[1][0]


async def test_hosts_without_number_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "PLACES", 20)
    monkeypatch.setattr(names, "NAMES", 20)

    def unresolved(host: str) -> tuple[str, ...]:
        raise OSError("not here")

    monkeypatch.setattr(names, "_resolved", unresolved)
    async with fetching() as fetcher:
        for number in range(200):
            await fetcher.ask(Question(f"http://host-{number}.test/x", "http://vantage.test/m"))
        assert len(fetcher._pools) <= 20 and len(fetcher._gates) <= 21 and len(fetcher._names._known) <= 20


@pytest.mark.parametrize(
    "scenario",
    [
        test_polls_of_one_door_share_a_connection_and_each_gets_its_own_answer,
        test_a_server_that_closed_between_two_polls_is_asked_once_more_and_no_oftener,
        test_an_answer_that_was_cut_off_after_its_first_byte_is_not_asked_again,
        test_what_a_server_sends_unasked_ends_its_connection_and_is_nobodys_answer,
        test_a_question_that_is_cancelled_leaves_nothing,
        test_a_question_whose_connection_never_stands_is_a_timeout,
        test_a_large_segment_goes_through_the_sink_and_its_times_are_told,
        test_tls_to_a_port_that_speaks_none_is_unreachable,
        test_a_tls_handshake_that_hangs_is_a_timeout_and_its_connection_is_closed,
        test_ipv6_is_asked_by_address_and_by_connect_to,
    ],
)
def test_it_is_the_same_on_the_loop_that_the_prober_prefers(scenario: Callable[[], Coroutine[None, None, None]]):
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not made for this system")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())


def test_tls_is_the_same_on_that_loop(certified: tuple[ssl.SSLContext, ssl.SSLContext]):
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not made for this system")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_tls_keeps_the_name_under_connect_to(certified))
