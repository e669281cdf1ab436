"""What a copy may take over from the copy before: the segments whose bytes are the same, or that a delta left out.

A live playlist differs from the one before by a segment at each end. Its head and first segment are read anyway (tags move
there when a segment leaves); from the end of the first segment on, one comparison of memory tells whether the rest is old.
"""

from __future__ import annotations

from typing import NamedTuple

from console.probe.hls.media import Media
from console.probe.hls.segments import BLOCK, Draft


class Kept(NamedTuple):
    """Segments of the copy before, by their places there."""

    begin: int
    end: int
    lead: int  # segments of the new copy that stand before them
    resume_at: int  # offset in the new text where reading goes on
    tail_ends: tuple[int, ...] = ()  # offsets there behind each segment that was read after them


NOTHING = Kept(0, 0, 0, 0)


def skipped(before: Media | None, draft: Draft) -> Kept | None:
    """The segments that an EXT-X-SKIP stands for; None when the copy before does not have them all."""
    if before is None or before.is_partial:
        return None
    begin = draft.sequence - before.sequence
    end = begin + draft.skipped
    return Kept(begin, end, 0, 0) if begin >= 0 and end <= len(before.uris) else None


def ends_of(media: Media) -> list[int]:
    """Where each segment ends in its text."""
    if not media.ends:
        media.ends.extend(match.end() for match in BLOCK.finditer(media.text) if match[4] and match[2])
    return media.ends


def aligned(before: Media, text: str, first_end: int, draft: Draft) -> Kept | None:
    """The segments after the first that both copies have, byte by byte; None when there are none such, or the state in which
    they are read (keys, map, byte range) is another. `draft` has just read the first segment, which ends at `first_end`.
    """
    place = draft.sequence - before.sequence
    if draft.skipped or not before.text or before.is_partial or not 0 <= place < len(before.uris) - 1:
        return None
    msn = draft.sequence
    if before.uris[place] != draft.uris[0] or tuple(draft.in_force.values()) != before.keys_at(msn):
        return None
    if (draft.maps[-1][1] if draft.maps else None) != before.map_at(msn) or draft.ranges.get(msn) != before.ranges.get(msn):
        return None
    ends = ends_of(before)
    length = ends[-1] - ends[place]
    if not text.startswith(before.text[ends[place] : ends[-1]], first_end):
        return None
    return Kept(place + 1, len(before.uris), 1, first_end + length)
