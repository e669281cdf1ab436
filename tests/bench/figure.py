"""One figure, and how a goal decides it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Literal

import msgspec

Better = Literal["lower", "higher"]
Basis = Literal["cpu", "wall", "bytes", "count"]


class Goal(msgspec.Struct, frozen=True):
    """What is wanted of the ratio to the baseline, or of the value itself; the sense is the figure's `better`."""

    limit: float
    is_ratio: bool = False

    def told(self, better: Better) -> str:
        sign = "<=" if better == "lower" else ">="
        return f"ratio {sign} {self.limit:.4g}" if self.is_ratio else f"{sign} {self.limit:g}"


class Figure(msgspec.Struct, frozen=True):
    """One line of the output. `value` and `baseline` are medians over `repeats`, `ratio` is the median of the pairs."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    better: Better
    basis: Basis
    repeats: int
    spread: float  # (greatest - least) / median: of the pairs' ratios where there is a baseline, else of the values
    goal: str | None  # None: told, not judged
    ok: bool


def figure(
    name: str,
    unit: str,
    values: Sequence[float],
    baselines: Sequence[float] | None = None,
    *,
    goal: Goal | None,
    better: Better = "lower",
    basis: Basis = "cpu",
) -> Figure:
    """From the repeats, in the order in which they were taken: `baselines[i]` was measured beside `values[i]`."""
    if not values or (baselines is not None and len(baselines) != len(values)):
        raise ValueError(f"{name}: {len(values)} values, {baselines and len(baselines)} baselines")
    value = median(values)
    ratios = [ours / theirs for ours, theirs in zip(values, baselines, strict=True)] if baselines else None
    ratio = median(ratios) if ratios else None
    is_ok = True
    if goal is not None:
        if goal.is_ratio and ratio is None:
            raise ValueError(f"{name}: a ratio is wanted and there is no baseline")
        judged = ratio if goal.is_ratio and ratio is not None else value
        is_ok = judged <= goal.limit if better == "lower" else judged >= goal.limit
    return Figure(
        name=name,
        value=_rounded(value),
        unit=unit,
        baseline=_rounded(median(baselines)) if baselines else None,
        ratio=_rounded(ratio) if ratio is not None else None,
        better=better,
        basis=basis,
        repeats=len(values),
        spread=_rounded(_spread(ratios or values)),
        goal=goal.told(better) if goal is not None else None,
        ok=is_ok,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie; the nearest one measured, never between two."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _spread(values: Sequence[float]) -> float:
    middle = median(values)
    return (max(values) - min(values)) / middle if middle else 0.0


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
