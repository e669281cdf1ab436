"""PromQL arithmetic over series written down in the test: samples every 15 s, one list each."""

from __future__ import annotations

import math
import time

import pytest

from console.demo.prometheus.errors import ExecutionError, QueryTimeout
from console.demo.prometheus.evaluator import Evaluation
from console.demo.prometheus.matchers import NAME, Matcher, labels_of, selects
from console.demo.prometheus.query import instant, number, over_range
from console.demo.prometheus.storage import Series

STEP = 15_000
END = 20 * STEP


class Written:
    """Series k -> value at k * 15 s, from samples 0 to 20."""

    def __init__(self, **series: object) -> None:
        self.series: list[Series] = []
        for name, rows in series.items():
            for labels, values in rows:  # type: ignore[attr-defined]
                full = labels_of([(NAME, name), *labels.items()])
                last = len(values) - 1 if isinstance(values, list) else 20
                read = values.__getitem__ if isinstance(values, list) else values
                self.series.append(Series(full, STEP, 0, 0, last, read))

    def select(self, matchers: tuple[Matcher, ...]) -> list[Series]:
        return [one for one in self.series if selects(matchers, one.labels)]


STORAGE = Written(
    steady=[({"pop": "lhr"}, lambda k: 30.0 * k), ({"pop": "syd"}, lambda k: 60.0 * k)],
    reset=[
        (
            {},
            [
                float(v)
                for v in [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 0, 10, 20, 30, 40, 50, 60, 70, 80, 90]
            ],
        )
    ],
    level=[({"pop": "lhr", "x": "1"}, lambda k: 5.0), ({"pop": "syd", "x": "1"}, lambda k: -7.0)],
    cap=[({"pop": "lhr"}, lambda k: 10.0), ({"pop": "syd"}, lambda k: 14.0)],
    pair=[({"pop": "lhr", "code": "200"}, lambda k: 8.0), ({"pop": "lhr", "code": "500"}, lambda k: 2.0)],
    saw=[({}, lambda k: float(k % 4))],
    ended=[({}, [1.0, 2.0, 3.0])],
)


def evaluate(text: str, at_ms: int = END) -> object:
    """Scalars as a float; vectors as {labels without the name: value}, with the name under "name" when kept."""
    result = instant(STORAGE, text, at_ms, 5000)
    if result.result_type == "scalar":
        return float(result.result[1])  # type: ignore[index,arg-type]
    found = {}
    for sample in result.result:
        labels = dict(sample.metric)  # type: ignore[union-attr]
        key = ",".join(f"{k}={v}" for k, v in sorted(labels.items()))
        found[key] = float(sample.value[1])  # type: ignore[union-attr]
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1^2", -1.0), ("2^3^2", 512.0), ("7 % 4", 3.0), ("-7 % 4", -3.0), ("1 / 0", math.inf), ("-1 / 0", -math.inf),
        ("1 < bool 2", 1.0), ("time()", 300.0), ("scalar(reset)", 90.0), ("1 + 2 * 3 - 4 / 2", 5.0),
        ("2 * 3 % 4", 2.0), ("(1 + 2) * 3", 9.0), ("5m + 1", 301.0),
    ],
)  # fmt: skip
def test_scalars_compute(text: str, value: float) -> None:
    assert evaluate(text) == value


