"""Reading one chain from its first byte: which records stand in their place, and how the chain ends.

Reading stops at the first line that is not what must stand there: what follows a broken link proves nothing. A last line
without its newline is what a crash leaves and is set aside, not held against anyone; in a chain whose writer lives it is
the write that is going on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import msgspec

from console.actions.audit.chain import SUFFIX, is_held
from console.actions.audit.kinds import ChainClosed, ChainOpened, Why
from console.actions.audit.record import MAX_LINE, NOTHING, Broken, Record, opened


class Standing(StrEnum):
    """What can be said of a chain without knowing anything but the chain."""

    CLOSED = "closed"  # whole, and it has told its end
    GROWING = "growing"  # whole so far; its process lives
    UNPROVEN = "tail unproven"  # whole so far; its process is gone and told no end
    TORN = "torn"  # whole but for the bytes after its last newline
    TAMPERED = "tampered"
    UNREADABLE = "unreadable"


class ReadChain(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one chain. `records` are good, numbered 1 to `records`; `head` is the hash of the last of them."""

    name: str
    path: Path
    standing: Standing
    records: int = 0
    head: str = NOTHING
    torn_bytes: int = 0
    bad: int | None = None  # the first bad sequence number
    why: str = ""  # of TAMPERED and UNREADABLE
    is_alive: bool = False


def chains(directory: Path) -> list[Path]:
    """The files of all chains, by name; none when there is no such directory. Raises OSError."""
    try:
        with os.scandir(directory) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.name.endswith(SUFFIX))
    except FileNotFoundError:
        return []


def read_chain(path: Path, take: Callable[[Record], None] | None = None) -> ReadChain:
    """Read a chain; every good record is handed to `take` in its order. Never raises for the file's sake."""
    name = path.name.removesuffix(SUFFIX)
    try:
        # Before the reading: a chain that is closed meanwhile has a closing record to show.
        alive = is_held(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ReadChain(name=name, path=path, standing=Standing.UNREADABLE, why="is no regular file")
            return _walked(file.readline, name, path, alive, take or _dropped)
    except OSError as wrong:
        return ReadChain(name=name, path=path, standing=Standing.UNREADABLE, why=wrong.strerror or str(wrong))


def _walked(
    readline: Callable[[int], bytes], name: str, path: Path, is_alive: bool, take: Callable[[Record], None]
) -> ReadChain:
    count, head, torn = 0, NOTHING, 0
    last: Record | None = None
    broken = ""
    while line := readline(MAX_LINE):
        if not line.endswith(b"\n") and len(line) < MAX_LINE:
            torn = len(line)
            break
        try:
            last = opened(line.removesuffix(b"\n"), name, count + 1, head)
            _in_place(last, count == 0)
        except Broken as wrong:
            broken = str(wrong)
            break
        count, head = count + 1, last.header.hash
        take(last)
    is_ended = last is not None and isinstance(last.entry, ChainClosed) and last.entry.why is Why.END
    return ReadChain(
        name=name,
        path=path,
        standing=Standing.TAMPERED if broken
        else Standing.GROWING if is_alive
        else Standing.TORN if torn
        else Standing.CLOSED if is_ended
        else Standing.UNPROVEN,
        records=count,
        head=head,
        torn_bytes=torn,
        bad=count + 1 if broken else None,
        why=broken,
        is_alive=is_alive,
    )  # fmt: skip


def _in_place(record: Record, is_first: bool) -> None:
    """A chain begins with its opening record. Raises Broken."""
    if is_first != isinstance(record.entry, ChainOpened):
        raise Broken("is not the opening of the chain" if is_first else "opens the chain again")


def _dropped(_record: Record) -> None:
    """For whoever wants the verdict only."""
