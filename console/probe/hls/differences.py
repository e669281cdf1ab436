"""Events between two copies of one media playlist.

A server may append, remove from the front, and end; everything else breaks players that hold the copy before (RFC 8216bis
6.2.1). Two things look like a change and are none: URIs that are signed anew with every answer, and a date that moved to
another segment and still denotes the same time. A copy whose numbers went back (a restarted encoder, an older copy out of a
cache) is not compared at all: that has a code of its own, and every further remark would be nonsense.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.model.remark import Remark
from console.probe.hls.delta import hinted
from console.probe.hls.evidence import diff
from console.probe.hls.media import Media
from console.probe.hls.mutation import Change, changes
from console.probe.hls.timeline import JUMP_S, quantum

_JUMP_SLACK_T = 3.0
_CONTROL = (
    ("can_block", "CAN-BLOCK-RELOAD"),
    ("hold_back_s", "HOLD-BACK"),
    ("part_hold_back_s", "PART-HOLD-BACK"),
    ("can_skip_until_s", "CAN-SKIP-UNTIL"),
    ("part_target_s", "PART-TARGET"),
)


def is_older(before: Media, now: Media) -> bool:
    """Whether `now` does not follow `before`: it begins or ends earlier."""
    return now.facts.media_sequence < before.facts.media_sequence or now.newest < before.newest


def compared(before: Media, now: Media, elapsed_s: float) -> tuple[Remark, ...]:
    """The events. `elapsed_s`: since the newest segment of `before` was first seen; no longer wait explains a jump."""
    if is_older(before, now) or before.is_partial or now.is_partial:
        return ()
    return tuple(_events(before, now, elapsed_s))


def _events(before: Media, now: Media, elapsed_s: float) -> Iterator[Remark]:
    old, new = before.facts, now.facts
    if old.target_duration_s != new.target_duration_s:
        says = f"the target duration was {old.target_duration_s:g} s and is {new.target_duration_s:g} s"
        yield _event("TD_CHANGED", new.target_duration_s, says)
    if before.control != now.control:
        yield _control(before, now)
    first, last = now.sequence, min(before.newest, now.newest)
    if first > last:
        jumped = _jumped(before, now, elapsed_s) if before.uris and now.uris else None
        if jumped is not None:
            yield jumped
        elif before.uris and now.uris and (wrong := _numbered(before, before.newest) - _numbered(now, first)) > 0:
            yield _discontinuity(before, now, before.newest, wrong)
        return
    if wrong := _numbered(now, first) - _numbered(before, first):
        yield _discontinuity(before, now, first, wrong)
    change = changes(before, now, first, last)
    if change is not None:
        if change.segments:
            yield _mutated(before, now, change)
        if change.keyless:
            yield _keyless(before, now, change.keyless)
        moved = _moved_date(before, now, first, last)
        if moved is not None and not change.segments:
            yield moved
    missed = hinted(before, now)
    if missed is not None:
        yield missed


def _event(code: str, value: float, says: str, evidence: dict[str, str | int | float | list[str]] | None = None) -> Remark:
    return Remark(code, value, says[:120], evidence or {}, is_event=True)


def _jumped(before: Media, now: Media, elapsed_s: float) -> Remark | None:
    """More segments went by than time: either the numbers jumped, or what we held was a very old copy. Dates tell the two
    apart, where there are any.
    """
    advance = now.newest - before.newest
    lengths = [*before.durations[-20:], *now.durations[-20:]]
    mean_s = sum(lengths) / len(lengths)
    if advance * mean_s <= elapsed_s + _JUMP_SLACK_T * now.facts.target_duration_s + now.durations[0]:
        return None
    old_end, new_end = before.facts.newest_ends_at, now.facts.newest_ends_at
    if old_end is not None and new_end is not None:
        dated_s = (new_end - old_end).total_seconds()
        if abs(dated_s - advance * mean_s) <= max(now.facts.target_duration_s, 0.1 * advance * mean_s):
            return None
    jumped = now.sequence - before.newest - 1
    says = f"MEDIA-SEQUENCE went on from {before.newest} to {now.sequence} in {elapsed_s:.0f} s, {jumped} were never listed"
    return _event("SEQ_JUMP", jumped, says, {"window": len(before.uris)})


def _numbered(media: Media, msn: int) -> int:
    """The discontinuity sequence number of a segment (6.2.1): it must not depend on the copy that lists it."""
    return media.facts.discontinuity_sequence + sum(1 for each in media.discontinuities if each <= msn)


def _discontinuity(before: Media, now: Media, msn: int, wrong: int) -> Remark:
    has = now.facts.discontinuity_sequence
    had = before.facts.discontinuity_sequence
    wanted = has - wrong if msn == now.sequence else has + wrong
    says = f"DISCONTINUITY-SEQUENCE is {has} at segment {now.sequence}, and by the copy before it is {wanted}"
    lines = [
        f"-#EXT-X-MEDIA-SEQUENCE:{before.facts.media_sequence}",
        f"-#EXT-X-DISCONTINUITY-SEQUENCE:{had}",
        f"+#EXT-X-MEDIA-SEQUENCE:{now.facts.media_sequence}",
        f"+#EXT-X-DISCONTINUITY-SEQUENCE:{has}",
    ]
    left = [str(each) for each in before.discontinuities[:8]]
    return _event("DSEQ", abs(wrong), says, {"diff": lines, "discontinuities before": ", ".join(left) or "none"})


def _mutated(before: Media, now: Media, change: Change) -> Remark:
    count = len(change.segments)
    first = change.segments[0]
    if count == 1:
        says = f"segment {first} has another {change.what} than before"
    else:
        says = f"{count} published segments ({first} to {change.segments[-1]}) have another {change.what} than before"
    if change.renumbered:
        says += f": renumbered by {change.renumbered:+d}"
    return _event("MUTATED", count, says, diff(before, now, change.segments[:12]))


def _keyless(before: Media, now: Media, segments: tuple[int, ...]) -> Remark:
    says = f"EXT-X-KEY is gone from segment {segments[0]}, which was encrypted in the copy before"
    return _event("KEY", 1.0, says, diff(before, now, segments[:4]))


def _moved_date(before: Media, now: Media, first: int, last: int) -> Remark | None:
    """A date on a segment that had none before must be what the dates and durations of the copy before lead to."""
    for msn in range(first, last + 1):
        date = now.dates[msn - now.sequence]
        if date is None or before.dates[msn - before.sequence] is not None:
            continue
        led = _implied(before, msn)
        if led is None:
            return None
        implied_s, between = led
        error_s = date - implied_s
        if abs(error_s) <= JUMP_S + quantum(between, before.decimals) * len(between):
            return None
        way = "later" if error_s > 0 else "earlier"
        says = f"segment {msn} is dated {abs(error_s):.3g} s {way} than the copy before implied"
        return _event("PDT_JUMP", round(abs(error_s), 3), says, diff(before, now, (msn,)))
    return None


def _implied(media: Media, msn: int) -> tuple[float, list[float]] | None:
    """When a segment begins by the last date before it, and the durations that lead there."""
    for place in range(msn - media.sequence, -1, -1):
        if media.sequence + place < msn and media.sequence + place + 1 in media.discontinuities:
            return None
        date = media.dates[place]
        if date is not None:
            between = media.durations[place : msn - media.sequence]
            return date + sum(between), between
    return None


def _control(before: Media, now: Media) -> Remark:
    lines: list[str] = []
    for field, name in _CONTROL:
        old, new = getattr(before.control, field), getattr(now.control, field)
        if old != new:
            lines += [f"-{name}={old}", f"+{name}={new}"]
    return _event("LL_CTRL", 1.0, "SERVER-CONTROL or PART-TARGET is another than before", {"diff": lines})
