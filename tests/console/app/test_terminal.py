"""A frame has landed when the tty has taken all of it, and not before."""

from __future__ import annotations

import os
import pty
import threading
import tty
from collections.abc import Callable, Iterator

import pytest

from console.app.terminal import Frame, Wire


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def frame(text: str, landed: Callable[[], None]) -> Frame:
    made = Frame(text)
    made.landed = landed
    return made


def test_it_lands_when_the_last_byte_was_taken(ends: tuple[int, int]) -> None:
    ours, theirs = ends
    landed = threading.Event()
    wire = Wire(theirs, "utf-8", lambda error: None)
    text = "x" * 100_000  # five times what a pty holds unread
    wire.write("modes")
    wire.write(frame(text, landed.set))
    writing = threading.Thread(target=wire.flush, daemon=True)
    writing.start()
    got = b""
    while len(got) < len(text) - 40_000:
        got += os.read(ours, 4096)
    assert not landed.is_set(), "more than a pty holds is not taken yet"
    while len(got) < len(text) + len("modes"):
        got += os.read(ours, 4096)
    assert landed.wait(10)
    writing.join(10)
    wire.flush()
    assert got == b"modes" + text.encode()


def test_on_a_terminal_that_is_gone_nothing_lands() -> None:
    ours, theirs = pty.openpty()
    errors: list[OSError] = []
    landed: list[str] = []
    wire = Wire(theirs, "utf-8", errors.append)
    os.close(ours)
    wire.write(frame("lost", lambda: landed.append("lost")))
    wire.flush()
    wire.write(frame("dropped", lambda: landed.append("dropped")))
    wire.flush()
    os.close(theirs)
    assert len(errors) == 1 and not landed
