"""What a console costs that nobody touches: without sources beside a bare Textual app, and on the calm platform.

The pair without sources runs at the same time, since both together leave the machine idle. CPU is read from outside,
of the process alone; the prober is another row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import ROOT, BenchFailed, Pty, cpu_s, descendants, end, in_terminal

SETTLE_S = 6.0  # imports, first lists, first frames
PATIENCE_S = 40.0


def run(is_quick: bool) -> Iterator[Figure]:
    seconds, settle = (0.5, 1.5) if is_quick else (20.0, SETTLE_S)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = place / "midwatch.toml"
        config.write_text("[sites.nothing]\n")
        console = stack.enter_context(_console(config, place))
        bare = stack.enter_context(in_terminal(["tests.bench.bare"], place))
        ours, theirs = _watched([lambda: cpu_s(console.pid), lambda: cpu_s(bare.pid)], settle, seconds)
        _still_there(console, bare)
    percent = 100 / seconds
    yield figure("idle", "% of a core", [ours * percent], [theirs * percent], goal=Goal(1.5, is_ratio=True))
    if is_quick:
        return
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = stack.enter_context(calm(place))
        console = stack.enter_context(_console(config, place))
        time.sleep(settle + 6)
        probers = descendants(console.pid)
        spent = _watched([lambda: cpu_s(console.pid), *(lambda pid=pid: cpu_s(pid) for pid in probers)], 0, seconds)
        _still_there(console)
    yield figure("idle_calm", "% of a core", [spent[0] * percent], goal=Goal(6.0))
    yield figure("idle_calm_prober", "% of a core", [sum(spent[1:]) * percent], goal=None)


def _console(config: Path, place: Path) -> ExitStack:
    words = ["console", "--config", str(config), "--log-file", str(place / "log")]
    return in_terminal(words, place)  # type: ignore[return-value]


@contextmanager
def calm(place: Path, wire_log: Path | None = None) -> Iterator[Path]:
    """The embedded platform, ready."""
    config = place / "platform.toml"
    settings = json.dumps({"scenario": "calm", "config_out": str(config)} | ({"wire_log": str(wire_log)} if wire_log is not None else {}))
    child = subprocess.Popen([sys.executable, "-m", "console.demo", settings], cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not config.exists():
            if child.poll() is not None or time.monotonic() > deadline:
                raise BenchFailed(f"the platform is not ready after {PATIENCE_S:g} s, exit {child.poll()}")
            time.sleep(0.05)
        yield config
    finally:
        end(child)


def _watched(clocks: Sequence[Callable[[], float]], settle_s: float, seconds: float) -> list[float]:
    """How far each clock went in so many seconds, after it had settled."""
    time.sleep(settle_s)
    before = [clock() for clock in clocks]
    time.sleep(seconds)
    return [clock() - was for clock, was in zip(clocks, before, strict=True)]


def _still_there(*children: subprocess.Popen[bytes]) -> None:
    for child in children:
        terminal: Pty = child.terminal  # type: ignore[attr-defined]
        if child.poll() is not None or not terminal.received:
            raise BenchFailed(f"{child.args} ended or never painted: {terminal.tail.decode('utf-8', 'replace')}")
