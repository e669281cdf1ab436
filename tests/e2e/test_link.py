"""In a real terminal: the screen of the link is Textual's own, and a terminal that takes nothing is owed one frame."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.link.terminal import Terminal as Emulated
from tests.e2e.terminal import Server, Terminal, need_tmux, tmux_server
from tests.e2e.test_terms import CONFIG, Wire
from tests.e2e.waiting import until

RATE = re.compile(r"\s*(?:<1|[\d.]+) [kM]B/s")
STYLES = re.compile(r"\x1b\[[\d;]*m")
WALK = (("1",), ("Down", "Down"), ("Enter",), ("Escape", "2"), ("Up",), ("?",), ("PageDown",), ("Escape", "3"), ("G",), ("d",), ("Escape", "0"), ("T",))
SIZES = ((80, 24), (120, 36), (200, 60))
OWED = 60_000  # bytes: Linux keeps 17 kB for a pty that nobody reads, a frame takes up to 8, and some keys are handled late


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_tmux()
    with tmux_server(tmp_path_factory.mktemp("link")) as opened:
        yield opened


def screen(terminal: Terminal, width: int, height: int) -> list[object]:
    """As an eye sees it: of a blank no more than its ground; but for the bytes a second, which the other has not."""
    lines = terminal.tmux("capture-pane", "-e", "-N", "-p", "-t", terminal.name).splitlines()
    emulated = Emulated(width, height)
    emulated.feed("\x1b[?7l\x1b[2J")
    for y, line in enumerate(lines):
        emulated.feed(f"\x1b[{y + 1};1H{line}")
    return [" ".join(RATE.sub("", STYLES.sub("", lines[0])).split()), *emulated.seen()[1:]]


@pytest.mark.tmux
@pytest.mark.parametrize(
    "term", ["tmux-256color", *(pytest.param(each, marks=pytest.mark.proof) for each in ("screen-256color", "xterm-256color", "xterm", "linux"))]
)
def test_with_the_link_and_without_it_the_screen_is_the_same(server: Server, term: str) -> None:
    both = [server.terminal(f"{term}-{mode}", *SIZES[0], TERM=term) for mode in ("full", "off")]
    for terminal, mode in zip(both, ("full", "off"), strict=True):
        terminal.python("-m", "tests.e2e.scened", mode)
    for terminal in both:
        terminal.shows("1 Streams", "UTC", "q quit")
    for size in SIZES if term == "tmux-256color" else SIZES[1:2]:
        for terminal in both:
            terminal.resize(*size)
        for keys in ((), *WALK):
            for terminal in both:
                if keys:
                    terminal.press(*keys)
            until(
                lambda size=size: screen(both[0], *size) == screen(both[1], *size), f"{term} {size}: the same after {keys}", 20,
                seen=lambda: "\n".join(each.drawn for each in both),
            )  # fmt: skip
    assert RATE.search(both[0].lines[0]) and not RATE.search(both[1].lines[0])


def test_a_terminal_that_takes_nothing_is_owed_one_frame_and_then_shown_the_newest(tmp_path: Path) -> None:
    (tmp_path / "far.toml").write_text(CONFIG)
    wire = Wire(tmp_path / "far.toml", {"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    try:
        until(lambda: "4 Capacity" in wire.text and "error" in wire.text, "the screen", seen=lambda: wire.text)
        before = len(wire.written)
        for _ in range(40):  # whole screens in other colours, 100 kB and more of them, and nobody reads
            os.write(wire.ours, b"T")
            time.sleep(0.05)
        os.write(wire.ours, b"?")
        until(lambda: "─ help ─" in wire.text, "what was asked for last", 20, seen=lambda: wire.text)
        assert len(wire.written) - before < OWED
    finally:
        wire.close()
