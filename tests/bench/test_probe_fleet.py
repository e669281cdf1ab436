"""The load server is a real edge in what matters, and a run that measured something else does not count."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from console.model.instant import Instant
from console.model.observation import Heartbeat
from tests.bench import probe_fleet, probe_fleet_load
from tests.bench.harness import BenchFailed
from tests.bench.probe_fleet_load import LADDER, WINDOW, T, World


def beat(in_flight: int) -> Heartbeat:
    at = Instant(datetime(2026, 11, 23, tzinfo=UTC), 0.0)
    return Heartbeat(at=at, poll_lag_s=0.0, loop_lag_s=0.0, channels=4, polls=10, bytes_in=0, in_flight=in_flight)


def test_a_playlist_of_the_load_server_advances_by_one_segment_a_target_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [probe_fleet_load.BEGUN + 1000.0]
    monkeypatch.setattr(probe_fleet_load.time, "time", lambda: moment[0])
    world = World()
    firsts: list[int] = []
    for _ in range(3):
        whole, same, etag = world.media(b"channel-001", b"1080")
        assert world.media(b"channel-001", b"1080") == (whole, same, etag) and etag in whole and etag in same
        lines = gzip.decompress(whole.split(b"\r\n\r\n", 1)[1]).decode().splitlines()
        assert lines[0] == "#EXTM3U" and sum(line.endswith(".ts") for line in lines) == WINDOW
        firsts.append(int(next(line for line in lines if "MEDIA-SEQUENCE" in line).rpartition(":")[2]))
        moment[0] += T
    assert firsts == [firsts[0], firsts[0] + 1, firsts[0] + 2]


def test_a_run_counts_only_when_the_polls_were_made_and_the_channel_that_should_hang_does() -> None:
    due = int(100 * (len(LADDER) / 2.0 + 1 / T) * 20)
    told = probe_fleet.Told(20.0, 1.0, 0.1, [beat(len(LADDER))], due, [])
    probe_fleet._counts(told, 100, True)
    with pytest.raises(BenchFailed, match="were due"):
        probe_fleet._counts(told._replace(well=due // 2), 100, False)
    with pytest.raises(BenchFailed, match="should hang does not"):
        probe_fleet._counts(told._replace(beats=[beat(0)]), 100, True)
