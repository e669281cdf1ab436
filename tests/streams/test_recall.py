"""Random faults on random channels: what had to be found is found in time on the right layer, and nobody healthy is accused.

The ordinary ring judges one night of a few; the proof a thousand, and writes its figures to docs/proof/streams.json.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import msgspec
import pytest

from tests.lab.proof import FOLDER, Figure, figure, record
from tests.streams.composing import LASTS_S, QUIET_S, SPREAD_S, Verdict, judged, told
from tests.streams.faults import CLEARED_S
from tests.streams.night import figures_of

FEW, FEW_SEED = 16, 3
MANY, A_NIGHT = 1020, 60
LONG_EVERY = 6  # of so many nights one goes on until everything must have been cleared
RECALL = 0.98
OUT = Path(__file__).parents[2] / "docs" / "proof" / "streams.json"
WHAT = (
    "random faults on random HLS channels, watched by the real prober through sockets on loopback and judged by the real judge; "
    "the clock does not wait: it moves on to the next timer when nothing is under way"
)


def _recall(verdicts: list[Verdict]) -> float:
    return sum(verdict.found for verdict in verdicts) / sum(verdict.compositions for verdict in verdicts)


def _night(seed: int) -> Verdict:
    ends = QUIET_S + SPREAD_S + LASTS_S
    return judged(seed, A_NIGHT, ends + (CLEARED_S if seed % LONG_EVERY == 0 else 0.0))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_few_random_faults_are_found_in_time_and_nobody_else_is_accused():
    verdict = judged(FEW_SEED, FEW)
    assert (verdict.misses, verdict.false) == ([], []), "\n" + "\n".join(told(verdict))


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_a_night_that_takes_as_long_as_it_says_comes_to_the_same():
    hasty, slow = judged(FEW_SEED, FEW // 2), judged(FEW_SEED, FEW // 2, pace=1.0)
    assert [miss.fault for miss in slow.misses] == [miss.fault for miss in hasty.misses]
    assert {false.fault for false in slow.false} == {false.fault for false in hasty.false}


@pytest.mark.proof
@pytest.mark.timeout(3000)
def test_of_a_thousand_random_faults_nearly_all_are_found_and_nobody_else_is_accused():
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        verdicts = list(pool.map(_night, range(1, MANY // A_NIGHT + 1)))
    for verdict in verdicts:
        print("\n".join(told(verdict)))
    by_kind: dict[str, list[int]] = {}
    for verdict in verdicts:
        for kind, (found, asked) in verdict.by_kind.items():
            counts = by_kind.setdefault(kind, [0, 0])
            counts[0] += found
            counts[1] += asked
    total = figures_of([verdict.figures for verdict in verdicts])
    figures = [
        figure("compositions", sum(verdict.compositions for verdict in verdicts), "channels with a fault", least=1000),
        figure("recall", _recall(verdicts), "found in time on the right layer / all", least=RECALL),
        figure("false findings", sum(len(verdict.false) for verdict in verdicts), "findings", most=0),
        figure("controls", sum(verdict.controls for verdict in verdicts), "healthy channels"),
        figure("requests", total["requests"], "requests over loopback"),
        figure("hurried", total["hurried"], "times the clock moved on with bytes under way", most=total["skips"] / 1000),
        figure("processor time", total["cpu_s"], "s"),
        *(figure(f"recall of {kind}", found / asked, f"of {asked}") for kind, (found, asked) in sorted(by_kind.items())),
    ]
    if os.environ.get(FOLDER):
        OUT.write_text(json.dumps(_document(figures, verdicts), indent=1) + "\n")
    record("streams", WHAT, *figures)


def _document(figures: list[Figure], verdicts: list[Verdict]) -> dict[str, object]:
    """The figures, and every miss and every false finding by its seed."""
    return {
        "schema": 1,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "what": WHAT,
        "figures": figures,
        "misses": [{"seed": verdict.seed, **msgspec.to_builtins(miss)} for verdict in verdicts for miss in verdict.misses],
        "false": [{"seed": verdict.seed, **msgspec.to_builtins(false)} for verdict in verdicts for false in verdict.false],
    }
