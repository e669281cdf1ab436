"""What one observation adds to the memory: facts only, confirmed where one answer could be chance.

A copy that steps back is not believed at once: the prober asks again, and only the second lower answer in a
row becomes the new baseline (a restarted packager, an edge with an old copy). One segment back in an answer
that came from a cache is two nodes of one PoP, each within its TTL, and nobody's fault.
"""

from __future__ import annotations

from typing import Any

import msgspec

from console.judge.drift import with_delay
from console.judge.hysteresis import sampled
from console.judge.memory import ADVANCES_KEPT, Advance, ChannelMemory, Place, PlaylistMemory, Spell
from console.judge.parts import Parts, with_parts
from console.judge.remembering import (
    with_comparison,
    with_drift,
    with_key,
    with_own,
    with_remarks,
    with_segment,
    without,
)
from console.judge.wall import with_wall
from console.model.instant import Instant
from console.model.observation import Asked, MediaFacts, Observation, Outcome, Variant
from console.model.severity import Layer, Severity

CACHE_STEP = 1  # segments by which a cache's second node may lag behind its first
BEHIND_SEGMENTS = 4  # an edge further behind its origin than this has an old copy
COMPARABLE_SEGMENTS = 50  # beyond this the two number independently
HOLD_BACK_TARGETS = 3.0  # RFC 8216bis 4.4.3.8: the default of HOLD-BACK
LADDER_LIMIT = 64
SAME_FALL_S = 60.0  # a playlist that goes back again within this is still the same fault
_OK = Outcome.OK  # asked for every answer


def learn(memory: ChannelMemory, seen: Observation, is_tainted: bool) -> ChannelMemory:
    """The memory with one observation more. `is_tainted`: the prober was late, so a failure may be its
    own.
    """
    vantage = memory.vantage(seen.vantage)
    if seen.channel != memory.channel.name or vantage is None:
        return memory
    memory = with_wall(memory, seen)
    if seen.asked is not Asked.MEDIA and seen.asked is not Asked.MASTER:
        if seen.asked is Asked.SEGMENT:
            return with_segment(memory, seen, is_tainted)
        if seen.asked is Asked.KEY:
            return with_key(memory, seen, is_tainted)
        if seen.outcome is not Outcome.OK or seen.media is None:  # a reload that failed is no playlist that failed
            return with_remarks(memory, (seen.vantage, seen.rendition), seen, seen.remarks, is_tainted=is_tainted)
    place: Place = (seen.vantage, seen.rendition)
    before = memory.playlists.get(place)
    if before is not None and seen.at.mono <= before.last_at.mono:
        return memory  # told twice, or merged out of order
    after = _answered(before, seen, is_tainted)
    if before is None:
        origin = memory.channel.origin
        is_compared = origin is not None and origin.name != seen.vantage
        after = msgspec.structs.replace(after, is_compared=is_compared)
    playlists = dict(memory.playlists)
    if seen.media is not None and seen.outcome is _OK:
        is_from_cache = vantage.layer is Layer.EDGE or seen.age_header_s is not None
        after = _with_media(memory, after, seen, seen.media, is_from_cache)
        root = playlists.get((seen.vantage, None))
        if root is not None and not root.variants:  # the vantage's URL turned out to be this media playlist
            del playlists[(seen.vantage, None)]
        memory = _with_least_latency(memory, after)
        if not seen.is_unchanged or memory.noted:
            memory = with_comparison(memory, place, before, after, seen, seen.media)
        if after.drift is not None and seen.asked is Asked.MEDIA and (before is None or after.drift is not before.drift):
            memory = with_drift(memory, place, before, after.drift, seen)
    elif seen.variants and seen.outcome is _OK:
        memory = _with_ladder(memory, seen)
        after = _with_variants(memory, after, seen)
        _rejoined(playlists, before, after, seen)
        kept = {None, *memory.expected(), *(rung.rendition for rung in seen.variants)}
        gone = [one for one in playlists if one[0] == seen.vantage and one[1] not in kept]
        for one in gone:
            del playlists[one]
        if gone:
            memory = without(memory, frozenset(gone))
    if seen.remarks or memory.noted:
        memory = with_own(memory, place, before, after, seen, is_tainted)
    playlists[place] = after
    return msgspec.structs.replace(memory, playlists=playlists)


