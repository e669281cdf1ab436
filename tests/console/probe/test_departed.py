"""Which segment that left the window is asked for, and when. T = 4 s, six segments: the promise holds for 28 s."""

from __future__ import annotations

import msgspec

from console.model.observation import MediaFacts
from console.probe.departed import EVERY_S, KEPT, Departed
from console.probe.listed import Listed


def window(first: int, count: int = 6, **more: object) -> MediaFacts:
    facts = MediaFacts(4.0, first, count, first + count - 1, "", None, 4.0, 4.0 * count)
    return msgspec.structs.replace(facts, **more)


def listed(sequence: int) -> Listed:
    return Listed(sequence, f"http://h.test/{sequence}", 4.0)


def after(*seen: int) -> Departed:
    departed = Departed()
    departed.leaving(window(10), 0.0)
    for sequence in seen:
        departed.seen(listed(sequence))
    return departed


def test_what_was_seen_and_left_is_asked_for_within_the_time_that_it_must_stay():
    departed = after(10, 11)
    assert departed.leaving(window(10), 1.0) is None
    found = departed.leaving(window(11), 100.0)
    assert found is not None
    gone, at = found
    assert gone.sequence == 10 and 110.0 < at < 100.0 + 28.0 - 4.0
    assert departed.is_promised(at) and not departed.is_promised(128.0)


def test_one_at_a_time_and_while_all_is_well_twice_a_minute():
    departed = after(10, 11, 12, 13, 14)
    assert departed.leaving(window(11), 100.0) is not None
    assert departed.leaving(window(12), 104.0) is None
    departed.answered(True, 119.0)
    assert departed.leaving(window(13), 120.0) is None
    assert departed.leaving(window(14), 119.0 + EVERY_S) is not None


def test_after_a_failure_the_next_one_that_leaves_is_asked_for():
    departed = after(10, 11, 12)
    assert departed.leaving(window(11), 100.0) is not None
    departed.answered(False, 119.0)
    assert departed.leaving(window(12), 120.0) is not None


def test_nothing_is_asked_about_what_was_never_seen_what_ended_and_what_was_numbered_anew():
    assert after().leaving(window(20), 50.0) is None
    assert after(10).leaving(window(11, has_endlist=True), 50.0) is None
    assert after(10).leaving(window(5000), 50.0) is None
    restarted = after(900)
    restarted.seen(listed(1))
    found = restarted.leaving(window(2), 50.0)
    assert found is not None and found[0].sequence == 1


def test_of_a_long_window_a_few_segments_are_kept_and_one_of_them_leaves_in_the_end():
    departed = Departed()
    asked = 0
    for newest in range(2000, 6000):
        media = window(newest - 999, 1000)
        if departed.leaving(media, newest * 4.0) is not None:
            asked += 1
            departed.answered(True, newest * 4.0)
        departed.seen(listed(newest))
        assert len(departed._seen) <= KEPT
    assert asked >= 10
