"""When a frame has landed, and what becomes of what nobody takes."""

from __future__ import annotations

import asyncio
import socket

import pytest

from console.serve.hall.wire import ALOFT, LOOK_S, MOST, Wire
from tests.console.serve.test_hall import until


class Connection:
    """As much of asyncssh's as a wire looks at, over a real TCP connection to a reader that is told when to read."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def get_extra_info(self, name: str) -> object:
        return self._transport.get_extra_info(name)


class Channel:
    """A channel without a window: all of it goes to the transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


class Hands:
    """A loop whose clock is turned by hand, and that calls nobody."""

    now = 100.0

    def time(self) -> float:
        return self.now

    def call_later(self, *_: object) -> None:
        return None


class Held:
    """A channel whose client has made no room for so many bytes."""

    held = 0

    def write(self, data: bytes) -> None:
        self.held += len(data)

    def get_write_buffer_size(self) -> int:
        return self.held

    def is_closing(self) -> bool:
        return False


@pytest.fixture
async def line() -> object:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *listener.getsockname())
    reader, _ = listener.accept()
    reader.setblocking(False)
    yield transport, reader
    transport.abort()
    reader.close()
    listener.close()


def read(reader: socket.socket) -> int:
    found = 0
    try:
        while data := reader.recv(65_536):
            found += len(data)
    except BlockingIOError:
        pass
    return found


async def test_a_frame_lands_without_anybody_answering_and_never_within_send(line: object) -> None:
    transport, reader = line  # type: ignore[misc]
    wire = Wire(Channel(transport), Connection(transport))
    landed: list[bool] = []
    wire.send("x" * 500, lambda: landed.append(True))
    assert not landed
    await until(lambda: landed)
    assert landed == [True] and wire.written == 500
    assert read(reader) == 500
    wire.close()


async def test_a_frame_that_the_reader_has_no_room_for_has_not_landed_until_it_takes_it(line: object) -> None:
    transport, reader = line  # type: ignore[misc]
    wire = Wire(Channel(transport), Connection(transport))
    landed: list[bool] = []
    size = 8_000_000
    wire.send("x" * size, lambda: landed.append(True))
    await asyncio.sleep(0.15)
    assert not landed and (wire.waiting or wire._in_kernel()[1] > ALOFT)
    taken = 0

    def take() -> bool:
        nonlocal taken
        taken += read(reader)
        return bool(landed)

    await until(take)
    await until(lambda: take() and taken == size)
    wire.close()


async def test_what_nobody_takes_is_bounded_and_drawn_anew_when_there_is_room(line: object) -> None:
    transport, reader = line  # type: ignore[misc]
    wire = Wire(Channel(transport), Connection(transport))
    resumed: list[bool] = []
    wire.resumed = lambda: resumed.append(True)
    for _ in range(400):
        wire.write("x" * 65_536)
    assert wire.waiting <= MOST + 65_536
    await until(lambda: read(reader) == 0 and resumed)
    assert resumed == [True]
    before = wire.written
    wire.write("y")
    assert wire.written == before + 1
    wire.close()


async def test_a_reader_that_takes_nothing_is_told_and_one_that_takes_slowly_is_not() -> None:
    stalled: list[bool] = []
    channel = Held()
    wire = Wire(channel, None, stalled_s=10.0, stalled=lambda: stalled.append(True))
    hands = Hands()
    wire._loop = hands  # type: ignore[assignment]
    wire.send("x" * 80_000, lambda: None)
    for _ in range(20):
        hands.now += 8.0
        channel.held -= 10
        wire.write("y" * 3)  # more comes than goes, now and then; something goes
        wire._watch()
    assert not stalled
    hands.now += 8.0
    wire._watch()
    assert not stalled
    hands.now += 3.0
    wire._watch()
    assert stalled == [True]
    wire.close()


async def test_a_key_makes_what_waits_leave_with_its_echo_and_not_before_it(line: object, monkeypatch: pytest.MonkeyPatch) -> None:
    transport, _ = line  # type: ignore[misc]
    wire = Wire(Channel(transport), Connection(transport))
    monkeypatch.setattr(wire, "_trip_s", lambda: 10.0)
    landed: list[bool] = []
    wire.send("x" * 500, lambda: landed.append(True))
    await until(lambda: wire._looks >= len(LOOK_S))
    assert wire.has_long_way() and not landed, "on a slow line one frame follows another when it is time"
    wire.hurry()
    assert not landed, "there is nothing to be seen of the key yet"
    await until(lambda: landed)
    wire.close()


async def test_of_a_line_that_is_no_tcp_or_is_closed_the_way_is_not_known_to_be_long(line: object) -> None:
    transport, _ = line  # type: ignore[misc]
    wire = Wire(Channel(transport), Connection(transport))
    assert not wire.has_long_way(), "loopback"
    transport.abort()
    await until(lambda: transport.get_extra_info("socket").fileno() < 0)
    assert not wire.has_long_way()
    wire.close()
    assert not wire.has_long_way()


async def test_a_wire_that_is_closed_holds_nothing_and_says_nothing(line: object) -> None:
    transport, _ = line  # type: ignore[misc]
    wire = Wire(Channel(transport), Connection(transport), stalled_s=0.0, stalled=lambda: pytest.fail("closed"))
    wire.send("x" * 8_000_000, lambda: pytest.fail("closed"))
    wire.close()
    await asyncio.sleep(0.05)
    wire.write("x")
    assert wire.waiting == 0 and wire._looking is None and wire._watching is None
