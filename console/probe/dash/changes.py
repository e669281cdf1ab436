"""What lies between two copies of an MPD: event remarks, made by laying the newer onto the older.

    DASH_AST_CHANGED  value: seconds by which availabilityStartTime moved
    DASH_TL_EDIT      value: how many published segments are others than before, or are gone from the end; 1 for a Period
    DASH_END          value: 1

An older copy (a cache's) is no update: nothing is said of it, its numbers tell that it is older. Segments leave at the front
and are added at the end; whatever else changes below what was published breaks players that have it already.
"""

from __future__ import annotations

import math
from itertools import islice

from console.model.remark import EVIDENCE_LINE, EVIDENCE_LINES, Fact, Remark
from console.probe.dash import timeline
from console.probe.dash.manifest import Addressing, Manifest, Period, Track
from console.probe.dash.timeline import Run

COMPARED = 4096  # segments that are laid side by side, the newest; only when the runs differ
_MOVED_S = 0.001
_TICK_TOLERANCE_S = 0.002


def changes(before: Manifest, now: Manifest, elapsed_s: float = math.inf) -> tuple[Remark, ...]:
    """The events from one copy to a later one. Empty when `now` is the older of the two. `elapsed_s`: since
    availabilityStartTime; a Period that has not begun by then may still be changed.
    """
    if not before.is_dynamic or is_older(before, now):
        return ()
    if not now.is_dynamic or (before.update_period_s is not None and now.update_period_s is None):
        why = "MPD@type became static" if not now.is_dynamic else "minimumUpdatePeriod vanished"
        return (Remark("DASH_END", 1.0, f"{why}: the end of live", {}, is_event=True),)
    moved_s = moved(before, now)
    if moved_s:
        was, is_now = before.starts_at, now.starts_at
        evidence: dict[str, Fact] = {
            "diff": [
                f"- availabilityStartTime={was.isoformat() if was else ''}",
                f"+ availabilityStartTime={is_now.isoformat() if is_now else ''}",
            ],
            "moved_s": round(moved_s, 3),
        }
        says = f"availabilityStartTime moved by {moved_s:+.3f} s"
        return (Remark("DASH_AST_CHANGED", round(abs(moved_s), 3), says, evidence, is_event=True),)
    edit = _edited(before, now, elapsed_s)
    return (edit,) if edit is not None else ()


def moved(before: Manifest, now: Manifest) -> float:
    """Seconds by which availabilityStartTime moved; 0.0 when it stands."""
    if before.starts_at is None or now.starts_at is None:
        return 0.0
    moved_s = (now.starts_at - before.starts_at).total_seconds()
    return moved_s if abs(moved_s) > _MOVED_S else 0.0


def is_older(before: Manifest, now: Manifest) -> bool:
    """Whether `now` was made before `before`: by publishTime, else by how far its timelines reach."""
    if before.published_at is not None and now.published_at is not None and now.published_at != before.published_at:
        return now.published_at < before.published_at
    if moved(before, now) or not now.is_dynamic or now.update_period_s is None:
        return False
    return _reach_s(now) < _reach_s(before) - _TICK_TOLERANCE_S


def _reach_s(manifest: Manifest) -> float:
    ends = [
        period.start_s + track.seconds(track.runs[-1].end)
        for period in manifest.periods
        for track in period.tracks
        if track.runs
    ]
    return max(ends, default=0.0)


def _edited(before: Manifest, now: Manifest, elapsed_s: float) -> Remark | None:
    worst: Remark | None = None
    later = {_key(period): period for period in now.periods}
    is_inside = False  # an older Period is still there, so a missing one was taken out of the middle
    for period in before.periods:
        if period.start_s >= elapsed_s:
            break
        same = later.get(_key(period))
        remark: Remark | None = None
        if same is None:
            if is_inside and _is_on_air(period):
                remark = _event(1.0, f"Period {_name(period)} was published and is gone", [f"- Period {_name(period)}"])
        else:
            is_inside = True
            remark = _period_edit(period, same)
        if remark is not None and (worst is None or remark.value > worst.value):
            worst = remark
    return worst


def _key(period: Period) -> str:
    return period.id or f"@{period.start_s:.3f}"


def _is_on_air(period: Period) -> bool:
    return any(track.runs for track in period.tracks)


def _period_edit(before: Period, now: Period) -> Remark | None:
    if abs(before.start_s - now.start_s) > _MOVED_S and _is_on_air(before):
        lines = [f"- Period {_name(before)} start={before.start_s:.3f}", f"+ Period {_name(now)} start={now.start_s:.3f}"]
        return _event(1.0, f"Period {_name(before)} moved by {now.start_s - before.start_s:+.3f} s", lines)
    worst: Remark | None = None
    for track in before.tracks:
        if track.kind not in ("video", "audio"):
            continue
        same = next((one for one in now.tracks if one.id == track.id and one.kind == track.kind), None)
        if same is None or track.addressing is not same.addressing:
            continue
        remark = _track_edit(track, same, is_ended=now.end_s is not None and now.end_s != before.end_s)
        if remark is not None and (worst is None or remark.value > worst.value):
            worst = remark
    return worst


