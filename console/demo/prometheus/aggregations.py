"""Aggregation operators over rows: grouped once for the whole query, combined step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from console.demo.prometheus.functions import quantile
from console.demo.prometheus.matchers import NAME, Labels, drop, keep
from console.demo.prometheus.nodes import Aggregate
from console.demo.prometheus.rows import Row

_COMBINE: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "max": lambda values: _extreme(values, max),
    "min": lambda values: _extreme(values, min),
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
}


def _extreme(values: list[float], pick: Callable[[list[float]], float]) -> float:
    numbers = [value for value in values if not math.isnan(value)]
    return pick(numbers) if numbers else math.nan


def aggregate(node: Aggregate, rows: list[Row], parameter: Sequence[float] | None) -> list[Row]:
    """One row a group; for topk and bottomk the chosen rows themselves, None at the steps they are not
    among."""
    groups: dict[Labels, list[Row]] = {}
    for row in rows:
        labels = drop(row.labels, node.labels | {NAME}) if node.without else keep(row.labels, node.labels)
        groups.setdefault(labels, []).append(row)
    results: list[Row] = []
    for labels, members in groups.items():
        if node.op in ("topk", "bottomk"):
            results.extend(_ranked(members, parameter or (), largest=node.op == "topk"))
        else:
            results.append(Row(labels, _combined(node.op, members, parameter)))
    return [row for row in results if row.present()]


def _combined(op: str, members: list[Row], parameter: Sequence[float] | None) -> list[float | None]:
    columns = zip(*(row.values for row in members), strict=True)
    combined: list[float | None] = []
    for step, column in enumerate(columns):
        values = [value for value in column if value is not None]
        if not values:
            combined.append(None)
        elif op == "quantile":
            combined.append(quantile(parameter[step] if parameter is not None else math.nan, values))
        else:
            combined.append(_COMBINE[op](values))
    return combined


def _ranked(members: list[Row], count: Sequence[float], largest: bool) -> list[Row]:
    kept: list[list[float | None]] = [[None] * len(row.values) for row in members]
    for step, wanted in enumerate(count):
        if math.isnan(wanted) or wanted < 1:
            continue
        present = [
            (index, value) for index, row in enumerate(members) if (value := row.values[step]) is not None
        ]
        present.sort(key=lambda pair: _rank(pair[1], largest))
        for index, value in present[: int(min(wanted, len(present)))]:
            kept[index][step] = value
    return [Row(row.labels, values) for row, values in zip(members, kept, strict=True)]


def _rank(value: float, largest: bool) -> float:
    """Smallest first; NaN comes last whichever end is asked for."""
    if math.isnan(value):
        return math.inf
    return -value if largest else value
