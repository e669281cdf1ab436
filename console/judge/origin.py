"""Whether the origin vouches: an edge is blamed only when the origin was seen to be well after the edge began
to look bad.

Polls of different vantages lie up to P apart, so in the moments in which everything freezes or heals some
edge is always the first to show it. Until the origin has spoken the verdict is withheld, which lasts one poll
at most.
"""

from __future__ import annotations

from collections.abc import Mapping

from console.judge.codes import Code
from console.judge.memory import Advance, PlaylistMemory
from console.judge.noted import Noted
from console.judge.rules import RULES
from console.judge.segments import SLOW_RATIO
from console.judge.symptom import Fact, Sight, Symptom
from console.model.severity import Severity

COMPARABLE_SEGMENTS = 50
SLOW_TOGETHER_T = 1.5  # the last slow segment of an origin, and that of an edge which only passed it on
NEAR_SEGMENTS = 2  # what polls and caches make of one numbering
CACHE_ALLOWANCE_T = 0.5  # a cache that holds a live playlist longer than T/2 breaks the rule on cache headers (6.2.1)
LATE_GAP_T = 1.5  # after a gap like this the caches get a whole T
AGE_ROUNDING_S = 1.0
SILENCE_T = 2.5  # what is asked least often, an I-frame playlist that stands still, is asked every 2 T
RESTART_S = 60.0  # within this the copies of a restarted packager reach every edge
OF_SEGMENTS = frozenset(
    {
        Code.SEG_404, Code.SEG_LATE, Code.SEG_GONE, Code.SEG_SLOW, Code.SEG_BAD, Code.SEG_DUP, Code.BW_HIGH, Code.BW_AVG,
        Code.CODECS, Code.DASH_AVAIL, Code.DASH_TSB, Code.DASH_DRIFT,
    }
)  # fmt: skip
SIBLING_SKEW_T = 0.125  # renditions of one channel are published together, but not at one instant


def vouches(sight: Sight, symptom: Symptom) -> bool:
    """True when the origin is proven well in what the symptom accuses this edge of."""
    origin = sight.origin
    assert origin is not None
    memory = sight.memory
    if symptom.code in OF_SEGMENTS and (segment := memory.segments.get((origin, symptom.rendition))) is not None:
        if symptom.code is Code.SEG_SLOW and segment.ratios[-1:] > (SLOW_RATIO,):
            return False
        return segment.good_start is not None and segment.good_start >= max(symptom.first.mono, segment.last_start)
    if symptom.code is Code.KEY and (key_start := memory.keys.get((origin, symptom.rendition))) is not None:
        return key_start >= symptom.first.mono
    if symptom.code is Code.DSEQ and symptom.rendition is None:  # between two renditions
        return all(_is_good_since(p, symptom) for v, _, p in sight.media() if v == origin)
    rendition = None if symptom.code is Code.LADDER_SHRUNK else symptom.rendition
    playlist = memory.playlists.get((origin, rendition))
    if playlist is None:
        # the origin is one media playlist, or does not name this rendition: its own state vouches
        return any(
            p.is_answering and _is_good_since(p, symptom) for (v, _), p in memory.playlists.items() if v == origin
        )
    if symptom.code is Code.DASH_MPD_STALE:
        return is_mpd_ahead(sight, symptom, origin)
    if symptom.code is Code.CACHE_HDR:
        return playlist.is_answering and playlist.whole_start is not None and playlist.whole_start >= symptom.first.mono
    if symptom.code is Code.STALE:
        edge = memory.playlists.get((symptom.vantage, symptom.rendition))
        return edge is not None and is_ahead(playlist, edge, sight)
    return not _is_suspected(playlist, symptom) and _is_good_since(playlist, symptom)


def _is_suspected(playlist: PlaylistMemory, symptom: Symptom) -> bool:
    """Whether the origin's newest answer shows the same, though it is not confirmed yet."""
    if not playlist.is_answering or playlist.back is not None:
        return True
    if symptom.code is Code.LADDER_SHRUNK:
        return symptom.rendition in playlist.lost
    if symptom.code is Code.UNEXPECTED_END:
        return playlist.ended is not None
    if symptom.code is Code.TD_EXCEEDED:
        return playlist.exceeding is not None
    return symptom.code is Code.LATENCY and playlist.late.recent[-1:] not in ((), (Severity.OK,))


