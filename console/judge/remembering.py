"""What an answer adds beside its playlist's own numbers: remarks, comparisons with its siblings, segments and keys.

All of it ends in `ChannelMemory.noted` (or in the memory of segments), which stays empty while nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from console.judge.codes import Code
from console.judge.compare import COMPARED, compared
from console.judge.drift import LIMIT_PPM, Drift, ppm
from console.judge.memory import UNKNOWN_TARGET_S, ChannelMemory, Place, PlaylistMemory
from console.judge.noted import Noted, noted
from console.judge.segments import SegmentMemory, taken
from console.judge.wall import rightly
from console.model.observation import Asked, MediaFacts, Observation, Outcome, Variant
from console.model.remark import Remark

KEY_ROTATED_S, KEY_ROTATED_T = 5.0, 3.0  # a key that fails is asked for every T; after this it is in use no more
ALL_CODES = frozenset(code.value for code in Code)
DRIFT = frozenset({Code.PDT_DRIFT.value})
_OK = Outcome.OK  # asked for every answer


def with_own(
    memory: ChannelMemory,
    place: Place,
    before: PlaylistMemory | None,
    after: PlaylistMemory,
    seen: Observation,
    is_tainted: bool,
) -> ChannelMemory:
    """What the answer itself remarks on. Between a copy and one that went back, everything differs: that is one fault, and
    it has its own code.
    """
    remarks = rightly(seen.remarks, memory.wall_step_s)
    if before is not None and after.went_back is not before.went_back:
        memory = _noting(memory, place, [one for one in memory.noted.get(place, ()) if not one.remark.is_event])
        remarks = [one for one in remarks if not one.is_event]
    return with_remarks(memory, place, seen, remarks, is_tainted=is_tainted)


def with_comparison(
    memory: ChannelMemory,
    place: Place,
    before: PlaylistMemory | None,
    after: PlaylistMemory,
    seen: Observation,
    media: MediaFacts,
) -> ChannelMemory:
    """What comparing the answer with its siblings adds: nothing, while its own facts are not believed."""
    if seen.asked is not Asked.MEDIA or after.media is not media or (seen.is_unchanged and place not in memory.noted):
        return memory
    if before is not None and after.went_back is not before.went_back:
        return _noting(memory, place, [one for one in memory.noted.get(place, ()) if one.asked is not None])
    remarks, unsaid = compared(memory, seen, media, after.shown)
    return with_remarks(memory, place, seen, remarks, unsaid | DRIFT, asked=None)


def with_drift(
    memory: ChannelMemory, place: Place, before: PlaylistMemory | None, drift: Drift, seen: Observation
) -> ChannelMemory:
    """Once a minute: how its dates run against our clock."""
    known = before.drift.minutes if before is not None and before.drift is not None else ()
    if drift.minutes is known:
        return memory
    off = ppm(drift)
    says = f"PROGRAM-DATE-TIME runs {abs(off):.0f} ppm {'slow' if off > 0 else 'fast'} over {len(drift.minutes)} minutes"
    remarks = [Remark(Code.PDT_DRIFT.value, abs(off), says)] if abs(off) >= LIMIT_PPM else []
    return with_remarks(memory, place, seen, remarks, COMPARED, asked=None)


def without(memory: ChannelMemory, gone: frozenset[Place]) -> ChannelMemory:
    """Nothing is remembered of renditions that are no longer named."""
    return msgspec.structs.replace(
        memory,
        segments={place: one for place, one in memory.segments.items() if place not in gone},
        noted={place: many for place, many in memory.noted.items() if place not in gone},
        keys={place: at for place, at in memory.keys.items() if place not in gone},
    )


def with_remarks(
    memory: ChannelMemory,
    place: Place,
    seen: Observation,
    remarks: Sequence[Remark],
    unsaid: frozenset[str] = frozenset(),
    is_tainted: bool = False,
    is_proven: bool = False,
    asked: Asked | None = Asked.MASTER,
) -> ChannelMemory:
    """Remembers remarks, and takes back what a good answer no longer shows."""
    known = memory.noted.get(place, ())
    if not remarks and not known:
        return memory
    if seen.outcome is not _OK:
        unsaid = ALL_CODES  # a failed answer takes nothing back
    playlist = memory.playlists.get(place)
    target_s = playlist.target_s if playlist is not None else UNKNOWN_TARGET_S
    after = noted(known, remarks, seen.asked if asked is not None else None, seen.at, target_s, is_tainted, unsaid, is_proven)
    return _noting(memory, place, after)


def _noting(memory: ChannelMemory, place: Place, many: Sequence[Noted]) -> ChannelMemory:
    """A channel of which nothing is remarked on has an empty memory of it: that is what keeps it free of cost."""
    if many:
        return msgspec.structs.replace(memory, noted={**memory.noted, place: tuple(many)})
    if place not in memory.noted:
        return memory
    return msgspec.structs.replace(memory, noted={one: kept for one, kept in memory.noted.items() if one != place})


def with_segment(memory: ChannelMemory, seen: Observation, is_tainted: bool) -> ChannelMemory:
    place: Place = (seen.vantage, seen.rendition)
    before = memory.segments.get(place) or SegmentMemory(rendition=seen.rendition)
    if seen.at.mono <= before.last_at and not _is_left(seen):
        return memory
    playlist = memory.playlists.get(place)
    target_s = playlist.target_s if playlist is not None else UNKNOWN_TARGET_S
    answer = taken(before, seen, target_s, _rung(memory, seen), is_tainted)
    remarks = [*seen.remarks, *answer.remarks]
    memory = with_remarks(memory, place, seen, remarks, answer.unsaid, is_tainted, answer.is_proven and not seen.remarks)
    return msgspec.structs.replace(memory, segments={**memory.segments, place: answer.memory})


def _is_left(seen: Observation) -> bool:
    return seen.segment is not None and seen.segment.left_s is not None


def _rung(memory: ChannelMemory, seen: Observation) -> Variant | None:
    """What the master of this vantage says of the rendition now."""
    master = memory.playlists.get((seen.vantage, None))
    for rung in master.variants if master is not None else memory.ladder:
        if rung.rendition == seen.rendition:
            return rung
    return None


def with_key(memory: ChannelMemory, seen: Observation, is_tainted: bool) -> ChannelMemory:
    """A key that cannot be fetched leaves every player without a picture."""
    place: Place = (seen.vantage, seen.rendition)
    if seen.outcome is _OK:
        memory = msgspec.structs.replace(memory, keys={**memory.keys, place: seen.at.mono - seen.elapsed_s})
        is_other = any(
            one.asked is Asked.KEY
            and one.remark.evidence.get("url") != seen.url
            and seen.at.mono - one.last.mono < KEY_ROTATED_S + KEY_ROTATED_T * one.target_s
            for one in memory.noted.get(place, ())
        )  # another key that comes says nothing of the one that does not
        unsaid = ALL_CODES if is_other else frozenset()
        return with_remarks(memory, place, seen, seen.remarks, unsaid, is_tainted, is_proven=not seen.remarks)
    if is_tainted:
        return memory
    said = seen.detail or (str(seen.status) if seen.status else seen.outcome.value)
    evidence: dict[str, Any] = {"url": seen.url, "detail": said}
    if seen.status is not None:
        evidence["status"] = seen.status
    failed = Remark(Code.KEY.value, 1.0, f"its key cannot be fetched: {said}", evidence)
    return with_remarks(memory, place, seen, [*seen.remarks, failed])
