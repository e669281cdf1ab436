"""CPU of reading media playlists beside the PyPI package `m3u8`, which knows nothing of the copy before."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import interleaved, measured


def _us(who: str, segments: int, rounds: int) -> float:
    return float(measured("parser_load", who, segments, rounds)["us"])


def run(is_quick: bool) -> Iterator[Figure]:
    share, repeats = (50, 1) if is_quick else (1, 3)

    def beside(name: str, who: str, segments: int, rounds: int, goal: Goal | None) -> Figure:
        rounds = max(38, rounds // share)
        ours, theirs = interleaved(lambda: _us(who, segments, rounds), lambda: _us("m3u8", segments, max(2, 6_000 // segments // share)), repeats)
        return figure(name, "us", ours, theirs, goal=goal)

    yield beside("hls_parser", "read", 1_000, 190, Goal(1 / 8, is_ratio=True))
    yield beside("hls_parser_append_1000", "append", 1_000, 380, None)
    yield beside("hls_parser_append_60", "append", 60, 3_800, None)
    yield beside("hls_parser_append_6", "append", 6, 7_600, Goal(60.0))
    yield beside("hls_parser_unchanged", "unchanged", 1_000, 7_600, Goal(100.0))