def follows_origin(sight: Sight, symptom: Symptom) -> bool:
    """An edge that went back because its origin did, whoever of the two was polled first; and one that still tells of what
    the origin has shown too, or shows without a second answer yet.
    """
    if sight.origin is None:
        return False
    if symptom.code in (Code.UNEXPECTED_END, Code.TD_EXCEEDED, Code.LADDER_SHRUNK):
        return _is_old_copy(sight, symptom, sight.origin)
    if symptom.code is Code.SEG_SLOW:  # whose clearing ends a moment later than the origin's
        segment = sight.memory.segments.get((sight.origin, symptom.rendition))
        slowed_at = segment.slowed_at if segment is not None and segment.slow.level is Severity.OK else None
        return slowed_at is not None and abs(symptom.last.mono - slowed_at) < SLOW_TOGETHER_T * sight.target_s
    if symptom.code is Code.SEQ_JUMP and has_caught_up(sight, symptom, sight.origin):
        return True
    if symptom.code is not Code.EDGE_SKEW:
        return symptom.code in RULES and any(one.code is symptom.code for one in _alike_at(sight, symptom, sight.origin))
    origin = sight.memory.playlists.get((sight.origin, symptom.rendition))
    went = origin.went_back if origin is not None else None
    return went is not None and abs(symptom.first.mono - went.last.mono) < RESTART_S


def has_caught_up(sight: Sight, symptom: Symptom, other: str) -> bool:
    """SEQ_JUMP of an edge that had an old copy and now has the numbers of another vantage, where none jumped."""
    place = (other, symptom.rendition)
    theirs, mine = sight.memory.playlists.get(place), sight.memory.playlists.get((symptom.vantage, symptom.rendition))
    if theirs is None or mine is None or theirs.newest is None or mine.newest is None:
        return False
    if any(one.code is Code.SEQ_JUMP for one in sight.memory.noted.get(place, ())):
        return False
    return abs(mine.newest - theirs.newest) <= NEAR_SEGMENTS


def _is_old_copy(sight: Sight, symptom: Symptom, origin: str) -> bool:
    """Whether an honest cache may still hold a copy of when the origin showed the same."""
    rendition = None if symptom.code is Code.LADDER_SHRUNK else symptom.rendition
    playlist = sight.memory.playlists.get((origin, rendition))
    edge = sight.memory.playlists.get((symptom.vantage, rendition))
    if playlist is None or edge is None:
        return False
    if symptom.code is Code.LADDER_SHRUNK:
        over_at = playlist.found_at.get(symptom.rendition or "")
    else:
        over_at = playlist.ended_at if symptom.code is Code.UNEXPECTED_END else playlist.exceeded_at
    if over_at is None:
        return False
    target_s = sight.target_s if rendition is None else edge.target_s
    allowance_s = min(target_s, CACHE_ALLOWANCE_T * target_s + (edge.age_header_s or 0.0))
    return not edge.is_answering or edge.good_start is None or edge.good_start < over_at + allowance_s


def _alike_at(sight: Sight, symptom: Symptom, origin: str) -> list[Noted]:
    """What is remembered of the origin that this edge may have from there."""
    noted = sight.memory.noted
    if symptom.rendition is None and symptom.code is Code.DSEQ:  # between two renditions: of either
        return [one for (vantage, _), many in noted.items() if vantage == origin for one in many]
    many = noted.get((origin, symptom.rendition), ())
    if symptom.code is not Code.CACHE_HDR:
        return list(many)
    kinds = _kinds(symptom.evidence)
    return [one for one in many if one.code is Code.CACHE_HDR and _overlap(kinds, _kinds(one.remark.evidence))]


def is_passed_by(sight: Sight, symptom: Symptom) -> bool:
    """A header of the origin that no edge passes on: players see that of the edges, and these may well add what it lacks."""
    if symptom.code is not Code.CACHE_HDR or symptom.vantage != sight.origin:
        return False
    edges = {edge.name for edge in sight.memory.channel.edges} - {sight.origin}
    if not edges:
        return False
    kinds = _kinds(symptom.evidence)
    return not any(
        one.code is Code.CACHE_HDR and _overlap(kinds, _kinds(one.remark.evidence))
        for edge in edges
        for one in sight.memory.noted.get((edge, symptom.rendition), ())
    )


