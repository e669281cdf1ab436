"""Whose segment is fetched when there are more than may be."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from console.probe.budget import BURST_S, IN_FLIGHT, Budget


def test_what_is_saved_up_is_bounded_and_nothing_is_fetched_without_a_rate():
    budget = Budget(1e6, 0.0)
    assert budget.take("a", 8e6, 1000.0)
    assert not budget.take("b", 1e6, 1000.0)
    assert budget.take("b", 1e6, 1001.1)
    assert not Budget(0.0, 0.0).take("a", 1.0, 100.0)


def test_a_lying_estimate_is_paid_back():
    budget = Budget(1e6, 0.0)
    assert budget.take("a", 1e5, 0.0)
    budget.settle(1e5, 12e6, 0.0)  # a debt of 4 MB
    assert not budget.take("b", 1e5, 3.9)
    assert budget.take("b", 1e5, 4.2)
    budget.settle(1e5, 0.0, 4.2)
    assert budget.take("c", 1e5, 4.2)


def test_a_segment_larger_than_all_that_can_be_saved_is_fetched_now_and_then_all_the_same():
    budget = Budget(1e5, 0.0)
    taken = [second for second in range(400) if budget.take("a", 10e6, float(second)) and not budget.settle(10e6, 10e6, second)]
    assert 2 <= len(taken) <= 5


def test_many_that_hang_leave_the_others_their_heads_and_no_more_memory():
    budget = Budget(1e9, 0.0)
    assert all(budget.take(n, 1.0, 0.0) for n in range(IN_FLIGHT))
    assert not budget.take("late", 1.0, 0.0)
    budget.settle(1.0, 1.0, 0.0)
    assert budget.take("late", 1.0, 0.0)


def test_a_short_budget_goes_round():
    """Thirty playlists of 1 MB every 4 s, each at its own moment, and 1 MB/s: a seventh of what they want."""
    budget = Budget(1e6, 0.0)
    served = dict.fromkeys(range(30), 0)
    for second in range(0, 1200, 4):
        for who in served:
            at = second + who * 4 / 30
            if budget.take(who, 1e6, at):
                budget.settle(1e6, 1e6, at)
                served[who] += 1
    assert min(served.values()) >= 0.6 * 1200 / 30 and max(served.values()) - min(served.values()) <= 12
    assert 0.8 * 1200 <= sum(served.values()) <= 1200 + BURST_S


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_it_never_spends_more_than_the_rate_and_what_was_saved(seed: int, count: int):
    rng = random.Random(seed)
    budget = Budget(1e6, 0.0)
    now = spent = 0.0
    for _ in range(300):
        now += rng.random()
        size = rng.uniform(1e3, 3e6)
        if budget.take(rng.randrange(count), size, now):
            budget.settle(size, size, now)
            spent += size
    assert spent <= 1e6 * (now + BURST_S) + 1
