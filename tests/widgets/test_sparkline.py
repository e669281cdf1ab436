"""A trend in eighth blocks."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.model.spark import BLOCKS, spark


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=200),
    st.integers(-2, 60),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_series_fills_exactly_its_width(
    values: list[float], width: int, lo: float | None, hi: float | None
) -> None:
    drawn = spark(values, width, lo, hi)
    assert len(drawn) == max(0, width)
    assert set(drawn) <= set(BLOCKS) | {" "}


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([], 4, "    "),
        ([5], 4, "   ▁"),
        ([3, 3, 3], 3, "▁▁▁"),
        ([0, 1], 2, "▁█"),
        ([0, nan, 1], 3, "▁ █"),
        ([0, inf, 1], 3, "▁ █"),
        ([nan, nan], 2, "  "),
        (list(range(8)), 8, BLOCKS),
        ([0, 9, 0, 0], 2, "█▁"),  # a spike is never averaged away
    ],
)
def test_examples(values: list[float], width: int, expected: str) -> None:
    assert spark(values, width) == expected


def test_a_fixed_scale_is_kept_and_clipped() -> None:
    assert spark([0.5, 2.0, -1.0], 3, lo=0.0, hi=1.0) == "▅█▁"


def test_a_share_of_gaps_only_stays_a_gap() -> None:
    assert spark([1, 2, nan, nan, 3, 4], 3) == "▁ █"
