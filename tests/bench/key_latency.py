"""How long a key takes to be seen: from the byte written to the terminal until the bytes that show its effect come back,
while a table, a log and sixty gauges are busy; beside the stock widgets under the same changes.

The key is a cursor down or up in the table, at irregular intervals after the last one was answered. Its effect is the same
for both: the name of the row it moved to, on the ground colour that only the cursor's row has.

The stock widgets cannot carry this load on every machine: then their changes queue up, and each key waits behind them. So
their side ends after a minute, with the keys answered by then; ours has to answer all.
"""

from __future__ import annotations

import math
import os
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from tests.bench.figure import Figure, Goal, figure, percentile
from tests.bench.harness import PATIENCE_S, BenchFailed, Pty, in_terminal, interleaved
from themes import DEFAULT_THEME
from themes.tones import PALETTES

PLACES = 24  # rows between which the cursor goes down and up; all of them stay on the screen
KEYS = {1: b"\x1b[B", -1: b"\x1b[A"}
INTERVAL_S = (0.02, 0.12)
LONGEST_S = 60.0  # of the baseline's side
CURSOR = {"ours": PALETTES[DEFAULT_THEME].cursor, "stock": "#0b3d91"}


def name(row: int) -> str:
    return f"packager-{row:05}"


class Watch:
    """Looks in what the terminal is sent for the cursor on one row."""

    def __init__(self, terminal: Pty, color: str) -> None:
        red, green, blue = bytes.fromhex(color.removeprefix("#"))
        self._ground = f"48;2;{red};{green};{blue}m"
        self._sign: re.Pattern[bytes] | None = None
        self._held = b""
        self._seen = threading.Event()
        self._seen_at = 0.0
        self._terminal = terminal
        terminal.heard = self._hear

    def _hear(self, data: bytes) -> None:
        if self._sign is None:
            return
        self._held += data
        if self._sign.search(self._held) is not None:
            self._seen_at = time.perf_counter()
            self._sign = None
            self._seen.set()
        self._held = self._held[-400:]  # a name and the colours before it may lie in two pieces

    def until_on(self, row: int, key: bytes) -> float:
        """Seconds from the key to the sight of the cursor on `row`."""
        self._held = b""
        self._seen.clear()
        self._sign = re.compile(re.escape(self._ground).encode() + rb"[^\x1b]*" + name(row).encode())
        began = time.perf_counter()
        if key:
            os.write(self._terminal.master, key)
        if not self._seen.wait(PATIENCE_S):
            raise BenchFailed(f"the cursor never came to row {row}: {self._terminal.tail.decode('utf-8', 'replace')}")
        return self._seen_at - began


def latencies(kind: str, keys: int, seed: int, longest_s: float = math.inf) -> list[float]:
    """Milliseconds of each key; fewer keys than asked for only after `longest_s`."""
    chance = random.Random(seed)
    down_and_up = cycle([*((row, 1) for row in range(1, PLACES)), *((row, -1) for row in range(PLACES - 2, -1, -1))])
    with (
        tempfile.TemporaryDirectory(prefix="midwatch-bench-") as place,
        in_terminal(["tests.bench.key_latency_load", kind], Path(place)) as child,
    ):
        watch = Watch(child.terminal, CURSOR[kind])  # type: ignore[attr-defined]
        watch.until_on(0, b"")
        time.sleep(2 * float(os.environ.get("BENCH_WARM_S", "1.0")))
        taken: list[float] = []
        began = time.monotonic()
        for row, step in down_and_up:
            time.sleep(chance.uniform(*INTERVAL_S))
            taken.append(watch.until_on(row, KEYS[step]) * 1000)
            if len(taken) == keys or time.monotonic() > began + longest_s:
                return taken
    raise AssertionError("a cycle has no end")


def run(is_quick: bool) -> Iterator[Figure]:
    keys, repeats = (2, 1) if is_quick else (300, 2)
    seeds = {"ours": iter(range(repeats)), "stock": iter(range(repeats))}  # the same intervals for both of a pair
    ours, stock = interleaved(
        lambda: latencies("ours", keys, next(seeds["ours"])),
        lambda: latencies("stock", keys, next(seeds["stock"]), LONGEST_S),
        repeats,
    )
    for share, goal in ((0.99, Goal(1 / 8, is_ratio=True)), (0.5, Goal(20.0))):
        yield figure(
            f"key_latency_p{share * 100:.0f}", "ms",
            [percentile(each, share) for each in ours], [percentile(each, share) for each in stock],
            goal=goal, basis="wall",
        )  # fmt: skip
