"""Connections that do not log in: who has to go, and that whoever is honest gets in."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.config.serve import Limits
from console.serve.door.halfopen import HalfOpen, group_of
from tests.console.serve.house import House, line, new_key

KEY = new_key()


def test_past_the_limit_of_an_address_its_own_oldest_goes() -> None:
    held = HalfOpen(10, 2)
    assert [held.came(number, "10.0.0.1") for number in range(4)] == [None, None, 0, 1]
    assert len(held) == 2


def test_past_the_limit_of_all_the_oldest_of_the_greediest_goes() -> None:
    held = HalfOpen(4, 4)
    for who, address in (("lone", "10.0.0.9"), ("a1", "10.0.0.1"), ("a2", "10.0.0.1"), ("b1", "10.0.0.2")):
        assert held.came(who, address) is None
    assert held.came("new", "10.0.0.3") == "a1"


def test_whoever_has_logged_in_or_left_counts_no_more() -> None:
    held = HalfOpen(1, 1)
    held.came("a", "10.0.0.1")
    assert held.left("a") and not held.left("a")
    assert held.came("b", "10.0.0.1") is None


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_of_ipv6_a_whole_network_is_one_address(address: str, group: str) -> None:
    assert group_of(address) == group


@settings(max_examples=100, deadline=None)
@given(
    limit=st.integers(2, 12),
    per_address=st.integers(1, 12),
    attack=st.lists(st.tuples(st.integers(0, 10), st.sampled_from(("come", "come", "come", "leave"))), max_size=120),
    comes_at=st.integers(0, 120),
)
def test_who_is_alone_at_an_address_stays_while_fewer_addresses_attack_than_there_are_places(
    limit: int, per_address: int, attack: list[tuple[int, str]], comes_at: int
) -> None:
    """Whatever the order of comings and goings, and whatever the attackers' addresses hold."""
    held = HalfOpen(limit, per_address)
    here: dict[str, int] = {}
    has_come = False
    for number, (address, what) in enumerate(attack):
        if number == min(comes_at, len(attack) - 1):
            goes = held.came("honest", "192.0.2.1")
            has_come = True
            here.pop(str(goes), None)
        address %= limit - 1  # fewer than there are places
        if what == "leave" and here:
            who = next(iter(here))
            assert held.left(who)
            del here[who]
            continue
        goes = held.came(f"{number}", f"10.0.0.{address}")
        assert goes != "honest"
        here[f"{number}"] = address
        here.pop(str(goes), None)
        counts = [list(here.values()).count(each) for each in set(here.values())]
        assert all(count <= per_address for count in counts)
        assert len(held) == len(here) + has_come <= limit


async def test_two_hundred_half_open_connections_keep_nobody_out(tmp_path: Path) -> None:
    async with House(tmp_path, Limits(unauthenticated=16, per_address=8, arrivals_at_once=1_000)) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        open_ones = [await asyncio.open_connection("127.0.0.1", house.port) for _ in range(200)]
        try:
            # From the same address even: a newcomer is never the one who goes.
            async with asyncio.timeout(10):
                assert await house.is_let_in("alice", KEY)
                assert await house.is_let_in("alice", KEY, local_addr=("127.0.0.2", 0))
            assert house.tally.unauthenticated <= 8
        finally:
            for _, writer in open_ones:
                writer.close()
        refused = await house.refusals()
    half_open = [each for each in refused if each.why == "half_open"]
    assert len(half_open) == 2 and sum(each.count for each in half_open) >= 192
    assert half_open[-1].address == "127.0.0.1" and half_open[-1].count >= 191


async def test_a_flood_goes_on_while_others_log_in(tmp_path: Path) -> None:
    async with House(tmp_path, Limits(unauthenticated=8, per_address=8)) as house:
        (house.keys / "alice").write_text(line(KEY))
        await house.keyring.read()
        ended = asyncio.Event()
        writers: list[asyncio.StreamWriter] = []

        async def flood() -> None:
            while not ended.is_set():
                with suppress(ConnectionResetError):  # put out already
                    writers.append((await asyncio.open_connection("127.0.0.1", house.port))[1])

        flooding = asyncio.create_task(flood())
        try:
            async with asyncio.timeout(20):
                let_in = [await house.is_let_in("alice", KEY, local_addr=("127.0.0.3", 0)) for _ in range(10)]
        finally:
            ended.set()
            await flooding
            for writer in writers:
                writer.close()
        assert let_in == [True] * 10
        assert len(writers) > 20
