"""A real terminal: a tmux server of our own, a shell in it, and what stands on its screen."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.platform import NICE, ROOT
from tests.e2e.waiting import PATIENCE_S, until

PROMPT = "READY>"
SANE = {
    "alternate_on": "0", "cursor_flag": "1", "mouse_any_flag": "0", "mouse_sgr_flag": "0", "keypad_cursor_flag": "0",
    "wrap_flag": "1", "insert_flag": "0",
}  # fmt: skip
"""The modes of a terminal in which a shell waits, as tmux names them."""
COLOUR = re.compile(r"\x1b\[(?:[\d;:]*[;:])?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:[;:][\d;:]*)?m")


class Terminal:
    """One session of the server, with a shell that shows PROMPT."""

    def __init__(self, server: str, name: str) -> None:
        self._server = server
        self.name = name
        self.stopped_at: float | None = None
        self._times_back = 0

    def command(self, *arguments: str) -> list[str]:
        """What speaks to our server."""
        return [*NICE, "tmux", "-L", self._server, "-f", "/dev/null", *arguments]

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    @property
    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", self.name)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.splitlines()]

    @property
    def said(self) -> str:
        """The screen, lines that the terminal broke made whole."""
        return self.tmux("capture-pane", "-p", "-J", "-t", self.name)

    @property
    def drawn(self) -> str:
        """The screen with its escapes."""
        return self.tmux("capture-pane", "-e", "-p", "-t", self.name)

    @property
    def shell(self) -> int:
        return int(self.tmux("display-message", "-p", "-t", self.name, "#{pane_pid}"))

    @property
    def modes(self) -> dict[str, str]:
        names = tuple(SANE)
        told = self.tmux("display-message", "-p", "-t", self.name, " ".join(f"#{{{name}}}" for name in names))
        return dict(zip(names, told.split(), strict=True))

    def type(self, line: str) -> None:
        """A line into the shell."""
        self.tmux("send-keys", "-t", self.name, "-l", line)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", self.name, *keys)

    def midwatch(self, *arguments: str | Path, **environ: str) -> None:
        """Start midwatch in the shell."""
        self.python("-m", "console", *arguments, **environ)

    def python(self, *arguments: str | Path, **environ: str) -> None:
        """Start our interpreter in the shell, which remembers how its terminal was set."""
        words = [f"{name}={shlex.quote(value)}" for name, value in environ.items()]
        words += [shlex.quote(str(word)) for word in (sys.executable, *arguments)]
        self.type("before=$(stty -a | tail -n +2); clear; " + " ".join(words))

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-t", self.name, "-x", str(width), "-y", str(height))

    def shows(self, *texts: str, within_s: float = PATIENCE_S) -> str:
        """The screen, once it has all of `texts`; a line that was broken in two counts as whole."""

        def found() -> str | None:
            screen = self.screen
            whole = screen + " ".join(screen.split())
            return screen if all(text in whole for text in texts) else None

        return until(found, f"the screen to show {', '.join(texts)}", within_s, seen=lambda: self.screen)

    def is_back(self) -> bool:
        """The shell's prompt is the last thing on the screen."""
        shown = [line for line in self.lines if line]
        return bool(shown) and shown[-1] == PROMPT

    def comes_back(self, within_s: float = PATIENCE_S) -> int:
        """Wait for the shell; then see that the terminal is as it was: cursor, screen, mouse, every setting of the tty.

        Answers what the shell was told in the end: an exit code, or 148 of a job that was stopped.
        """
        until(self.is_back, "the shell's prompt", within_s, seen=lambda: self.screen)
        assert self.modes == SANE
        self.type(
            f'code=$?; stty -a | tail -n +2 | diff <(echo "$before") - && echo "sane-$((40+{self._times_back})) ended-$code"'
        )
        sane = f"sane-{40 + self._times_back} ended-"
        self.shows(sane)
        screen = self.said
        assert f"$((40+{self._times_back}))" in screen, "the shell does not echo"
        self._times_back += 1
        return int(screen.partition(sane)[2].split()[0])


@contextmanager
def tmux_server(place: Path) -> Iterator[Server]:
    """A server of its own name, of which nothing stays."""
    server = Server(f"midwatch-{uuid.uuid4().hex[:12]}", place)
    try:
        yield server
    finally:
        server.end()


class Server:
    """Opens terminals."""

    def __init__(self, name: str, place: Path) -> None:
        self._name = name
        self.place = place

    def terminal(self, name: str, width: int, height: int, **environ: str) -> Terminal:
        """A new terminal; `environ` beside what a login shell would have."""
        terminal = Terminal(self._name, name)
        clean: Mapping[str, str] = {
            "PS1": f"{PROMPT} ", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.place), "XDG_STATE_HOME": str(self.place / "state"), "PYTHONPATH": str(ROOT), **environ,
        }  # fmt: skip
        words = " ".join(f"{key}={shlex.quote(value)}" for key, value in clean.items())
        terminal.tmux(
            "new-session", "-d", "-s", name, "-x", str(width), "-y", str(height), "-c", str(ROOT),
            f"exec env -i {words} bash --norc --noprofile",
        )  # fmt: skip
        until(terminal.is_back, "a shell", 20, seen=lambda: terminal.screen)
        return terminal

    def end(self) -> None:
        """Only our own server."""
        subprocess.run(["tmux", "-L", self._name, "-f", "/dev/null", "kill-server"], capture_output=True, check=False)


def need_tmux() -> None:
    """Skips, with the reason told, where there is none."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed: a real terminal cannot be driven")


def children(pid: int) -> dict[int, str]:
    """All that descend from a process now, with their command lines."""
    parents: dict[int, int] = {}
    words: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            told = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if stat[0] != "Z":
            parents[int(entry.name)] = int(stat[1])
            words[int(entry.name)] = told.strip()
    found: dict[int, str] = {}
    reached = {pid}
    while reached:
        reached = {child for child, parent in parents.items() if parent in reached and child not in found}
        found |= {child: words[child] for child in reached}
    return found


def is_alive(pid: int) -> bool:
    """False for a zombie: it holds nothing."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