def _answered(before: PlaylistMemory | None, seen: Observation, is_tainted: bool) -> PlaylistMemory:
    """The outcome of a fetch, whatever was in it."""
    start = seen.at.mono - seen.elapsed_s
    base = before or PlaylistMemory(
        watched_from=seen.at.mono, last_at=seen.at, last_start=start, last_outcome=seen.outcome
    )
    answer: dict[str, Any] = {
        "last_at": seen.at,
        "last_start": start if seen.asked is not Asked.BLOCKED else max(start, base.last_start),
        "last_outcome": seen.outcome,
        "last_status": seen.status,
        "last_detail": seen.detail,
        "url": seen.url or base.url,
    }
    if seen.outcome is Outcome.OK:
        fetches = base.fetches.with_sample(Severity.OK, seen.at, base.target_s)
        if seen.status != 304:
            answer["whole_start"] = start
        return msgspec.structs.replace(base, **answer, fetches=fetches, good_start=max(start, base.good_start or start))
    if is_tainted:
        return msgspec.structs.replace(base, **answer)
    fetches = base.fetches.with_sample(Severity.CRIT, seen.at, base.target_s)
    return msgspec.structs.replace(
        base, **answer, fetches=fetches, bad_outcome=seen.outcome, bad_status=seen.status, bad_detail=seen.detail
    )


def _with_media(
    memory: ChannelMemory, base: PlaylistMemory, seen: Observation, media: MediaFacts, is_from_cache: bool
) -> PlaylistMemory:
    step = base.media.media_sequence - media.media_sequence if base.media is not None and base.newest is not None else None
    if step is not None and step <= 0:
        return _grown(memory, base, seen, media)
    base = msgspec.structs.replace(base, age_header_s=seen.age_header_s)
    if step is None:
        return _rebased(memory, base, seen, media)
    if step <= CACHE_STEP and is_from_cache:
        return base
    back = base.back.again(seen.at) if base.back is not None else Spell(seen.at, seen.at)
    if back.count < 2:
        return msgspec.structs.replace(base, back=back, back_by=step)
    before = base.went_back
    is_same = before is not None and seen.at.mono - before.last.mono < SAME_FALL_S
    went = Spell(before.first if before is not None and is_same else back.first, seen.at)
    fallen = _rebased(memory, base, seen, media)
    return msgspec.structs.replace(fallen, back=None, back_by=max(step, base.back_by), went_back=went)


def _grown(memory: ChannelMemory, base: PlaylistMemory, seen: Observation, media: MediaFacts) -> PlaylistMemory:
    """After an answer that is not lower than the baseline: nearly all of them, ten a second and channel. So the memory is
    written anew once, with all that they add.
    """
    advanced: dict[str, Any] = {}
    if base.newest is None or media.newest_sequence > base.newest:
        advanced = _advanced(memory, base, seen, media)
    if base.exceeding is not None and not _exceeds(media):
        advanced["exceeded_at"] = seen.at.mono
    if base.ended is not None and not media.has_endlist:
        advanced["ended_at"] = seen.at.mono
    return msgspec.structs.replace(
        base,
        age_header_s=seen.age_header_s,
        back=None,
        media=media,
        was_live=base.was_live or not media.has_endlist,
        exceeding=_spell(base.exceeding, _exceeds(media), seen.at),
        ended=_spell(base.ended, media.has_endlist and base.was_live, seen.at),
        behind=_spell(base.behind, _is_behind(memory, media, seen), seen.at),
        parts=_parts(memory, base, seen, media) if media.part_target_s is not None else None,
        **advanced,
    )


def _rebased(memory: ChannelMemory, base: PlaylistMemory, seen: Observation, media: MediaFacts) -> PlaylistMemory:
    """A new baseline: ages begin anew, and nothing of the old numbering is compared with the new."""
    return msgspec.structs.replace(
        base,
        media=media,
        newest=media.newest_sequence,
        shown=seen.at,
        advances=(Advance(media.newest_sequence, seen.at.mono, _ends_at(media)),),
        exceeded_at=seen.at.mono if base.exceeding is not None else base.exceeded_at,
        ended_at=seen.at.mono if base.ended is not None else base.ended_at,
        was_live=base.was_live or not media.has_endlist,
        exceeding=_spell(base.exceeding, _exceeds(media), seen.at),
        ended=_spell(base.ended, media.has_endlist and base.was_live, seen.at),
        behind=None,
        drift=None,
        parts=_parts(memory, base, seen, media) if media.part_target_s is not None else None,
    )


def _parts(memory: ChannelMemory, base: PlaylistMemory, seen: Observation, media: MediaFacts) -> Parts | None:
    start = seen.at.mono - seen.elapsed_s
    blind_until = seen.at.mono if memory.probe.blind_since is not None else memory.probe.blind_until
    return with_parts(base.parts, media, start, seen.at, seen.asked is Asked.BLOCKED, blind_until)


