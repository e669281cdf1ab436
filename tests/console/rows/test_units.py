"""Numbers for people: each magnitude, each edge between two of them, and what is not a number."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.rows.units import clock, duration, percent, si


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (math.nan, "–"), (math.inf, "∞"), (0, "0"), (0.44, "0.4"), (1, "1"), (1.5, "1.5"), (9.95, "10"),
        (999, "999"), (999.6, "1.0k"), (1000, "1.0k"), (9_949, "9.9k"), (9_950, "10k"), (182_345, "182k"), (5.91e6, "5.9M"),
        (1.3e12, "1.3T"), (-182_345, "-182k"),
    ],
)  # fmt: skip
def test_a_number_is_short_and_keeps_two_digits(value: float | None, text: str) -> None:
    assert si(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (math.nan, "–"), (0, "0 %"), (0.912, "91 %"), (0.9999, "100 %"), (1.5, "150 %")]
)
def test_a_ratio_is_told_in_percent(value: float | None, text: str) -> None:
    assert percent(value) == text


def test_a_ratio_has_as_many_digits_as_asked_for() -> None:
    assert percent(0.0341, 2) == "3.41 %"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"), (math.nan, "–"), (math.inf, "∞"), (-3, "0s"), (0, "0s"), (1.4, "1.4s"), (5.4, "5s"), (31, "31s"), (119, "119s"),
        (120, "2m"), (720, "12m"), (3599, "59m"), (3600, "1h"), (86_399, "23h"), (86_400, "1d"), (9 * 86_400, "9d"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_its_own_unit(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(min_value=0, max_value=8e6))
def test_a_duration_never_tells_more_than_has_passed_by_half_a_second(seconds: float) -> None:
    text = duration(seconds)
    told = float(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[text[-1]]
    assert told <= seconds + 0.5
    assert len(text) <= 4


@given(st.floats(min_value=-9.9e14, max_value=9.9e14))
def test_a_number_is_never_wider_than_its_column(value: float) -> None:
    assert len(si(value)) <= 5


def test_a_moment_is_told_in_utc_to_the_second_or_the_minute() -> None:
    at = datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC)
    assert (clock(at), clock(at, with_seconds=False), clock(None)) == ("02:14:07", "02:14", "–")