def _track_edit(before: Track, now: Track, is_ended: bool) -> Remark | None:
    for name in ("timescale", "presentation_offset", "duration"):
        was, is_now = getattr(before, name), getattr(now, name)
        if was != is_now:
            says = f"{before.rendition}: {name.replace('_', ' ')} changed within a Period, {was} to {is_now}"
            return _event(1.0, says, [f"- {name}={was}", f"+ {name}={is_now}"])
    if not before.runs or not now.runs:
        return None
    slack = max(1, round(_TICK_TOLERANCE_S * now.timescale))
    start = max(before.runs[0].start, now.runs[0].start - slack)
    old, new = _from(before.runs, start), _from(now.runs, start - slack)
    if not old or not new:
        return None
    if not _is_continued(old, new, slack):
        wrong = _others(old, new, slack, is_ended)
        if wrong:
            return _event(float(len(wrong)), f"{before.rendition}: {_count(len(wrong))} changed after being published", wrong)
    return _renumbered(before, now, old, new)


def _from(runs: tuple[Run, ...], start: int) -> tuple[Run, ...]:
    """The segments that begin at `start` or later."""
    out: list[Run] = []
    for run in runs:
        if run.start >= start:
            out.append(run)
            continue
        skipped = -((run.start - start) // run.duration)
        if run.segments < 0:
            out.append(run._replace(start=run.start + skipped * run.duration))
        elif skipped < run.segments:
            out.append(Run(run.start + skipped * run.duration, run.duration, run.segments - skipped))
    return tuple(out)


def _is_continued(old: tuple[Run, ...], new: tuple[Run, ...], slack: int) -> bool:
    """Whether the new runs are the old ones and more: the usual case, told run by run."""
    if len(new) < len(old):
        return False
    for i, (was, is_now) in enumerate(zip(old, new, strict=False)):
        if abs(was.start - is_now.start) > slack or was.duration != is_now.duration:
            return False
        if was.segments == is_now.segments or was.segments < 0 or is_now.segments < 0:
            continue
        if i + 1 < len(old) or is_now.segments < was.segments:
            return False
    return True


def _others(old: tuple[Run, ...], new: tuple[Run, ...], slack: int, is_ended: bool) -> list[str]:
    """A line for every published segment that the new copy has not as it was. What is missing at the end counts, unless its
    Period was brought to an end meanwhile.
    """
    had, has = _segments(old), _segments(new)
    has_at = dict(has)
    last = has[-1][0] + has[-1][1]
    first = has[0][0] - slack
    lines: list[str] = []
    for start, duration in had:
        if start < first or (is_ended and start >= last - slack):
            continue
        near = next((at for at in _near(start, slack) if at in has_at), None)
        if near is None:
            lines.append(f"- S t={start} d={duration}")
        elif abs(has_at[near] - duration) > slack:
            lines.append(f"- S t={start} d={duration} + d={has_at[near]}")
    return lines


def _near(start: int, slack: int) -> tuple[int, ...]:
    return (start, *(start + by for step in range(1, min(slack, 4) + 1) for by in (step, -step)))


def _segments(runs: tuple[Run, ...]) -> list[tuple[int, int]]:
    """The newest segments, at most COMPARED of them, oldest first."""
    out: list[tuple[int, int]] = []
    for run in reversed(runs):
        count = 1 if run.segments < 0 else run.segments
        backwards = (
            (run.start + i * run.duration, run.duration) for i in range(count - 1, max(-1, count - 1 - COMPARED), -1)
        )
        out.extend(islice(backwards, COMPARED - len(out)))
        if len(out) >= COMPARED:
            break
    return out[::-1]


def _renumbered(before: Track, now: Track, old: tuple[Run, ...], new: tuple[Run, ...]) -> Remark | None:
    """With $Number$, a segment keeps its number as long as it lives."""
    if "$Number" not in now.media or before.addressing is not Addressing.TIMELINE:
        return None
    was = before.start_number + timeline.total(before.runs) - timeline.total(old)
    is_now = now.start_number + timeline.total(now.runs) - timeline.total(new)
    if was == is_now or old[0].segments < 0 or new[0].segments < 0:
        return None
    says = f"{before.rendition}: the segment at tick {old[0].start} had the number {was}, now {is_now}"
    lines = [f"- t={old[0].start} number={was}", f"+ t={new[0].start} number={is_now}"]
    return _event(float(max(1, min(timeline.total(old), timeline.total(new)))), says, lines)


def _event(value: float, says: str, lines: list[str]) -> Remark:
    diff = [line[:EVIDENCE_LINE] for line in lines[:EVIDENCE_LINES]]
    return Remark("DASH_TL_EDIT", value, says[:120], {"diff": diff}, is_event=True)


def _count(number: int) -> str:
    return "1 segment" if number == 1 else f"{number} segments"


def _name(period: Period) -> str:
    return period.id[:24] or f"at {period.start_s:.3f} s"
