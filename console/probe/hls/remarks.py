"""Standing remarks: what one copy of a media playlist says about itself.

They are made of every answer while they are true. What needs memory (that the window has slid at all) comes in as a word.
"""

from __future__ import annotations

from datetime import datetime

from console.model.remark import Remark
from console.probe.hls.evidence import bounded
from console.probe.hls.media import Media
from console.probe.hls.redacted import uri_text
from console.probe.hls.timeline import quantum
from console.probe.hls.timeline_text import utc_text

FUTURE_S = 3.0  # clocks differ by as much without anybody being wrong
SHORT_T = 3.0  # target durations that a live window must not go below (RFC 8216bis 6.2.2)
_ROUNDING_S = 0.01
_HOLD_BACK = 3.0


def standing(media: Media, has_slid: bool, has_changed: bool) -> tuple[Remark, ...]:
    """All but FUTURE. `has_slid`: segments left the front while we watched; `has_changed`: that, or new ones came."""
    found: list[Remark | None] = [
        _gap(media) if media.gaps else None,
        _window(media) if has_slid else None,
        _type(media, has_slid, has_changed) if media.facts.playlist_type is not None else None,
        _key(media) if media.keys else None,
        _jump(media) if media.jumps else None,
    ]
    control = media.control
    if control.hold_back_s is not None or control.part_target_s is not None:
        found.append(_hold_back(media))
        found.append(_hint(media) if media.hint is not None else None)
    return tuple(remark for remark in found if remark is not None)


def future(media: Media, now: datetime) -> Remark | None:
    """PROGRAM-DATE-TIME of the newest segment lies ahead of our clock. Not of what has ended: nobody waits for it."""
    ends_at = media.facts.newest_ends_at
    if ends_at is None or not media.durations or media.facts.has_endlist:
        return None
    ahead_s = (ends_at - now).total_seconds() - media.durations[-1]
    if ahead_s <= FUTURE_S:
        return None
    if media.anchor is not None and media.anchor.msn < media.newest:  # rounded EXTINFs lead there
        between = media.durations[max(0, media.anchor.msn - media.sequence) : -1]
        if ahead_s - quantum(between, media.decimals) * (media.newest - media.anchor.msn) <= FUTURE_S:
            return None
    return Remark("FUTURE", round(ahead_s, 3), f"segment {media.newest} is dated {ahead_s:.1f} s ahead of this clock")


def _gap(media: Media) -> Remark | None:
    first = media.sequence
    gap_s = sum(media.durations[msn - first] for msn in media.gaps)
    window_s = sum(media.durations)
    if not window_s or not gap_s:
        return None
    count = len(media.gaps)
    says = f"{gap_s:.4g} of {window_s:.4g} s in the window are gaps ({count} of {len(media.uris)} segments)"
    lines = [f"{msn} #EXT-X-GAP {uri_text(media.uris[msn - first])}" for msn in media.gaps[-10:]]
    return Remark("GAP", round(gap_s / window_s, 4), says, {"gaps": bounded(lines)})


def _window(media: Media) -> Remark | None:
    facts = media.facts
    if facts.has_endlist or facts.window_s >= SHORT_T * facts.target_duration_s - _ROUNDING_S or media.is_partial:
        return None
    window_t = facts.window_s / facts.target_duration_s
    says = f"the window is {facts.window_s:.4g} s, {window_t:.2g} target durations, after segments were removed"
    return Remark("WINDOW_SHORT", round(window_t, 3), says, {"segments": facts.segment_count})


def _type(media: Media, has_slid: bool, has_changed: bool) -> Remark | None:
    kind = media.facts.playlist_type
    if kind == "EVENT" and has_slid:
        return Remark("TYPE", 1.0, "segments leave the front of a playlist whose type is EVENT")
    if kind == "VOD" and has_changed:
        return Remark("TYPE", 1.0, "the segments of a playlist change whose type is VOD")
    return None


def _key(media: Media) -> Remark | None:
    faults = [(msn, key.fault) for msn, keys in media.keys for key in keys if key.fault]
    if not faults:
        return None
    msn, fault = faults[-1]
    return Remark("KEY", 1.0, fault[:120], {"from segment": msn, "wrong tags": len(faults)})


def _jump(media: Media) -> Remark | None:
    worst = max(media.jumps, key=lambda jump: abs(jump.error_s))
    way = "ahead" if worst.error_s > 0 else "back"
    says = f"PROGRAM-DATE-TIME goes {abs(worst.error_s):.3g} s {way} before segment {worst.msn} without a discontinuity"
    lines: list[str] = []
    for msn in range(max(worst.since_msn, worst.msn - 3), worst.msn + 1):
        place = msn - media.sequence
        if 0 <= place < len(media.uris):
            date = media.dates[place]
            dated = f" {utc_text(date)}" if date is not None else ""
            lines.append(f"{msn}{dated} #EXTINF:{media.durations[place]:g}")
    return Remark("PDT_JUMP", round(abs(worst.error_s), 3), says, {"segments": bounded(lines)})


def _hold_back(media: Media) -> Remark | None:
    """The shorter of HOLD-BACK in T and PART-HOLD-BACK in PART-TARGET: both should be at least three (4.4.3.8)."""
    control, target_s = media.control, media.facts.target_duration_s
    found: list[tuple[float, str]] = []
    if control.hold_back_s is not None:
        found.append((control.hold_back_s / target_s, f"HOLD-BACK is {control.hold_back_s:g} s with T {target_s:g} s"))
    if control.part_target_s is not None:
        part_s = control.part_target_s
        if control.part_hold_back_s is None:
            found.append((0.0, "parts are listed and there is no PART-HOLD-BACK"))
        else:
            ratio = control.part_hold_back_s / part_s
            found.append((ratio, f"PART-HOLD-BACK is {control.part_hold_back_s:g} s with PART-TARGET {part_s:g} s"))
    if not found:
        return None
    ratio, says = min(found)
    return Remark("LL_HOLD_BACK", round(ratio, 3), says) if ratio < _HOLD_BACK - 0.001 else None


def _hint(media: Media) -> Remark | None:
    """A hint at a part that is listed already promises nothing. Parts of one resource differ in their byte ranges only."""
    hint = media.hint
    if hint is None or hint.start is not None or not hint.uri:
        return None
    for msn in (media.newest + 1, media.newest):
        for part in media.parts.get(msn, ()):
            if part.uri == hint.uri and not part.byterange:
                return Remark("LL_HINT", 1.0, f"PRELOAD-HINT names a part of segment {msn} that is already listed")
    return None
