"""An address that opens connections too fast: put out before anything is made for it, counted, and nobody else's concern."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.config.serve import Limits
from console.serve.door import arrivals, porch
from console.serve.door.arrivals import Arrivals
from tests.console.serve.house import House, line, new_key

KEY = new_key()


def test_so_many_at_once_and_then_so_many_a_second() -> None:
    held = Arrivals(10.0, 5)
    assert [held.is_welcome("a", 100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert held.is_welcome("b", 100.0), "each address has its own"
    assert not held.is_welcome("a", 100.05)
    assert [held.is_welcome("a", 100.1), held.is_welcome("a", 100.1)] == [True, False]
    assert [held.is_welcome("a", 1000.0) for _ in range(6)] == [True] * 5 + [False], "who was away a while has no more than that"


@settings(max_examples=60, deadline=None)
@given(per_s=st.floats(0.5, 500), at_once=st.integers(1, 50), gaps_s=st.lists(st.floats(0, 0.5), min_size=1, max_size=300))
def test_in_no_span_of_time_does_anybody_get_more_than_the_bucket_holds_and_drips(per_s: float, at_once: int, gaps_s: list[float]) -> None:
    held, now, moments = Arrivals(per_s, at_once), 0.0, []
    for gap_s in gaps_s:
        now += gap_s
        if held.is_welcome("a", now):
            moments.append(now)
    for first, begin in enumerate(moments):
        for last, end in enumerate(moments[first:], 1):
            assert last <= at_once + (end - begin) * per_s + 1e-6


def test_no_more_addresses_are_remembered_than_may_be_and_not_the_one_that_goes_on_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MOST", 100)
    held = Arrivals(0.001, 1)
    assert held.is_welcome("busy", 0.0)
    for number in range(1_000):
        held.is_welcome(f"other {number}", 0.0)
        assert not held.is_welcome("busy", 0.0)
    assert len(held) == 100


async def _word(port: int) -> bytes:
    """The first line that somebody is told who comes from our usual address; b"" for one who is put out."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionResetError:
        return b""
    try:
        return await reader.readline()
    except ConnectionResetError:
        return b""
    finally:
        writer.transport.abort()


async def test_past_it_connections_are_closed_unheard_and_another_address_logs_in(tmp_path: Path) -> None:
    async with House(tmp_path, Limits(arrivals_at_once=3, arrivals_per_s=0.01)) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        async with asyncio.timeout(10):
            heard = [await _word(house.port) for _ in range(23)]
        assert all(heard[:3]) and not any(heard[3:])
        assert not await house.is_let_in("alice", KEY), "the address has had its share"
        assert await house.is_let_in("alice", KEY, local_addr=("127.0.0.2", 0))
        counts = house.tally.picture()
        assert counts.refusals["too_fast"] == 21 and counts.connections == 4
        fast = [each for each in await house.refusals() if each.why == "too_fast"]
        assert len(fast) == 2 and fast[0].address == "127.0.0.1" and fast[0].claimed == ""
        assert sum(each.count for each in fast) == 21, "the first at once, the others as a number"


async def test_when_the_process_has_no_descriptor_left_it_rests_and_then_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(porch, "AGAIN_S", 0.05)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with House(tmp_path) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        assert await house.is_let_in("alice", KEY)
        with ExitStack() as stack:
            stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
            waits = stack.enter_context(socket.socket())
            waits.setblocking(False)
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/proc/self/fd"))) + 1, hard))
            with pytest.raises(OSError) as full:
                while True:
                    stack.callback(os.close, os.dup(waits.fileno()))
            assert full.value.errno == errno.EMFILE
            assert waits.connect_ex(("127.0.0.1", house.port)) in (0, errno.EINPROGRESS)
            async with asyncio.timeout(10):
                while "no connection can be taken" not in caplog.text:  # noqa: ASYNC110 - a log tells nobody
                    await asyncio.sleep(0.01)
        assert await house.is_let_in("alice", KEY)
