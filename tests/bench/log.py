"""A hundred thousand lines a second into the ring while the view follows: how late the loop is, what a line costs
beside RichLog's at its own full speed, and what a hundred thousand of them hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import interleaved, measured

PER_S = 100_000


def _us_a_line(told: dict[str, Any]) -> float:
    return float(told["cpu_s"] / told["lines"] * 1e6)


def run(is_quick: bool) -> Iterator[Figure]:
    seconds, repeats, lines = (0.3, 1, 1000) if is_quick else (5.0, 3, 100_000)
    ours, stock = interleaved(
        lambda: measured("log_load", "ours", PER_S, seconds),
        lambda: measured("log_load", "stock", 0, seconds),
        repeats,
    )
    offered = [told["lines"] / told["wall_s"] for told in ours]
    yield figure("log_offered", "lines/s", offered, goal=Goal(PER_S * 0.99), better="higher", basis="wall")
    yield figure("log_lag_p99", "ms", [told["lag_p99_ms"] for told in ours], goal=Goal(50.0), basis="wall")
    yield figure(
        "log_line", "us/line", [*map(_us_a_line, ours)], [*map(_us_a_line, stock)], goal=Goal(1 / 50, is_ratio=True)
    )
    held = [measured("log_load", "held", lines)["held_mb"] / lines * 100_000 for _ in range(repeats)]
    yield figure("log_memory", "MB/100k lines", held, goal=Goal(40.0), basis="bytes")
