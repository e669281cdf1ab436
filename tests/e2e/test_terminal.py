"""The console in a real terminal: from the alert to the cause by keys, and a terminal left as it was found."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.midwatch import Running
from tests.e2e.platform import Platform
from tests.e2e.terminal import COLOUR, Server, Terminal, children, is_alive, need_tmux, tmux_server
from tests.e2e.waiting import until

pytestmark = pytest.mark.tmux
SOME = ("uk-sport-1", "uk-news-1", "us-news-1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_tmux()
    with tmux_server(tmp_path_factory.mktemp("terminal")) as opened:
        yield opened


@pytest.fixture(scope="module")
def config(broken: Platform) -> Path:
    return broken.view("some", SOME)


@pytest.fixture(scope="module")
def terminals(server: Server, config: Path) -> dict[str, Terminal]:
    """Three consoles that start side by side, so that nobody waits for each in turn."""
    opened = {
        "wide": server.terminal("wide", 120, 36),
        "small": server.terminal("small", 80, 24),
        "plain": server.terminal("plain", 120, 36, NO_COLOR="1"),
    }
    for terminal in opened.values():
        terminal.midwatch("--config", config)
    return opened


def test_from_the_alert_to_the_cause_and_back_by_single_keys(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["wide"]
    overview = terminal.shows("CRIT ", "2 crit", "INC-", "before it: packager-emea 3.8.2", "ROLLOUT packager-emea 3.8.2")
    assert re.search(r"^ C▸?\s*uk-sport-1 ", overview, re.MULTILINE), overview
    assert re.search(r"WHY uk-sport-1 \[package\] since \d\d:\d\d", overview), overview
    assert terminal.modes["alternate_on"] == "1"
    assert COLOUR.search(terminal.drawn), "an alarm is coloured where colours are allowed"

    terminal.press("1")
    streams = terminal.shows("1 Streams", "): all 5 renditions stale at the origin and all 4 edges")
    assert re.search(r"^ WHY uk-sport-1 \[package\] since \d\d:\d\d", streams, re.MULTILINE), streams
    row = next(line for line in streams.splitlines() if re.match(r" C▸?uk-sport-1 ", line))
    assert "[package] all 5 renditions stale" in row, row

    terminal.press("p")
    pods = terminal.shows("▸ channel=uk-sport-1 service=packager-emea", "ROLLOUT packager-emea 3.8.2", "CrashLoopBackOff")
    named = re.findall(r"^ (\S?)▸?\s*(packager-emea-\S+|[a-z]+-[a-z0-9]+-\S+) +live", pods, re.MULTILINE)
    assert len(named) == 4 and all(name.startswith("packager-emea-") for _, name in named), pods

    terminal.press("l")
    logs = terminal.shows("service=packager-emea", "late by", "2 Logs")
    lines = [line for line in logs.splitlines() if re.match(r" \d\d:\d\d:\d\d", line)]
    assert lines and all("packager-emea" in line for line in lines), logs

    terminal.press("Escape")
    terminal.shows("▸ channel=uk-sport-1 service=packager-emea", "3 Workloads")
    terminal.press("Escape")
    terminal.shows("1 Streams", "WHY uk-sport-1")
    terminal.press("Escape")
    terminal.shows("1 Streams", "2 Logs", "3 Workloads", "4 Capacity")

    terminal.press("q")
    terminal.comes_back()


def test_at_80_columns_the_alarm_and_its_cause_are_still_told(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["small"]
    screen = terminal.shows("CRIT", "uk-sport-1", "INC-")
    assert len(screen.splitlines()) <= 24 and max(map(len, screen.splitlines())) <= 80
    terminal.press("1")
    terminal.shows("1 Streams", "WHY uk-sport-1 [package] since", "all 5 renditions stale at the origin")
    terminal.press("p")
    terminal.shows("packager-emea-", "CrashLoopBackOff")


def test_no_color_means_no_colour_at_all(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["plain"]
    terminal.shows("CRIT", "2 crit")
    for key, title in (("1", "1 Streams"), ("2", "2 Logs"), ("3", "3 Workloads"), ("4", "4 Capacity"), ("?", "─ help ─")):
        terminal.press(key)
        terminal.shows(title)
        found = COLOUR.findall(terminal.drawn)
        assert not found, (title, found[:5])
    terminal.press("Escape")
    until(lambda: "─ help ─" not in terminal.screen, "the help to close", seen=lambda: terminal.screen)
    terminal.press("q")
    terminal.comes_back()


def test_sigterm_leaves_the_terminal_in_order_and_no_process_behind(terminals: dict[str, Terminal]) -> None:
    terminal = terminals["small"]
    terminal.shows("CRIT")
    below = children(terminal.shell)
    consoles = [pid for pid, words in below.items() if " -m console " in words]
    assert len(consoles) == 1, below
    assert any("console.probe" in words for words in below.values()), below
    os.kill(consoles[0], signal.SIGTERM)
    until(lambda: not any(map(is_alive, below)), "all of them to end", seen=lambda: str(children(terminal.shell)))
    terminal.comes_back()


def test_the_demo_takes_its_platform_and_its_prober_with_it(server: Server) -> None:
    terminal = server.terminal("demo", 120, 36)
    terminal.midwatch("demo")
    terminal.shows("12 live", "400 pods", "4 Capacity worst")
    below = children(terminal.shell)
    assert any("console.demo" in words for words in below.values()), below
    assert any("console.probe" in words for words in below.values()), below
    (demo,) = [pid for pid, words in below.items() if words.endswith("-m console demo")]
    os.kill(demo, signal.SIGTERM)
    until(lambda: not any(map(is_alive, below)), "all of them to end", seen=lambda: str(children(terminal.shell)))
    terminal.comes_back()


@pytest.fixture(scope="module")
def piped(config: Path) -> Running:
    return Running(config, TERM="xterm-256color")


@pytest.mark.usefixtures("piped")
def test_a_dumb_terminal_gets_the_text_and_a_hint_beside_it(server: Server, config: Path, tmp_path: Path) -> None:
    terminal = server.terminal("dumb", 120, 36)
    said = tmp_path / "stderr"
    terminal.type(f"export TERM=dumb; exec 2>{said}")
    terminal.midwatch("--config", config)
    screen = terminal.shows("demo · ", "CRIT", "Streams", "uk-sport-1", "rollout packager-emea 3.8.2", "Capacity")
    assert terminal.modes["alternate_on"] == "0" and "no terminal" not in screen
    assert not COLOUR.search(terminal.drawn)
    assert "this is the text digest (midwatch snapshot)" in said.read_text()


def test_a_pipe_gets_the_text_and_a_hint_beside_it(piped: Running) -> None:
    ran = piped.ended()
    assert ran.code == 0 or (ran.code == 5 and "warming" in ran.out), (ran.code, ran.out)  # it waits for 10 s at most
    assert ran.err == "midwatch: no terminal to draw on: this is the text digest (midwatch snapshot)\n"
    assert "\x1b" not in ran.out
    assert "uk-sport-1" in ran.out and "rollout packager-emea 3.8.2" in ran.out
