"""Freezes hold from the first of their moments up to the last, whatever the clock of the country does meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.actions.policy.checks import DAYS
from console.actions.policy.freezes import held_until, holding
from console.actions.policy.policy import Freeze, Policy, Weekly
from console.actions.target import Target

PACKAGER = Target.parse("kube:apac-1/live/deployment/packager")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + ":00+00:00")


def weekly(begin: str, until: str, timezone: str = "UTC", days: tuple[str, ...] = DAYS) -> Freeze:
    return Freeze(name="f", weekly=Weekly(days=days, begin=begin, until=until, timezone=timezone))


def test_a_single_freeze_holds_from_its_first_moment_up_to_its_last() -> None:
    freeze = Freeze(name="f", begin=at("2026-12-18T16:00"), until=at("2026-12-18T22:00"))
    assert held_until(freeze, at("2026-12-18T15:59")) is None
    assert held_until(freeze, at("2026-12-18T16:00")) == at("2026-12-18T22:00")
    assert held_until(freeze, at("2026-12-18T21:59")) == at("2026-12-18T22:00")
    assert held_until(freeze, at("2026-12-18T22:00")) is None


# New York: on 2026-03-08 there is no 02:00-03:00 (07:00Z), on 2026-11-01 01:00-02:00 comes twice (05:00Z and 06:00Z).
@pytest.mark.parametrize(
    ("begin", "until", "now", "expected"),
    [
        ("01:30", "04:00", "2026-03-08T06:29", None),
        ("01:30", "04:00", "2026-03-08T06:30", "2026-03-08T08:00"),
        ("01:30", "04:00", "2026-03-08T07:59", "2026-03-08T08:00"),
        ("01:30", "04:00", "2026-03-08T08:00", None),
        ("02:30", "04:00", "2026-03-08T06:59", None),  # begins in the skip, so with it
        ("02:30", "04:00", "2026-03-08T07:00", "2026-03-08T08:00"),
        ("01:00", "02:30", "2026-03-08T06:59", "2026-03-08T07:00"),  # ends in the skip, so with it
        ("01:00", "02:30", "2026-03-08T07:00", None),
        ("02:10", "02:50", "2026-03-08T07:00", None),  # that day does not have it
        ("01:15", "01:45", "2026-11-01T05:14", None),
        ("01:15", "01:45", "2026-11-01T05:15", "2026-11-01T06:45"),  # from the first 01:15 …
        ("01:15", "01:45", "2026-11-01T05:50", "2026-11-01T06:45"),  # … without a hole …
        ("01:15", "01:45", "2026-11-01T06:44", "2026-11-01T06:45"),  # … to the second 01:45
        ("01:15", "01:45", "2026-11-01T06:45", None),
        ("00:30", "01:00", "2026-11-01T04:59", "2026-11-01T06:00"),  # the first 01:00 is not the last
        ("02:00", "03:00", "2026-11-01T06:59", None),
        ("02:00", "03:00", "2026-11-01T07:00", "2026-11-01T08:00"),
        ("22:00", "02:30", "2026-03-08T03:00", "2026-03-08T07:00"),  # begun the evening before
    ],
)
def test_the_edges_on_the_nights_on_which_the_clock_is_set(begin: str, until: str, now: str, expected: str | None) -> None:
    held = held_until(weekly(begin, until, "America/New_York"), at(now))
    assert held == (at(expected) if expected else None)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-20T18:59", None),  # a Friday in London, UTC in winter
        ("2026-11-20T19:00", "2026-11-21T00:30"),
        ("2026-11-21T00:29", "2026-11-21T00:30"),
        ("2026-11-21T00:30", None),
        ("2026-11-21T19:30", None),  # Saturday evening is not named
        ("2026-07-17T18:00", "2026-07-17T23:30"),  # an hour earlier in summer
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(now: str, expected: str | None) -> None:
    held = held_until(weekly("19:00", "00:30", "Europe/London", ("fri",)), at(now))
    assert held == (at(expected) if expected else None)


def test_the_day_is_that_of_the_zone_and_not_of_utc() -> None:
    auckland = weekly("08:00", "09:00", "Pacific/Auckland", ("sat",))
    assert held_until(auckland, at("2026-11-20T19:30")) == at("2026-11-20T20:00")  # a Friday in UTC


def test_windows_that_touch_are_told_as_one() -> None:
    weekend = weekly("00:00", "24:00", days=("sat", "sun"))
    assert held_until(weekend, at("2026-11-21T12:00")) == at("2026-11-23T00:00")
    assert held_until(weekend, at("2026-11-23T00:00")) is None
    always = held_until(weekly("00:00", "24:00"), at("2026-11-21T12:00"))
    assert always is not None and always >= at("2026-11-28T00:00")


def test_a_window_without_length_is_a_whole_day() -> None:
    assert held_until(weekly("09:00", "09:00", days=("mon",)), at("2026-11-24T08:59")) == at("2026-11-24T09:00")


def test_a_day_that_an_island_skipped_has_no_window_of_its_own() -> None:
    samoa = weekly("10:00", "11:00", "Pacific/Apia", ("fri",))  # there was no Friday 2011-12-30
    assert all(held_until(samoa, at("2011-12-29T00:00") + timedelta(minutes=10 * step)) is None for step in range(6 * 48))


@settings(deadline=None)
@given(
    begin=st.times(), until=st.times(), days=st.sets(st.sampled_from(DAYS), min_size=1),
    zone=st.sampled_from(("UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns")),
    now=st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)),
)  # fmt: skip
def test_a_freeze_that_holds_holds_until_just_before_the_moment_that_it_names(begin, until, days, zone, now) -> None:
    freeze = weekly(f"{begin:%H:%M}", f"{until:%H:%M}", zone, tuple(days))
    moment = now.replace(tzinfo=UTC)
    end = held_until(freeze, moment)
    if end is not None:
        assert end > moment
        assert held_until(freeze, end - timedelta(seconds=1)) is not None
        if end - moment < timedelta(days=7):
            assert held_until(freeze, end) is None


def test_only_what_a_freeze_speaks_of_is_held() -> None:
    freeze = Freeze(
        name="cup", begin=at("2026-12-18T16:00"), until=at("2026-12-18T22:00"),
        actions=("deployment.*",), targets=("kube:apac-*/live/*",), sites=("apac",),
    )  # fmt: skip
    policy, now = Policy(version="v", roles={}, freezes=(freeze,)), at("2026-12-18T20:00")
    assert [each.freeze.name for each in holding(policy, now, "apac", "deployment.restart", PACKAGER)] == ["cup"]
    assert not holding(policy, now, "emea", "deployment.restart", PACKAGER)
    assert not holding(policy, now, "apac", "pod.evict", PACKAGER)
    assert not holding(policy, now, "apac", "deployment.restart", Target.parse("kube:apac-1/vod/deployment/packager"))
