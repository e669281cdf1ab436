"""CPU per visible cell update of a table of 5,000 rows at 200x60, beside DataTable.

Two ways of arriving: in ten batches a second for both, as the fastest of our feeds hands on readings; and one by one
for DataTable while ours is shown four times a second, as the console does it (`FRAME_S`). The goal is on the harder
first one; CPU of the whole process is counted, the idle app included.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import interleaved, measured

PER_S = 200


def _cost(kind: str, batches_per_s: int, seconds: float) -> float:
    told = measured("table_load", kind, PER_S, batches_per_s, seconds)
    return float(told["cpu_s"] / told["updates"] * 1e6)


def run(is_quick: bool) -> Iterator[Figure]:
    seconds, repeats = (0.3, 1) if is_quick else (5.0, 3)
    values, baselines = interleaved(
        lambda: _cost("ours", 10, seconds), lambda: _cost("stock", 10, seconds), repeats
    )
    yield figure("table", "us/update", values, baselines, goal=Goal(1 / 10, is_ratio=True))
    values, baselines = interleaved(
        lambda: _cost("ours", 4, seconds), lambda: _cost("stock", PER_S, seconds), repeats
    )
    yield figure("table_as_shown", "us/update", values, baselines, goal=None)
