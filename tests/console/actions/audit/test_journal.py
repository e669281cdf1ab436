"""The journal: what was acknowledged is on disk, once, in order; and when the disk fails nothing more is acknowledged."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.actions.audit import kinds
from console.actions.audit.entry import Unwritable
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor, Outcome, Value
from console.actions.audit.reading import Standing, read_chain
from console.actions.audit.record import MAX_LINE
from console.actions.audit.writer import JournalClosed, Receipt
from tests.console.actions.audit.sample import (
    ANNA,
    HERE,
    PLAN,
    WHOLE,
    Memory,
    confirmed,
    intent,
    planned,
    records_of,
    until,
    written,
)
from tests.hand_clock import START, HandClock

BEAT = kinds.UndoOffered(op="op-1", reason="beat")


class Slow(Memory):
    """A disk whose fsync waits until it is let go; tells what happened in which order."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.told: list[str] = []
        self.in_sync = threading.Event()

    def write(self, descriptor: int, data: bytes, /) -> int:
        self.told.append(f"write {data.count(b'%c' % 10)}")
        return super().write(descriptor, data)

    def sync(self, descriptor: int, /) -> None:
        self.in_sync.set()
        assert self.gate.wait(10)
        os.fdatasync(descriptor)
        self.told.append("sync")


async def test_an_append_returns_only_after_the_fsync_that_covers_it(tmp_path: Path) -> None:
    disk = Slow()
    async with await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=disk) as journal:
        disk.gate.clear()
        appending = asyncio.ensure_future(journal.append(planned()))
        await until(lambda: disk.told[-1] == "write 1")
        assert not appending.done()
        disk.gate.set()
        receipt = await appending
        assert disk.told[-2:] == ["write 1", "sync"]
        assert records_of(journal.path)[-1].header.hash == receipt.hash


async def test_all_that_queues_during_an_fsync_shares_the_next_one_and_the_loop_runs_on(tmp_path: Path) -> None:
    disk = Slow()
    async with await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=disk) as journal:
        before = journal.tally.syncs
        disk.gate.clear()
        disk.in_sync.clear()
        first = asyncio.ensure_future(journal.append(BEAT))
        await until(disk.in_sync.is_set)
        rest = [asyncio.ensure_future(journal.append(BEAT)) for _ in range(50)]
        await until(lambda: len(journal._writer._queue) == 50)
        disk.gate.set()
        receipts = await asyncio.gather(first, *rest)
        assert [receipt.sequence for receipt in receipts] == list(range(2, 53))
        assert journal.tally.syncs - before == 2
        assert disk.told[-2:] == ["write 50", "sync"]


async def test_the_queue_is_bounded_and_whoever_finds_it_full_waits_for_room(tmp_path: Path) -> None:
    disk = Slow()
    async with await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=disk, queue=4) as journal:
        disk.gate.clear()
        many = [asyncio.ensure_future(journal.append(BEAT)) for _ in range(20)]
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(journal._writer._queue) + len(journal._writer._taken) <= 4
        disk.gate.set()
        assert [each.sequence for each in await asyncio.gather(*many)] == list(range(2, 22))


async def test_an_append_that_is_cancelled_leaves_the_chain_and_the_room_in_the_queue_whole(tmp_path: Path) -> None:
    disk = Slow()
    async with await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=disk, queue=2) as journal:
        disk.gate.clear()
        many = [asyncio.ensure_future(journal.append(BEAT)) for _ in range(6)]
        await until(disk.in_sync.is_set)
        for each in many[::2]:
            each.cancel()
        disk.gate.set()
        await asyncio.gather(*many, return_exceptions=True)
        async with asyncio.timeout(5):
            for _ in range(5):
                await journal.append(BEAT)
    assert read_chain(journal.path).standing is Standing.CLOSED


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), max_size=12), min_size=1, max_size=8),
    st.integers(1, 5),
    st.sets(st.integers(0, 7), max_size=2),
)
def test_however_tasks_interleave_there_is_one_valid_chain_with_each_acknowledged_record_exactly_once(
    tasks: list[list[int]], queue: int, cancelled: set[int]
) -> None:
    """Each task appends its entries, giving way to the others as often as its numbers say; some are cancelled."""
    acknowledged: dict[str, Receipt] = {}

    async def task(journal: Journal, number: int, turns: list[int]) -> None:
        for index, turn in enumerate(turns):
            for _ in range(turn):
                await asyncio.sleep(0)
            name = f"{number}.{index}"
            acknowledged[name] = await journal.append(kinds.Refused(op=name, guard="none", reason=""))

    async def run(directory: Path) -> Path:
        async with await Journal.open(directory, HandClock(), ANNA, identity=HERE, disk=Memory(), queue=queue) as journal:
            running = [asyncio.ensure_future(task(journal, number, turns)) for number, turns in enumerate(tasks)]
            await asyncio.sleep(0)
            for number in cancelled & set(range(len(running))):
                running[number].cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return journal.path

    with tempfile.TemporaryDirectory() as place:
        path = asyncio.run(run(Path(place) / "audit"))
        assert read_chain(path).standing is Standing.CLOSED
        found = {record.header.sequence: record for record in records_of(path)}
        times = Counter(record.entry.op for record in found.values() if isinstance(record.entry, kinds.Refused))
        assert all(count == 1 for count in times.values())
        for name, receipt in acknowledged.items():
            entry = found[receipt.sequence].entry
            assert isinstance(entry, kinds.Refused) and entry.op == name
            assert found[receipt.sequence].header.hash == receipt.hash
        for number, turns in enumerate(tasks):
            if number not in cancelled:
                assert all(f"{number}.{index}" in acknowledged for index in range(len(turns)))


