"""CPU from the start of the console until its four panes are live, on the embedded platform that is already up: the console
and its prober, not the platform; beside a Textual app of one word until it is painted.

Live is what the head of each pane says on the terminal. The streams become so last, since a channel has to be watched for
one and a half target durations before its pane stands by what it says; so the moment in which every pane has its first
answer is told as well.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyte

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import SIZE, BenchFailed, Pty, cpu_s, cpu_until, descendants, in_terminal, interleaved
from tests.bench.idle import calm

PATIENCE_S = 60.0
PANES = ("Streams", "Logs", "Workloads", "Capacity")
ANSWERED = frozenset(("live", "partial"))
_STRANGE = re.compile(rb"\x1b\[\?\d+\$p|\x1b\[[<>]\d*u|\x1b\]22;[a-z-]*\x07")  # pyte prints them
_HEAD = re.compile(rf"\d ({'|'.join(PANES)}) ((?:(?!\d (?:{'|'.join(PANES)}) ).)*)")
_STATE = re.compile(r"(live|partial|stale|connecting|error)(?: [\d.]+ ?\w+)?\s*$")


class Heads:
    """What the head of each pane says: read from a screen, because the terminal is sent but the cells that change."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self._screen = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self._screen)

    def hear(self, data: bytes) -> None:
        """Take what the terminal was sent."""
        self._stream.feed(_STRANGE.sub(b"", data))
        for line in self._screen.display:
            for title, told in _HEAD.findall(line):
                if (state := _STATE.search(told.rstrip("CW? "))) is not None:
                    self.states[title] = state[1]

    def are(self, wanted: frozenset[str]) -> bool:
        """Whether every pane is in one of these states."""
        return len(self.states) == len(PANES) and wanted.issuperset(self.states.values())


def _spent(config: Path) -> tuple[float, float]:
    """CPU ms of console and prober until every pane has an answer, and until all are live."""
    with (
        tempfile.TemporaryDirectory(prefix="midwatch-bench-") as place,
        in_terminal(["console", "--config", str(config), "--log-file", f"{place}/log"], Path(place)) as console,
    ):
        terminal: Pty = console.terminal  # type: ignore[attr-defined]
        heads, answered, live = Heads(), [], []
        is_over = threading.Event()

        def cpu() -> float:
            return sum(map(cpu_s, (console.pid, *descendants(console.pid)))) * 1000

        def hear(data: bytes) -> None:
            heads.hear(data)
            if not answered and heads.are(ANSWERED):
                answered.append(cpu())
            if not live and heads.are(frozenset(("live",))):
                live.append(cpu())
                is_over.set()

        terminal.heard = hear
        if not is_over.wait(PATIENCE_S):
            raise BenchFailed(f"not four live panes after {PATIENCE_S:g} s, but {heads.states}")
        return answered[0], live[0]


def run(is_quick: bool) -> Iterator[Figure]:
    with ExitStack() as stack:
        config = stack.enter_context(calm(Path(stack.enter_context(tempfile.TemporaryDirectory()))))

        def ours() -> tuple[float, float]:
            return _spent(config)

        def bare() -> float:
            return cpu_until("bare", "tests.bench.bare") * 1000

        if not is_quick:  # once for the byte code
            ours(), bare()
        spent, told = interleaved(ours, lambda: (bare(), 0.0), 1 if is_quick else 5)
    baselines = [each for each, _ in told]
    yield figure("all_live", "ms", [live for _, live in spent], baselines, goal=Goal(6.0, is_ratio=True))
    yield figure("all_live_answered", "ms", [answered for answered, _ in spent], baselines, goal=None)
