"""The queue on the disk: whatever dies wherever, nothing that was posted is lost, and a copy carries the same id."""

from __future__ import annotations

import os
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.chat.letter import Letter, LetterKind, Receipt
from console.chat.message import Line, Message, Section
from console.chat.store import Hold, QueueFull, Store
from tests.console.chat.dying import Died, DyingDisk
from tests.hand_clock import START

FOLDER = Path("/queue/oncall")


def letter(id: str, *, of: str = "", thread: str = "") -> Letter:
    message = Message(id=of or id, head=f"head of {id}", severity="CRIT", taken_at=START, sections=(Section("S", (Line("l", 1),)),))
    kind = LetterKind.PICTURE if of else LetterKind.TEXT
    return Letter(id=id, kind=kind, at=START, message=message, thread=thread, of=of)


class World:
    """A queue, those who post to it and the one who delivers, on a disk that dies."""

    def __init__(self) -> None:
        self.posted: list[str] = []  # put() returned
        self.arrived: list[tuple[str, Letter]] = []
        self.done: set[str] = set()  # done() returned: the machine knows it

    def post(self, disk: DyingDisk, id: str) -> None:
        if Store(FOLDER, disk).put(letter(id), b"picture of " + id.encode()):
            self.posted.append(id)

    def deliver(self, disk: DyingDisk, *, fails: bool) -> None:
        store = Store(FOLDER, disk)
        store.recover()
        for slot in store.waiting():
            if store.receipt(slot.id) is not None:
                store.drop(slot)
                continue
            slot = store.trying(slot)
            told, picture = store.read(slot)
            assert picture == b"picture of " + slot.id.encode(), "a letter under its name is whole"
            if fails:
                continue
            self.arrived.append((slot.id, told))
            store.done(slot, Receipt(slot.id, START, told.thread))
            self.done.add(slot.id)


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.one_of(st.integers(0, 7), st.sampled_from(["deliver", "fail"])), min_size=1, max_size=12),
    dies_at=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    seed=st.integers(0, 2**32),
)
def test_a_death_between_any_two_steps_loses_nothing_and_copies_carry_the_same_id(
    steps: list[int | str], dies_at: list[int], seed: int
) -> None:
    rng = random.Random(seed)
    disk = DyingDisk(dies_at[0], rng)
    deaths = iter([*dies_at[1:], None])
    world = World()
    for step in [*steps, "deliver"]:
        try:
            if isinstance(step, int):
                world.post(disk, f"mw-{step}")
            else:
                world.deliver(disk, fails=step == "fail")
        except Died:
            known = set(world.done)
            disk = disk.survivor()
            disk._dies_at = next(deaths, None)
            assert known <= world.done
    while True:
        try:
            world.deliver(disk, fails=False)
            break
        except Died:
            disk = disk.survivor()
    arrived = [id for id, _ in world.arrived]
    assert set(world.posted) <= set(arrived), "nothing that was posted is lost"
    for id, told in world.arrived:
        assert told.id == id and msgspec.json.encode(told) == msgspec.json.encode(letter(id))
    assert len(arrived) - len(set(arrived)) <= len(dies_at), "a death makes a copy of one letter at most"
    assert not Store(FOLDER, disk).waiting()


@settings(max_examples=60, deadline=None)
@given(dies_at=st.integers(1, 30), seed=st.integers(0, 2**32))
def test_what_is_known_to_have_arrived_is_never_sent_again(dies_at: int, seed: int) -> None:
    disk, world = DyingDisk(None, random.Random(seed)), World()
    for number in range(3):
        world.post(disk, f"mw-{number}")
    disk._dies_at = disk.calls + dies_at
    try:
        world.deliver(disk, fails=False)
    except Died:
        disk = disk.survivor()
    before = set(world.done)
    disk._dies_at = None
    sent = len(world.arrived)
    world.deliver(disk, fails=False)
    assert not before & {id for id, _ in world.arrived[sent:]}
    assert {id for id, _ in world.arrived} == {"mw-0", "mw-1", "mw-2"}


