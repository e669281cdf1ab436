"""A delta update put together with the copy it was made for, held against the whole playlist that came after it (6.2.5.1).

A player that asks for deltas never sees the whole again: what a bad delta tells it stays wrong.
"""

from __future__ import annotations

from console.model.remark import Remark
from console.probe.hls.define import Variables
from console.probe.hls.delta import misfit
from console.probe.hls.differences import compared
from console.probe.hls.limits import PlaylistError
from console.probe.hls.media import Media
from console.probe.hls.playlist import read

CODE = "LL_SKIP"
_CHANGED = frozenset({"MUTATED", "DSEQ", "KEY", "PDT_JUMP", "TD_CHANGED"})


def merged(body: bytes, url: str, variables: Variables, base: Media, is_cached: bool) -> Media | Remark | None:
    """The delta together with `base`, whose newest segment was asked for. None when the answer is no delta, which is allowed,
    or an older copy out of a cache; a Remark when it cannot be put together.
    """
    try:
        found = read(body, url, variables, base)
    except PlaylistError as error:
        what = str(error) if error.is_playlist else f"no playlist: {error}"
        return Remark(CODE, 1.0, f"the answer to _HLS_skip=YES cannot be read: {what}"[:120])
    if not isinstance(found, Media):
        return Remark(CODE, 1.0, "the answer to _HLS_skip=YES is a master playlist")
    if not found.skipped or (is_cached and found.newest < base.newest) or found.facts.media_sequence < base.sequence:
        return None
    wrong = misfit(found)
    if wrong is not None:
        return Remark(CODE, 1.0, wrong.says, wrong.evidence)
    if found.newest < base.newest:
        return Remark(CODE, 1.0, f"a delta update for segment {base.newest} ends with segment {found.newest}")
    return found


def differing(delta: Media, base: Media, whole: Media) -> Remark | None:
    """What the whole playlist says otherwise than the delta did, and otherwise than the copy before both."""
    if whole.newest < base.newest or whole.sequence < base.sequence:
        return None  # numbered anew meanwhile
    if whole.newest < delta.newest:
        return Remark(CODE, 1.0, f"a delta update ended with segment {delta.newest}, the playlist after it with {whole.newest}")
    told = {event.code for event in compared(base, whole, 0.0)}  # that the packager changed for everybody
    for event in compared(delta, whole, 0.0):
        if event.code in _CHANGED and event.code not in told:
            return Remark(CODE, 1.0, f"a delta update was not what the playlist is: {event.says}"[:120], event.evidence)
    return None
