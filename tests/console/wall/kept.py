"""A keeper on a terminal of its own, with children that do as a test wishes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.platform import ROOT
from tests.e2e.waiting import until

HEAD = """
import os, signal, sys, time
from pathlib import Path
from console.wall.keeping import keep
from console.wall.life import Patience

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def alive(pulse, seconds=60.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pulse.beat()
        time.sleep(0.02)
"""


class Kept:
    """A keeper that runs; `said` is all that stood on its terminal."""

    def __init__(self, body: str, patience: str, *arguments: str) -> None:
        script = f"{HEAD}\n{body}\nsys.exit(keep(shown, Patience({patience})))\n"
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)

        def take() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *arguments], stdin=slave, stdout=slave, stderr=slave,
            cwd=ROOT, start_new_session=True, preexec_fn=take,  # noqa: PLW1509 - one thread
        )  # fmt: skip
        os.close(slave)
        self.said = ""

    def hear(self) -> str:
        """What has been said by now."""
        while self.master >= 0 and select.select([self.master], [], [], 0)[0]:
            try:
                data = os.read(self.master, 65_536)
            except OSError:
                break
            if not data:
                break
            self.said += data.decode("utf-8", "replace")
        return self.said

    def says(self, pattern: str, within_s: float = 20.0) -> re.Match[str]:
        """The last thing of this pattern."""
        return until(
            lambda: next(reversed(list(re.finditer(pattern, self.hear()))), None), pattern, within_s, seen=lambda: self.said
        )

    def child(self, number: int) -> int:
        """The process of this life, counted from 0."""
        return int(self.says(rf"life {number} is (\d+)\b")[1])

    @property
    def attrs(self) -> list[object]:
        return termios.tcgetattr(self.master)

    def ended(self, within_s: float = 20.0) -> int:
        deadline = time.monotonic() + within_s
        while self.process.poll() is None:
            self.hear()
            assert time.monotonic() < deadline, self.said
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        self.hear()
        return self.process.returncode

    def hang_up(self) -> None:
        os.close(self.master)
        self.master = -1


def is_gone(pid: int) -> bool:
    """Ended; one that nobody has buried yet counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        return True


@contextmanager
def kept(body: str, patience: str = "least_s=0.01, most_s=0.04", *arguments: str) -> Iterator[Kept]:
    """With children that run `shown(pulse, past)` of `body`."""
    one = Kept(body, patience, *arguments)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGKILL)
            one.process.wait()
        for pid in re.findall(r"life \d+ is (\d+)", one.said):
            with suppress(ProcessLookupError):
                until(lambda pid=pid: is_gone(int(pid)), f"{pid} to end", 10)
        if one.master >= 0:
            one.hang_up()
