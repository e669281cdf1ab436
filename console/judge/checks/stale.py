"""STALE: no new segment for 1.5 T (WARN) or 3 T (CRIT), counted from the first poll that showed the newest
one.

It fires on an answer whose poll *started* after the threshold (a late stamp on an old body proves nothing),
or by the clock when no answer came within min(T, 1 s) of it, told by a heartbeat of that moment: a prober
that has been stopped sends none.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.memory import UNKNOWN_TARGET_S, PlaylistMemory
from console.judge.symptom import Sight, Symptom, seconds
from console.model.severity import Severity

LEVELS = ((3.0, Severity.CRIT), (1.5, Severity.WARN))  # in T
GRACE_CEILING_S = 1.0
OLD_WHEN_FOUND_T = 6.0  # CRIT's 3 T and as much again for the encoder's own latency and for clocks


def grace_s(target_s: float) -> float:
    """How long after a deadline an answer is waited for."""
    return min(target_s, GRACE_CEILING_S)


def level(playlist: PlaylistMemory, sight: Sight) -> Severity:
    """How stale this playlist is proven to be."""
    counts_from = playlist.counts_from()
    if counts_from is None or playlist.is_over:
        return Severity.OK
    target_s = playlist.target_s
    if sight.now.mono - counts_from < LEVELS[-1][0] * target_s:
        return Severity.OK
    if playlist.is_mpd:
        return Severity.OK  # an MPD is valid for as long as it says: `manifest.py`
    for targets, severity in LEVELS:
        if is_proven(playlist, sight, counts_from + targets * target_s, target_s):
            return severity
    return Severity.OK


def is_proven(playlist: PlaylistMemory, sight: Sight, deadline: float, target_s: float) -> bool:
    """Whether it stood still until that time: by an answer that was asked for after it, or by the silence since."""
    probe = sight.probe
    start = playlist.good_start
    if playlist.back is not None and deadline > playlist.back.first.mono - target_s:
        return False  # it has another copy, or begins anew: its next answer, which comes at once, tells which
    age_s = playlist.age_header_s
    if start is not None and not playlist.is_compared and age_s is not None and age_s <= target_s:
        start -= age_s  # a cached answer proves nothing of the time since it was made
    if start is not None and start >= deadline and start >= probe.blind_until:
        return True
    if not playlist.is_answering or probe.good_at is None:
        return False  # it does not answer: that is another code's business
    silence_from = max(deadline, probe.blind_until + target_s)
    is_asked = playlist.good_start is not None and playlist.good_start >= silence_from
    return not is_asked and probe.good_at >= silence_from + grace_s(target_s)


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, rendition, playlist, counts_from in sight.ageing:
        target_s = playlist.target_s
        if sight.now.mono - counts_from < LEVELS[-1][0] * target_s:
            continue
        severity = level(playlist, sight)
        if severity is Severity.OK or playlist.shown is None:
            continue
        age_s = sight.now.mono - counts_from
        limit_s = LEVELS[1][0] * target_s
        says = f"newest segment {seconds(round(age_s, 1))} old, limit {seconds(limit_s)}"
        told_s = _told_age_s(playlist, sight)
        if told_s is not None and told_s > OLD_WHEN_FOUND_T * target_s:
            severity = Severity.CRIT
            says = f"{says}; by its own clock it ended {seconds(round(told_s))} ago"
        yield Symptom(
            code=Code.STALE,
            vantage=vantage,
            rendition=rendition,
            severity=severity,
            first=playlist.shown.plus(counts_from - playlist.shown.mono + limit_s),
            last=sight.now,
            says=says,
            evidence={
                "age_s": round(age_s, 1),
                "limit_s": limit_s,
                "target_duration_s": target_s,
                "newest_sequence": playlist.newest if playlist.newest is not None else -1,
                "url": playlist.url,
            },
        )


def _told_age_s(playlist: PlaylistMemory, sight: Sight) -> float | None:
    """The newest segment's age by PROGRAM-DATE-TIME, for a playlist that has not moved since the watch began.

    Whoever starts to watch in the middle of an outage (every snapshot does) has seen it stand still for a few seconds only;
    how long it stood still before, nothing but the playlist itself can tell. Once it was seen to move, our own watch decides.
    """
    if len(playlist.advances) > 1 or playlist.media is None or playlist.media.newest_ends_at is None:
        return None
    return (sight.now.utc - playlist.media.newest_ends_at).total_seconds() - sight.memory.wall_step_s


def next_deadline(sight: Sight) -> float | None:
    """When the clock alone may change the verdict of a playlist, the earliest of them; None: never."""
    now, earliest = sight.now.mono, None
    (crit_t, _), (warn_t, _) = LEVELS
    for _, _, playlist, counts_from in sight.ageing:  # of every playlist at every step, so nothing is called here
        media = playlist.media
        target_s = media.target_duration_s if media is not None else UNKNOWN_TARGET_S
        grace = target_s if target_s < GRACE_CEILING_S else GRACE_CEILING_S
        deadline = counts_from + warn_t * target_s + grace
        if deadline <= now:
            deadline = counts_from + crit_t * target_s + grace
        if deadline > now and (earliest is None or deadline < earliest):
            earliest = deadline
    return earliest
