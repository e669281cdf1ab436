"""When a playlist is asked. Times are seconds on one clock; T = 4, so P = 2."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from console.model.instant import Instant
from console.model.observation import Asked, MediaFacts, Observation, Outcome, Variant
from console.probe import schedule
from console.probe.schedule import Pace, Reason, answered, due, started

FACTS = MediaFacts(
    target_duration_s=4.0,
    media_sequence=10,
    segment_count=6,
    newest_sequence=15,
    newest_uri="",
    newest_ends_at=None,
    longest_extinf_s=4.0,
    window_s=24.0,
)


def seen(
    at: float, media: MediaFacts | None = FACTS, outcome: Outcome = Outcome.OK, **more: object
) -> Observation:
    values = {"elapsed_s": 0.1, "status": 200, **more}
    return Observation(
        "one",
        "origin",
        Asked.MEDIA,
        "1080p",
        Instant(datetime(2024, 1, 1, tzinfo=UTC), at),
        outcome=outcome,
        media=media,
        **values,  # type: ignore[arg-type]
    )


def watched(at: float = 100.1) -> Pace:
    return answered(started(Pace(grid_at=100.0), 100.0, 2.0), seen(at))


def test_the_period_is_half_a_target_duration_and_at_least_a_second():
    assert schedule.media_period_s(4.0, None) == 2.0
    assert schedule.media_period_s(1.0, None) == 1.0
    assert schedule.media_period_s(None, None) == 2.0
    assert schedule.media_period_s(6.0, 5.0) == 5.0
    assert schedule.timeout_s(4.0) == 4.0
    assert schedule.timeout_s(8.0) == schedule.timeout_s(None) == 5.0


def test_three_hundred_playlists_are_spread_over_the_period():
    dues = sorted(
        schedule.begun(f"{c}/{v}/{r}", 0.0, 2.0).grid_at
        for c in range(12)
        for v in range(5)
        for r in range(5)
    )
    tenths = [sum(1 for at in dues if n / 5 <= at < (n + 1) / 5) for n in range(10)]
    assert min(tenths) >= 15 and max(tenths) <= 50


def test_missed_points_of_the_grid_are_not_made_up():
    assert started(Pace(grid_at=100.0), 107.5, 2.0).grid_at == 108.0
    assert started(Pace(grid_at=100.0), 99.0, 2.0).grid_at == 100.0


def test_a_poll_is_made_at_each_deadline_of_the_newest_segment_and_starts_not_before_it():
    pace = msgspec.structs.replace(watched(), grid_at=1000.0)
    assert due(pace) == (106.1, Reason.DEADLINE)
    early = answered(started(pace, 106.0, 2.0), seen(106.15))  # started before the deadline: proves nothing
    assert early.deadlines_met == 0
    pace = answered(started(pace, 106.1, 2.0), seen(106.3))
    assert pace.deadlines_met == 1
    assert due(pace) == (112.1, Reason.DEADLINE)
    pace = answered(started(pace, 112.1, 2.0), seen(112.3))
    assert due(pace) == (1000.0, Reason.REGULAR)


def test_a_new_segment_begins_the_deadlines_anew():
    pace = answered(
        watched(), seen(104.2, msgspec.structs.replace(FACTS, media_sequence=11, newest_sequence=16))
    )
    assert (pace.shown_at, pace.deadlines_met) == (104.2, 0)


def test_a_cached_answer_at_a_deadline_is_asked_again_until_it_is_young_enough():
    pace = msgspec.structs.replace(watched(), grid_at=1000.0)
    pace = answered(started(pace, 106.1, 2.0), seen(106.2, age_header_s=2.0))
    assert pace.deadlines_met == 0
    assert due(pace) == (106.6, Reason.DEADLINE)
    assert (
        answered(started(pace, 106.6, 2.0), seen(106.7, age_header_s=9.0)).deadlines_met == 1
    )  # held longer than T


@pytest.mark.parametrize(
    "suspect",
    [
        seen(102.0, None, Outcome.NOT_PLAYLIST),
        seen(102.0, None, Outcome.MALFORMED),
        seen(102.0, None, Outcome.HTTP, status=404),
        seen(102.0, msgspec.structs.replace(FACTS, media_sequence=3, newest_sequence=8)),
        seen(102.0, msgspec.structs.replace(FACTS, has_endlist=True)),
        seen(102.0, msgspec.structs.replace(FACTS, longest_extinf_s=4.5)),
    ],
)
def test_an_answer_that_proves_something_by_itself_is_asked_once_more_at_once_and_not_again(
    suspect: Observation,
):
    pace = answered(watched(), suspect)
    assert due(pace) == (102.0, Reason.RETRY)
    again = msgspec.structs.replace(suspect, is_retry=True, at=Instant(suspect.at.utc, 102.3))
    pace = answered(started(pace, 102.1, 2.0), again)
    assert due(pace)[1] is not Reason.RETRY
    later = msgspec.structs.replace(suspect, at=Instant(suspect.at.utc, 104.3))
    assert due(answered(pace, later))[1] is not Reason.RETRY


@pytest.mark.parametrize(
    "harmless", [seen(102.0), seen(102.0, None, Outcome.HTTP, status=503), seen(102.0, None, Outcome.TIMEOUT)]
)
def test_other_answers_wait_for_the_next_regular_poll(harmless: Observation):
    assert due(answered(watched(), harmless))[1] is Reason.REGULAR


def test_a_master_that_lost_a_rung_is_asked_again():
    def master(at: float, *rungs: str) -> Observation:
        return msgspec.structs.replace(
            seen(at, None), asked=Asked.MASTER, rendition=None, variants=tuple(Variant(r, r) for r in rungs)
        )

    pace = answered(Pace(grid_at=100.0), master(100.0, "1080p", "720p"))
    assert due(answered(pace, master(104.0, "1080p", "720p", "360p")))[1] is Reason.REGULAR
    assert due(answered(pace, master(104.0, "720p")))[1] is Reason.RETRY
