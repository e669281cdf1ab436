"""Children in a terminal of a fixed size, taken in turns with their baselines.

The terminal is a pty that is read and thrown away, so that Textual's own driver runs with its writer thread and its
escapes; the bytes are counted. A child writes what it measured as JSON into a file, because its stdout is the
terminal.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[2]
SIZE = (200, 60)
PATIENCE_S = 120.0
_CPU_OF_PROCESS = 2  # linux/posix-timers.h: the clock of a process, CPUCLOCK_SCHED

T = TypeVar("T")


class BenchFailed(Exception):
    """A child did not measure what it should have; holds what it said."""


class Pty:
    """A terminal whose output is counted and dropped."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.master, self.slave = pty.openpty()
        columns, lines = size
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.received = 0
        self.tail = b""
        self.heard: Callable[[bytes], None] | None = None  # is given all that comes, in the reader's thread
        self._awaited: tuple[bytes, Callable[[], None]] | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # EIO: nobody holds the other end any more
                return
            if not data:
                return
            self.received += len(data)
            if self.heard is not None:
                self.heard(data)
            recent = self.tail + data
            self.tail = recent[-4000:]
            if self._awaited is not None and self._awaited[0] in recent:
                self._awaited[1]()
                self._awaited = None

    def when(self, word: str, then: Callable[[], None]) -> None:
        """Call `then`, in the reader's thread, at the first sight of `word`. Ask before the child can have written it."""
        self._awaited = (word.encode(), then)

    def close(self) -> None:
        os.close(self.slave)
        self._reader.join(5)
        os.close(self.master)


def environment(place: Path) -> dict[str, str]:
    """What a child sees: a capable terminal, and nothing of the user's own settings."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(place),
        "XDG_STATE_HOME": str(place),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "BENCH_RESULT": str(place / "result.json"),
        "BENCH_WARM_S": os.environ.get("BENCH_WARM_S", "1.0"),
    }


@contextmanager
def in_terminal(words: Sequence[str], place: Path, size: tuple[int, int] = SIZE) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m WORDS` with a pty as its controlling terminal; ended by SIGTERM, and waited for, on the way out."""
    terminal = Pty(size)
    child = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=ROOT, env=environment(place), stdin=terminal.slave, stdout=terminal.slave, stderr=terminal.slave,
        start_new_session=True,
    )  # fmt: skip
    child.terminal = terminal  # type: ignore[attr-defined]
    try:
        yield child
    finally:
        end(child)
        terminal.close()


def end(child: subprocess.Popen[bytes]) -> None:
    """Stop a child of ours and wait for it."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def cpu_until(word: str, module: str, *arguments: object) -> float:
    """CPU seconds from the start of `python -m MODULE` until `word` arrives at its terminal; then it is killed."""
    with tempfile.TemporaryDirectory(prefix="midwatch-bench-") as folder:
        spent: list[float] = []
        seen = threading.Event()
        with in_terminal([module, *(str(each) for each in arguments)], Path(folder)) as child:
            terminal: Pty = child.terminal  # type: ignore[attr-defined]

            def look() -> None:
                spent.append(cpu_s(child.pid))
                seen.set()

            terminal.when(word, look)
            if not seen.wait(PATIENCE_S):
                raise BenchFailed(f"{module}: no {word!r} on the terminal, but {terminal.tail.decode('utf-8', 'replace')}")
            child.kill()
        return spent[0]


def measured(module: str, *arguments: object, size: tuple[int, int] = SIZE) -> dict[str, Any]:
    """Run `tests.bench.MODULE` in a terminal to its end; what it wrote, and `bytes` it sent to the terminal.

    Raises BenchFailed with the end of what it printed.
    """
    with tempfile.TemporaryDirectory(prefix="midwatch-bench-") as folder:
        place = Path(folder)
        words = [f"tests.bench.{module}", *(str(each) for each in arguments)]
        with in_terminal(words, place, size) as child:
            terminal: Pty = child.terminal  # type: ignore[attr-defined]
            try:
                code = child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                raise BenchFailed(f"{' '.join(words)}: not done within {PATIENCE_S:g} s") from None
            result = place / "result.json"
            if code != 0 or not result.exists():
                said = terminal.tail.decode("utf-8", "replace")
                raise BenchFailed(f"{' '.join(words)}: exit {code}, {said}")
            told: dict[str, Any] = json.loads(result.read_bytes())
            return {**told, "bytes": terminal.received}


def tell(what: dict[str, Any]) -> None:
    """A child's result, for whoever started it."""
    Path(os.environ["BENCH_RESULT"]).write_text(json.dumps(what))


def interleaved(ours: Callable[[], T], baseline: Callable[[], T], repeats: int) -> tuple[list[T], list[T]]:
    """Pairs measured next to each other; who goes first changes, so that a drift of the machine favours nobody."""
    values: list[T] = []
    baselines: list[T] = []
    for turn in range(repeats):
        for each, into in ((ours, values), (baseline, baselines))[:: 1 if turn % 2 == 0 else -1]:
            into.append(each())
    return values, baselines


def cpu_s(pid: int) -> float:
    """CPU seconds of another process so far, all its threads, to the nanosecond."""
    return time.clock_gettime((~pid << 3) | _CPU_OF_PROCESS)


def descendants(pid: int) -> list[int]:
    """Processes started by this one, and by those."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def resident_mb() -> float:
    """Of this process now."""
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """The most that this process ever held."""
    return _status_mb("VmHWM")


def _status_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise BenchFailed(f"/proc/self/status has no {name}")