def _kinds(evidence: Mapping[str, Fact]) -> frozenset[str]:
    """Which headers a remark is about; none when it does not say."""
    kinds = evidence.get("kinds")
    return frozenset(kinds) if isinstance(kinds, list) else frozenset()


def _overlap(one: frozenset[str], other: frozenset[str]) -> bool:
    return not one or not other or not one.isdisjoint(other)


def is_mpd_ahead(sight: Sight, symptom: Symptom, other: str) -> bool:
    """Whether the MPD at another vantage had a newer segment of any rendition that the symptom is about."""
    playlists = sight.memory.playlists
    here = [r for v, r in playlists if v == symptom.vantage and r is not None and symptom.rendition in (None, r)]
    return any(
        (other, r) in playlists and is_ahead(playlists[other, r], playlists[symptom.vantage, r], sight) for r in here
    )


def any_ahead(sight: Sight, symptom: Symptom) -> bool:
    """Where no origin is watched: whether another edge is ahead of this one; a lone edge has nobody to be
    compared with.
    """
    memory = sight.memory
    edge = memory.playlists.get((symptom.vantage, symptom.rendition))
    others = [vantage.name for vantage in memory.channel.vantages if vantage.name != symptom.vantage]
    if edge is None or not others:
        return edge is not None
    if symptom.code is Code.DASH_MPD_STALE:
        return any(is_mpd_ahead(sight, symptom, name) for name in others)
    found = (memory.playlists.get((name, symptom.rendition)) for name in others)
    return any(other is not None and is_ahead(other, edge, sight) for other in found)


def others_vouch(sight: Sight, symptom: Symptom) -> bool:
    """Where no origin can vouch: whether every other edge was asked after this one showed it, and is either well or as bad."""
    memory = sight.memory
    for vantage in memory.channel.vantages:
        if vantage.name in (symptom.vantage, sight.origin):
            continue
        place = (vantage.name, symptom.rendition)
        playlist = memory.playlists.get(place)
        known = [one for one in memory.noted.get(place, ()) if one.code is symptom.code]
        if any(one.is_told(sight.now.mono) for one in known):
            continue  # it is no better
        if known:
            return False  # it begins or ends to show it
        if playlist is None or not playlist.is_answering or playlist.good_start is None:
            return False
        if playlist.good_start - min(playlist.target_s, playlist.age_header_s or 0.0) < symptom.first.mono:
            return False  # its copy may be of before
    return True


def _is_good_since(playlist: PlaylistMemory, symptom: Symptom) -> bool:
    return playlist.good_start is not None and playlist.good_start >= symptom.first.mono


def is_ahead(origin: PlaylistMemory, edge: PlaylistMemory, sight: Sight) -> bool:
    """Whether the origin had a newer segment long enough before the edge's last word for any honest cache to
    show it.
    """
    newer = _first_newer(origin, edge)
    if newer is None:
        return False
    target_s, age_s = edge.target_s, edge.age_header_s
    if age_s is None:
        allowance_t = 1.0 if newer.gap_s > LATE_GAP_T * target_s else CACHE_ALLOWANCE_T
        return _has_spoken_since(edge, newer.at + allowance_t * target_s, sight)
    if age_s > target_s:  # a live playlist held for longer than T
        return _has_spoken_since(edge, newer.at, sight)
    # the cache made this copy when the newer segment was there
    return _has_spoken_since(edge, newer.at + min(target_s, age_s + AGE_ROUNDING_S), sight)


def has_moved_on(sibling: PlaylistMemory, mine: PlaylistMemory, sight: Sight) -> bool:
    """Whether another rendition at the same vantage had a newer segment when this one was last asked."""
    newer = _first_newer(sibling, mine)
    return newer is not None and _has_spoken_since(mine, newer.at + SIBLING_SKEW_T * mine.target_s, sight)


def _has_spoken_since(playlist: PlaylistMemory, at: float, sight: Sight) -> bool:
    """A poll begun at or after that time was answered, or the prober lived long past it and heard nothing."""
    start = playlist.good_start if playlist.good_start is not None else playlist.last_start
    return start >= at or (sight.probe.good_at or 0.0) >= at + SILENCE_T * playlist.target_s


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
