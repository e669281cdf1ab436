"""What an MPD promises of its segments, and what a fetch of one shows of the promise. Pure.

    DASH_AVAIL  value: segments by which it is late: asked after its availability time, and not there
    DASH_TSB    value: seconds that it should have lived on: within timeShiftBufferDepth, and gone
    DASH_DRIFT  value: seconds between the decode time that it carries and its time in the timeline
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from console.model.remark import Fact, Remark
from console.probe.address import shown
from console.probe.dash import reach
from console.probe.dash.manifest import Manifest
from console.probe.dash.reach import Segment, Stretch

CLOCK_MARGIN_S = 0.5  # what a clock may be off without anybody being told (DASH_UTC)
DRIFT_TOLERANCE_S = 0.05  # edit lists and priming: a frame of picture, two of sound
EDGE_SEGMENTS = 1.0  # an edge may be that late (DASH-IF, 13.3)
LOOKED_AT = 16  # segments at the end that may not be available yet: a hostile timeline could have any number
SAFE_SEGMENTS = 1.0  # how far inside the window the oldest is asked for: it may just be leaving


def newest_available(manifest: Manifest, stretches: tuple[Stretch, ...], now: datetime, count: int) -> tuple[Segment, ...]:
    """At most `count` segments whose availability time has come, oldest first. Looks at no more than LOOKED_AT beyond these."""
    found: list[Segment] = []
    left = count + LOOKED_AT
    for stretch in reversed(stretches):
        for place in range(stretch.total - 1, max(-1, stretch.total - 1 - left), -1):
            left -= 1
            one = reach.segment(manifest, stretch, place)
            if one.url and _is_available(one, now):
                found.append(one)
            if len(found) >= count:
                return tuple(reversed(found))
    return tuple(reversed(found))


def _is_available(one: Segment, now: datetime) -> bool:
    """A listed segment is there by being listed, once its time has come; one that follows from the clock is not asked for until
    it must be there by any honest clock. One that may be had while it is being made is asked for when it is whole: what comes
    as it is made takes as long as it lasts, and that is nobody's slowness.
    """
    if one.complete_at is None:
        return True
    margin_s = CLOCK_MARGIN_S if one.is_clocked else 0.0
    return (now - one.complete_at).total_seconds() >= margin_s


def oldest_promised(manifest: Manifest, stretches: tuple[Stretch, ...], now: datetime) -> Segment | None:
    """The oldest segment that timeShiftBufferDepth promises to be there still, a segment inside the window; None when nothing
    is promised: a static MPD, or one without a depth whose timeline is all there is.
    """
    if not manifest.is_dynamic or manifest.starts_at is None or not stretches:
        return None
    begin_s = stretches[0].presented(stretches[0].runs[0].start)
    if manifest.depth_s is not None:
        begin_s = max(begin_s, manifest.elapsed_s(now) - manifest.depth_s)
    for stretch in stretches:
        place = 0
        for run in stretch.runs:
            lasts_s = run.duration / stretch.track.timescale
            wanted_s = begin_s + SAFE_SEGMENTS * lasts_s
            skipped = max(0, round((wanted_s - stretch.presented(run.start)) / lasts_s + 0.499))
            if skipped < run.segments:
                one = reach.segment(manifest, stretch, place + skipped)
                return one if one.url and _is_available(one, now) else None
            place += run.segments
    return None


class Promised(NamedTuple):
    """What an MPD says of one segment: implements `listed.Promise`."""

    depth_s: float | None
    starts_at: datetime | None
    one: Segment
    is_old: bool  # it was asked for as the oldest that the window has
    off: timedelta = timedelta()  # what our clock may be off, to the side that proves less

    def missing(self, now: datetime, is_edge: bool) -> tuple[Remark, ...]:
        """It was asked for and is not there (404, 410)."""
        now += self.off
        remark = self._gone(now) if self.is_old else unavailable(self.one, now, is_edge)
        return (remark,) if remark is not None else ()

    def carries(self, first_time_s: float) -> tuple[Remark, ...]:
        """It came, and this is its first decode time."""
        remark = drift(self.one, first_time_s)
        return (remark,) if remark is not None else ()

    def _gone(self, now: datetime) -> Remark | None:
        one = self.one
        left_s = one.duration_s
        if self.depth_s is not None and self.starts_at is not None:
            left_s = one.ends_s + self.depth_s - (now - self.starts_at).total_seconds()
            if left_s <= 0:  # it left the window while it was asked for
                return None
        window = f"{self.depth_s:g} s" if self.depth_s is not None else "the timeline"
        says = f"{one.rendition}: segment {_called(one)} is gone, the window of {window} still has it"
        return Remark("DASH_TSB", round(left_s, 3), says[:120], _evidence(one, left_s=round(left_s, 3)))


def unavailable(one: Segment, now: datetime, is_edge: bool) -> Remark | None:
    """DASH_AVAIL for a segment that was asked for and is not there."""
    if one.available_at is None or one.duration_s <= 0:
        return None
    late_s = (now - one.available_at).total_seconds()
    late = late_s / one.duration_s
    if late_s <= 0 or (is_edge and late <= EDGE_SEGMENTS):
        return None
    says = f"{one.rendition}: segment {_called(one)} is not there {late_s:.1f} s after its availability time"
    return Remark("DASH_AVAIL", round(late, 3), says[:120], _evidence(one, late_s=round(late_s, 3)))


def drift(one: Segment, first_time_s: float) -> Remark | None:
    """DASH_DRIFT from the decode time that a segment carries. One that follows from the clock may begin half a segment early or
    late (DASH-IF, simple addressing); a listed one may not.
    """
    off_s = first_time_s - one.media_s
    tolerance_s = one.duration_s / 2 if one.is_clocked else DRIFT_TOLERANCE_S
    if abs(off_s) <= tolerance_s:
        return None
    says = f"{one.rendition}: segment {_called(one)} carries a time {off_s:+.3f} s from its place in the timeline"
    return Remark("DASH_DRIFT", round(abs(off_s), 3), says[:120], _evidence(one, off_s=round(off_s, 3)))


def _called(one: Segment) -> str:
    return f"t={one.time}" if not one.is_clocked else f"number {one.number}"


def _evidence(one: Segment, **more: Fact) -> dict[str, Fact]:
    return {"time": one.time, "number": one.number, "url": shown(one.url), **more}
