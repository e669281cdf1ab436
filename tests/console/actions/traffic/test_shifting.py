"""The way from weights to other weights."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from console.actions.catalogue.traffic.shifting import MOST_POINTS, NoWay, moved, rungs, shares, steps

WEIGHTS = st.lists(st.integers(0, 300), min_size=2, max_size=6)


@st.composite
def wishes(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, int]]:
    """Weights and other weights of the same sum, or of a multiple of it."""
    now = draw(WEIGHTS)
    cuts = sorted(draw(st.lists(st.integers(0, sum(now)), min_size=len(now) - 1, max_size=len(now) - 1)))
    parts = [b - a for a, b in zip([0, *cuts], [*cuts, sum(now)], strict=True)]
    times, side = draw(st.integers(1, 5)), draw(st.booleans())
    names = [f"t{number}" for number in range(len(now))]
    old = dict(zip(names, (each * (times if side else 1) for each in now), strict=True))
    new = dict(zip(names, (each * (1 if side else times) for each in parts), strict=True))
    return old, new


@settings(max_examples=80, deadline=None)
@given(wishes(), st.integers(1, 100))
def test_no_step_moves_more_than_the_limit_none_sums_to_nothing_and_the_last_is_the_wish(pair, points: int):
    now, wish = pair
    try:
        found = steps(now, wish, points)
    except NoWay:
        scale = max(sum(now.values()), sum(wish.values()))
        assert not sum(now.values()) or not sum(wish.values()) or scale * min(points, MOST_POINTS) < 100
        return
    states = [now, *found]
    assert states[-1] == wish
    for old, new in pairwise(states):
        assert sum(new.values()) > 0
        assert moved(old, new) <= min(points, MOST_POINTS)
        before, after = shares(old), shares(new)
        assert not any(before[name] == 0 and after[name] == 1 for name in before)
        toward = shares(wish)
        for name in before:  # each goes one way only, so that what lies between is never more than the ends
            assert min(before[name], toward[name]) <= after[name] <= max(before[name], toward[name])


@settings(max_examples=80, deadline=None)
@given(WEIGHTS, WEIGHTS, st.integers(1, 100))
def test_any_wish_whatever_is_either_reached_within_the_limits_or_refused(old, new, points: int):
    names = [f"t{number}" for number in range(min(len(old), len(new)))]
    now, wish = dict(zip(names, old, strict=False)), dict(zip(names, new, strict=False))
    try:
        states = [now, *steps(now, wish, points)]
    except NoWay:
        return
    assert states[-1] == wish
    assert all(moved(a, b) <= min(points, MOST_POINTS) for a, b in pairwise(states))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 256), st.integers(0, 256), st.integers(1, 1000), st.integers(1, 100))
def test_the_weight_of_one_server_climbs_in_rungs_each_within_the_limit_or_of_one(old: int, new: int, others: int, points: int):
    climbed = [old, *rungs(old, new, others, points)]
    assert climbed[-1] == new and climbed in (sorted(climbed), sorted(climbed, reverse=True))
    for here, there in pairwise(climbed):
        pair = [{"one": weight, "rest": others} for weight in (here, there)]
        assert moved(*pair) <= min(points, MOST_POINTS) or abs(here - there) == 1


def test_a_cold_server_is_not_given_everything_at_once():
    assert rungs(0, 256, 100, 25) == [33, 99, 256]
    assert rungs(100, 50, 300, 25) == [50]


def test_a_shift_is_parted_in_proportion():
    now, wish = {"a": 60, "b": 40, "c": 0}, {"a": 0, "b": 40, "c": 60}
    assert steps(now, wish, 25) == [{"a": 35, "b": 40, "c": 25}, {"a": 10, "b": 40, "c": 50}, wish]
    assert steps({"a": 2, "b": 2}, {"a": 100, "b": 300}, 25) == [{"a": 100, "b": 300}]


def test_all_to_one_takes_two_steps_whatever_the_policy_says():
    assert len(steps({"a": 100, "b": 0}, {"a": 0, "b": 100}, 100)) == 2


@pytest.mark.parametrize(
    ("now", "wish", "why"),
    [
        ({"a": 1, "b": 1}, {"a": 0, "b": 0}, "sum to 0"),
        ({"a": 0, "b": 0}, {"a": 1, "b": 1}, "all weights are 0 now"),
        ({"a": 70, "b": 30}, {"a": 70, "b": 70}, "sum to 140 and not to 100"),
        ({"a": 2, "b": 1}, {"a": 1, "b": 2}, "34 points"),
    ],
)
def test_a_wish_that_cannot_be_reached_says_why(now, wish, why: str):
    with pytest.raises(NoWay, match=why):
        steps(now, wish, 25)
