"""Several chains read as one: what came first, whose process lives, and operations carried on elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from console.actions.audit import kinds
from console.actions.audit.entry import Entry
from console.actions.audit.history import TooLarge, history
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Ending, Operation, State
from console.actions.audit.reading import Standing
from console.model.instant import Instant
from tests.console.actions.audit.sample import ANNA, BORIS, HERE, NOW, Memory, chained, confirmed, done, intent, planned
from tests.hand_clock import START, HandClock


def put(directory: Path, name: str, *entries: Entry, boot: str = "b1", start: Instant) -> None:
    lines = chained(*entries, chain=name, boot=boot, start=start)
    (directory / f"{name}.jsonl").write_bytes(b"".join(lines))


def moment(mono: float, utc_s: float | None = None) -> Instant:
    return Instant(utc=START + timedelta(seconds=mono if utc_s is None else utc_s), mono=mono)


def resumed(chain: str, sequence: int, known: Operation) -> kinds.Resumed:
    return kinds.Resumed(op="op-1", by=BORIS, after_chain=chain, after_sequence=sequence, known=known)


INTERRUPTED = (planned(), confirmed(), intent(), *done(1), kinds.StepBegun(op="op-1", step=2))
CARRIED_ON = (
    kinds.ReadBack(op="op-1", step=2, found=kinds.Found.APPLIED), *done(3), kinds.Closed(op="op-1", ending=Ending.SUCCEEDED)
)  # fmt: skip


def test_no_directory_is_an_empty_history(tmp_path: Path) -> None:
    assert history(tmp_path / "none").records == ()


def test_records_of_one_boot_are_in_the_order_of_the_clock_that_its_processes_share(tmp_path: Path) -> None:
    beats = [kinds.UndoOffered(op="op-1")] * 5
    # The wall clock of the second process is an hour behind: it was set back between their starts.
    put(tmp_path, "a", *beats, start=moment(100.0))
    put(tmp_path, "b", *beats, start=moment(102.5, utc_s=-3600.0))
    order = [(record.header.chain, record.header.sequence) for record in history(tmp_path).records]
    assert order[:6] == [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("a", 4), ("b", 2)]


def test_a_killed_process_leaves_its_operation_interrupted_with_what_is_done_what_is_in_doubt_and_what_may_be_offered(tmp_path: Path) -> None:
    put(tmp_path, "a", *INTERRUPTED, start=moment(1.0))
    (known,) = history(tmp_path).operations(NOW)
    assert (known.state, known.may_resume, known.may_undo) == (State.INTERRUPTED, True, True)
    assert (known.operation.done, known.operation.in_doubt, known.operation.remaining) == (1, (2,), (2, 3))


async def test_an_operation_of_a_living_process_is_running_and_offered_to_nobody(tmp_path: Path) -> None:
    async with await Journal.open(tmp_path, HandClock(), ANNA, identity=HERE, disk=Memory()) as journal:
        for entry in INTERRUPTED:
            await journal.append(entry)
        read = history(tmp_path)
        (known,) = read.operations(NOW)
        assert (known.state, known.may_resume, known.may_undo) == (State.RUNNING, False, False)
        assert read.alive == {journal.chain}
    assert history(tmp_path).operations(NOW)[0].state is State.INTERRUPTED


@pytest.mark.parametrize("utc_s", [-600.0, 0.0, 600.0])
def test_an_operation_carried_on_after_a_reboot_is_told_in_its_order_wherever_the_wall_clock_stood(tmp_path: Path, utc_s: float) -> None:
    put(tmp_path, "a", *INTERRUPTED, start=moment(5000.0, utc_s=0.0))
    known = history(tmp_path).operations(NOW)[0].operation
    assert (known.last_chain, known.last_sequence) == ("a", 7)
    put(tmp_path, "b", resumed("a", 7, known), *CARRIED_ON, boot="b2", start=moment(10.0, utc_s=utc_s))
    (after,) = history(tmp_path).operations(NOW)
    assert after.state is State.SUCCEEDED
    assert after.operation.irregular == ()
    assert after.operation.chain == "b"


def test_a_chain_that_carries_an_operation_on_tells_its_state_even_when_the_first_chain_is_gone(tmp_path: Path) -> None:
    put(tmp_path, "a", *INTERRUPTED, start=moment(1.0))
    known = history(tmp_path).operations(NOW)[0].operation
    (tmp_path / "a.jsonl").unlink()
    put(tmp_path, "b", resumed("a", 7, known), start=moment(100.0))
    (after,) = history(tmp_path).operations(NOW)
    assert (after.state, after.operation.done, after.operation.in_doubt) == (State.INTERRUPTED, 1, (2,))


def test_chains_that_claim_to_follow_each_other_are_told_all_the_same(tmp_path: Path) -> None:
    nothing = Operation(id="op-1")
    put(tmp_path, "a", resumed("b", 3, nothing), planned(), boot="b1", start=moment(1.0))
    put(tmp_path, "b", resumed("a", 3, nothing), planned(), boot="b2", start=moment(1.0))
    assert len(history(tmp_path).records) == 6


def test_a_damaged_chain_takes_nothing_from_the_others_and_is_told(tmp_path: Path) -> None:
    put(tmp_path, "a", *INTERRUPTED, start=moment(1.0))
    put(tmp_path, "b", planned("op-2"), start=moment(1.0))
    bad = (tmp_path / "a.jsonl").read_bytes().replace(b'"midwatch.step":1', b'"midwatch.step":3', 1)
    (tmp_path / "a.jsonl").write_bytes(bad)
    read = history(tmp_path)
    assert [(chain.name, chain.standing, chain.bad) for chain in read.damaged] == [("a", Standing.TAMPERED, 5)]
    assert [(each.operation.id, each.state) for each in read.operations(NOW)] == [
        ("op-1", State.INTERRUPTED),
        ("op-2", State.PLANNED),
    ]
    first = read.operations(NOW)[0]
    assert (first.may_resume, first.may_undo) == (False, False), "how far it came is not known"


def test_more_than_fits_into_memory_is_refused_with_its_size(tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(TooLarge, match="10,000,000,000 bytes"):
        history(tmp_path)


