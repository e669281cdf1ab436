"""ctrl+z and fg, signals, a terminal that closes, a child that is killed: what is left is a sane terminal and no process."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import Platform
from tests.e2e.terminal import PROMPT, Server, Terminal, children, is_alive, need_tmux, tmux_server
from tests.e2e.waiting import until

pytestmark = pytest.mark.tmux
SOME = ("uk-sport-1", "uk-news-1", "us-news-1")
AWAY_S = 7.0  # longer than any source of these may be silent and called live
AGE = re.compile(r"\blive (\d+(?:\.\d+)?)s")
STORM = ((200, 60), (80, 24), (1, 1), (400, 120), (20, 5), (2, 50), (120, 3), (79, 23), (400, 120), (1, 1), (121, 37))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_tmux()
    with tmux_server(tmp_path_factory.mktemp("jobs")) as opened:
        yield opened


@pytest.fixture(scope="module")
def terminals(server: Server, broken: Platform) -> dict[str, Terminal]:
    """Consoles that start side by side."""
    config = broken.view("jobs", SOME)
    names = ("stopped", "faulty", "closed", "killed")
    opened = {name: server.terminal(name, 120, 36) for name in names}
    for name, terminal in opened.items():
        terminal.python("-m", "tests.e2e.faulty" if name == "faulty" else "console", "--config", config)
    return opened


def console_and_prober(terminal: Terminal) -> tuple[int, int]:
    (console,) = [pid for pid, words in children(terminal.shell).items() if " --config " in words]
    (prober,) = probers(terminal)
    return console, prober


def probers(terminal: Terminal) -> list[int]:
    return [pid for pid, words in children(terminal.shell).items() if " -m console.probe " in words]


def state(pid: int) -> str:
    """As in ps: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def ended(*pids: int) -> None:
    until(lambda: not any(map(is_alive, pids)), "all of them to end", 20, seen=lambda: str([p for p in pids if is_alive(p)]))


def test_ctrl_z_stops_the_whole_job_and_gives_the_terminal_back(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["stopped"]
    terminal.shows("CRIT ", "2 crit", "uk-sport-1")
    pids = console_and_prober(terminal)
    terminal.press("?")
    terminal.shows("─ help ─")
    terminal.press("C-z")  # over a page, too
    terminal.shows("Stopped")
    assert terminal.comes_back() == 128 + signal.SIGTSTP
    assert [state(pid) for pid in pids] == ["T", "T"]
    terminal.resize(100, 30)
    terminal.stopped_at = time.monotonic()


def test_a_stop_that_was_not_ours_and_any_size_leave_a_whole_screen(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["faulty"]
    terminal.shows("CRIT ", "2 crit")
    for width, height in STORM:
        terminal.resize(width, height)
    terminal.resize(60, 20)
    terminal.shows("80x24 needed, this is 60x20")
    console, prober = console_and_prober(terminal)
    os.kill(console, signal.SIGSTOP)
    terminal.shows("Stopped")  # the shell has the terminal, as we had it: raw, on the other screen
    terminal.resize(110, 32)
    terminal.type("fg")
    words = ("Stopped", f"{PROMPT} fg")
    until(lambda: not any(each in terminal.screen for each in words), "the shell's words to go", seen=lambda: terminal.screen)
    terminal.shows("CRIT ", "2 crit", "q quit", "4 Capacity")
    terminal.press("1")  # at once: the terminal may not be taken again yet, and the key counts
    until(lambda: "4 Capacity" not in terminal.screen, "the one view", seen=lambda: terminal.screen)
    terminal.shows("1 Streams", "WHY uk-sport-1")  # one thread reads the keys, not two
    assert state(prober) in "SR"


def test_a_fault_of_ours_is_told_and_only_one_in_the_loop_ends_the_console(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["faulty"]
    terminal.shows("CRIT ", "WHY uk-sport-1")
    pids = console_and_prober(terminal)
    terminal.press("T")
    terminal.shows("a fault of midwatch itself", "RuntimeError: a fault of ours, with 25 letters", "the rest goes on")
    terminal.press("0")
    terminal.shows("4 Capacity", "2 crit")
    terminal.press("-")
    assert terminal.comes_back() == 70
    said = terminal.said
    assert "ended by a fault of its own, not a verdict: RuntimeError: what renews the screen is broken (the traceback is in" in said
    assert "Traceback" not in said and "token-in" not in said
    logged = Path(re.findall(r"the traceback is in (\S+)\)", said)[-1]).read_text()
    assert logged.count("Traceback") == 2 and "in raising" in logged and "in broken" in logged, logged
    ended(*pids)


def test_a_terminal_that_closes_takes_everything_with_it(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["closed"]
    terminal.shows("CRIT ")
    below = (terminal.shell, *children(terminal.shell))
    assert len(below) >= 3
    terminal.tmux("kill-session", "-t", terminal.name)
    ended(*below)


@pytest.mark.proof
def test_a_terminal_that_closes_while_its_console_is_stopped_takes_everything_with_it(server: Server, broken: Platform) -> None:
    """The kernel then sends SIGHUP and SIGCONT to a job that nobody can continue any more."""
    config = broken.view("left", SOME)
    opened = [server.terminal(f"left-{number}", 120, 36) for number in range(4)]
    for terminal in opened:
        terminal.midwatch("--config", config)
    for number, terminal in enumerate(opened):
        terminal.shows("CRIT ")
        if number % 2:
            terminal.press("?")
            terminal.shows("─ help ─")
        terminal.press("C-z")
        terminal.shows("Stopped")
    for terminal in opened:
        below = (terminal.shell, *children(terminal.shell))
        assert len(below) >= 3
        terminal.tmux("kill-session", "-t", terminal.name)
        ended(*below)


def test_no_prober_outlives_a_console_that_was_killed(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["killed"]
    terminal.shows("CRIT ")
    console, prober = console_and_prober(terminal)
    (place,) = [Path(word).parent for word in children(terminal.shell)[prober].split() if "midwatch-probe-" in word]
    os.kill(console, signal.SIGKILL)
    ended(console, prober)
    until(lambda: not place.exists(), "its socket to be removed", 10)
    terminal.shows("Killed")


def test_fg_comes_back_at_the_new_size_and_says_first_how_old_everything_is(terminals: dict[str, Terminal]) -> None:
    """The last one, so that the time away is that of the tests between."""
    terminal = terminals["stopped"]
    assert terminal.stopped_at is not None, "it was not stopped: see the first test"
    until(lambda: time.monotonic() - terminal.stopped_at > AWAY_S, "time to pass")
    pids = console_and_prober(terminal)
    terminal.type("fg")
    first = until(lambda: "midwatch  demo" in (screen := terminal.screen) and screen, "the console")
    assert max(map(len, first.splitlines())) <= 100 and len(first.splitlines()) <= 30, first
    assert terminal.modes["alternate_on"] == "1" and terminal.modes["mouse_any_flag"] == "1"
    assert not [age for age in AGE.findall(first) if float(age) >= AWAY_S], f"called live, of before:\n{first}"
    terminal.press("Escape")
    terminal.shows("CRIT ", "2 crit", "live")
    assert all(state(pid) in "SR" for pid in pids)
    os.kill(pids[1], signal.SIGKILL)
    until(lambda: set(probers(terminal)) - {pids[1]}, "another prober", seen=lambda: terminal.screen)
    pids = console_and_prober(terminal)
    os.kill(pids[0], signal.SIGINT)
    assert terminal.comes_back() == 130
    ended(*pids)
