"""CPU of sixty gauges at 10 Hz, 200x60, beside sixty Static widgets; % of a core, the idle app included."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import interleaved, measured


def _load(kind: str, seconds: float) -> float:
    told = measured("board_load", kind, 10, seconds)
    return float(told["cpu_s"] / told["wall_s"] * 100)


def run(is_quick: bool) -> Iterator[Figure]:
    seconds, repeats = (0.3, 1) if is_quick else (5.0, 3)
    values, baselines = interleaved(lambda: _load("ours", seconds), lambda: _load("stock", seconds), repeats)
    yield figure("board", "% of a core", values, baselines, goal=Goal(1 / 4, is_ratio=True))
