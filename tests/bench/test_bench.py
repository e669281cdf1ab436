"""The harness itself: lines that a machine can read, goals that can be missed, and children that leave nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from types import SimpleNamespace

import pytest

from tests.bench import key_latency
from tests.bench.all_live import Heads
from tests.bench.figure import Figure, Goal, figure, percentile
from tests.bench.harness import BenchFailed, interleaved, measured

ROOT = Path(__file__).parents[2]


def wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    return condition()


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


def test_a_key_is_answered_under_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_WARM_S", "0.1")
    assert len([each for each in key_latency.latencies("ours", keys=3, seed=0) if each > 0]) == 3


def test_the_cursor_is_seen_in_two_pieces_and_not_where_another_row_is() -> None:
    terminal = SimpleNamespace(heard=None, tail=b"", master=-1)
    watch = key_latency.Watch(terminal, "#010203")  # type: ignore[arg-type]
    pieces = [b"\x1b[38;2;9;9;9;48;2;1;2;3m packager-00004 \x1b[48;2;7;7;7m packager-0", b"0005", b"\x1b[1;48;2;1;2;3m pack", b"ager-00005"]  # fmt: skip
    seen: list[int] = []

    def hear() -> None:
        for number, piece in enumerate(pieces):
            terminal.heard(piece)
            if watch._seen.is_set():
                seen.append(number)

    Timer(0.02, hear).start()
    assert watch.until_on(5, b"") > 0
    assert wait_for(lambda: seen == [3])


def test_the_heads_of_the_panes_are_read_from_what_the_terminal_is_sent() -> None:
    heads = Heads()
    sent = (
        "\x1b[2;1H\x1b[1m ? \x1b[0m\x1b[38;2;1;2;3m 1 Streams 12 live · 12 unknown \x1b[0m partial 0.6s \x1b[0m\x1b[2;100H 2 Logs connecting … connecting "
        "\x1b[31;1H 3 Workloads demo-1 · 400 pods · all well  live 0.2s   \x1b[0m   4 Capacity worst: redis memory 63 %   live 3s\n"
    ).encode()
    heads.hear(sent[:70])
    heads.hear(sent[70:])
    assert heads.states == {"Streams": "partial", "Logs": "connecting", "Workloads": "live", "Capacity": "live"}
    streams = "   1 Streams 12 live   live 1m2s".ljust(98)
    heads.hear(f"\x1b[2;100H    2 Logs 56/s · err 0.5 % live 0s \x1b[1;1H\x1b[2;1H{streams}\x1b[1;1H".encode())
    assert heads.are(frozenset(("live",)))


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
