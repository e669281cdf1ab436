"""[sites.NAME.probe]: what is fetched besides playlists."""

from __future__ import annotations

import pytest

from console.config.probing import SegmentPolicy
from console.config.rate import bytes_per_s

PROM = '[sites.apac.prometheus]\nurl = "https://prom.example:9090"\n'


def test_the_newest_segment_within_four_megabytes_a_second_is_what_is_not_written(loaded) -> None:
    probe = loaded(PROM).sites["apac"].probe
    assert (probe.segments, bytes_per_s(probe.segment_budget)) == (SegmentPolicy.NEWEST, 4e6)


def test_policy_and_budget_are_taken_as_written(loaded) -> None:
    probe = loaded(PROM + '[sites.apac.probe]\nsegments = "all"\nsegment_budget = "32Mbit/s"\n').sites["apac"].probe
    assert (probe.segments, bytes_per_s(probe.segment_budget)) == (SegmentPolicy.ALL, 4e6)


@pytest.mark.parametrize(
    ("written", "rate"),
    [("4MB/s", 4e6), ("500 kB/s", 5e5), ("1.5MiB/s", 1.5 * 2**20), ("800kbit/s", 1e5), ("12B/s", 12.0), ("0", 0.0)],
)
def test_a_rate_has_its_unit(written: str, rate: float) -> None:
    assert bytes_per_s(written) == rate


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('segment = "all"', ("segment", "segments")),
        ('segments = "newst"', ("segments", "newest")),
        ('segment_budget = "4MB"', ("segment_budget", "must be a rate")),
        ('segment_budget = "-1MB/s"', ("segment_budget", "must be a rate")),
        ("segment_budget = 4", ("segment_budget", "must be a string")),
    ],
)
def test_what_is_misspelt_is_told_with_its_key(told, line: str, words: tuple[str, ...]) -> None:
    (problem, *_) = told(PROM + f"[sites.apac.probe]\n{line}\n")
    for word in words:
        assert word in str(problem)
