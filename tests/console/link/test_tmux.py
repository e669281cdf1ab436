"""A real tmux shows the wanted frame: wide characters, marks, colours, erasures and all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from console.link import Link
from tests.console.link.terminal import Seen, Style, Terminal
from tests.console.link.wanted import COMMON, Painter, Wanted

pytestmark = [
    pytest.mark.tmux,
    pytest.mark.proof,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here"),
]
WIDTH, HEIGHT = 30, 8
PATIENCE_S = 5
PAINTINGS = (Painter.scribble, Painter.scribble, Painter.blank, Painter.recolour, Painter.scroll, Painter.fill)
TOLD = frozenset(["bold", "dim", "italic", "underline", "reverse", "strike"])  # what capture-pane tells as it is

# Writes the file whose name it is told to the terminal, as it stands, and then says so.
WRITER = """
import os, sys, tty
tty.setraw(1)
folder = sys.argv[1]
for number in range(int(sys.argv[2])):
    data = open(f"{folder}/frames", "rb").read()
    while data:
        data = data[os.write(1, data):]
    open(f"{folder}/{number}.written", "w").close()
sys.stdin.read()
"""


class Told(Painter):
    @staticmethod
    def _style(random: Random) -> Style:
        style = Painter._style(random)
        return style._replace(attributes=style.attributes & TOLD)


def until(what: str, is_so: object) -> None:
    ends_at = monotonic() + PATIENCE_S
    while not is_so():  # type: ignore[operator]
        assert monotonic() < ends_at, f"{what}: not within {PATIENCE_S} s"
        sleep(0.005)


def test_tmux_shows_the_wanted_frame(tmp_path: Path) -> None:
    random, frames = Random(4), 80
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}
    environ.pop("TMUX", None)

    def tmux(*words: str) -> str:
        command = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout

    def shown() -> list[list[Seen]]:
        """What tmux has, read by a terminal that is known to be right."""
        terminal = Terminal(WIDTH, HEIGHT)
        terminal.feed("\x1b[?7l\x1b[2J")
        for y, line in enumerate(tmux("capture-pane", "-p", "-e", "-N").split("\n")[:HEIGHT]):
            terminal.feed(f"\x1b[{y + 1}H{line}")
        return terminal.seen()

    os.mkfifo(tmp_path / "frames")
    (tmp_path / "writer.py").write_text(WRITER)
    words = [sys.executable, str(tmp_path / "writer.py"), str(tmp_path), str(frames)]
    size = ["-x", str(WIDTH), "-y", str(HEIGHT)]
    tmux("start-server", ";", "set", "-g", "status", "off", ";", "new-session", "-d", *size, *words)
    try:
        wanted, link = Wanted(WIDTH, HEIGHT), Link(WIDTH, HEIGHT)
        painter = Told(wanted, link, COMMON)
        for number in range(frames):
            random.choice(PAINTINGS)(painter, random)
            (tmp_path / "frames").write_bytes(link.frame().encode() or b"\x1b[?7l")
            until("the frame is written", (tmp_path / f"{number}.written").exists)
            until(f"tmux shows frame {number}", lambda: shown() == wanted.seen())
    finally:
        tmux("kill-server")
