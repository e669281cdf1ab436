"""Composes channels and faults by seed: style, fault, place, moment. The same seed is the same night.

    python -m tests.streams.composing SEED [SEED ...]     what was missed and what was said without a cause, for each seed
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence

import msgspec

from tests.streams.catalogue import MAKERS, is_possible, second, style_of
from tests.streams.faults import Fault
from tests.streams.night import BEGIN, Night, Watched
from tests.streams.show import HlsShow, Style
from tests.streams.truth import False_, Miss, false_of, missed

QUIET_S = 26.0  # before the first fault: settled, and seen to move
SPREAD_S = 12.0  # faults begin within this
LASTS_S = 30.0  # a night goes on for this long after the last has begun, so that every deadline is in it
CONTROLS = 0.2  # of the channels are healthy


class Composition(msgspec.Struct, frozen=True):
    """One channel, and what happens to it."""

    name: str
    style: Style
    faults: tuple[Fault, ...]


class Verdict(msgspec.Struct):
    """What a night came to."""

    seed: int
    compositions: int = 0
    controls: int = 0
    found: int = 0
    misses: list[Miss] = []
    false: list[False_] = []
    by_kind: dict[str, list[int]] = {}  # kind -> [found, asked]
    figures: dict[str, float] = {}


def composed(seed: int, count: int) -> list[Composition]:
    """So many channels, each with a fault at its own moment, and healthy ones among them."""
    rng = random.Random(f"night/{seed}")
    out: list[Composition] = []
    turn = seed * 7
    while len(out) < count:
        index = len(out)
        start = BEGIN + QUIET_S + rng.uniform(0, SPREAD_S)
        fault = None
        for _ in range(60):  # the next kind in turn, on a style that it can happen to
            style = style_of(rng, seed * 1000 + index)
            fault = MAKERS[turn % len(MAKERS)](rng, style, start)
            if fault is not None and is_possible(fault, style):
                break
            fault = None
        turn += 1
        if fault is None:
            raise AssertionError(f"no style for {MAKERS[(turn - 1) % len(MAKERS)]}")
        other = second(rng, style, fault)
        out.append(Composition(f"c{seed}-{index}", style, (fault,) if other is None else (fault, other)))
    for index in range(max(2, int(count * CONTROLS))):
        out.append(Composition(f"ok{seed}-{index}", style_of(rng, seed * 1000 + 500 + index), ()))
    return out


def judged(seed: int, count: int, until: float | None = None, pace: float = 0.0) -> Verdict:
    """One night of so many compositions; `pace` 1 lets it take as long as it says."""
    night, verdict = Night(seed, pace=pace), Verdict(seed)
    compositions = composed(seed, count)
    for each in compositions:
        night.add(each.name, each.style, each.faults)
    ends = until or QUIET_S + SPREAD_S + LASTS_S
    night.run(ends)
    for each in compositions:
        _judge(verdict, night.watched[each.name], each.faults, BEGIN + ends)
    verdict.figures = {**night.figures, "errors": float(len(night.errors))}
    return verdict


def _judge(verdict: Verdict, watched: Watched, faults: Sequence[Fault], ends: float) -> None:
    assert isinstance(watched.show, HlsShow)
    verdict.false += false_of(watched, faults)
    if not faults:
        verdict.controls += 1
        return
    verdict.compositions += 1
    misses = [miss for fault in faults for miss in missed(watched, fault, ends)]
    verdict.misses += misses
    verdict.found += not misses
    for fault in faults:
        counts = verdict.by_kind.setdefault(fault.kind, [0, 0])
        counts[0] += not any(miss.fault.startswith(fault.kind) for miss in misses)
        counts[1] += 1


def told(verdict: Verdict) -> list[str]:
    """The lines of a verdict, for people."""
    lines = [
        f"seed {verdict.seed}: {verdict.found} of {verdict.compositions} found, {len(verdict.false)} said without a cause, "
        f"{verdict.controls} controls, {verdict.figures}"
    ]
    for miss in verdict.misses:
        lines.append(f"  MISS {miss.code} {miss.what} (limit {miss.limit_s} s) {miss.channel} {miss.fault}")
        lines += [f"       said {said}" for said in miss.told]
    for false in verdict.false:
        lines.append(f"  FALSE {false.why}: {false.channel} [{false.fault}]")
        lines.append(f"       said {false.what}")
    return lines


def main(seeds: Sequence[str]) -> None:
    every: Counter[str] = Counter()
    for seed in seeds:
        verdict = judged(int(seed), 60)
        print("\n".join(told(verdict)), flush=True)
        every.update(miss.code for miss in verdict.misses)
    print("missed by code:", dict(every.most_common()))


if __name__ == "__main__":
    main(sys.argv[1:])
