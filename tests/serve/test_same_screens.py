"""The console on a bastion: in a plain sshd's session, and in tmux over it, it is the same screen as in a terminal here.

The help does not change with time, so there the screens are compared cell for cell; of the overview the frame, the heads and the
columns are, with every digit taken as the same.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import ROOT, Platform
from tests.e2e.waiting import until
from tests.serve.client import Client, Window, window
from tests.serve.keys import Keys
from tests.serve.need import need
from tests.serve.sshd import sshd

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
SIZE = (120, 36)


@pytest.fixture(scope="module")
def bastion(place: Path, keys: Keys) -> Iterator[Client]:
    with sshd(place / "bastion", keys) as client:
        yield client


def _environ(place: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(place), "XDG_STATE_HOME": str(place / "state"), "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor",
    }  # fmt: skip


def _command(place: Path, site: Platform, **instead: str) -> list[str]:
    words = [f"{name}={value}" for name, value in {**_environ(place), **instead}.items()]
    return ["env", "-i", *words, sys.executable, "-m", "console", "--config", str(site.config)]


def _shape(screen: str) -> list[tuple[int, int, str]]:
    """Where the heads, the columns and the keys stand, by line and column: what does not change from second to second."""
    words = re.compile(r"[1-4] (?:Streams|Logs|Workloads|Capacity)|S (?:CHANNEL|POD) .*?(?:15 m|STATUS)\b|0-6 9 views.*q quit")
    return [(row, found.start(), found[0]) for row, line in enumerate(screen.splitlines()) for found in words.finditer(line)]


def _screens(terminal: Window) -> tuple[str, str]:
    terminal.shows("Streams", "Logs", "Workloads", "Capacity", "READY", "q quit", within_s=60)
    until(lambda: terminal.screen.count("live") >= 4, "four panes that live", 60, seen=lambda: terminal.screen)
    overview = terminal.screen
    terminal.press("?")
    boxes: list[list[str]] = [[]]

    def whole() -> str | None:
        boxes.append(_box(terminal.screen))
        return "\n".join(boxes[-1]) if len(boxes[-1]) > 10 and boxes[-3:] == [boxes[-1]] * 3 else None

    helped = until(whole, "a help that stands still", 20, seen=lambda: terminal.screen)
    terminal.press("\x1b")
    until(lambda: not _box(terminal.screen), "the help to be gone", 20, seen=lambda: terminal.screen)
    terminal.press("q")
    return overview, helped


def _box(screen: str) -> list[str]:
    """What stands in the box of the help, with its frame."""
    return [found[0] for line in screen.splitlines() if (found := re.search(r"[╭│╰].*[╮│╯]", line))]


@pytest.fixture(scope="module")
def here(place: Path, site: Platform) -> tuple[str, str]:
    """In a terminal of this machine."""
    with window(_command(place / "here", site), _environ(place), SIZE) as terminal:
        return _screens(terminal)


def test_in_a_plain_session_of_sshd_it_is_the_same_screen(bastion: Client, place: Path, site: Platform, here: tuple[str, str]):
    with bastion.window(shlex.join(_command(place / "there", site)), size=SIZE) as terminal:
        overview, helped = _screens(terminal)
        assert terminal.ended(20) == 0
    assert len(_shape(overview)) >= 7
    assert _shape(overview) == _shape(here[0])
    assert helped == here[1]


def test_in_tmux_over_sshd_it_is_the_same_screen(bastion: Client, place: Path, site: Platform, here: tuple[str, str]):
    need("tmux")
    name = f"midwatch-{place.parent.name}"
    inner = shlex.join(_command(place / "tmux", site, TERM="tmux-256color"))
    command = f"tmux -L {name} -f /dev/null new-session -x {SIZE[0]} -y {SIZE[1]} {shlex.quote(inner)} ';' set status off"
    try:
        with bastion.window(f"LC_ALL=C.UTF-8 {command}", size=SIZE) as terminal:
            overview, helped = _screens(terminal)
            terminal.ended(20)
    finally:
        bastion.run(f"tmux -L {name} -f /dev/null kill-server")
    assert len(_shape(overview)) >= 7
    assert _shape(overview) == _shape(here[0])
    assert helped == here[1]
