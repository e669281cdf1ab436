"""A laptop that sleeps and a system clock that is set, under the whole console: its own processes, with other clocks under them.

The clocks are those of clocks.c, preloaded: what a sleep does to CLOCK_BOOTTIME and CLOCK_REALTIME, and what it does not do
to CLOCK_MONOTONIC and to timers, is done to the real process. Each test watches the screen while it happens.
"""

from __future__ import annotations

import mmap
import re
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import Platform, platform
from tests.e2e.terminal import Server, Terminal, need_tmux, tmux_server
from tests.e2e.waiting import until

pytestmark = [pytest.mark.tmux, pytest.mark.proof, pytest.mark.timeout(240)]
SOME = ("uk-sport-1", "uk-news-1", "us-news-1")
SLEPT_S = 600
HOUR = 3600
WELL = ("1 Streams 3 live ", "400 pods", "4 Capacity worst", "no incident")
LIVE_AGE = re.compile(r"\blive (\d+)([smh])\b")
LOG_RATE = re.compile(r"2 Logs (\d+)/s")
RECEIVED = re.compile(r"received ([\d ]+) ·")


class Clocks:
    """What is added to the clocks of those that were started with `environ`."""

    def __init__(self, place: Path, library: Path, name: str) -> None:
        file = place / f"{name}.clocks"
        file.write_bytes(bytes(16))
        self.environ = {"LD_PRELOAD": str(library), "CLOCKS_ADDED": str(file)}
        with file.open("r+b") as opened:
            self._added = mmap.mmap(opened.fileno(), 16)

    def add(self, wall_s: int = 0, boot_s: int = 0) -> None:
        wall, boot = struct.unpack("qq", self._added[:])
        self._added[:] = struct.pack("qq", wall + wall_s * 10**9, boot + boot_s * 10**9)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler (cc): the clocks of a process cannot be replaced")
    built = tmp_path_factory.mktemp("clocks") / "clocks.so"
    source = Path(__file__).with_name("clocks.c")
    subprocess.run([compiler, "-O1", "-Wall", "-shared", "-fPIC", "-o", str(built), str(source), "-ldl"], check=True)
    return built


@pytest.fixture(scope="module")
def machine(library: Path) -> Clocks:
    """On which both the platform and the consoles that sleep with it run: the world goes on while they sleep."""
    return Clocks(library.parent, library, "machine")


@pytest.fixture(scope="module")
def world(machine: Clocks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in machine.environ.items():
            patch.setenv(name, value)
        opened = platform(tmp_path_factory.mktemp("world"), "calm")
        running = opened.__enter__()
    try:
        yield running
    finally:
        opened.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_tmux()
    with tmux_server(tmp_path_factory.mktemp("clocked")) as opened:
        yield opened


def started(server: Server, name: str, config: Path, clocks: Clocks) -> Terminal:
    terminal = server.terminal(name, 120, 36)
    terminal.midwatch("--config", config, **clocks.environ)
    terminal.shows(*WELL)
    until(lambda: " ? " not in terminal.lines[0] and "warming" not in terminal.screen, "it to settle", seen=lambda: terminal.screen)
    return terminal


def watched(terminal: Terminal, seconds: float) -> list[str]:
    """Every screen of that time, as often as tmux tells."""
    seen: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        screen = terminal.screen
        if not seen or seen[-1] != screen:
            seen.append(screen)
        time.sleep(0.03)
    return seen


def blamed(screens: list[str]) -> list[str]:
    """Screens on which something is bad, of a world in which nothing is."""
    return [each for each in screens if re.search(r"\b(?:CRIT|WARN) \d", each.splitlines()[0]) or "INC-" in each]


def received(screen: str) -> int:
    return int(RECEIVED.findall(screen)[0].replace(" ", ""))


def test_after_a_sleep_nothing_of_before_is_called_live_nobody_is_blamed_and_all_is_seen_anew(
    server: Server, world: Platform, machine: Clocks
) -> None:
    terminal = started(server, "asleep", world.view("asleep", SOME), machine)
    machine.add(wall_s=SLEPT_S, boot_s=SLEPT_S)
    slept_at = time.monotonic()
    until(lambda: "away 10m until " in terminal.screen, "it to notice", 5, seen=lambda: terminal.screen)
    noticed_s = time.monotonic() - slept_at
    screens = watched(terminal, 20.0)
    assert noticed_s < 3.0
    assert not blamed(screens), blamed(screens)[0]
    for screen in screens:
        old = [age for age in LIVE_AGE.findall(screen) if age[1] != "s"]
        assert not old, f"called live, of before the sleep:\n{screen}"
    assert "1 Streams 3 live · 3 unknown" in screens[0], screens[0]
    assert "stale · last 10m ago" in screens[0] or "stale" in screens[0], screens[0]
    terminal.shows(*WELL)
    until(lambda: " ? " not in terminal.lines[0], "all to be known again", 30, seen=lambda: terminal.screen)
    terminal.press("2")
    terminal.shows("2 Logs")
    terminal.press("/")
    terminal.shows("filter (esc clears)")
    terminal.type("resumed:")
    logs = terminal.shows(" s missing, ")
    assert 600 <= int(re.findall(r"resumed: (\d+) s missing", logs)[0]) <= 640, logs
    terminal.press("q")
    assert terminal.comes_back() == 0


@pytest.mark.parametrize(("name", "by_s", "told"), [("ahead", HOUR, "1h ahead of ours"), ("behind", -HOUR, "1h behind ours")])
def test_a_system_clock_that_is_set_raises_nothing_hides_nothing_and_is_told(
    server: Server, world: Platform, library: Path, name: str, by_s: int, told: str
) -> None:
    own = Clocks(library.parent, library, name)
    # where the world's clock stands by now
    shared = struct.unpack("qq", (library.parent / "machine.clocks").read_bytes())
    own.add(wall_s=shared[0] // 10**9, boot_s=shared[1] // 10**9)
    terminal = started(server, name, world.view(name, SOME), own)
    before = received(terminal.screen)
    rate = int(LOG_RATE.findall(terminal.screen)[0])
    began = time.monotonic()
    own.add(wall_s=by_s)
    until(lambda: "system clock was set: " in terminal.screen, "it to notice", 5, seen=lambda: terminal.screen)
    screens = watched(terminal, 25.0)
    spent_s = time.monotonic() - began
    assert not blamed(screens), blamed(screens)[0]
    until(lambda: " ? " not in terminal.lines[0], "all to be known", 30, seen=lambda: terminal.screen)
    last = terminal.shows(*WELL)
    assert f"system clock was set: {told}" in last, last
    assert "-1" not in "".join(re.findall(r"(?:live|stale|last) \S+", last)), last
    more = received(last) - before
    assert 0.5 * rate * spent_s < more < 2 * rate * spent_s + 200, f"{more} lines in {spent_s:.0f} s, at {rate}/s before"
    for screen in screens[len(screens) // 2 :]:
        assert not re.findall(r"[34] \w+ .*(?:stale|error|partial)", screen), screen
    terminal.press("2")
    terminal.shows("2 Logs")
    terminal.press("/")
    terminal.shows("filter (esc clears)")
    terminal.type("s missing, ")
    terminal.shows("no lines in this scope")
    terminal.press("q")
    assert terminal.comes_back() == 0
