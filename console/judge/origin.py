"""Whether the origin vouches: an edge is blamed only when the origin was seen to be well after the edge began
to look bad.

Polls of different vantages lie up to P apart, so in the moments in which everything freezes or heals some
edge is always the first to show it. Until the origin has spoken the verdict is withheld, which lasts one poll
at most.
"""

from __future__ import annotations

from console.judge.codes import Code
from console.judge.memory import Advance, PlaylistMemory
from console.judge.symptom import Sight, Symptom

COMPARABLE_SEGMENTS = 50
CACHE_ALLOWANCE_T = (
    0.5  # a cache that holds a live playlist longer than T/2 breaks the rule on cache headers (6.2.1)
)
LATE_GAP_T = 1.5  # after a gap like this the caches get a whole T
AGE_ROUNDING_S = 1.0


def vouches(sight: Sight, symptom: Symptom) -> bool:
    """True when the origin is proven well in what the symptom accuses this edge of."""
    origin = sight.origin
    assert origin is not None
    memory = sight.memory
    if symptom.code is Code.SEG_404:
        segment = memory.segments.get(origin)
        if segment is not None:
            return segment.good_start is not None and segment.good_start >= max(
                symptom.first.mono, segment.last_start
            )
    rendition = None if symptom.code is Code.LADDER_SHRUNK else symptom.rendition
    playlist = memory.playlists.get((origin, rendition))
    if playlist is None:
        # the origin is one media playlist, or does not name this rendition: its own state vouches
        return any(
            p.is_answering and _is_good_since(p, symptom)
            for (v, _), p in memory.playlists.items()
            if v == origin
        )
    if symptom.code is Code.STALE:
        edge = memory.playlists.get((symptom.vantage, symptom.rendition))
        return edge is not None and is_ahead(playlist, edge, sight)
    return playlist.is_answering and playlist.back is None and _is_good_since(playlist, symptom)


def any_ahead(sight: Sight, symptom: Symptom) -> bool:
    """Where no origin is watched: whether another edge is ahead of this one; a lone edge has nobody to be
    compared with.
    """
    memory = sight.memory
    edge = memory.playlists.get((symptom.vantage, symptom.rendition))
    others = [vantage.name for vantage in memory.channel.vantages if vantage.name != symptom.vantage]
    if edge is None or not others:
        return edge is not None
    found = (memory.playlists.get((name, symptom.rendition)) for name in others)
    return any(other is not None and is_ahead(other, edge, sight) for other in found)


def _is_good_since(playlist: PlaylistMemory, symptom: Symptom) -> bool:
    return playlist.good_start is not None and playlist.good_start >= symptom.first.mono


def is_ahead(origin: PlaylistMemory, edge: PlaylistMemory, sight: Sight) -> bool:
    """Whether the origin had a newer segment long enough before the edge's last word for any honest cache
    to show it.
    """
    newer = _first_newer(origin, edge)
    if newer is None:
        return False
    target_s = edge.target_s
    asked_at = edge.good_start if edge.good_start is not None else edge.last_start
    silent_until = sight.probe.good_at or 0.0
    age_s = edge.age_header_s
    if age_s is not None and age_s <= target_s:
        proven_at = newer.at + age_s + AGE_ROUNDING_S  # the cache made this copy when the newer one was there
        proven_at = min(proven_at, newer.at + target_s)
    elif age_s is not None:
        proven_at = newer.at  # a live playlist held for longer than T
    else:
        allowance = 1.0 if newer.gap_s > LATE_GAP_T * target_s else CACHE_ALLOWANCE_T
        proven_at = newer.at + allowance * target_s
    return asked_at >= proven_at or silent_until >= proven_at + 1.5 * target_s


def _first_newer(origin: PlaylistMemory, edge: PlaylistMemory) -> Advance | None:
    """The origin's first advance past what the edge shows: by programme time, else by number, else by when
    it was shown.
    """
    if edge.newest is None or edge.shown is None:
        return None
    shows = edge.advances[-1] if edge.advances else None
    for advance in origin.advances:
        if shows is not None and shows.ends_at is not None and advance.ends_at is not None:
            if advance.ends_at > shows.ends_at + edge.target_s / 4:
                return advance
        elif abs(advance.sequence - edge.newest) <= COMPARABLE_SEGMENTS:
            if advance.sequence > edge.newest:
                return advance
        elif advance.at > edge.shown.mono + edge.target_s / 2:
            return advance
    return None
