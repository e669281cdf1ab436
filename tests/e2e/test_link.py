"""In a real terminal: the screen of the link is Textual's own, and a terminal that takes nothing is owed one frame."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.app.abilities import abilities
from tests.console.link.terminal import Terminal as Emulated
from tests.e2e.terminal import Server, Terminal, need_tmux, tmux_server
from tests.e2e.test_terms import CONFIG, Wire
from tests.e2e.waiting import until

RATE = re.compile(r"\s*(?:<1|[\d.]+) [kM]B/s")
STYLES = re.compile(r"\x1b\[[\d;]*m")
Steps = tuple[str, ...]
SIZES = ((80, 24), (120, 36), (200, 60))
WALK: Steps = (
    "1", "Down", "Enter", "Escape", "2", "Up", "?", "PageDown", "Escape", "3", "G", "d", "Escape", ":", "Escape", "4", "T", "9", "0",
)  # fmt: skip
SHORT: Steps = ("1", "Down", "?", "Escape", "2", "0")
MAY_CHANGE_NOTHING = ("Up", "PageDown", "G", "Down")
TERMS = ("screen-256color", "xterm-256color", "xterm", "linux")
OWED = 60_000  # bytes: Linux keeps 17 kB for a pty that nobody reads, a frame takes up to 8, and some keys are handled late


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_tmux()
    with tmux_server(tmp_path_factory.mktemp("link")) as opened:
        yield opened


def screen(terminal: Terminal, width: int, height: int, *, erases: bool) -> list[object]:
    """As an eye sees it: of a blank no more than its ground; but for the bytes a second, which the other has not. tmux does
    not tell the ground of cells that were erased to the end of a line (`erases`): there tests/console/app/test_linked.py looks.
    """
    lines = terminal.tmux("capture-pane", "-e", "-N", "-p", "-t", terminal.name).splitlines()
    emulated = Emulated(width, height)
    emulated.feed("\x1b[?7l\x1b[2J")
    for y, line in enumerate(lines):
        emulated.feed(f"\x1b[{y + 1};1H{line}")
    seen = emulated.seen()[1:]
    for line in seen if erases else ():
        while line and line[-1].shown == " ":
            line.pop()
    return [" ".join(RATE.sub("", STYLES.sub("", lines[0])).split()), *seen]


@pytest.mark.tmux
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("term", "walk", "sizes"),
    [
        ("tmux-256color", SHORT, SIZES),
        pytest.param("tmux-256color", WALK, SIZES, marks=pytest.mark.proof),
        *(pytest.param(term, WALK, SIZES[1:2], marks=pytest.mark.proof) for term in TERMS),
    ],
)
def test_with_the_link_and_without_it_the_screen_is_the_same(
    server: Server, term: str, walk: Steps, sizes: tuple[tuple[int, int], ...]
) -> None:
    both = [server.terminal(f"{term}-{len(walk)}-{mode}", *sizes[0], TERM=term) for mode in ("full", "off")]
    for terminal, mode in zip(both, ("full", "off"), strict=True):
        terminal.python("-m", "tests.e2e.scened", mode)
    for terminal in both:
        terminal.shows("1 Streams", "UTC", "q quit")
    erases = abilities({"TERM": term}, "utf-8").fills_erased
    for size in sizes:
        for terminal in both:
            terminal.resize(*size)
        before: list[object] = []
        for key in ("", *walk):
            for terminal in both:
                if key:
                    terminal.press(key)

            def is_the_same() -> bool:
                ours, theirs = (screen(each, *size, erases=erases) for each in both)  # noqa: B023
                return ours == theirs and (key in MAY_CHANGE_NOTHING or ours != before)  # noqa: B023

            until(is_the_same, f"{term} {size}: the same, and another one, after {key}", 40, seen=lambda: "\n".join(each.drawn for each in both))
            before = screen(both[0], *size, erases=erases)
    for terminal in both:
        terminal.shows("4 Capacity")
        terminal.press("q")
        terminal.comes_back()


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
