"""One copy of a media playlist, put together from what was read and what the copy before lends."""

from __future__ import annotations

from console.model.observation import MediaFacts
from console.probe.hls.attributes import number
from console.probe.hls.define import check
from console.probe.hls.joined import Lists, joined, lists_of
from console.probe.hls.limits import LONGEST_TARGET_S
from console.probe.hls.media import Anchor, Control, Jump, Media
from console.probe.hls.overlap import NOTHING, Kept
from console.probe.hls.segments import Draft, check_sequence, check_uris, decimals_of
from console.probe.hls.summary import moment, named, starts_at
from console.probe.hls.timeline import timeline


def assembled(text: str, url: str, draft: Draft, before: Media | None, kept: Kept, is_partial: bool) -> Media:
    """Raises ValueError for numbers that cannot be read, and PlaylistError for a newest URI that is none."""
    if draft.target is None:
        raise ValueError("neither EXT-X-STREAM-INF nor EXT-X-TARGETDURATION")
    target_s = number("EXT-X-TARGETDURATION", draft.target)
    if not 0 < target_s <= LONGEST_TARGET_S:
        raise ValueError(f"EXT-X-TARGETDURATION is {target_s:g}")
    if draft.variables or "{$" in text:
        check(text, draft.variables)
    check_uris(draft.uris)
    sequence = draft.sequence + draft.skipped if is_partial else draft.sequence
    lists = lists_of(draft)
    if kept is not NOTHING and before is not None:
        lists = joined(lists, before, kept, draft)
    check_sequence(sequence, len(lists.uris))
    decimals = decimals_of(draft.extinfs)
    if before is not None and kept is not NOTHING:
        decimals = min(decimals, before.decimals)
    jumps, anchor = _timed(lists, sequence, before, kept, decimals)
    control = draft.server_control()
    return Media(
        facts=_facts(url, draft, lists, target_s, sequence, anchor, control),
        base_url=url,
        text="" if draft.skipped else text,
        sequence=sequence,
        uris=lists.uris,
        durations=lists.durations,
        dates=lists.dates,
        discontinuities=lists.discontinuities,
        gaps=lists.gaps,
        ranges=lists.ranges,
        keys=lists.keys,
        maps=lists.maps,
        jumps=jumps,
        anchor=anchor,
        parts=lists.parts,
        part_lines=draft.part_lines,
        hint=draft.hint,
        reports=tuple(draft.reports),
        control=control,
        variables=draft.variables,
        skipped=draft.skipped,
        is_partial=is_partial,
        is_image=draft.is_image,
        decimals=decimals,
        ends=_ends(before, kept) if before is not None and kept.lead else [],
    )


def _facts(
    url: str, draft: Draft, lists: Lists, target_s: float, sequence: int, anchor: Anchor | None, control: Control
) -> MediaFacts:
    count = len(lists.uris)
    window_s = sum(lists.durations)
    if sequence != draft.sequence and count:  # a delta that fits nothing: what it skips is as long as what it lists, on average
        window_s *= 1 + draft.skipped / count
    first = starts_at(sequence, lists.dates, lists.durations, lists.discontinuities) if anchor is not None else None
    newest_uri = named(url, lists.uris[-1], draft.variables) if count else ""
    return MediaFacts(
        target_duration_s=target_s,
        media_sequence=draft.sequence,
        segment_count=sequence + count - draft.sequence,
        newest_sequence=sequence + count - 1,
        newest_uri=newest_uri,
        newest_ends_at=moment(anchor.date_s + anchor.since_s) if anchor is not None and count else None,
        longest_extinf_s=max(lists.durations, default=0.0),
        window_s=window_s,
        discontinuity_sequence=draft.discontinuity_sequence or 0,
        has_endlist=draft.has_endlist,
        playlist_type=draft.playlist_type,
        hold_back_s=control.hold_back_s,
        first_starts_at=first,
        part_target_s=control.part_target_s,
        part_count=draft.part_count,
        part_hold_back_s=control.part_hold_back_s,
        can_block=control.can_block,
    )


def _timed(
    lists: Lists, sequence: int, before: Media | None, kept: Kept, decimals: int
) -> tuple[tuple[Jump, ...], Anchor | None]:
    """The timeline; only of the new tail where the copy before had the same dates up to there."""
    breaks = frozenset(lists.discontinuities)
    if before is None or before.anchor is None or not kept.lead or lists.dates[0] != before.dates[kept.begin - 1]:
        return timeline(sequence, lists.dates, lists.durations, breaks, decimals=decimals)
    old = kept.lead + kept.end - kept.begin
    jumps, anchor = timeline(sequence, lists.dates, lists.durations, breaks, old, before.anchor, decimals)
    return (*(jump for jump in before.jumps if jump.since_msn >= sequence), *jumps), anchor


def _ends(before: Media, kept: Kept) -> list[int]:
    """Where the segments end in the new text: those taken over have only moved."""
    shift = kept.resume_at - before.ends[-1]
    return [*(end + shift for end in before.ends[kept.begin - 1 :]), *kept.tail_ends]
