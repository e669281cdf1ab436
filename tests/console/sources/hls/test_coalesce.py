from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from console.model.instant import Instant
from console.model.observation import Asked, Heartbeat, Observation, Outcome, ProbeBatch, SegmentFacts
from console.model.remark import Remark
from console.sources.hls.coalesce import LIMIT, PLAIN_LIMIT, Gathered


def at(mono: float) -> Instant:
    return Instant(datetime(2024, 1, 1, tzinfo=UTC), mono)


def seen(n: int, rendition: str, outcome: Outcome = Outcome.OK) -> Observation:
    return Observation("one", "origin", Asked.MEDIA, rendition, at(n), 0.1, outcome)


def beat(n: float, lag_s: float) -> Heartbeat:
    return Heartbeat(at(n), lag_s, 0.0, channels=1, polls=10, bytes_in=5, in_flight=0)


def test_while_there_is_little_nothing_is_merged():
    gathered = Gathered()
    batch = tuple(seen(n, "720p") for n in range(100))
    gathered.add(ProbeBatch(batch))
    assert gathered.take().observations == batch
    assert gathered.is_empty


def test_past_the_limit_the_newest_of_each_playlist_and_every_failure_stay():
    gathered = Gathered()
    failed = seen(5, "720p", Outcome.TIMEOUT)
    gathered.add(ProbeBatch((failed, *(seen(n, f"{n % 5}") for n in range(10, 10 + PLAIN_LIMIT)))))
    kept = gathered.take().observations
    assert failed in kept
    assert [one.at.mono for one in kept[1:]] == [10 + PLAIN_LIMIT - 5 + n for n in range(5)]


def test_an_event_and_what_was_read_of_a_segment_are_told_once_and_so_they_stay():
    changed = msgspec.structs.replace(seen(5, "720p"), remarks=(Remark("MUTATED", 1.0, "", is_event=True),))
    standing = msgspec.structs.replace(seen(6, "720p"), remarks=(Remark("GAP", 1.0, ""),))
    segment = msgspec.structs.replace(seen(7, "720p"), asked=Asked.SEGMENT, segment=SegmentFacts(1, 4.0))
    gathered = Gathered()
    newer = (msgspec.structs.replace(one, at=at(9)) for one in (seen(9, "720p"), segment))
    gathered.add(ProbeBatch((changed, standing, segment, *newer, *(seen(n, "360p") for n in range(10, 10 + PLAIN_LIMIT)))))
    kept = gathered.take().observations
    assert changed in kept and segment in kept and standing not in kept


def test_it_is_bounded_even_when_everything_fails():
    gathered = Gathered()
    for round_ in range(10):
        gathered.add(ProbeBatch(tuple(seen(round_ * 2000 + n, "720p", Outcome.TIMEOUT) for n in range(2000))))
    kept = gathered.take().observations
    assert len(kept) == LIMIT
    assert kept[-1].at.mono == 19_999


def test_the_lateness_of_a_merged_heartbeat_is_not_lost():
    gathered = Gathered()
    gathered.add(ProbeBatch(heartbeat=beat(1, 2.5)))
    gathered.add(ProbeBatch(heartbeat=beat(2, 0.0)))
    told = gathered.take().heartbeat
    assert told is not None
    assert (told.at.mono, told.poll_lag_s, told.polls) == (2, 2.5, 20)