def test_zero_by_zero_and_a_scalar_of_many_are_not_numbers() -> None:
    assert math.isnan(evaluate("0 / 0"))  # type: ignore[arg-type]
    assert math.isnan(evaluate("scalar(steady)"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "vector"),
    [
        ('steady{pop="lhr"}', {"__name__=steady,pop=lhr": 600.0}),
        ('steady{pop=~"l.*|x"}', {"__name__=steady,pop=lhr": 600.0}),
        ('steady{pop=~"l"}', {}),
        ('steady{pop!~"l.*"}', {"__name__=steady,pop=syd": 1200.0}),
        ('steady{nope=""}', {"__name__=steady,pop=lhr": 600.0, "__name__=steady,pop=syd": 1200.0}),
        ("steady offset 1m", {"__name__=steady,pop=lhr": 480.0, "__name__=steady,pop=syd": 960.0}),
        ('steady{pop="lhr"} @ 30', {"__name__=steady,pop=lhr": 60.0}),
        ("rate(steady[1m])", {"pop=lhr": 2.0, "pop=syd": 4.0}),
        ("irate(steady[1m])", {"pop=lhr": 2.0, "pop=syd": 4.0}),
        ("increase(steady[1m])", {"pop=lhr": 120.0, "pop=syd": 240.0}),
        ("rate(steady[15s])", {}),
        ("resets(reset[5m])", {"": 1.0}),
        # It begins at a counter's zero, so nothing is extrapolated before it.
        ("increase(reset[2m30s])", {"": 90.0}),
        # 90 to the reset, 90 after it, stretched from 285 s to 300 s.
        ("increase(reset[5m])", {"": 180.0 * 300 / 285}),
        ("avg_over_time(saw[1m])", {"": 1.5}),
        ("max_over_time(saw[1m])", {"": 3.0}),
        ("min_over_time(saw[1m])", {"": 0.0}),
        ("sum_over_time(saw[1m])", {"": 6.0}),
        ("count_over_time(saw[1m])", {"": 4.0}),
        ("last_over_time(saw[1m])", {"__name__=saw": 0.0}),
        ("max_over_time(rate(steady[1m])[2m:30s])", {"pop=lhr": 2.0, "pop=syd": 4.0}),
        ("sum(steady)", {"": 1800.0}),
        ("sum by (pop) (pair)", {"pop=lhr": 10.0}),
        ("avg without (code) (pair)", {"pop=lhr": 5.0}),
        ("count(pair)", {"": 2.0}),
        ("max by (nope) (pair)", {"": 8.0}),
        ("topk(1, steady)", {"__name__=steady,pop=syd": 1200.0}),
        ("bottomk(1, steady)", {"__name__=steady,pop=lhr": 600.0}),
        ("quantile(0.5, pair)", {"": 5.0}),
        ("-level", {"pop=lhr,x=1": -5.0, "pop=syd,x=1": 7.0}),
        ("abs(level)", {"pop=lhr,x=1": 5.0, "pop=syd,x=1": 7.0}),
        ("clamp_min(level, 0)", {"pop=lhr,x=1": 5.0, "pop=syd,x=1": 0.0}),
        ("clamp_max(level, 0)", {"pop=lhr,x=1": 0.0, "pop=syd,x=1": -7.0}),
        ("clamp(level, 2, 1)", {}),
        ("round(vector(2.5))", {"": 3.0}),
        ("round(vector(0.27), 0.1)", {"": 0.3}),
        ("level > 0", {"__name__=level,pop=lhr,x=1": 5.0}),
        ("0 < level", {"__name__=level,pop=lhr,x=1": 5.0}),
        ("level > bool 0", {"pop=lhr,x=1": 1.0, "pop=syd,x=1": 0.0}),
        ("level / on(pop) cap", {"pop=lhr": 0.5, "pop=syd": -0.5}),
        ("level / ignoring(x) cap", {"pop=lhr": 0.5, "pop=syd": -0.5}),
        ("level / cap", {}),
        ("pair / on(pop) group_left cap", {"code=200,pop=lhr": 0.8, "code=500,pop=lhr": 0.2}),
        ("cap / on(pop) group_right pair", {"code=200,pop=lhr": 1.25, "code=500,pop=lhr": 5.0}),
        ("pair * on(pop) group_left(x) level", {"code=200,pop=lhr,x=1": 40.0, "code=500,pop=lhr,x=1": 10.0}),
        ('cap and on(pop) pair{code="200"}', {"__name__=cap,pop=lhr": 10.0}),
        ("cap unless on(pop) pair", {"__name__=cap,pop=syd": 14.0}),
        ('pair{code="500"} or on(pop) cap', {"__name__=pair,code=500,pop=lhr": 2.0, "__name__=cap,pop=syd": 14.0}),
        ("vector(1)", {"": 1.0}),
        ('absent(nothing{a="b",c=~"d"})', {"a=b": 1.0}),
        ("absent(steady)", {}),
        ("timestamp(saw)", {"": 300.0}),
        (
            'label_replace(cap, "edge", "edge-$1", "pop", "(.*)")',
            {"__name__=cap,edge=edge-lhr,pop=lhr": 10.0, "__name__=cap,edge=edge-syd,pop=syd": 14.0},
        ),
    ],
)  # fmt: skip
def test_vectors_compute(text: str, vector: dict[str, float]) -> None:
    assert evaluate(text) == pytest.approx(vector)


def test_a_series_without_a_new_sample_is_seen_for_the_lookback_and_no_longer() -> None:
    assert evaluate("ended", 30_000 + 299_999) == {"__name__=ended": 3.0}
    assert evaluate("ended", 30_000 + 300_000) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cap / on(pop) pair", "many-to-many matching not allowed"),
        ("pair / on(pop) cap", "many-to-one matching must be explicit"),
        ('label_replace(steady, "pop", "x", "pop", ".*")', "same labelset"),
        ('label_replace(cap, "0x", "x", "pop", ".*")', "invalid destination label name"),
        ('{__name__=~"cap|steady"} + 1', "same labelset"),
    ],
)
def test_an_ambiguous_match_is_an_execution_error(text: str, says: str) -> None:
    with pytest.raises(ExecutionError, match=says):
        evaluate(text)


def test_a_range_query_equals_the_instant_query_at_each_of_its_steps() -> None:
    for text in (
        "rate(steady[1m])",
        "topk(1, level > -9)",
        "saw > 1",
        "sum(saw) or vector(9)",
        "ended",
        "2 * time()",
    ):
        whole = over_range(STORAGE, text, 60_000, END, STEP, 5000)
        for at in range(60_000, END + 1, STEP):
            alone = instant(STORAGE, text, at, 5000)
            rows = [alone.result] if alone.result_type == "scalar" else [s.value for s in alone.result]  # type: ignore[union-attr]
            expected = sorted(row[1] for row in rows)  # type: ignore[index]
            column = sorted(value for series in whole.result for t, value in series.values if t * 1000 == at)  # type: ignore[union-attr]
            assert column == expected, (text, at)


def test_a_query_stops_at_its_timeout() -> None:
    evaluation = Evaluation(STORAGE, END, END, time.monotonic() - 1, 50)
    from console.demo.prometheus.parser import parse

    with pytest.raises(QueryTimeout, match="timed out in expression evaluation after 50ms"):
        evaluation.vector(parse("sum(steady)"), (END,))


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (1.0, "1"), (0.5, "0.5"), (-2.25, "-2.25"), (1e16, "10000000000000000"), (1.5e20, "150000000000000000000"),
        (1e21, "1e+21"), (0.00001, "0.00001"), (1.25e-6, "0.00000125"), (1e-7, "1e-07"), (math.inf, "+Inf"),
        (-math.inf, "-Inf"), (math.nan, "NaN"), (123456789.125, "123456789.125"),
    ],
)  # fmt: skip
def test_a_value_is_spelled_as_go_spells_it(value: float, spelled: str) -> None:
    assert number(value) == spelled
