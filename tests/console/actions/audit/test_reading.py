"""What was done to a chain afterwards is found, and named by the first record that is not as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from console.actions.audit import kinds
from console.actions.audit.derive import operations
from console.actions.audit.operation import Ending
from console.actions.audit.reading import ReadChain, Standing, read_chain
from console.actions.audit.record import MAX_LINE
from tests.console.actions.audit.sample import WHOLE, chained, confirmed, planned, records_of, written

FEW = (confirmed(), kinds.Closed(op="op-1", ending=Ending.ABANDONED, reason="naïve ✓"))

NAME = "edge-1-b00t-4711.jsonl"


@pytest.fixture
async def lines(tmp_path: Path) -> list[bytes]:
    """Of a chain of four records that has told its end."""
    return (await written(tmp_path / "audit", *FEW)).read_bytes().splitlines(keepends=True)


def read(tmp_path: Path, content: bytes) -> ReadChain:
    path = tmp_path / NAME
    path.write_bytes(content)
    return read_chain(path)


def test_a_chain_that_nobody_touched_is_whole(tmp_path: Path, lines: list[bytes]) -> None:
    chain = read(tmp_path, b"".join(lines))
    assert (chain.standing, chain.records, chain.bad) == (Standing.CLOSED, 4, None)


def flipped(tmp_path: Path, lines: list[bytes], masks_of: Callable[[int], Iterable[int]]) -> None:
    content = b"".join(lines)
    owner = [number for number, line in enumerate(lines, 1) for _ in line]
    read(tmp_path, content)
    path = tmp_path / NAME
    with path.open("r+b", buffering=0) as file:
        for place in range(len(content)):
            for mask in masks_of(place):
                os.pwrite(file.fileno(), bytes((content[place] ^ mask,)), place)
                chain = read_chain(path)
                if place == len(content) - 1:
                    # The last newline is what makes the last record whole.
                    assert (chain.standing, chain.records, chain.torn_bytes) == (Standing.TORN, 3, len(lines[-1]))
                else:
                    assert (chain.standing, chain.bad) == (Standing.TAMPERED, owner[place]), (place, mask)
            os.pwrite(file.fileno(), content[place : place + 1], place)
    assert read_chain(path).standing is Standing.CLOSED


def test_any_byte_that_is_changed_is_found_and_its_record_is_named(tmp_path: Path, lines: list[bytes]) -> None:
    flipped(tmp_path, lines, lambda place: (1 + place * 37 % 255,))


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_any_byte_changed_to_any_other_is_found(tmp_path: Path, lines: list[bytes]) -> None:
    flipped(tmp_path, lines, lambda _place: range(1, 256))


def test_a_chain_cut_at_any_byte_is_torn_or_its_tail_is_unproven_and_what_is_before_stands(
    tmp_path: Path, lines: list[bytes]
) -> None:
    content = b"".join(lines)
    whole, boundaries = 0, {0}
    for line in lines:
        whole += len(line)
        boundaries.add(whole)
    read(tmp_path, content)
    for length in reversed(range(len(content))):
        os.truncate(tmp_path / NAME, length)
        chain = read_chain(tmp_path / NAME)
        before = content[:length].count(b"\n")
        expected = Standing.UNPROVEN if length in boundaries else Standing.TORN
        assert (chain.standing, chain.records, chain.bad) == (expected, before, None), length


def moved(lines: list[bytes], number: int) -> dict[str, list[bytes]]:
    """What can be done to record `number` (from 1) of a chain without touching a byte of any record."""
    index = number - 1
    return {
        "removed": lines[:index] + lines[number:],
        "duplicated": lines[:number] + lines[index:],
        "swapped": [*lines[:index], lines[number], lines[index], *lines[number + 1 :]] if number < len(lines) else [],
        "put first": [lines[index], *lines[:index], *lines[number:]] if number > 1 else [],
    }


@pytest.mark.parametrize("number", range(1, 5))
def test_records_removed_repeated_or_swapped_are_found(tmp_path: Path, lines: list[bytes], number: int) -> None:
    first_bad = {"removed": number, "duplicated": number + 1, "swapped": number, "put first": 1}
    for what, changed in moved(lines, number).items():
        if not changed or (what == "removed" and number == len(lines)):
            continue  # the last record removed is a cut at a boundary
        chain = read(tmp_path, b"".join(changed))
        assert (chain.standing, chain.bad) == (Standing.TAMPERED, first_bad[what]), what


@pytest.mark.parametrize("at", range(5))
def test_a_record_that_was_put_in_is_found_even_when_its_own_hash_is_right(
    tmp_path: Path, lines: list[bytes], at: int
) -> None:
    forged = chained(*FEW, chain="edge-1-b00t-4711")[min(at, 2)]
    chain = read(tmp_path, b"".join([*lines[:at], forged, *lines[at:]]))
    assert (chain.standing, chain.bad) == (Standing.TAMPERED, max(2, at + 1)), "a first record follows nothing and is found by what follows it"


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a blank", lambda line: line.replace(b",", b", ", 1)),
        ("a key twice", lambda line: line.replace(b"{", b'{"process.pid":4711,', 1)),
        ("another spelling of a character", lambda line: line.replace(b'"host.name"', b'"host\\u002ename"')),
        ("a carriage return", lambda line: line.replace(b"\n", b"\r\n")),
        ("a fraction", lambda line: line.replace(b":4711", b":4711.0")),
        ("a number beyond all bounds", lambda line: line.replace(b":4711", b":" + b"9" * 400)),
        ("deep nesting", lambda line: b"[" * 100_000 + b"\n"),
        ("no UTF-8", lambda line: line.replace(b"edge-1", b"edge-\xff")),
        ("an empty line", lambda line: b"\n" + line),
        ("no object", lambda line: b"7\n"),
        ("endless", lambda line: b"x" * (MAX_LINE + 10)),
    ],
)
def test_what_means_the_same_but_is_written_otherwise_is_found_too(tmp_path: Path, lines: list[bytes], what: str, change: object) -> None:
    other = change(lines[2])  # type: ignore[operator]
    assert other != lines[2], what
    chain = read(tmp_path, b"".join([*lines[:2], other, *lines[3:]]))
    assert (chain.standing, chain.bad) == (Standing.TAMPERED, 3), what


async def test_a_whole_chain_under_the_name_of_another_is_found(tmp_path: Path) -> None:
    path = await written(tmp_path / "audit", *WHOLE)
    other = path.with_name("edge-1-b00t-4712.jsonl")
    path.rename(other)
    assert (read_chain(other).standing, read_chain(other).bad) == (Standing.TAMPERED, 1)


def test_a_chain_that_is_opened_twice_is_found(tmp_path: Path) -> None:
    lines = chained(kinds.ChainOpened(by=planned().by, version="0"), chain="edge-1-b00t-4711")
    assert read(tmp_path, b"".join(lines)).bad == 2


def test_what_is_no_file_is_unreadable_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").mkdir()
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "nowhere")
    assert {read_chain(tmp_path / f"{name}.jsonl").standing for name in "abcd"} == {Standing.UNREADABLE}


def test_a_record_of_a_newer_version_keeps_its_place_and_is_told_as_unread(tmp_path: Path) -> None:
    class Levitated(kinds.OperationEntry, frozen=True, kw_only=True, tag="operation.levitated"):
        height_m: int

    lines = chained(planned(), Levitated(op="op-1", height_m=3), confirmed(), chain="edge-1-b00t-4711")
    assert read(tmp_path, b"".join(lines)).records == 4
    seen = records_of(tmp_path / NAME)
    assert seen[2].entry == kinds.Unread("operation.levitated", "op-1")
    assert operations(seen)["op-1"].unread == 1