def _advanced(memory: ChannelMemory, base: PlaylistMemory, seen: Observation, media: MediaFacts) -> dict[str, Any]:
    """What a new segment changes."""
    gap_s = seen.at.mono - base.shown.mono if base.shown is not None else 0.0
    advance = Advance(media.newest_sequence, seen.at.mono, _ends_at(media), gap_s)
    late, latency_s, drift = base.late, base.latency_s, None
    if media.newest_ends_at is not None:
        latency_s = (seen.at.utc - media.newest_ends_at).total_seconds() - memory.wall_step_s
        target_s = media.target_duration_s
        allowed_s = max(media.hold_back_s or HOLD_BACK_TARGETS * target_s, memory.least_latency_s or 0.0)
        sample = sampled(latency_s, allowed_s + target_s, allowed_s + 3 * target_s, late.level)
        if sample is not None:
            late = late.with_sample(sample, seen.at, target_s)
        if not base.is_compared:  # where its dates are made, and not in every cache
            delay_s = seen.at.mono - media.newest_ends_at.timestamp()
            drift = with_delay(base.drift, seen.at.mono, delay_s, media.discontinuity_sequence)
    return {
        "newest": media.newest_sequence,
        "shown": seen.at,
        "advances": (*base.advances[-(ADVANCES_KEPT - 1) :], advance),
        "late": late,
        "latency_s": latency_s,
        "drift": drift,
    }


def _is_behind(memory: ChannelMemory, media: MediaFacts, seen: Observation) -> bool:
    """Whether an edge's newest segment is several segments older than what the origin showed before this
    poll began.
    """
    origin = memory.channel.origin
    if origin is None or origin.name == seen.vantage:
        return False
    other = memory.playlists.get((origin.name, seen.rendition))
    if other is None or not other.advances or other.media is None:
        return False
    start = seen.at.mono - seen.elapsed_s
    for known in reversed(other.advances):
        if known.at <= start:
            break
    else:
        return False
    if media.newest_ends_at is not None and known.ends_at is not None:
        return known.ends_at - media.newest_ends_at.timestamp() > (BEHIND_SEGMENTS - 0.5) * media.target_duration_s
    return BEHIND_SEGMENTS <= known.sequence - media.newest_sequence <= COMPARABLE_SEGMENTS


def _ends_at(media: MediaFacts) -> float | None:
    return media.newest_ends_at.timestamp() if media.newest_ends_at is not None else None


def _exceeds(media: MediaFacts) -> bool:
    """round(EXTINF) <= T, to the nearest second with halves up (RFC 8216 4.3.3.1)."""
    return int(media.longest_extinf_s + 0.5) > media.target_duration_s


def _spell(spell: Spell | None, holds: bool, at: Instant) -> Spell | None:
    if not holds:
        return None
    return spell.again(at) if spell is not None else Spell(at, at)


def _with_least_latency(memory: ChannelMemory, playlist: PlaylistMemory) -> ChannelMemory:
    latency_s = playlist.latency_s
    if (
        latency_s is None
        or latency_s < 0
        or (memory.least_latency_s is not None and latency_s >= memory.least_latency_s)
    ):
        return memory
    return msgspec.structs.replace(memory, least_latency_s=latency_s)


def _with_ladder(memory: ChannelMemory, seen: Observation) -> ChannelMemory:
    """The baseline grows by every rung that the origin (or, where none is watched, any vantage) names."""
    origin = memory.channel.origin
    if origin is not None and origin.name != seen.vantage and memory.ladder:
        return memory
    known = {rung.rendition for rung in memory.ladder}
    new = tuple(rung for rung in seen.variants if rung.rendition not in known)
    if not new:
        return memory
    return msgspec.structs.replace(memory, ladder=(*memory.ladder, *new)[:LADDER_LIMIT])


def _with_variants(memory: ChannelMemory, base: PlaylistMemory, seen: Observation) -> PlaylistMemory:
    named = {rung.rendition for rung in seen.variants}
    lost: dict[str, Spell] = {}
    for rendition in memory.expected():
        if rendition not in named:
            spell = base.lost.get(rendition)
            lost[rendition] = spell.again(seen.at) if spell is not None else Spell(seen.at, seen.at)
    is_certain = all(spell.count >= 2 for spell in lost.values())
    variants: tuple[Variant, ...] = seen.variants if is_certain or not base.variants else base.variants
    found_at = base.found_at
    if base.lost and (found := base.lost.keys() & named):
        found_at = {**found_at, **dict.fromkeys(found, seen.at.mono)}
    return msgspec.structs.replace(base, variants=variants, lost=lost, found_at=found_at)


def _rejoined(
    playlists: dict[Place, PlaylistMemory], base: PlaylistMemory | None, after: PlaylistMemory, seen: Observation
) -> None:
    """A rung that is named again was not watched meanwhile: its age begins anew."""
    if base is None or after.variants is base.variants:
        return
    known = {rung.rendition for rung in base.variants}
    for rung in after.variants:
        place = (seen.vantage, rung.rendition)
        if rung.rendition not in known and (one := playlists.get(place)) is not None:
            playlists[place] = msgspec.structs.replace(one, excused_until=seen.at.mono)
