"""A wall clock that is set: no stream is late or ahead because ours was, and one that was set right is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.judge.memory import ChannelMemory
from console.judge.stream import step
from console.model.channel import Channel, Vantage
from console.model.finding import Finding
from console.model.instant import Instant
from console.model.observation import Asked, Heartbeat, MediaFacts, Observation, Outcome
from console.model.remark import Remark
from console.model.severity import Layer
from tests.console.judge.night import EPOCH

T = 2.0


class Watch:
    """One media playlist, asked once a second. Our clock is off by `off_s`; the server's is right."""

    def __init__(self, has_date: bool = False) -> None:
        self.memory = ChannelMemory.starting(Channel("c", (Vantage("origin", Layer.ORIGIN, "http://o.test/i.m3u8"),)), self.at(0))
        self.has_date = has_date

    def at(self, t: float, off_s: float = 0.0) -> Instant:
        return Instant(EPOCH + timedelta(seconds=t + off_s), 1000.0 + t)

    def run(self, begin: int, end: int, off_s: float, late_s: float = 0.0) -> list[Finding]:
        told: list[Finding] = []
        for t in range(begin, end):
            newest, now = int(t // T) + 100, self.at(t, off_s)
            ends_at = EPOCH + timedelta(seconds=(newest - 100) * T - late_s)
            media = MediaFacts(
                target_duration_s=T, media_sequence=newest - 5, segment_count=6, newest_sequence=newest, newest_uri="x",
                newest_ends_at=ends_at, longest_extinf_s=T, window_s=6 * T,
            )  # fmt: skip
            ahead_s = (ends_at - now.utc).total_seconds() - T
            remarks = (Remark("FUTURE", ahead_s, "is ahead of this clock"),) if ahead_s > 3 else ()
            seen = Observation(
                channel="c", vantage="origin", asked=Asked.MEDIA, rendition="i", at=now, elapsed_s=0.0, outcome=Outcome.OK,
                media=media, remarks=remarks, skew_s=off_s if self.has_date and t % 5 == 0 else None,
            )  # fmt: skip
            done = step(self.memory, [seen], Heartbeat(now, 0.0, 0.0, 1, 1, 0, 0), now)
            self.memory = done.memory
            told += done.verdict.findings
        return told


@pytest.mark.parametrize("has_date", [True, False])
@pytest.mark.parametrize("off_s", [6.0, 60.0, -60.0])
def test_a_clock_that_is_set_wrong_makes_no_stream_late_or_ahead(off_s: float, has_date: bool):
    watch = Watch(has_date)
    assert watch.run(0, 30, 0.0) == []
    assert watch.run(30, 90, off_s) == []
    assert watch.run(90, 120, 0.0) == []


def test_a_clock_that_was_wrong_and_is_set_right_is_believed_within_30_s_of_a_servers_date():
    watch = Watch(has_date=True)
    assert watch.run(0, 60, 60.0) == []  # it has always been so late, for all that we know
    assert watch.memory.least_latency_s is not None and watch.memory.least_latency_s >= 60
    assert watch.run(60, 90, 0.0) == []
    assert watch.memory.wall_step_s == 0.0
    assert watch.memory.least_latency_s is not None and watch.memory.least_latency_s < T


@pytest.mark.parametrize("has_date", [True, False])
def test_a_stream_that_is_late_is_told_whatever_our_clock_was_set_to(has_date: bool):
    watch = Watch(has_date)
    assert watch.run(0, 30, 0.0) == []
    assert watch.run(30, 40, 600.0) == []
    assert {finding.code for finding in watch.run(40, 60, 600.0, late_s=-0.5)} == set()
    assert {finding.code for finding in watch.run(60, 80, 600.0, late_s=30.0)} >= {"LATENCY"}
