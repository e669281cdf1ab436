"""The walk over the tree, once per query and not once per step.

Every node yields all its steps at a time: matchers, grouping and vector matching are settled once, and a
range query costs little more than its arithmetic. The work is bounded by a budget of samples and by the
deadline the client set.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from functools import partial

from console.demo.prometheus import operators
from console.demo.prometheus.aggregations import aggregate
from console.demo.prometheus.durations import format_duration
from console.demo.prometheus.errors import ExecutionError, QueryTimeout
from console.demo.prometheus.functions import KEEP_NAME, KERNELS, MAPPINGS, Kernel, Window, quantile, round_to
from console.demo.prometheus.matchers import Labels, anchored, labels_of, without_name
from console.demo.prometheus.nodes import (
    SET_OPERATORS,
    Aggregate,
    At,
    Binary,
    Call,
    Expr,
    Negate,
    Number,
    Selector,
    Subquery,
    Text,
)
from console.demo.prometheus.result_type import type_of
from console.demo.prometheus.rows import Row, unique
from console.demo.prometheus.storage import Series, Storage

MAX_SAMPLES = 5_000_000
"""Samples one query may read; a tenth of Prometheus' default, as they are computed and not loaded."""
SUBQUERY_STEP_MS = 60_000
"""The global evaluation interval, used by a subquery that names no step."""

Times = Sequence[int]


