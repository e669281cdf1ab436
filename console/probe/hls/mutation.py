"""Which segments that two copies list are not the same in both, and in what.

List comparison first: two healthy copies share their strings, so equality costs a pass over pointers. Only what differs is
looked at closely.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.probe.hls.media import Media
from console.probe.hls.timeline import quantum

EXTINF_S = 0.001  # a duration may be written with other digits
DATE_S = 0.1


class Change(msgspec.Struct, frozen=True):
    """Published segments that differ."""

    segments: tuple[int, ...]  # MSNs of those that were changed
    what: str  # "URI", "EXTINF, EXT-X-MAP": what differs in them, all together
    keyless: tuple[int, ...]  # MSNs of those that lost their keys
    renumbered: int = 0  # the same URIs stand at numbers so much higher; 0 when they do not


def changes(before: Media, now: Media, first: int, last: int) -> Change | None:
    """None when the segments from `first` to `last`, which both copies list, are the same."""
    old, new = first - before.sequence, first - now.sequence
    count = last - first + 1
    found: dict[int, set[str]] = {}
    old_uris, new_uris = before.uris[old : old + count], now.uris[new : new + count]
    is_signed_anew = False
    if old_uris != new_uris:
        changed, is_signed_anew = _uris(old_uris, new_uris)
        _note(found, "URI", first, changed)
    old_lengths, new_lengths = before.durations[old : old + count], now.durations[new : new + count]
    if old_lengths != new_lengths:
        pairs = enumerate(zip(old_lengths, new_lengths, strict=True))
        _note(found, "EXTINF", first, [place for place, (was, is_) in pairs if abs(was - is_) > EXTINF_S])
    old_dates, new_dates = before.dates[old : old + count], now.dates[new : new + count]
    has_other_dates = old_dates != new_dates
    if has_other_dates:
        limit_s = DATE_S + 2 * quantum(new_lengths, now.decimals)
        pairs_of = enumerate(zip(old_dates, new_dates, strict=True))
        both = [(place, was_at, is_at) for place, (was_at, is_at) in pairs_of if was_at is not None and is_at is not None]
        dated = [place for place, was_at, is_at in both if abs(was_at - is_at) > limit_s]
        _note(found, "PROGRAM-DATE-TIME", first, dated)
    _tags(before, now, first, last, found)
    keyless: list[int] = []
    if before.keys or now.keys or before.maps or now.maps:
        _states(before, now, first, last, is_signed_anew, found, keyless)
    if not found and not keyless and not has_other_dates:
        return None
    what = ", ".join(sorted({word for words in found.values() for word in words}))
    return Change(tuple(sorted(found)), what, tuple(keyless), _renumbered(old_uris, new_uris) if len(found) == count else 0)


def _note(found: dict[int, set[str]], what: str, first: int, places: Sequence[int]) -> None:
    for place in places:
        found.setdefault(first + place, set()).add(what)


def _uris(old: list[str], new: list[str]) -> tuple[list[int], bool]:
    """Places whose URIs differ past their query. When every one of them differs and none in its file name, the folder holds a
    token that is made for each answer.
    """
    bare_old = [uri.partition("?")[0] for uri in old]
    bare_new = [uri.partition("?")[0] for uri in new]
    changed = [place for place, (was, is_) in enumerate(zip(bare_old, bare_new, strict=True)) if was != is_]
    if len(changed) == len(old) and all(_file(was) == _file(is_) for was, is_ in zip(bare_old, bare_new, strict=True)):
        return [], True
    return changed, False


def _file(uri: str) -> str:
    return uri.rpartition("/")[2]


def _tags(before: Media, now: Media, first: int, last: int, found: dict[int, set[str]]) -> None:
    if before.discontinuities != now.discontinuities:  # that of the first segment shows in DISCONTINUITY-SEQUENCE
        _only_one(found, "EXT-X-DISCONTINUITY", before.discontinuities, now.discontinuities, first + 1, last)
    if before.gaps != now.gaps:
        _only_one(found, "EXT-X-GAP", before.gaps, now.gaps, first, last)
    if before.ranges or now.ranges:
        for msn in {*before.ranges, *now.ranges}:
            if first <= msn <= last and not _same_range(before.ranges.get(msn), now.ranges.get(msn)):
                found.setdefault(msn, set()).add("EXT-X-BYTERANGE")


def _only_one(
    found: dict[int, set[str]], what: str, old: tuple[int, ...], new: tuple[int, ...], first: int, last: int
) -> None:
    for msn in set(old) ^ set(new):
        if first <= msn <= last:
            found.setdefault(msn, set()).add(what)


def _same_range(old: tuple[int, int | None] | None, new: tuple[int, int | None] | None) -> bool:
    if old is None or new is None:
        return old is new
    return old[0] == new[0] and (old[1] == new[1] or old[1] is None or new[1] is None)


def _states(
    before: Media, now: Media, first: int, last: int, is_signed_anew: bool, found: dict[int, set[str]], keyless: list[int]
) -> None:
    """Keys and maps hold for a run of segments, so only where a run begins can they begin to differ."""
    begins = {first, *(run[0] for runs in (before.keys, now.keys) for run in runs)}
    begins |= {run[0] for runs in (before.maps, now.maps) for run in runs}
    edges = sorted(msn for msn in begins if first <= msn <= last)
    for place, msn in enumerate(edges):
        end = edges[place + 1] if place + 1 < len(edges) else last + 1
        old_keys, new_keys = before.keys_at(msn), now.keys_at(msn)
        if old_keys != new_keys:
            was = {_place_less(key.same, is_signed_anew) for key in old_keys}
            is_ = {_place_less(key.same, is_signed_anew) for key in new_keys}
            if {key[3] for key in was} - {key[3] for key in is_}:
                keyless.extend(range(msn, end))
            elif was != is_:
                for each in range(msn, end):
                    found.setdefault(each, set()).add("EXT-X-KEY")
        old_map, new_map = before.map_at(msn), now.map_at(msn)
        if old_map != new_map:
            old_same = old_map.same if old_map is not None else None
            new_same = new_map.same if new_map is not None else None
            if is_signed_anew and old_same is not None and new_same is not None:
                old_same, new_same = (_file(old_same[0]), old_same[1]), (_file(new_same[0]), new_same[1])
            if old_same != new_same:
                for each in range(msn, end):
                    found.setdefault(each, set()).add("EXT-X-MAP")


def _place_less(key: tuple[str, str, str, str], is_signed_anew: bool) -> tuple[str, str, str, str]:
    return (key[0], _file(key[1]), key[2], key[3]) if is_signed_anew else key


def _renumbered(old: list[str], new: list[str]) -> int:
    """By how much the numbers of the same URIs went up; 0 when they did not."""
    for shift in range(1, min(len(old), 1000)):
        if new[0] == old[-shift]:
            return -(len(old) - shift)
    return new.index(old[0]) if old[0] in new else 0
