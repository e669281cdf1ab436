"""Sequence numbers for segments that have none that lasts: a number that only grows while an MPD is updated.

`$Number$` begins anew in each Period and `$Time$` is no count, yet the judge asks "how far did it advance, did it go back?". So
a rendition's segments are counted: the first time a timeline is seen its oldest segment gets the number that it would have if
all had been as long as most are (two vantages then agree without knowing of each other), and from then on each new copy is laid
onto the one before by its presentation times. What follows from the clock alone is numbered by the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console.probe.dash.manifest import Addressing, Manifest
from console.probe.dash.reach import Stretch


class Span(NamedTuple):
    """Equal segments in a row, in presentation seconds."""

    start_s: float
    duration_s: float
    segments: int


class Numbered(NamedTuple):
    """The segments of one rendition, and the sequence number of the first."""

    first: int
    spans: tuple[Span, ...]

    @property
    def total(self) -> int:
        return sum(span.segments for span in self.spans)

    @property
    def end_s(self) -> float:
        last = self.spans[-1]
        return last.start_s + last.duration_s * last.segments


def spans(stretches: Sequence[Stretch]) -> tuple[Span, ...]:
    """The stretches as one line of spans."""
    return tuple(
        Span(each.presented(run.start), run.duration / each.track.timescale, run.segments)
        for each in stretches
        for run in each.runs
    )


def numbered(
    before: Numbered | None, manifest: Manifest, stretches: Sequence[Stretch], is_restarted: bool
) -> Numbered | None:
    """The stretches with their numbers; None when there are no segments. `is_restarted`: the times of this copy have nothing
    to do with those of the one before (availabilityStartTime moved), so it is counted on.
    """
    line = spans(stretches)
    if not line:
        return None
    if stretches[-1].track.addressing is Addressing.CLOCK and manifest.is_dynamic:
        return _clocked(manifest, line, before.first if before is not None else 0)
    if before is not None:
        aligned = _laid_onto(before, line)
        if aligned is not None:
            return Numbered(aligned, line)
        if is_restarted:
            return Numbered(before.first + before.total, line)
    return Numbered(_guessed(line), line)


def _guessed(line: tuple[Span, ...]) -> int:
    usual = max(line, key=lambda span: span.segments).duration_s
    return max(0, round(line[0].start_s / usual))


def _clocked(manifest: Manifest, line: tuple[Span, ...], least: int) -> Numbered:
    """By the wall-clock end of the newest, whatever availabilityStartTime does; never below what it was, were our clock set."""
    end = manifest.wall(Numbered(0, line).end_s)
    newest = round(end.timestamp() / line[-1].duration_s) if end is not None else 0
    return Numbered(max(least, newest - sum(span.segments for span in line) + 1), line)


def _laid_onto(before: Numbered, line: tuple[Span, ...]) -> int | None:
    """The number of the line's first segment by a segment that both have; None when they have none in common."""
    pivot = max(before.spans[0].start_s, line[0].start_s)
    theirs, ours = _index_of(before.spans, pivot), _index_of(line, pivot)
    if theirs is not None and ours is not None:
        return max(0, before.first + theirs - ours)
    usual = line[0].duration_s
    gap_s = line[0].start_s - before.end_s
    if gap_s >= -usual / 2:  # it went on past what was known: everything we knew has left the window
        return before.first + before.total + max(0, round(gap_s / usual))
    return None


def _index_of(line: tuple[Span, ...], at_s: float) -> int | None:
    """The index of the segment that begins nearest to that time, within half of its length."""
    index = 0
    for span in line:
        nth = round((at_s - span.start_s) / span.duration_s)
        if 0 <= nth < span.segments and abs(span.start_s + nth * span.duration_s - at_s) <= span.duration_s / 2:
            return index + nth
        index += span.segments
    return None
