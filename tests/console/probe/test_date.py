"""The Date header: the one form that servers write, what else RFC 9110 allows, and what is no date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.probe.date import parsed_date

AT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 09:49:37 +0100",
    ],
    ids=["fixdate", "rfc850", "asctime", "offset"],
)
def test_every_form_of_a_date_is_the_same_moment(text: str) -> None:
    assert parsed_date(text) == AT


def test_a_leap_second_is_the_one_before_it() -> None:
    assert parsed_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "noon", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 anF 1994 08:49:37 GMT", "Sun, 06 Nov 1994 28:49:37 GMT", "x" * 500],
    ids=["empty", "word", "no such day", "no such month", "no such hour", "long"],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parsed_date(text) is None
