"""What only low latency has between two copies: delta updates that fit, and hints that are kept."""

from __future__ import annotations

from console.model.remark import Remark
from console.probe.hls.media import Media
from console.probe.hls.redacted import uri_text


def misfit(now: Media) -> Remark | None:
    """A delta update (EXT-X-SKIP) that nobody can put together, or that leaves out what a player may still need."""
    if not now.skipped:
        return None
    if now.is_partial:
        says = f"a delta update skips {now.skipped} segments from {now.facts.media_sequence} that the copy before does not have"
        return Remark("LL_SKIP", 1.0, says, is_event=True)
    until_s = now.control.can_skip_until_s
    listed_s = sum(now.durations[now.skipped :])
    if until_s is not None and listed_s < until_s - now.facts.target_duration_s:
        says = f"a delta update lists {listed_s:.4g} s and CAN-SKIP-UNTIL is {until_s:g} s"
        return Remark("LL_SKIP", 1.0, says, is_event=True)
    return None


def hinted(before: Media, now: Media) -> Remark | None:
    """PRELOAD-HINT of the copy before is not the part that came next (RFC 8216bis 6.2.6)."""
    hint = before.hint
    if hint is None or hint.start or not hint.uri:
        return None
    msn = before.newest + 1
    count = len(before.parts.get(msn, ()))
    parts = now.parts.get(msn, ())
    if len(parts) <= count:
        if now.newest < msn or not parts:
            return None  # nothing came yet, or its parts have left the playlist
        msn, count, parts = msn + 1, 0, now.parts.get(msn + 1, ())  # that segment was complete already
        if not parts:
            return None
    came = parts[count]
    if came.uri.partition("?")[0] == hint.uri.partition("?")[0]:
        return None
    says = f"PRELOAD-HINT was not the next part: part {count} of segment {msn} is another"
    lines = [f'-#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{uri_text(hint.uri)}"', f'+#EXT-X-PART:URI="{uri_text(came.uri)}"']
    return Remark("LL_HINT", 1.0, says[:120], {"diff": [line[:200] for line in lines]}, is_event=True)