class Failing(Memory):
    """A disk that works until it is told to fail, once: a second try would succeed, and must not be made."""

    def __init__(self, at: str, fault: Callable[[], None]) -> None:
        self.at, self.fault, self.is_armed = at, fault, False

    def _maybe(self, at: str) -> None:
        if self.is_armed and at == self.at:
            self.is_armed = False
            self.fault()

    def write(self, descriptor: int, data: bytes, /) -> int:
        if self.at == "half" and self.is_armed:
            self.at = "write"
            return super().write(descriptor, data[: len(data) // 2])
        self._maybe("write")
        return super().write(descriptor, data)

    def sync(self, descriptor: int, /) -> None:
        self._maybe("sync")


def full() -> None:
    """The kernel's own ENOSPC."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        os.write(descriptor, b"x")
    finally:
        os.close(descriptor)


def fails_with(number: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("at", "fault", "words", "standing"),
    [
        ("write", full, "No space left on device", Standing.UNPROVEN),
        ("half", full, "No space left on device", Standing.TORN),
        ("write", fails_with(errno.EIO), "Input/output error", Standing.UNPROVEN),
        ("sync", fails_with(errno.EIO), "Input/output error", Standing.UNPROVEN),
        ("write", fails_with(errno.EROFS), "Read-only file system", Standing.UNPROVEN),
        ("write", fails_with(errno.EDQUOT), "quota", Standing.UNPROVEN),
    ],
)
async def test_after_one_error_of_the_disk_nothing_is_acknowledged_any_more(
    tmp_path: Path, at: str, fault: Callable[[], None], words: str, standing: Standing
) -> None:
    disk = Failing(at, fault)
    journal = await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=disk)
    good = await journal.append(planned())
    disk.is_armed = True
    told = await asyncio.gather(*(journal.append(BEAT) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(each, JournalClosed) and words in str(each) for each in told)
    for _ in range(3):
        with pytest.raises(JournalClosed, match=words):
            await journal.append(confirmed())
    assert words in str(journal.failure)
    assert read_chain(journal.path).standing is Standing.GROWING, "it lives, and its lock says so"
    await journal.close()
    chain = read_chain(journal.path)
    assert chain.standing is standing
    assert chain.records >= good.sequence


async def test_a_disk_that_writes_a_few_bytes_at_a_time_is_given_the_rest(tmp_path: Path) -> None:
    class Stingy(Memory):
        def write(self, descriptor: int, data: bytes, /) -> int:
            return os.write(descriptor, data[:100])

    path = await written(tmp_path / "a", *WHOLE, disk=Stingy())
    assert read_chain(path).standing is Standing.CLOSED


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no right to mount a small file system: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


async def test_a_disk_that_is_really_full_closes_the_journal_and_keeps_what_was_acknowledged(small_disk: Path) -> None:
    journal = await Journal.open(small_disk / "audit", HandClock(), ANNA, identity=HERE)
    last = 0
    with pytest.raises(JournalClosed, match="No space left on device"):
        while True:
            last = (await journal.append(BEAT)).sequence
    (small_disk / "audit" / "unrelated").unlink(missing_ok=True)
    with pytest.raises(JournalClosed):
        await journal.append(BEAT)
    await journal.close()
    chain = read_chain(journal.path)
    assert last > 20
    assert chain.records >= last
    assert chain.standing in (Standing.TORN, Standing.UNPROVEN)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.truncate(path, path.stat().st_size - 1),
        lambda path: path.open("ab").write(b"{}\n"),
        lambda path: path.unlink(),
        lambda path: (path.rename(path.with_suffix(".x")), path.write_bytes(path.with_suffix(".x").read_bytes())),
    ],
)
async def test_a_writer_whose_file_was_touched_by_another_stops(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    journal = await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=Memory())
    await journal.append(planned())
    damage(journal.path)
    with pytest.raises(JournalClosed, match=r"touched|No such file"):
        await journal.append(confirmed())
    await journal.close()


async def test_a_state_directory_that_cannot_be_had_means_no_journal(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(OSError, match="a"):
        await Journal.open(tmp_path / "a" / "audit", HandClock(), ANNA, identity=HERE)


async def test_chain_and_directory_are_private(tmp_path: Path) -> None:
    path = await written(tmp_path / "state" / "audit")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)] == [0o600, 0o700, 0o700]


async def test_after_its_end_a_journal_refuses(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE)
    await journal.close()
    await journal.close()
    with pytest.raises(JournalClosed, match="closed"):
        await journal.append(planned())


async def test_a_day_is_closed_before_the_first_record_of_the_next_with_what_is_open(tmp_path: Path) -> None:
    clock = HandClock()
    async with await Journal.open(tmp_path / "a", clock, ANNA, identity=HERE, disk=Memory()) as journal:
        for entry in (planned(), confirmed(), intent(), planned("lapsed", expires_at=START + timedelta(minutes=5)), planned("done")):
            await journal.append(entry)
        await journal.append(kinds.Denied(op="done", by=Actor(name="boris"), plan_hash=PLAN))
        await clock.advance(86_400)
        await journal.append(kinds.StepBegun(op="op-1", step=1))
        await clock.advance(60)
        await journal.append(kinds.StepBegun(op="op-1", step=1))
    entries = [record.entry for record in records_of(journal.path)]
    closings = [(index, entry) for index, entry in enumerate(entries) if isinstance(entry, kinds.ChainClosed)]
    (day_at, day), (end_at, end) = closings
    assert (day_at, end_at) == (7, len(entries) - 1)
    assert (day.why, day.day, [each.id for each in day.open]) == (kinds.Why.DAY, START.date(), ["op-1"])
    assert (end.why, end.day) == (kinds.Why.END, (START + timedelta(days=1)).date())
    assert end.open[0].steps[0].attempts == 2
    assert read_chain(journal.path).standing is Standing.CLOSED


@pytest.mark.parametrize(
    "entry",
    [
        kinds.UndoOffered(op="op-1", reason={"Authorization": "Bearer x"}),  # type: ignore[arg-type]
        kinds.StepDone(op="op-1", step=1, outcome=Outcome.SUCCESS, old={"password": "x"}),  # type: ignore[arg-type]
        kinds.StepDone(op="op-1", step="1", outcome=Outcome.SUCCESS),  # type: ignore[arg-type]
        kinds.StepDone(op="op-1", step=1, outcome=Outcome.SUCCESS, answer=b"bytes"),  # type: ignore[arg-type]
        kinds.Confirmed(op="op-1", by=object(), plan_hash=PLAN),  # type: ignore[arg-type]
        kinds.OperationEntry(op="op-1"),
    ],
)
async def test_an_entry_that_is_not_what_its_type_says_is_refused_and_the_journal_goes_on(tmp_path: Path, entry: kinds.OperationEntry) -> None:
    async with await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=Memory()) as journal:
        with pytest.raises(Unwritable, match="audit: "):
            await journal.append(entry)
        assert (await journal.append(planned())).sequence == 2


async def test_an_entry_too_large_to_be_read_back_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.actions.audit.journal.MAX_ENTRY", 5000)
    async with await Journal.open(tmp_path / "a", HandClock(), ANNA, identity=HERE, disk=Memory()) as journal:
        with pytest.raises(Unwritable, match="larger than 5000 bytes"):
            await journal.append(planned(steps=("evict",) * 200))
        assert (await journal.append(planned())).sequence == 2


async def test_more_open_operations_than_a_line_can_hold_are_listed_without_their_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.actions.audit.journal.MAX_CLOSING", 3000)
    path = await written(tmp_path / "a", planned(steps=("evict",) * 100), confirmed(), intent())
    (closing,) = [record.entry for record in records_of(path) if isinstance(record.entry, kinds.ChainClosed)]
    assert [(each.id, each.steps) for each in closing.open] == [("op-1", ())]
    assert len(path.read_bytes()) < MAX_LINE


@given(st.text(), st.one_of(st.text(max_size=500), st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none()))
@settings(max_examples=40, deadline=None)
def test_whatever_a_server_answers_can_be_recorded_and_read_back(answer: str, old: Value) -> None:
    entry = kinds.StepDone(op="op-1", step=1, outcome=Outcome.SUCCESS, answer=answer + "\ud800", old=old)

    async def run(directory: Path) -> Path:
        return await written(directory, planned(), entry)

    with tempfile.TemporaryDirectory() as place:
        path = asyncio.run(run(Path(place) / "audit"))
        assert read_chain(path).standing is Standing.CLOSED
        assert entry in [record.entry for record in records_of(path)]


