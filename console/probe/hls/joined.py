"""The lists of one copy: its own, or with what the copy before lends put between them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple, TypeVar

from console.probe.hls.keys import Key
from console.probe.hls.media import Map, Media, Part, Range
from console.probe.hls.overlap import Kept
from console.probe.hls.segments import Draft, durations_of

T = TypeVar("T")


class Lists(NamedTuple):
    """As `Media` has them."""

    uris: list[str]
    durations: list[float]
    dates: list[float | None]
    discontinuities: tuple[int, ...]
    gaps: tuple[int, ...]
    ranges: Mapping[int, Range]
    keys: tuple[tuple[int, tuple[Key, ...]], ...]
    maps: tuple[tuple[int, Map | None], ...]
    parts: Mapping[int, tuple[Part, ...]]


def lists_of(draft: Draft) -> Lists:
    """What was read. Raises ValueError for an EXTINF that is no number."""
    return Lists(
        draft.uris,
        durations_of(draft.extinfs),
        draft.dates,
        tuple(draft.discontinuities),
        tuple(draft.gaps),
        draft.ranges,
        tuple(draft.keys),
        tuple(draft.maps),
        draft.parts,
    )


def joined(mine: Lists, before: Media, kept: Kept, draft: Draft) -> Lists:
    """With the kept segments of the copy before; most streams have none of the sparse things, so those cost nothing."""
    first, last = before.sequence + kept.begin, before.sequence + kept.end - 1
    discontinuities, ranges, parts = mine.discontinuities, mine.ranges, mine.parts
    if before.discontinuities or discontinuities:
        discontinuities = _merged(discontinuities, before.discontinuities, first, last)
        if draft.skipped and draft.sequence in discontinuities and _is_counted(before, draft):
            discontinuities = discontinuities[1:]
    if before.ranges:
        ranges = {**ranges, **{msn: each for msn, each in before.ranges.items() if first <= msn <= last}}
    if before.parts:
        parts = {**{msn: each for msn, each in before.parts.items() if first <= msn <= last}, **parts}
    return Lists(
        _spliced(mine.uris, before.uris, kept),
        _spliced(mine.durations, before.durations, kept),
        _spliced(mine.dates, before.dates, kept),
        discontinuities,
        _merged(mine.gaps, before.gaps, first, last) if before.gaps or mine.gaps else (),
        ranges,
        _runs(mine.keys, before.keys, first, last) if before.keys or mine.keys else (),
        _runs(mine.maps, before.maps, first, last) if before.maps or mine.maps else (),
        parts,
    )


def _is_counted(before: Media, draft: Draft) -> bool:
    """Whether a delta has counted the discontinuity before its first segment, which some packagers do as soon as it is the
    first: then the tag that the skipped part would bring along is no more.
    """
    had = before.facts.discontinuity_sequence + sum(1 for msn in before.discontinuities if msn <= draft.sequence)
    return draft.discontinuity_sequence == had


def _merged(mine: tuple[int, ...], theirs: tuple[int, ...], first: int, last: int) -> tuple[int, ...]:
    return tuple(sorted((*mine, *(msn for msn in theirs if first <= msn <= last))))


def _spliced(mine: list[T], theirs: list[T], kept: Kept) -> list[T]:
    """One list of the new copy: what it leads with, what is kept, what follows."""
    return [*mine[: kept.lead], *theirs[kept.begin : kept.end], *mine[kept.lead :]]


def _runs(
    mine: tuple[tuple[int, T], ...], theirs: tuple[tuple[int, T], ...], first: int, last: int
) -> tuple[tuple[int, T], ...]:
    """Runs of a state (keys, map) over the new copy, whose kept segments are `first` to `last`. A run of the copy before that
    began earlier begins at `first`, unless the new copy leads with the same.
    """
    before = [run for run in mine if run[0] < first]
    taken = [run for run in theirs if first < run[0] <= last]
    standing = [run for run in theirs if run[0] <= first]
    if standing and not before:
        taken.insert(0, (first, standing[-1][1]))
    elif standing and standing[-1][0] == first:
        taken.insert(0, standing[-1])
    whole = [*before, *taken, *(run for run in mine if run[0] > last)]
    return tuple(whole[:1]) + tuple(run for earlier, run in pairwise(whole) if run[1] != earlier[1])
