"""Processes that post and deliver are killed where they stand: nothing that was posted is lost."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest

from console.feeds.clock import SystemClock
from tests.chat.poster import office
from tests.chat.webhook import SECRET, Receiver

ROUNDS = 12


@pytest.mark.slow
async def test_killed_where_it_stands_nothing_is_lost_and_a_copy_carries_the_same_id(tmp_path: Path, started, kept) -> None:
    receiver, secret, rng = await started(Receiver(SystemClock())), kept("signing", SECRET), random.Random(5)
    url, folder = f"{receiver.url}/take", tmp_path / "chat"
    posted: set[str] = set()
    for number in range(ROUNDS):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chat.poster", str(folder), url, secret, str(number * 1000), stdout=asyncio.subprocess.PIPE
        )  # fmt: skip
        assert child.stdout is not None
        try:
            for _ in range(rng.randint(1, 25)):
                posted.add((await child.stdout.readline()).decode().strip())
        finally:
            child.kill()
            rest = await child.stdout.read()
            await child.wait()
        posted |= set(rest.decode().split("\n")[:-1])
    last = office(folder, url, secret)
    last.open()
    try:
        async with asyncio.timeout(30):
            while last.carrier("robot").store.waiting() or not last.carrier("robot").has_hold:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await last.close()
    assert posted and posted <= set(receiver.documents) and not last.carrier("robot").store.dead()
    assert len(receiver.repeated) <= ROUNDS and not receiver.complaints
