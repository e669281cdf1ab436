"""The book on the disk, whatever happens to the disk or to us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from console.bell import journal as room
from console.bell.book import Heard, Opened, Posted, Said, Telling
from console.bell.journal import Busy, Journal


def heard(number: int) -> Heard:
    return Heard(float(number), f"g-{number}", "A", (Said(f"{number:016x}", True, float(number), "A", "CRIT"),))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Journal]:
    journal = Journal(folder)
    journal.open()
    running = asyncio.create_task(journal.run())
    yield journal
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def groups(folder: Path) -> list[str]:
    journal = Journal(folder)
    journal.open()
    return sorted(journal.book.state.groups)


async def test_wherever_it_is_cut_off_what_was_whole_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as journal:
        for number in range(3):
            await journal.append(heard(number))
    content = (tmp_path / "a" / "journal").read_bytes()
    cut = tmp_path / "cut"
    cut.mkdir(mode=0o700)
    ends = [at + 1 for at, byte in enumerate(content) if byte == 10]
    for size in range(len(content) + 1):
        (cut / "journal").write_bytes(content[:size])
        assert len(groups(cut)) == sum(end <= size for end in ends)
    (cut / "journal").write_bytes(content[: ends[1] + 20])
    async with opened(cut) as journal:
        await journal.append(heard(9))
    assert groups(cut) == ["g-0", "g-1", "g-9"], "half a record does not swallow the next"


async def test_a_record_that_is_none_is_passed_over_and_told(tmp_path: Path, caplog) -> None:
    async with opened(tmp_path) as journal:
        await journal.append(heard(1))
    path = tmp_path / "journal"
    path.write_bytes(b'{"type":"heard","at":"x"}\n\xff\xfe\n' + path.read_bytes())
    with caplog.at_level(logging.WARNING):
        assert groups(tmp_path) == ["g-1"]
    assert caplog.text.count("cannot be read") == 2


async def test_it_is_made_shorter_and_says_the_same(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(room, "SHORTENED_AT", 2000)
    async with opened(tmp_path) as journal:
        for number in range(100):
            await journal.append(heard(number % 7))
            await journal.append(Opened(float(number), f"t-{number % 7}", (f"g-{number % 7}",)))
            await journal.append(Telling(float(number), f"t-{number % 7}"))
            await journal.append(Posted(float(number), f"t-{number % 7}"))
        state = msgspec.json.encode(journal.book.state)
    assert (tmp_path / "journal").stat().st_size < 10_000 and (tmp_path / "journal").stat().st_mode & 0o077 == 0
    again = Journal(tmp_path)
    again.open()
    assert msgspec.json.encode(again.book.state) == state


async def test_what_waits_is_bounded_and_shares_one_sync(tmp_path: Path, monkeypatch) -> None:
    async with opened(tmp_path) as journal:
        syncs: list[Path] = []
        sync = journal._disk.sync
        monkeypatch.setattr(journal._disk, "sync", lambda path: (syncs.append(path), sync(path)))
        waiting = [asyncio.create_task(journal.append(heard(number))) for number in range(room.MOST_WAITING + 50)]
        done = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(each, Busy) for each in done) == 50 and len(syncs) <= 3
    assert len(groups(tmp_path)) == room.MOST_WAITING


async def test_nothing_is_said_to_be_taken_that_is_not_on_the_disk(tmp_path: Path, monkeypatch) -> None:
    async with opened(tmp_path) as journal:
        def full(path: Path, content: bytes) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(journal._disk, "append", full)
        with pytest.raises(OSError, match="space"):
            await journal.append(heard(1))
        assert not journal.book.state.groups
