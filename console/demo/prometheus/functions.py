"""The table of PromQL functions: their signatures, which the parser checks, and the pure arithmetic behind
them.

Two shapes live here, on plain floats: a *kernel* turns one window of samples into a number, a *mapping* one
number into another. What needs label sets or the query's own times (`absent`, `label_replace`, `timestamp`
...) has only its signature here and its body in `evaluator`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

from console.demo.prometheus.nodes import Type


class Window(msgspec.Struct, frozen=True):
    """The samples of one series in (start_ms, end_ms], oldest first; never empty."""

    start_ms: int
    end_ms: int
    times: Sequence[int]
    values: Sequence[float]


Kernel = Callable[[Window], float | None]


class Function(msgspec.Struct, frozen=True):
    """A signature; arguments past `required` may be left out."""

    args: tuple[Type, ...]
    required: int
    result: Type = "instant vector"


def _extrapolated(window: Window, counter: bool, per_second: bool) -> float | None:
    """rate, increase and delta as Prometheus computes them.

    The slope between the first and the last sample is stretched to the edges of the window, but by no more
    than half a sample interval past a gap, and never below a counter's zero.
    """
    times, values = window.times, window.values
    if len(times) < 2:
        return None
    gained = values[-1] - values[0]
    if counter:
        before = values[0]
        for value in values:
            if value < before:
                gained += before
            before = value
    sampled_s = (times[-1] - times[0]) / 1000
    interval_s = sampled_s / (len(times) - 1)
    to_start_s = (times[0] - window.start_ms) / 1000
    to_end_s = (window.end_ms - times[-1]) / 1000
    if to_start_s >= interval_s * 1.1:
        to_start_s = interval_s / 2
    if counter and gained > 0 and values[0] >= 0:
        to_start_s = min(to_start_s, sampled_s * (values[0] / gained))
    if to_end_s >= interval_s * 1.1:
        to_end_s = interval_s / 2
    stretched = gained * (sampled_s + to_start_s + to_end_s) / sampled_s
    return stretched / ((window.end_ms - window.start_ms) / 1000) if per_second else stretched


def _last_two(window: Window, counter: bool, per_second: bool) -> float | None:
    if len(window.times) < 2:
        return None
    before, last = window.values[-2], window.values[-1]
    gained = last if counter and last < before else last - before
    return gained / ((window.times[-1] - window.times[-2]) / 1000) if per_second else gained


def _deriv(window: Window) -> float | None:
    count = len(window.times)
    if count < 2:
        return None
    x = [(time - window.times[0]) / 1000 for time in window.times]
    mean_x, mean_y = sum(x) / count, sum(window.values) / count
    above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, window.values, strict=True))
    return above / sum((a - mean_x) ** 2 for a in x)


def _stddev(window: Window) -> float:
    mean = sum(window.values) / len(window.values)
    return math.sqrt(sum((value - mean) ** 2 for value in window.values) / len(window.values))


def quantile(q: float, values: Sequence[float]) -> float:
    """The φ-quantile by linear interpolation; q outside 0..1 gives the infinity Prometheus gives."""
    if not values or math.isnan(q):
        return math.nan
    if q < 0:
        return -math.inf
    if q > 1:
        return math.inf
    ordered = sorted(values)
    rank = q * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


KERNELS: dict[str, Kernel] = {
    "rate": lambda window: _extrapolated(window, counter=True, per_second=True),
    "increase": lambda window: _extrapolated(window, counter=True, per_second=False),
    "delta": lambda window: _extrapolated(window, counter=False, per_second=False),
    "irate": lambda window: _last_two(window, counter=True, per_second=True),
    "idelta": lambda window: _last_two(window, counter=False, per_second=False),
    "deriv": _deriv,
    "avg_over_time": lambda window: sum(window.values) / len(window.values),
    "max_over_time": lambda window: max(window.values),
    "min_over_time": lambda window: min(window.values),
    "sum_over_time": lambda window: math.fsum(window.values),
    "count_over_time": lambda window: float(len(window.values)),
    "last_over_time": lambda window: window.values[-1],
    "present_over_time": lambda window: 1.0,
    "stddev_over_time": _stddev,
    "changes": lambda window: float(
        sum(a != b for a, b in zip(window.values, window.values[1:], strict=False))
    ),
    "resets": lambda window: float(
        sum(b < a for a, b in zip(window.values, window.values[1:], strict=False))
    ),
}
KEEP_NAME = frozenset({"last_over_time"})


def _or_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    def mapped(value: float) -> float:
        try:
            return function(value)
        except (ValueError, OverflowError):
            return math.nan

    return mapped


def _rounded(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: function(value) if math.isfinite(value) else value


def _log(base: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: -math.inf if value == 0 else (base(value) if value > 0 else math.nan)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


MAPPINGS: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": _rounded(lambda value: float(math.ceil(value))),
    "floor": _rounded(lambda value: float(math.floor(value))),
    "exp": _exp,
    "ln": _log(math.log),
    "log2": _log(math.log2),
    "log10": _log(math.log10),
    "sqrt": _or_nan(math.sqrt),
    "sgn": lambda value: math.copysign(1.0, value) if value else value,
}


def round_to(value: float, to: float) -> float:
    """`round(v, to)`: halves go up, as in Prometheus."""
    if not math.isfinite(value) or to == 0 or not math.isfinite(to):
        return value if to != 0 else math.nan
    # Dividing by the inverse keeps 0.1 exact where multiplying by 0.1 would not.
    inverse = 1.0 / to
    return math.floor(value * inverse + 0.5) / inverse


FUNCTIONS: dict[str, Function] = {
    **{name: Function(("range vector",), 1) for name in KERNELS},
    **{name: Function(("instant vector",), 1) for name in MAPPINGS},
    "quantile_over_time": Function(("scalar", "range vector"), 2),
    "clamp": Function(("instant vector", "scalar", "scalar"), 3),
    "clamp_min": Function(("instant vector", "scalar"), 2),
    "clamp_max": Function(("instant vector", "scalar"), 2),
    "round": Function(("instant vector", "scalar"), 1),
    "vector": Function(("scalar",), 1),
    "scalar": Function(("instant vector",), 1, "scalar"),
    "time": Function((), 0, "scalar"),
    "timestamp": Function(("instant vector",), 1),
    "absent": Function(("instant vector",), 1),
    "absent_over_time": Function(("range vector",), 1),
    "sort": Function(("instant vector",), 1),
    "sort_desc": Function(("instant vector",), 1),
    "label_replace": Function(("instant vector", "string", "string", "string", "string"), 5),
}
UNSUPPORTED = frozenset(
    [
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atanh",
        "cos",
        "cosh",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "deg",
        "double_exponential_smoothing",
        "histogram_avg",
        "histogram_count",
        "histogram_fraction",
        "histogram_quantile",
        "histogram_stddev",
        "histogram_stdvar",
        "histogram_sum",
        "holt_winters",
        "hour",
        "info",
        "label_join",
        "mad_over_time",
        "minute",
        "month",
        "pi",
        "predict_linear",
        "rad",
        "sin",
        "sinh",
        "sort_by_label",
        "sort_by_label_desc",
        "stdvar_over_time",
        "tan",
        "tanh",
        "year",
    ]
)
"""Real functions this server lacks: refused as such, so that nobody looks for a typing error."""
