"""A query from text to the JSON Prometheus gives: parse, evaluate, spell."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import msgspec

from console.demo.prometheus.errors import BadData
from console.demo.prometheus.evaluator import Evaluation
from console.demo.prometheus.matchers import Labels
from console.demo.prometheus.nodes import Aggregate, Call, Expr, Selector, Subquery, Text
from console.demo.prometheus.parser import parse
from console.demo.prometheus.result_type import type_of
from console.demo.prometheus.rows import Row
from console.demo.prometheus.storage import Storage

MAX_POINTS = 11_000

Point = tuple[int | float, str]


class VectorSample(msgspec.Struct, frozen=True):
    """One entry of a vector result."""

    metric: dict[str, str]
    value: Point


class MatrixSeries(msgspec.Struct, frozen=True):
    """One entry of a matrix result."""

    metric: dict[str, str]
    values: list[Point]


class Result(msgspec.Struct, frozen=True, rename="camel"):
    """The `data` of /query and /query_range."""

    result_type: str
    result: list[VectorSample] | list[MatrixSeries] | Point


def number(value: float) -> str:
    """A sample value as Go's strconv spells it for Prometheus: shortest digits, no exponent in the common
    range."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" not in text:
        return text.removesuffix(".0")
    sign = "-" if text[0] == "-" else ""
    mantissa, exponent_text = text.lstrip("-").split("e")
    exponent = int(exponent_text)
    whole, _, fraction = mantissa.partition(".")
    if exponent >= 21 or exponent < -6:
        return f"{sign}{mantissa.removesuffix('.0')}e{exponent:+03d}"
    digits = whole + fraction
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits.rstrip('0')}"
    return f"{sign}{digits.ljust(exponent + 1, '0')}"


def stamp(time_ms: int) -> int | float:
    """A sample's time as the JSON number Prometheus writes: seconds, with a fraction only where there is
    one."""
    return time_ms // 1000 if time_ms % 1000 == 0 else time_ms / 1000


def instant(storage: Storage, text: str, time_ms: int, timeout_ms: int) -> Result:
    """The answer of /api/v1/query."""
    expr = parse(text)
    evaluation = Evaluation(storage, time_ms, time_ms, time.monotonic() + timeout_ms / 1000, timeout_ms)
    kind = type_of(expr)
    if isinstance(expr, Text):
        return Result("string", (stamp(time_ms), expr.value))
    if kind == "scalar":
        return Result("scalar", (stamp(time_ms), number(evaluation.scalar(expr, (time_ms,))[0])))
    if kind == "range vector":
        assert isinstance(expr, Selector | Subquery)
        windows = [(labels, found[0]) for labels, found in evaluation.windows(expr, (time_ms,))]
        return Result(
            "matrix",
            [
                MatrixSeries(
                    dict(labels),
                    [(stamp(t), number(v)) for t, v in zip(window.times, window.values, strict=True)],
                )
                for labels, window in windows
                if window is not None
            ],
        )
    rows = _ordered(expr, evaluation.vector(expr, (time_ms,)))
    at = stamp(time_ms)
    return Result(
        "vector", [VectorSample(dict(row.labels), (at, number(row.values[0] or 0.0))) for row in rows]
    )


def over_range(
    storage: Storage, text: str, start_ms: int, end_ms: int, step_ms: int, timeout_ms: int
) -> Result:
    """The answer of /api/v1/query_range.

    Raises BadData for a range that Prometheus refuses: reversed, without a step, or over MAX_POINTS.
    """
    if end_ms < start_ms:
        raise BadData('invalid parameter "end": end timestamp must not be before start time')
    if step_ms <= 0:
        raise BadData(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted'
        )
    if (end_ms - start_ms) // step_ms > MAX_POINTS:
        raise BadData(
            f"exceeded maximum resolution of {MAX_POINTS:,} points per timeseries: this range and step make "
            f"{(end_ms - start_ms) // step_ms:,}; ask for a larger step"
        )
    expr = parse(text)
    kind = type_of(expr)
    if kind not in ("scalar", "instant vector"):
        raise BadData(
            f'invalid parameter "query": invalid expression type "{kind}" for range query, must be Scalar or '
            "instant Vector"
        )
    times = range(start_ms, end_ms + 1, step_ms)
    evaluation = Evaluation(storage, start_ms, end_ms, time.monotonic() + timeout_ms / 1000, timeout_ms)
    if kind == "scalar":
        rows: list[Row] = [Row((), evaluation.scalar(expr, times))]
    else:
        rows = sorted(evaluation.vector(expr, times), key=lambda row: row.labels)
    stamps = [stamp(moment) for moment in times]
    return Result("matrix", [_matrix(row.labels, stamps, row.values) for row in rows])


def _matrix(labels: Labels, stamps: Sequence[int | float], values: Sequence[float | None]) -> MatrixSeries:
    points = [(at, number(value)) for at, value in zip(stamps, values, strict=True) if value is not None]
    return MatrixSeries(dict(labels), points)


def _ordered(expr: Expr, rows: list[Row]) -> list[Row]:
    """By value where the expression asks for it, else by labels."""
    descending = None
    if isinstance(expr, Call) and expr.name in ("sort", "sort_desc"):
        descending = expr.name == "sort_desc"
    elif isinstance(expr, Aggregate) and expr.op in ("topk", "bottomk"):
        descending = expr.op == "topk"
    if descending is None:
        return sorted(rows, key=lambda row: row.labels)

    def rank(row: Row) -> tuple[float, Labels]:
        value = row.values[0] or 0.0
        return (math.inf if math.isnan(value) else (-value if descending else value), row.labels)

    return sorted(rows, key=rank)
