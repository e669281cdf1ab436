"""The harness itself: lines that a machine can read, goals that can be missed, and children that leave nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.figure import Figure, Goal, figure, percentile
from tests.bench.harness import BenchFailed, interleaved, measured

ROOT = Path(__file__).parents[2]


def test_a_tiny_bench_prints_one_well_formed_line_a_figure_and_its_exit_code_says_whether_a_goal_was_missed() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.bench", "board", "--quick", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    figures = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [each["name"] for each in figures] == ["board"], ended.stderr
    for each in figures:
        assert list(each) == [
            "name", "value", "unit", "baseline", "ratio", "better", "basis", "repeats", "spread", "goal", "ok"
        ]  # fmt: skip
        assert each["value"] > 0 and each["baseline"] > 0 and each["repeats"] == 1
        assert each["basis"] == "cpu" and each["better"] == "lower"
    assert ended.returncode == (0 if all(each["ok"] for each in figures) else 1)


def test_a_ratio_is_the_median_of_the_pairs_and_not_of_the_two_sides() -> None:
    told = figure("x", "ms", [1, 20, 3], [10, 100, 10], goal=Goal(0.25, is_ratio=True))
    assert told.ratio == 0.2 and told.ok
    assert (told.value, told.baseline, told.repeats, told.goal) == (3, 10, 3, "ratio <= 0.25")


@pytest.mark.parametrize(("better", "value", "is_ok"), [("lower", 49, True), ("lower", 51, False), ("higher", 49, False), ("higher", 51, True)])  # fmt: skip
def test_a_goal_that_is_missed_is_not_ok(better: str, value: float, is_ok: bool) -> None:
    told: Figure = figure("x", "ms", [value], goal=Goal(50), better=better)  # type: ignore[arg-type]
    assert told.ok is is_ok and told.ratio is None


def test_a_ratio_without_a_baseline_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="no baseline"):
        figure("x", "ms", [1], goal=Goal(2, is_ratio=True))


def test_ours_and_the_baseline_take_turns_and_change_who_is_first() -> None:
    order: list[str] = []

    def taken(who: str) -> int:
        order.append(who)
        return len(order)

    values, baselines = interleaved(lambda: taken("ours"), lambda: taken("stock"), 3)
    assert order == ["ours", "stock", "stock", "ours", "ours", "stock"]
    assert (values, baselines) == ([1, 4, 5], [2, 3, 6])


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([5.0, 1.0, 9.0], 0.99) == 9.0
    assert percentile(list(map(float, range(1000))), 0.99) == 990.0


def test_a_child_that_fails_is_told_with_its_words() -> None:
    with pytest.raises(BenchFailed, match="exit 1"):
        measured("board_load", "neither", 1, 1)
