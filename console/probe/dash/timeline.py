"""A SegmentTimeline as runs of equal segments, never as a list of segments: one `S` with `r="86399"` is one run, whatever r is.

Times are whole ticks of the Representation's timescale, as written.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from console.probe.dash.document import Element
from console.probe.dash.errors import MpdError
from console.probe.dash.numbers import LARGEST, whole

OPEN = -1  # the count of a run that goes on until its Period ends
MOST_SEGMENTS = 2**40  # of one run; more than that is no timeline


class Run(NamedTuple):
    """Equal segments in a row."""

    start: int  # ticks
    duration: int  # ticks of one segment
    segments: int  # how many; OPEN: until the Period ends

    @property
    def end(self) -> int:
        """Where the next segment should begin. Of an open run: the end of its first segment."""
        return self.start + self.duration * (self.segments if self.segments > 0 else 1)


def read(timeline: Element) -> tuple[Run, ...]:
    """The runs of a SegmentTimeline. Raises MpdError."""
    runs: list[Run] = []
    at = 0
    elements = list(timeline.all("S"))
    for i, one in enumerate(elements):
        start = whole("S@t", one.attributes.get("t"), at)
        duration = whole("S@d", one.attributes.get("d"), 0, least=0)
        if duration == 0:
            raise MpdError("an S without a duration (S@d)")
        repeat = whole("S@r", one.attributes.get("r"), 0, least=-1, most=MOST_SEGMENTS)
        count = repeat + 1
        if repeat == -1:
            count = OPEN
            if i + 1 < len(elements):
                following = elements[i + 1].attributes.get("t")
                if following is None:
                    raise MpdError('an S without a time (S@t) follows one with r="-1"')
                count = -((start - whole("S@t", following, 0)) // duration)  # rounded up: the last one may be cut short
                if count <= 0:
                    raise MpdError('an S with r="-1" begins behind the S that follows it')
        run = Run(start, duration, count)
        if run.end > LARGEST:
            raise MpdError(f"a SegmentTimeline that ends at tick {run.end}")
        runs.append(run)
        at = run.end
    return joined(runs)


def joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The same segments in the fewest runs: a packager that writes an S for each of them says no more than one that counts."""
    out: list[Run] = []
    for run in runs:
        before = out[-1] if out else None
        if (
            before is not None
            and before.segments != OPEN
            and before.duration == run.duration
            and before.end == run.start
        ):
            out[-1] = Run(before.start, run.duration, OPEN if run.segments == OPEN else before.segments + run.segments)
        else:
            out.append(run)
    return tuple(out)


def closed(runs: tuple[Run, ...], end: int | None) -> tuple[Run, ...]:
    """The runs with an open one counted up to `end` (ticks); dropped when `end` is not known or lies before its begin."""
    if not runs or runs[-1].segments != OPEN:
        return runs
    last = runs[-1]
    count = (end - last.start) // last.duration if end is not None else 0
    return runs[:-1] if count <= 0 else (*runs[:-1], last._replace(segments=min(count, MOST_SEGMENTS)))


def until(runs: tuple[Run, ...], end: int) -> tuple[Run, ...]:
    """The segments that end at `end` or before it. An open run stands for as many as there are by then."""
    out: list[Run] = []
    for run in runs:
        whole_ones = (end - run.start) // run.duration
        if whole_ones <= 0:
            break
        count = whole_ones if run.segments == OPEN else min(run.segments, whole_ones)
        out.append(run._replace(segments=min(count, MOST_SEGMENTS)))
        if count < run.segments:
            break
    return tuple(out)


def starting_before(runs: tuple[Run, ...], end: int) -> tuple[Run, ...]:
    """The segments that begin before `end`: what of a Period belongs to it, its last segment may reach into the next one."""
    out: list[Run] = []
    for run in runs:
        started = -((run.start - end) // run.duration)
        if started <= 0:
            break
        count = started if run.segments == OPEN else min(run.segments, started)
        out.append(run._replace(segments=min(count, MOST_SEGMENTS)))
        if count < run.segments:
            break
    return tuple(out)


def total(runs: tuple[Run, ...]) -> int:
    """How many segments. Open runs count as nothing: close them first."""
    return sum(run.segments for run in runs if run.segments > 0)


def nth(runs: tuple[Run, ...], index: int) -> tuple[int, int]:
    """(start, duration) of a segment by its index. Raises IndexError past the last."""
    for run in runs:
        if index < run.segments:
            return run.start + index * run.duration, run.duration
        index -= max(0, run.segments)
    raise IndexError("no such segment in the timeline")


class Seam(NamedTuple):
    """Where one run does not begin at the end of the one before it."""

    at: int  # ticks: where it should begin
    by: int  # ticks: > 0 a gap, < 0 an overlap


def seams(runs: tuple[Run, ...]) -> Iterator[Seam]:
    """Every gap and overlap."""
    for before, after in itertools.pairwise(runs):
        if before.segments != OPEN and after.start != before.end:
            yield Seam(before.end, after.start - before.end)
