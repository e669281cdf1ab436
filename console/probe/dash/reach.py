"""Which segments of a rendition there are at a moment: over all Periods, by the timeline where there is one, else by the clock.

A *stretch* is what one Period contributes. Presentation times are seconds since availabilityStartTime.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

from console.probe.dash import timeline
from console.probe.dash.addresses import segment_url
from console.probe.dash.manifest import Addressing, Manifest, Period, Track
from console.probe.dash.numbers import FOREVER_S
from console.probe.dash.timeline import Run

_MOST_CLOCKED = 2**40  # segments: a presentation that is that old has a wrong availabilityStartTime


class Stretch(NamedTuple):
    """The segments that one Period contributes."""

    period: Period
    track: Track
    runs: tuple[Run, ...]  # of what is published by now; none of them open
    first_number: int  # $Number$ of the first of them

    @property
    def total(self) -> int:
        return timeline.total(self.runs)

    def presented(self, ticks: int) -> float:
        """Seconds since availabilityStartTime of a time of this timeline."""
        return self.period.start_s + self.track.seconds(ticks)


class Segment(NamedTuple):
    """One segment, ready to be asked for."""

    track: Track
    rendition: str
    place: int  # in its stretch, from 0
    number: int
    time: int  # ticks, as in the timeline
    starts_s: float  # presentation time
    ends_s: float
    media_s: float  # the decode time that it should carry: its time in the timeline, in seconds
    available_at: datetime | None  # None: always (a static MPD)
    complete_at: datetime | None  # when it can be had without waiting
    url: str
    is_clocked: bool  # no list tells of it, it follows from the clock

    @property
    def duration_s(self) -> float:
        return self.ends_s - self.starts_s


def stretches(manifest: Manifest, rendition: str, now: datetime) -> tuple[Stretch, ...]:
    """What there is of a rendition by now, oldest Period first. A listed segment counts as published up to its own length
    before its end: packagers list it when they begin to write it, and clocks differ.
    """
    elapsed_s = manifest.elapsed_s(now) if manifest.is_dynamic else math.inf
    found: list[Stretch] = []
    for period in manifest.periods:
        if period.start_s > elapsed_s:
            break
        track = period.track(rendition)
        if track is None:
            continue
        first = track.start_number
        if track.addressing is Addressing.CLOCK:
            runs, first = _by_the_clock(manifest, period, track, elapsed_s)
        elif track.addressing is Addressing.SINGLE:
            runs = _single(period, track)
        else:
            runs = _listed(manifest, period, track, elapsed_s)
        if runs:
            found.append(Stretch(period, track, runs, first))
    return tuple(found)


def _ticks(track: Track, seconds: float) -> int:
    return track.presentation_offset + math.floor(seconds * track.timescale)


def _single(period: Period, track: Track) -> tuple[Run, ...]:
    length_s = period.end_s - period.start_s if period.end_s is not None else 0.0
    ticks = round(length_s * track.timescale)
    return (Run(track.presentation_offset, ticks, 1),) if ticks > 0 else ()


def _listed(manifest: Manifest, period: Period, track: Track, elapsed_s: float) -> tuple[Run, ...]:
    runs = track.runs
    if period.end_s is not None:
        length_ticks = round((period.end_s - period.start_s) * track.timescale)
        runs = timeline.starting_before(runs, track.presentation_offset + length_ticks)
    if not manifest.is_dynamic or elapsed_s == math.inf:
        return timeline.closed(runs, None)
    early_s = min(track.available_early_s, FOREVER_S)
    longest = max((run.duration for run in runs), default=0)
    allowed = 0 if track.is_open else longest
    return timeline.until(runs, _ticks(track, elapsed_s - period.start_s + early_s) + allowed)


def _by_the_clock(
    manifest: Manifest, period: Period, track: Track, elapsed_s: float
) -> tuple[tuple[Run, ...], int]:
    """Every segment whose availability time has come, within timeShiftBufferDepth; and the first one's number."""
    length_s = period.end_s - period.start_s if period.end_s is not None else math.inf
    duration_s = track.duration / track.timescale
    into_s = elapsed_s - period.start_s
    by_now = into_s + track.available_early_s
    last = length_s if length_s <= by_now else math.floor(min(by_now, 1e15) / duration_s + 1e-6) * duration_s
    if last == math.inf:
        return (), track.start_number
    count = min(_MOST_CLOCKED, math.ceil(last / duration_s - 1e-6))
    if track.end_number is not None:
        count = min(count, track.end_number - track.start_number + 1)
    skipped = 0
    if manifest.is_dynamic and manifest.depth_s is not None:
        skipped = max(0, math.ceil((into_s - manifest.depth_s) / duration_s))
    if count <= skipped:
        return (), track.start_number
    begin = track.presentation_offset + skipped * track.duration
    return (Run(begin, track.duration, count - skipped),), track.start_number + skipped


def segment(manifest: Manifest, stretch: Stretch, index: int) -> Segment:
    """One segment of a stretch. Raises IndexError past its last, MpdError when its URL cannot be made."""
    track = stretch.track
    time, duration = timeline.nth(stretch.runs, index)
    number = stretch.first_number + index
    starts_s, ends_s = stretch.presented(time), stretch.presented(time + duration)
    return Segment(
        track=track,
        rendition=track.rendition,
        place=index,
        number=number,
        time=time,
        starts_s=starts_s,
        ends_s=ends_s,
        media_s=time / track.timescale,
        available_at=manifest.wall(max(ends_s - min(track.available_early_s, FOREVER_S), starts_s)),
        complete_at=manifest.wall(ends_s),
        url=segment_url(track, index, number, time),
        is_clocked=track.addressing is Addressing.CLOCK or track.is_open,
    )
