"""The wall in a real terminal, on the embedded platform: it outlives its own death, every backend's, and not its terminal's."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import NICE, Platform, platform
from tests.e2e.terminal import SANE, Server, Terminal, children, is_alive, need_tmux, tmux_server
from tests.e2e.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
STUCK_S = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_tmux()
    with tmux_server(tmp_path_factory.mktemp("wall")) as running:
        yield running


class OnTheWall:
    """One wall in a terminal."""

    def __init__(self, terminal: Terminal, config: Path) -> None:
        self.terminal = terminal
        terminal.midwatch("--config", config, "wall")
        terminal.shows("read-only", "q leaves", "uk-sport-1")

    @property
    def keeper(self) -> int:
        return min(children(self.terminal.shell))

    @property
    def child(self) -> int:
        """The process that shows it: the keeper's only child, of which the prober is one."""
        return until(lambda: next((pid for pid in children(self.keeper) if _parent(pid) == self.keeper), None), "a child")

    def comes_again(self, before: int, reason: str) -> None:
        """Another process, which says why, and shows what the one before showed."""
        self.terminal.shows(reason, "read-only", "uk-sport-1")
        assert self.child != before and not is_alive(before)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1e3


def test_killed_by_any_signal_it_comes_again_and_q_leaves_the_terminal_as_it_was(server: Server, calm: Platform) -> None:
    wall = OnTheWall(server.terminal("killed", 140, 40), calm.config)
    prober = min(set(children(wall.child)))
    first = wall.child
    os.kill(first, signal.SIGKILL)
    wall.comes_again(first, "restarted once")
    until(lambda: not is_alive(prober), "the old prober to end by itself", 20)
    second = wall.child
    os.kill(second, signal.SIGSEGV)
    wall.comes_again(second, "restarted 2 times")
    assert "ended by SIGSEGV" in wall.terminal.said
    stacks = (server.place / "state" / "midwatch" / "log" / "wall.stacks").read_text()
    assert "Segmentation fault" in stacks and "run_forever" in stacks
    assert resident_mb(wall.keeper) < 60
    wall.terminal.press("q")
    assert wall.terminal.comes_back() == 0
    assert not children(wall.terminal.shell)


def test_stuck_it_is_killed_and_comes_again(server: Server, calm: Platform) -> None:
    wall = OnTheWall(server.terminal("stuck", 140, 40), calm.config)
    first = wall.child
    os.kill(first, signal.SIGSTOP)
    wall.terminal.shows("stuck: no frame for 20 s", within_s=STUCK_S + 60)
    wall.comes_again(first, "restarted once")
    wall.terminal.press("q")
    assert wall.terminal.comes_back() == 0


def test_sigterm_to_the_keeper_ends_both_and_gives_the_terminal_back(server: Server, calm: Platform) -> None:
    wall = OnTheWall(server.terminal("ended", 140, 40), calm.config)
    os.kill(wall.keeper, signal.SIGTERM)
    assert wall.terminal.comes_back() == 143
    assert not children(wall.terminal.shell)


def test_a_terminal_that_goes_away_leaves_no_process(server: Server, calm: Platform) -> None:
    wall = OnTheWall(server.terminal("gone", 140, 40), calm.config)
    all_of_them = {wall.keeper, *children(wall.keeper)}
    assert len(all_of_them) >= 3, "keeper, wall, prober"
    wall.terminal.tmux("kill-session", "-t", wall.terminal.name)
    until(lambda: not any(map(is_alive, all_of_them)), "every process to end", 30)


def test_a_wall_whose_keeper_is_killed_ends_with_the_terminal_as_it_was(server: Server, calm: Platform) -> None:
    wall = OnTheWall(server.terminal("kept by nobody", 140, 40), calm.config)
    child = wall.child
    os.kill(wall.keeper, signal.SIGKILL)
    until(lambda: not is_alive(child), "the wall to end", 30)
    wall.terminal.press("Enter")  # the shell's prompt came while the wall still stood on the other screen
    until(wall.terminal.is_back, "the shell's prompt", 20, seen=lambda: wall.terminal.screen)
    assert wall.terminal.modes == SANE


def test_without_any_backend_it_stays_and_says_so_and_is_well_again_with_them(
    server: Server, tmp_path: Path
) -> None:
    with platform(tmp_path, "calm", NICE) as running:
        wall = OnTheWall(server.terminal("alone", 140, 40), running.config)
        child = wall.child
        wall.terminal.shows("sources 13/13", within_s=120)
        os.kill(running.child.pid, signal.SIGSTOP)  # no backend answers, and none refuses
        wall.terminal.shows("no news", within_s=90)
        assert not re.search(r"channels fine(?!, but no news)", wall.terminal.said)
        os.kill(running.child.pid, signal.SIGCONT)
        until(lambda: "no news" not in wall.terminal.said, "the banner to go", 120, seen=lambda: wall.terminal.screen)
        assert wall.child == child
        wall.terminal.press("q")
        assert wall.terminal.comes_back() == 0


def test_a_changed_configuration_is_followed_by_another_process_and_a_broken_one_is_told(
    server: Server, calm: Platform, tmp_path: Path
) -> None:
    config = tmp_path / "midwatch.toml"
    text = calm.config.read_text().replace('files = ["', f'files = ["{calm.place}/')
    config.write_text(text)
    wall = OnTheWall(server.terminal("changed", 140, 40), config)
    first = wall.child
    config.write_text(text.replace('[[sites.demo.figures]]\nname = "viewers"', '[[sites.demo.figures]]\nname = "people"'))
    wall.terminal.shows("people")
    assert wall.child != first
    assert "restarted" not in wall.terminal.said
    second = wall.child
    config.write_text("[sites")
    wall.terminal.shows("configuration")
    assert wall.child == second
    os.kill(second, signal.SIGKILL)  # now there is no way to begin
    wall.terminal.shows("is started again", "the configuration has 1 error")
    config.write_text(text)
    wall.terminal.shows("restarted", "viewers", "uk-sport-1")
    wall.terminal.press("q")
    assert wall.terminal.comes_back() == 0