def test_every_call_of_posting_and_delivering_is_a_place_to_die() -> None:
    disk, world = DyingDisk(), World()
    world.post(disk, "mw-1")
    assert disk.calls == 4  # write, sync, rename, sync the folder
    world.deliver(disk, fails=False)
    assert disk.calls >= 4 + 1 + 2 + 5


def test_attempts_outlive_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "q")
    store.make()
    store.put(letter("mw-1"))
    for number in range(3):
        again = Store(tmp_path / "q")
        assert again.trying(again.waiting()[0]).attempts == number + 1


def test_the_queue_is_private_and_its_files_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "state" / "q")
    store.make()
    store.put(letter("mw-1"), b"p")
    store.give_up(store.waiting()[0], "why")
    store.put(letter("mw-2"), b"p")
    for folder, _, files in os.walk(tmp_path / "state"):
        assert os.stat(folder).st_mode & 0o777 == 0o700
        assert all((Path(folder) / name).stat().st_mode & 0o077 == 0 for name in files)


def test_a_full_queue_takes_text_for_its_oldest_pictures_and_then_says_no(tmp_path: Path) -> None:
    store = Store(tmp_path / "q", letters=3)
    store.make()
    store.put(letter("mw-1"))
    store.put(letter("mw-1-picture", of="mw-1"), b"png")
    store.put(letter("mw-2"))
    store.put(letter("mw-3"))
    assert [slot.id for slot in store.waiting()] == ["mw-1", "mw-2", "mw-3"] and store.evicted == 1
    with pytest.raises(QueueFull, match="3 letters"):
        store.put(letter("mw-4"))
    with pytest.raises(QueueFull):
        store.put(letter("mw-3-picture", of="mw-3"), b"png")


def test_a_queue_full_of_bytes_says_no(tmp_path: Path) -> None:
    store = Store(tmp_path / "q", size=5000)
    store.make()
    store.put(letter("mw-1"), b"x" * 4000)
    with pytest.raises(QueueFull):
        store.put(letter("mw-2"), b"x" * 4000)


def test_dead_letters_are_kept_with_their_reason_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.chat.store.DEAD_LETTERS", 5)
    store = Store(tmp_path / "q")
    store.make()
    for number in range(8):
        store.put(letter(f"mw-{number}"))
        store.give_up(store.waiting()[0], f"reason {number}")
    assert [why for _, why in store.dead()] == [f"reason {number}" for number in range(3, 8)]
    assert len(list(store.dead_folder.iterdir())) == 10


def test_receipts_are_bounded_and_a_thread_outlives_their_rewriting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.chat.ledger.KEPT", 10)
    store = Store(tmp_path / "q")
    store.make()
    store.recover()
    for number in range(60):
        store.put(letter(f"mw-{number}", thread="storm"))
        store.done(store.waiting()[0], Receipt(f"mw-{number}", START, "storm", "1700.1", "C1"))
    assert store.opener("storm") == Receipt("mw-0", START, "storm", "1700.1", "C1")
    assert store.put(letter("mw-59")) is False and len((tmp_path / "q" / "receipts").read_text().splitlines()) <= 21


def test_a_torn_receipt_counts_for_nothing_and_spoils_none_behind_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "q")
    store.make()
    (tmp_path / "q" / "receipts").write_bytes(b'{"id":"mw-1","at":"2026-11-22T0')
    store.put(letter("mw-1"))
    store.recover()
    store.done(store.waiting()[0], Receipt("mw-1", START))
    assert store.put(letter("mw-1")) is False


def test_what_is_no_letter_is_left_alone_and_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "q")
    store.make()
    (tmp_path / "q" / "README").write_text("by hand")
    (tmp_path / "q" / "00000000000000000001.text.000.mw-9").write_bytes(b"\x00\xff")
    store.recover()
    (slot,) = store.waiting()
    with pytest.raises(ValueError):
        store.read(slot)
    assert (tmp_path / "q" / "README").exists()


def test_one_process_delivers_at_a_time(tmp_path: Path) -> None:
    first, second = Hold(tmp_path), Hold(tmp_path)
    assert first.take() and first.take() and not second.take()
    first.release()
    assert second.take()
    second.release()