class Evaluation:
    """One query's evaluation.

    `start_ms` and `end_ms` are the query's own range, which `@ start()` and `@ end()` refer to; `deadline` is
    a reading of time.monotonic().
    """

    def __init__(
        self, storage: Storage, start_ms: int, end_ms: int, deadline: float, timeout_ms: int
    ) -> None:
        self.storage = storage
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.deadline = deadline
        self.timeout_ms = timeout_ms
        self.samples = 0

    def spend(self, samples: int) -> None:
        """Charge the budget; raises when it, or the time, is used up."""
        self.samples += samples
        if self.samples > MAX_SAMPLES:
            raise ExecutionError(
                "query processing would load too many samples into memory in query execution (limit "
                f"{MAX_SAMPLES})"
            )
        if time.monotonic() > self.deadline:
            raise QueryTimeout(
                f"query timed out in expression evaluation after {format_duration(self.timeout_ms)}"
            )

    # Scalars

    def scalar(self, expr: Expr, times: Times) -> list[float]:
        """A scalar expression's value at every time."""
        if isinstance(expr, Number):
            return [expr.value] * len(times)
        if isinstance(expr, Negate):
            return [-value for value in self.scalar(expr.expr, times)]
        if isinstance(expr, Binary):
            return operators.scalars(expr.op, self.scalar(expr.left, times), self.scalar(expr.right, times))
        if isinstance(expr, Call) and expr.name == "time":
            return [moment / 1000 for moment in times]
        if isinstance(expr, Call) and expr.name == "scalar":
            rows = self.vector(expr.args[0], times)
            columns = zip(*(row.values for row in rows), strict=True) if rows else (() for _ in times)
            present = ([value for value in column if value is not None] for column in columns)
            return [column[0] if len(column) == 1 else math.nan for column in present]
        raise ExecutionError(f"expected a scalar, got {type_of(expr)}")

    # Instant vectors

    def vector(self, expr: Expr, times: Times) -> list[Row]:
        """An instant vector's rows over all times; rows without a single sample are left out."""
        if isinstance(expr, Selector):
            return self.selected(expr, times)
        if isinstance(expr, Call):
            return self.call(expr, times)
        if isinstance(expr, Aggregate):
            parameter = None if expr.parameter is None else self.scalar(expr.parameter, times)
            return aggregate(expr, self.vector(expr.expr, times), parameter)
        if isinstance(expr, Binary):
            return self.binary(expr, times)
        if isinstance(expr, Negate):
            rows = self.vector(expr.expr, times)
            return unique(
                Row(without_name(row.labels), [None if value is None else -value for value in row.values])
                for row in rows
            )
        raise ExecutionError(f"expected an instant vector, got {type_of(expr)}")

    def shifted(self, at: At, offset_ms: int, times: Times) -> Times:
        """The times a selector reads, after its `@` and `offset`."""
        if at is None:
            return [moment - offset_ms for moment in times] if offset_ms else times
        ends = {"start": self.start_ms, "end": self.end_ms}
        fixed = round(at * 1000) if isinstance(at, float) else ends[at]
        return [fixed - offset_ms] * len(times)

    def selected(self, node: Selector, times: Times) -> list[Row]:
        rows: list[Row] = []
        moments = self.shifted(node.at, node.offset_ms, times)
        for series in self.storage.select(node.matchers):
            self.spend(len(moments))
            newest, read = series.newest, series.read
            values = [None if (index := newest(moment)) is None else read(index) for moment in moments]
            row = Row(series.labels, values)
            if row.present():
                rows.append(row)
        return rows

    def binary(self, node: Binary, times: Times) -> list[Row]:
        left_scalar, right_scalar = type_of(node.left) == "scalar", type_of(node.right) == "scalar"
        if left_scalar or right_scalar:
            rows = self.vector(node.right if left_scalar else node.left, times)
            scalar = self.scalar(node.left if left_scalar else node.right, times)
            found = operators.with_scalar(node.op, rows, scalar, left_scalar, node.boolean)
            return [row for row in found if row.present()]
        left, right = self.vector(node.left, times), self.vector(node.right, times)
        self.spend(0)
        if node.op in SET_OPERATORS:
            return operators.sets(node.op, left, right, node.matching)
        return operators.vectors(node.op, left, right, node.boolean, node.matching)

    # Functions

    def call(self, node: Call, times: Times) -> list[Row]:
        name, args = node.name, node.args
        if name in KERNELS:
            return self.over_time(args[0], times, KERNELS[name], name in KEEP_NAME)
        if name == "quantile_over_time":
            q = self.scalar(args[0], times)[0]
            return self.over_time(args[1], times, lambda window: quantile(q, window.values), False)
        if name == "vector":
            return [Row((), self.scalar(args[0], times))]
        if name in ("absent", "absent_over_time"):
            return self.absent(args[0], times)
        if name == "timestamp":
            return self.timestamps(args[0], times)
        rows = self.vector(args[0], times)
        if name in ("sort", "sort_desc"):
            return rows
        if name == "label_replace":
            return _label_replaced(rows, node)
        return self.mapped(node, rows, times)

    def mapped(self, node: Call, rows: list[Row], times: Times) -> list[Row]:
        bounds = [self.scalar(arg, times) for arg in node.args[1:]]
        results = []
        for row in rows:
            if node.name in MAPPINGS:
                one = MAPPINGS[node.name]
                values = [None if value is None else one(value) for value in row.values]
            else:
                values = [
                    None if value is None else _bounded(node.name, value, [bound[step] for bound in bounds])
                    for step, value in enumerate(row.values)
                ]
            results.append(Row(without_name(row.labels), values))
        return unique(row for row in results if row.present())

    def over_time(self, expr: Expr, times: Times, kernel: Kernel, keep_name: bool) -> list[Row]:
        rows: list[Row] = []
        for labels, windows in self.windows(expr, times):
            values = [None if window is None else kernel(window) for window in windows]
            row = Row(labels if keep_name else without_name(labels), values)
            if row.present():
                rows.append(row)
        return unique(rows)

    def windows(self, expr: Expr, times: Times) -> list[tuple[Labels, list[Window | None]]]:
        """A range vector: each series' window at every time."""
        if isinstance(expr, Selector) and expr.range_ms is not None:
            span = expr.range_ms
            moments = self.shifted(expr.at, expr.offset_ms, times)
            found = []
            for series in self.storage.select(expr.matchers):
                self.spend(len(moments) * (span // series.interval_ms + 1))
                found.append((series.labels, [series.window(moment - span, moment) for moment in moments]))
            return found
        if isinstance(expr, Subquery):
            return self.subquery(expr, times)
        raise ExecutionError(f"expected a range vector, got {type_of(expr)}")

    def subquery(self, node: Subquery, times: Times) -> list[tuple[Labels, list[Window | None]]]:
        step = node.step_ms or SUBQUERY_STEP_MS
        moments = self.shifted(node.at, node.offset_ms, times)
        first = (min(moments) - node.range_ms) // step + 1
        grid = range(first * step, max(moments) + 1, step)
        self.spend(len(grid))
        found: list[tuple[Labels, list[Window | None]]] = []
        for row in self.vector(node.expr, grid) if grid else []:
            self.spend(len(moments) * (node.range_ms // step + 1))
            windows = [
                _grid_window(grid, row.values, moment - node.range_ms, moment, step) for moment in moments
            ]
            found.append((row.labels, windows))
        return found

    def absent(self, expr: Expr, times: Times) -> list[Row]:
        if type_of(expr) == "range vector":
            columns: list[Sequence[object]] = [windows for _, windows in self.windows(expr, times)]
        else:
            columns = [row.values for row in self.vector(expr, times)]
        values = [
            None if any(column[step] is not None for column in columns) else 1.0 for step in range(len(times))
        ]
        labels: Labels = ()
        if isinstance(expr, Selector):
            named = [matcher.name for matcher in expr.matchers]
            labels = without_name(
                labels_of(
                    (m.name, m.value) for m in expr.matchers if m.op == "=" and named.count(m.name) == 1
                )
            )
        row = Row(labels, values)
        return [row] if row.present() else []

    def timestamps(self, expr: Expr, times: Times) -> list[Row]:
        """Of a selector the times of its samples; of anything else the evaluation's own."""
        if not isinstance(expr, Selector):
            rows = [
                Row(
                    row.labels,
                    [
                        None if value is None else moment / 1000
                        for value, moment in zip(row.values, times, strict=True)
                    ],
                )
                for row in self.vector(expr, times)
            ]
        else:
            moments = self.shifted(expr.at, expr.offset_ms, times)
            rows = [
                Row(series.labels, [_seconds(series, series.newest(moment)) for moment in moments])
                for series in self.storage.select(expr.matchers)
            ]
        return unique(Row(without_name(row.labels), row.values) for row in rows if row.present())


def _seconds(series: Series, index: int | None) -> float | None:
    return None if index is None else series.time(index) / 1000


def _grid_window(
    grid: range, values: Sequence[float | None], start_ms: int, end_ms: int, step: int
) -> Window | None:
    low = max((start_ms - grid.start) // step + 1, 0)
    high = min((end_ms - grid.start) // step, len(grid) - 1)
    times: list[int] = []
    numbers: list[float] = []
    for index in range(low, high + 1):
        value = values[index]
        if value is not None:
            times.append(grid[index])
            numbers.append(value)
    return Window(start_ms, end_ms, times, numbers) if numbers else None


def _bounded(name: str, value: float, bounds: list[float]) -> float | None:
    if name == "round":
        return round_to(value, bounds[0] if bounds else 1.0)
    low = bounds[0] if name != "clamp_max" else -math.inf
    high = bounds[-1] if name != "clamp_min" else math.inf
    if name == "clamp" and low > high:
        return None
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return math.nan
    return max(low, min(high, value))


_EXPANSION = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


def _label_replaced(rows: list[Row], node: Call) -> list[Row]:
    target, replacement, source, pattern = (arg.value for arg in node.args[1:] if isinstance(arg, Text))
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", target):
        raise ExecutionError(f"invalid destination label name in label_replace(): {target}")
    try:
        compiled = anchored(pattern)
    except ValueError as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {pattern}: {error}") from error
    results = []
    for row in rows:
        known = dict(row.labels)
        match = compiled.fullmatch(known.get(source, ""))
        if match is None:
            results.append(row)
            continue
        known[target] = _EXPANSION.sub(partial(_group, match), replacement)
        results.append(Row(labels_of(known.items()), row.values))
    return unique(results)


def _group(match: re.Match[str], found: re.Match[str]) -> str:
    if found.group(1):
        return "$"
    name = found.group(2) or found.group(3)
    try:
        return match.group(int(name) if name.isdigit() else name) or ""
    except IndexError:
        return ""
