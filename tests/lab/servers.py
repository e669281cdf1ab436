"""The servers of the lab as a test finds them: by their pid files, so that one can be held, let go, ended and begun again.

What a test took away it gives back, whatever happens in between: the next test needs the whole lab.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

HERE = Path(__file__).parent
SITE = HERE / "site.toml"
GONE_WITHIN_S = 10.0


def lab_folder() -> Path:
    """$LAB of the lab that is up, as its site.toml tells it."""
    told = next((line[7:] for line in SITE.read_text().splitlines() if line.startswith("# lab: ")), None)
    assert told, f"{SITE} names no lab"
    return Path(told)


def arguments(name: str) -> list[str]:
    """The command line of a server that runs. A pid is given out again, so it must be a command line of our lab's."""
    lab = lab_folder()
    pid = int((lab / f"{name}.pid").read_text())
    told = Path(f"/proc/{pid}/cmdline")
    line = told.read_bytes() if told.exists() else b""
    assert f"{lab}/".encode() in line, f"{name} of the lab does not run (process {pid}); `make lab` again"
    return [part.decode() for part in line.rstrip(b"\0").split(b"\0")]


def pid_of(name: str) -> int:
    arguments(name)
    return int((lab_folder() / f"{name}.pid").read_text())


@contextmanager
def held(name: str) -> Iterator[Callable[[], None]]:
    """The server stands still inside; what is given lets it go on earlier. It goes on in any case."""
    pid = pid_of(name)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield lambda: os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def away(*names: str) -> Iterator[Callable[[], None]]:
    """The servers are ended inside, the last named first; what is given begins them again, in the order named."""
    with ExitStack() as stack:
        begins = [stack.enter_context(_away(name)) for name in reversed(names)]

        def begin() -> None:
            for each in reversed(begins):
                each()

        yield begin


@contextmanager
def _away(name: str) -> Iterator[Callable[[], None]]:
    line, pid, lab = arguments(name), pid_of(name), lab_folder()
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + GONE_WITHIN_S
    while _is_there(pid):
        assert time.monotonic() < end, f"{name} ({pid}) did not end within {GONE_WITHIN_S:g} s of SIGTERM"
        time.sleep(0.02)
    is_begun = False

    def begin() -> None:
        nonlocal is_begun
        if is_begun:
            return
        is_begun = True
        with (lab / f"{name}.log").open("ab") as log:
            begun = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        (lab / f"{name}.pid").write_text(f"{begun.pid}\n")

    try:
        yield begin
    finally:
        begin()


def _is_there(pid: int) -> bool:
    """A zombie has no command line: it has ended, and waits for its parent only."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False
