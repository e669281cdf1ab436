"""Every kind of terminal, by its own wire: nothing comes out that it does not know, and a severity is read without a colour."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from tests.e2e.platform import NICE, ROOT
from tests.e2e.terminal import Terminal as Session
from tests.e2e.terminal import need_tmux, tmux_server
from tests.e2e.waiting import until
from tests.hostile.terminal import Terminal

HELP = re.compile(r"[─-] help [─-]")
WIDTH, HEIGHT = 120, 36
TRUE = re.compile(rb"\x1b\[(?:[\d;]*;)?[34]8;2;")
INDEXED = re.compile(rb"\x1b\[(?:[\d;]*;)?[34]8;5;")
ANY_COLOUR = re.compile(rb"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[\d;]*)?m")
QUESTION = re.compile(rb"\x1b\[\?(?:2026|2048)\$p|\x1b\[>\d+u|\x1b\]")
# TERM and more -> how many colours may come, which signal ends it, and the exit code that it then has
KINDS: dict[str, tuple[dict[str, str], str, int]] = {
    "truecolor": ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "true", signal.SIGTERM),
    "256": ({"TERM": "xterm-256color"}, "indexed", signal.SIGHUP),
    "xterm": ({"TERM": "xterm"}, "sixteen", signal.SIGQUIT),
    "vt100": ({"TERM": "vt100"}, "none", signal.SIGINT),
    "linux": ({"TERM": "linux"}, "sixteen", signal.SIGTERM),
    "tmux": ({"TERM": "tmux-256color"}, "indexed", 0),
    "screen": ({"TERM": "screen-256color"}, "indexed", 0),
    "latin-1": ({"TERM": "xterm-256color", "PYTHONIOENCODING": "latin-1"}, "indexed", 0),
}
PLAIN = ("truecolor", "vt100", "linux")
"""The others are of make proof: each is a console of its own."""
CONFIG = """
[sites.far]
[sites.far.prometheus]
url = "http://127.0.0.1:9"
[sites.far.elasticsearch]
url = "http://127.0.0.1:9"
index = "logs-*"
[[sites.far.gauges]]
name = "egress"
used = "a"
total = "b"
unit = "bit/s"
warn = 0.8
crit = 0.9
"""


class Wire:
    """midwatch on a terminal of its own, and every byte that it writes there."""

    def __init__(self, config: Path, environ: dict[str, str], *, is_controlling: bool = True) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs  # held open: what the tty was set to in the end can be asked
        clean = {
            "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT), "HOME": str(config.parent),
            "XDG_STATE_HOME": str(config.parent), **environ,
        }  # fmt: skip
        self.child = subprocess.Popen(
            [*(("setsid", "--ctty") if is_controlling else ()), *NICE, sys.executable, "-m", "console", "--config", str(config)],
            stdin=theirs, stdout=theirs, stderr=theirs, env=clean, cwd=ROOT, start_new_session=not is_controlling,
        )  # fmt: skip
        self.written = b""
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._pyte = pyte.ByteStream(self._screen)

    def read(self) -> None:
        while select.select([self.ours], [], [], 0)[0]:
            try:
                data = os.read(self.ours, 65536)
            except OSError:
                return
            self.written += data
            self._pyte.feed(QUESTION_OR_KITTY.sub(b"", data))

    @property
    def text(self) -> str:
        self.read()
        return "\n".join(self._screen.display)

    def settings(self) -> list[object]:
        return list(termios.tcgetattr(self._theirs))

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self.ours)
        os.close(self._theirs)


QUESTION_OR_KITTY = re.compile(rb"\x1b\[\?\d+\$p|\x1b\[[<>]\d*u|\x1b\]22;[a-z-]*\x07")  # pyte prints them


@pytest.fixture(scope="module")
def wires(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Wire]]:
    """One of each kind, side by side, on a site whose backends refuse."""
    place = tmp_path_factory.mktemp("terms")
    (place / "far.toml").write_text(CONFIG)
    kinds = {name for item in request.session.items for name in KINDS if item.name.endswith(f"[{name}]")}
    opened = {name: Wire(place / "far.toml", KINDS[name][0]) for name in kinds}
    yield opened
    for wire in opened.values():
        wire.close()


@pytest.mark.parametrize("kind", [name if name in PLAIN else pytest.param(name, marks=pytest.mark.proof) for name in KINDS])
def test_a_terminal_gets_what_it_knows_and_is_left_as_it_was(wires: dict[str, Wire], kind: str) -> None:
    wire, (_, colours, ending) = wires[kind], KINDS[kind]
    until(lambda: "4 Capacity" in wire.text and "error" in wire.text, "the screen", seen=lambda: wire.text)
    shown = wire.text
    lines = shown.splitlines()
    assert re.search(r"^ ?\? .?4 Capacity|\? +4 Capacity", shown, re.MULTILINE), shown  # the letter, not the colour
    assert re.search(r" \? \d", lines[0]), lines[0]
    os.write(wire.ours, b"?")
    until(lambda: HELP.search(wire.text), "the help", 20, seen=lambda: wire.text)
    shown = wire.text
    if ending:
        wire.child.send_signal(ending)
    else:
        os.write(wire.ours, b"\x1b")
        until(lambda: not HELP.search(wire.text), "the help to close", 20, seen=lambda: wire.text)
        os.write(wire.ours, b"q")
    until(lambda: (wire.read(), wire.child.poll())[1] is not None, "its end", 20, seen=lambda: wire.text)
    wire.read()
    assert wire.child.returncode == (128 + ending if ending else 0)
    assert wire.settings() == wire.before
    for mode in (rb"1049", rb"25", rb"1000", rb"1003", rb"1006", rb"2004", rb"7"):
        switched = re.findall(rb"\x1b\[\?" + mode + rb"([hl])", wire.written)
        assert switched[-1:] == ([b"h"] if mode in (b"25", b"7") else [b"l"]), (mode, switched)

    text = wire.written.decode("latin-1" if kind == "latin-1" else "utf-8")
    Terminal(WIDTH, HEIGHT).feed(text)
    assert bool(TRUE.search(wire.written)) is (colours == "true")
    assert bool(INDEXED.search(wire.written)) is (colours == "indexed")
    assert bool(ANY_COLOUR.search(wire.written)) is (colours != "none")
    foreign = {character for character in text if ord(character) > 126}
    if kind == "latin-1":
        assert not foreign and "?" * 5 not in shown, foreign
        assert "+- help " in shown
    elif kind in ("linux", "vt100"):
        assert not {character for character in foreign if not _is_of_437(character)}, foreign
        assert not QUESTION.search(wire.written)
        assert "┌─ help ─" in shown
    else:
        assert "╭─ help ─" in shown


def _is_of_437(character: str) -> bool:
    try:
        character.encode("cp437")
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.proof
def test_a_terminal_that_hangs_up_without_a_signal_ends_the_console(tmp_path: Path) -> None:
    """`setsid`, a serial line, a container: nobody sends SIGHUP; the input ends, and that is all."""
    (tmp_path / "far.toml").write_text(CONFIG)
    wire = Wire(tmp_path / "far.toml", {"TERM": "xterm-256color"}, is_controlling=False)
    try:
        until(lambda: "4 Capacity" in wire.text, "the screen", seen=lambda: wire.text)
        os.close(wire._theirs)
        os.close(wire.ours)
        until(lambda: wire.child.poll() is not None, "its end", 20)
        assert wire.child.returncode == 128 + signal.SIGHUP
    finally:
        wire.child.kill()
        wire.child.wait()


@pytest.mark.proof
def test_a_terminal_that_takes_nothing_cannot_keep_the_console_from_ending(tmp_path: Path) -> None:
    (tmp_path / "far.toml").write_text(CONFIG)
    wire = Wire(tmp_path / "far.toml", {"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    try:
        until(lambda: "4 Capacity" in wire.text, "the screen", seen=lambda: wire.text)
        began = time.monotonic()

        def is_full() -> bool:
            os.write(wire.ours, b"?\x1bT")  # whole screens, and nobody reads them
            return time.monotonic() - began > 4.0

        until(is_full, "its output to be full", 20)
        wire.child.send_signal(signal.SIGTERM)
        until(lambda: wire.child.poll() is not None, "its end", 15)
        assert wire.child.returncode == 128 + signal.SIGTERM
        assert wire.settings() == wire.before
    finally:
        wire.close()


@pytest.mark.proof
@pytest.mark.tmux
def test_detached_and_attached_at_other_sizes_by_other_terminals_the_screen_is_whole(tmp_path: Path) -> None:
    need_tmux()
    (tmp_path / "far.toml").write_text(CONFIG)
    with tmux_server(tmp_path) as server:
        terminal = server.terminal("moved", 120, 36, TERM="tmux-256color")
        terminal.midwatch("--config", tmp_path / "far.toml")
        terminal.shows("4 Capacity", "error")
        for term, width, height in (("screen-256color", 90, 28), ("vt100", 132, 43), ("xterm-256color", 60, 18), ("linux", 100, 30)):
            with client(terminal, term, width, height):
                until(lambda: max(map(len, terminal.lines)) <= width and _is_whole(terminal, width, height), f"{width}x{height}", 15, lambda: terminal.screen)  # noqa: B023
            until(lambda: _clients(terminal) == 0, "it to be detached", 10)
            terminal.shows("midwatch", "UTC")  # unseen, it goes on
        terminal.press("q")
        assert terminal.comes_back() == 0


@contextmanager
def client(terminal: Session, term: str, width: int, height: int) -> Iterator[None]:
    """Somebody at another terminal, who attaches, reads, and detaches."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    child = subprocess.Popen(
        ["setsid", "--ctty", *terminal.command("attach-session", "-t", terminal.name)],
        stdin=theirs, stdout=theirs, stderr=theirs, env={"TERM": term, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    os.close(theirs)

    def drain() -> None:
        try:
            while os.read(ours, 65536):
                pass
        except OSError:
            pass  # EIO: the client has left

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        until(lambda: _clients(terminal) == 1, "the client", 10)
        yield
        terminal.tmux("detach-client", "-s", terminal.name)
        child.wait(10)
    finally:
        child.kill()
        child.wait()
        reader.join(5)
        os.close(ours)


def _clients(terminal: Session) -> int:
    return len(terminal.tmux("list-clients", "-t", terminal.name).splitlines())


def _is_whole(terminal: Session, width: int, height: int) -> bool:
    """Head line to the right edge, and the last line where it belongs: tmux keeps one line for itself."""
    told = terminal.tmux("display-message", "-p", "-t", terminal.name, "#{pane_width} #{pane_height}").split()
    lines = terminal.lines
    last = "q quit" if width >= 80 and height - 1 >= 24 else "80x24 needed"
    return told == [str(width), str(height - 1)] and "midwatch" in lines[0] and "UTC" in lines[0] and last in lines[height - 2]
