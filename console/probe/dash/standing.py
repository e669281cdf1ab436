"""What one copy of an MPD says against itself: standing remarks, true as long as the copy is.

    DASH_TL_GAP  value: the widest gap or overlap of a timeline, in segments of its longest duration
    DASH_PERIOD  value: seconds that no Period covers, or by which a Period said to be continuous is not
    DASH_DELAY   value: suggestedPresentationDelay in segments (in what of a segment is not available early)
    DASH_UTC     value: 1 when a live MPD names no UTCTiming, else (clock.py) seconds between its source and us
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime

from console.model.remark import Fact, Remark
from console.probe.dash import timeline
from console.probe.dash.manifest import Addressing, Manifest, Period, Track

TIMELINE_TOLERANCE_S = 0.002  # or one tick, if that is longer: times are rounded to ticks
PERIOD_TOLERANCE_S = 0.1  # sound ends within a frame or two of its Period's end
SETTLED_SEGMENTS = 3  # a Period's end is judged when its successor is that old: packagers write the last segments late
DELAY_ROUNDING = 0.05  # packagers write it in whole seconds of what a segment is about
NO_SOURCE = 1.0  # the value of DASH_UTC without a UTCTiming: as bad as a second, and never worse


def of_copy(manifest: Manifest) -> tuple[Remark, ...]:
    """What a copy deserves whenever it is looked at. At most one remark of each code: the worst."""
    found = [_timeline(manifest), _delay(manifest), _timing(manifest)]
    return tuple(remark for remark in found if remark is not None)


def standing(manifest: Manifest, now: datetime) -> tuple[Remark, ...]:
    """What it deserves now."""
    remark = _periods(manifest, now)
    return (remark,) if remark is not None else ()


def _tracks(manifest: Manifest) -> Iterator[tuple[Period, Track]]:
    for period in manifest.periods:
        for track in period.tracks:
            if track.kind in ("video", "audio"):
                yield period, track


def _timeline(manifest: Manifest) -> Remark | None:
    worst: tuple[float, Track, timeline.Seam, Period] | None = None
    count = 0
    for period, track in _tracks(manifest):
        if len(track.runs) < 2:
            continue
        longest = max(run.duration for run in track.runs)
        for seam in timeline.seams(track.runs):
            if abs(seam.by) <= max(1.0, TIMELINE_TOLERANCE_S * track.timescale):
                continue
            count += 1
            size = abs(seam.by) / longest
            if worst is None or size > worst[0]:
                worst = (size, track, seam, period)
    if worst is None:
        return None
    size, track, seam, period = worst
    kind = "gap" if seam.by > 0 else "overlap"
    evidence: dict[str, Fact] = {
        "rendition": track.rendition,
        "period": period.id,
        "at_tick": seam.at,
        "timescale": track.timescale,
        "seconds": round(abs(seam.by) / track.timescale, 3),
        "seams": count,
    }
    says = f"{track.rendition}: {kind} of {_s(abs(seam.by) / track.timescale)} in the timeline at tick {seam.at}"
    return Remark("DASH_TL_GAP", round(size, 4), says[:120], evidence)


def _periods(manifest: Manifest, now: datetime) -> Remark | None:
    worst: Remark | None = None
    for before, after in itertools.pairwise(manifest.periods):
        for remark in (_hole(manifest, before, after, now), _false_continuity(before, after)):
            if remark is not None and (worst is None or remark.value > worst.value):
                worst = remark
    return worst


def _hole(manifest: Manifest, before: Period, after: Period, now: datetime) -> Remark | None:
    """Time between two Periods that neither covers. The end of the timeline counts once the successor is well on its way."""
    hole_s, who = 0.0, ""
    if before.duration_s is not None:
        hole_s = after.start_s - (before.start_s + before.duration_s)
        who = "by its own duration"
    for track in before.tracks:
        if track.kind not in ("video", "audio") or track.addressing is not Addressing.TIMELINE or not track.runs:
            continue
        last = track.runs[-1]
        longest_s = max(run.duration for run in track.runs) / track.timescale
        if last.segments < 0 or (
            manifest.is_dynamic and manifest.elapsed_s(now) < after.start_s + SETTLED_SEGMENTS * longest_s
        ):
            continue
        missing_s = after.start_s - (before.start_s + track.seconds(last.end))
        if missing_s > hole_s:
            hole_s, who = missing_s, f"by the last segment of {track.rendition}"
    if hole_s <= PERIOD_TOLERANCE_S:
        return None
    says = f"Period {_name(before)} ends {_s(hole_s)} before the next, {who}"
    evidence: dict[str, Fact] = {
        "period": before.id,
        "next": after.id,
        "hole_s": round(hole_s, 3),
        "next_start_s": after.start_s,
    }
    return Remark("DASH_PERIOD", round(hole_s, 3), says[:120], evidence)


def _false_continuity(before: Period, after: Period) -> Remark | None:
    for track in after.tracks:
        if track.continues is None or track.continues != before.id:
            continue
        same = next((one for one in before.tracks if one.id == track.id), None)
        if same is None:
            continue
        # where the media timeline stands when the next Period begins, by either Period
        told_s = track.presentation_offset / track.timescale
        due_s = same.presentation_offset / same.timescale + after.start_s - before.start_s
        off_s = abs(told_s - due_s)
        if off_s > PERIOD_TOLERANCE_S:
            says = f"Period {_name(after)} says it continues {_name(before)}, but its times are {_s(off_s)} off"
            evidence: dict[str, Fact] = {
                "period": after.id,
                "continues": before.id,
                "rendition": track.rendition,
                "off_s": round(off_s, 3),
            }
            return Remark("DASH_PERIOD", round(off_s, 3), says[:120], evidence)
    return None


def _delay(manifest: Manifest) -> Remark | None:
    """Low latency is allowed to stay below a segment by what of it is available early."""
    delay_s = manifest.delay_s
    if not manifest.is_dynamic or delay_s is None:
        return None
    longest_s = 0.0
    for _, track in _tracks(manifest):
        lengths = [run.duration for run in track.runs] or [track.duration]
        longest_s = max(longest_s, max(lengths) / track.timescale - track.available_early_s)
    if longest_s <= 0 or delay_s >= longest_s * (1 - DELAY_ROUNDING):
        return None
    return Remark(
        "DASH_DELAY",
        round(delay_s / longest_s, 3),
        f"suggestedPresentationDelay {_s(delay_s)} is shorter than a segment of {_s(longest_s)}",
        {"delay_s": delay_s, "segment_s": round(longest_s, 3)},
    )


def _timing(manifest: Manifest) -> Remark | None:
    if not manifest.is_dynamic or manifest.timings:
        return None
    return Remark("DASH_UTC", NO_SOURCE, "a live MPD without UTCTiming: players have no clock to agree on", {"sources": 0})


def _name(period: Period) -> str:
    return period.id[:24] or f"at {_s(period.start_s)}"


def _s(seconds: float) -> str:
    return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
