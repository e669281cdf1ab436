"""OpenSSH's client as a user has it, but with nothing of this machine's: one identity, one known_hosts file, no configuration."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyte

from tests.e2e.waiting import PATIENCE_S, until
from tests.serve.need import found

_PRIVATE = re.compile(r"\x1b\[[<>=][\d;:]*[A-Za-z]")  # what pyte would print: questions and modes of later terminals


class Ended(msgspec.Struct, frozen=True):
    """A client that has ended."""

    code: int
    out: str
    err: str


class Client(msgspec.Struct, frozen=True):
    """Who logs in where, with what."""

    port: int
    known_hosts: Path
    user: str
    identity: Path | None
    host: str = "127.0.0.1"
    before: tuple[str, ...] = ()  # words before the command: ip netns exec NAME
    home: Path = Path("/nonexistent")

    def options(self, *more: str) -> list[str]:
        """-o and its value, for ssh, scp and sftp alike."""
        told = [
            f"UserKnownHostsFile={self.known_hosts}", "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes", "IdentityAgent=none", "ConnectTimeout=30", "LogLevel=INFO", "ControlPath=none", *more,
        ]  # fmt: skip
        if self.identity is not None:
            told.append(f"IdentityFile={self.identity}")
        if not any(option.startswith("BatchMode") for option in more):
            told.append("BatchMode=yes")
        return ["-F", "none", *(word for option in told for word in ("-o", option))]

    def words(self, *command: str, flags: Sequence[str] = (), options: Sequence[str] = ()) -> list[str]:
        where = ["-p", str(self.port), "-l", self.user]
        return [*self.before, found("ssh") or "ssh", *self.options(*options), *where, *flags, self.host, *command]

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(self.home), "LC_ALL": "C.UTF-8",
                "TERM": "xterm-256color", "COLORTERM": "truecolor"}  # fmt: skip

    def run(
        self,
        *command: str,
        flags: Sequence[str] = (),
        options: Sequence[str] = (),
        given: bytes | None = None,
        within_s: float = PATIENCE_S,
        **environ: str,
    ) -> Ended:
        """`ssh ... COMMAND` without a terminal, to its end. AssertionError when there is none."""
        return ended(
            self.words(*command, flags=flags, options=options), {**self.environment, **environ}, within_s, given
        )

    @contextmanager
    def window(
        self, *command: str, size: tuple[int, int] = (120, 36), flags: Sequence[str] = ("-tt",),
        options: Sequence[str] = (), pretended: tuple[int, int] | None = None, **environ: str,
    ) -> Iterator[Window]:  # fmt: skip
        """`ssh -tt ... COMMAND` in a terminal of its own, hung up on the way out. `pretended`: the size that it says it has."""
        words = self.words(*command, flags=flags, options=options)
        with window(words, {**self.environment, **environ}, size, pretended) as opened:
            yield opened

    def text(self, *command: str, flags: Sequence[str] = (), options: Sequence[str] = ()) -> str:
        """The command for a shell to type."""
        return shlex.join(self.words(*command, flags=flags, options=options))


def ended(
    words: Sequence[str], environ: Mapping[str, str], within_s: float = PATIENCE_S, given: bytes | None = None
) -> Ended:
    """A program to its end."""
    with subprocess.Popen(
        words, env=dict(environ), stdin=subprocess.PIPE if given is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as child:  # fmt: skip
        try:
            out, err = child.communicate(given, timeout=within_s)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            raise AssertionError(f"{shlex.join(words)} did not end within {within_s:g} s: {out!r} {err!r}") from None
    return Ended(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


class Window:
    """A terminal with a program in it, and what stands on its screen. A thread reads, as a terminal does, until `deaf`."""

    def __init__(self, child: subprocess.Popen[bytes], master: int, size: tuple[int, int]) -> None:
        self.child = child
        self._master = master
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._stream.select_other_charset("@")
        self._stream.use_utf8 = True
        self._lock = threading.Lock()
        self._held = b""
        self.received = 0
        self.turns = threading.Condition(self._lock)  # notified at each piece that came
        self._listens = threading.Event()
        self._listens.set()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            self._listens.wait()
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: nobody holds the other end any more
                return
            if not data:
                return
            with self.turns:
                self.received += len(data)
                self._feed(data)
                self.turns.notify_all()

    def _feed(self, data: bytes) -> None:
        whole = self._held + data
        cut = whole.rfind(b"\x1b", -32)
        self._held = whole[cut:] if cut >= 0 and not re.search(rb"[@-Z\\^-~]", whole[cut + 2 :]) else b""
        shown = whole[: len(whole) - len(self._held)] if self._held else whole
        self._stream.feed(_PRIVATE.sub("", shown.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))

    @property
    def lines(self) -> list[str]:
        with self._lock:
            return [line.rstrip() for line in self._screen.display]

    @property
    def screen(self) -> str:
        return "\n".join(self.lines)

    def cells(self, row: int) -> str:
        """One line with its background colours, so that a cursor that is a colour is seen to move."""
        with self._lock:
            line = self._screen.buffer[row]
            return "".join(f"{line[x].data}{line[x].bg}{line[x].reverse:d}" for x in range(self._screen.columns))

    def press(self, text: str) -> None:
        """Keys as a terminal sends them."""
        os.write(self._master, text.encode())

    def resize(self, width: int, height: int) -> None:
        with self._lock:
            self._screen.resize(height, width)
        self.pretend(width, height)

    def pretend(self, width: int, height: int) -> None:
        """Tell the program of a size that our screen does not have."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def shows(self, *texts: str, within_s: float = PATIENCE_S) -> str:
        """The screen, once it has all of `texts`."""
        return until(
            lambda: screen if all(text in (screen := self.screen) for text in texts) else None,
            f"the screen to show {', '.join(texts)}", within_s, seen=lambda: self.screen,
        )  # fmt: skip

    def when(self, so: Callable[[], bool], within_s: float = PATIENCE_S) -> float:
        """When (monotonic) `so` first held; asked at each piece that comes, so that no polling is in the figure."""
        end = time.monotonic() + within_s
        with self.turns:
            while True:
                self.turns.release()
                try:
                    holds = so()
                finally:
                    self.turns.acquire()
                now = time.monotonic()
                if holds:
                    return now
                assert now < end, "it did not happen; the screen:\n" + "\n".join(self._screen.display)
                self.turns.wait(min(0.05, end - now))

    def deaf(self) -> None:
        """A terminal that is stopped: it takes nothing any more."""
        self._listens.clear()

    def hears(self) -> None:
        self._listens.set()

    def ended(self, within_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.child.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {within_s:g} s; the screen:\n{self.screen}") from None

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self._listens.set()
        self._reader.join(5)
        os.close(self._master)


@contextmanager
def window(
    words: Sequence[str], environ: Mapping[str, str], size: tuple[int, int], pretended: tuple[int, int] | None = None
) -> Iterator[Window]:
    """A program in a terminal of its own, its controlling one."""
    master, slave = pty.openpty()
    width, height = pretended or size
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    child = subprocess.Popen(
        ["setsid", "--ctty", *words], env=dict(environ), stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    opened = Window(child, master, size)
    try:
        yield opened
    finally:
        opened.close()
