"""Dates to nanoseconds: the form that nearly every document has is read by a short way, which takes nothing else for it."""

from __future__ import annotations

import pytest

from console.sources.elasticsearch.nanos import NS, nanos

SECOND = 1_795_420_433 * NS  # 2026-11-23T07:53:53Z


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("2026-11-23T07:53:53Z", 0),
        ("2026-11-23T07:53:53.7Z", 700_000_000),
        ("2026-11-23T07:53:53.753Z", 753_000_000),
        ("2026-11-23T07:53:53.123456789Z", 123_456_789),
        ("2026-11-23T07:53:53.1234567891Z", 123_456_789),
        ("2026-11-23 07:53:53.000000001Z", 1),
        ("2026-11-23T08:53:53.5+01:00", 500_000_000),
    ],
)
def test_a_date_is_its_nanoseconds_whatever_its_form(text: str, fraction: int) -> None:
    assert nanos(text) == SECOND + fraction


def test_before_1970_a_fraction_still_goes_forward() -> None:
    assert nanos("1969-12-31T23:59:59.5Z") == -NS // 2


@pytest.mark.parametrize(
    "text",
    [
        "2026-W01-1T00:00:00.5Z",
        "2026-11-23T07:53.12.345Z",
        "2026-11-23T07:53+01.5Z",
        "2026-11-23T07:53   .5Z",
        "2026-13-23T07:53:53.7Z",
        "2026-11-23T07:53:53.Z",
        "2026-11-23T07:53:61.5Z",
        "2026-11-23T07:53:53.-5Z",
    ],
)
def test_what_only_looks_like_that_form_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):  # ours, or the calendar's
        nanos(text)
