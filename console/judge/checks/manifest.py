"""DASH_MPD_STALE: an MPD that is not extended, though its validity and two segments (WARN) or three (CRIT) have passed.

A copy of an MPD is valid for minimumUpdatePeriod from the start of its download (DASH-IF, MPD snapshot validity), and what it
lists was there by then. So the age counts as STALE's does, from the first poll that showed the newest segment, and the limit is
that validity and segments on top: STALE's own 1.5 T is a rule of HLS and is not applied to an MPD (`stale.py` leaves them out).
What follows from the clock alone (@duration, S@r=-1) needs no extension and has no age.

An MPD speaks for all its renditions at once, so it is told once, without a rendition; one rendition is named when another was
extended after the one's own limit had passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from console.judge.checks.stale import OLD_WHEN_FOUND_T, grace_s, is_proven
from console.judge.codes import Code
from console.judge.memory import PlaylistMemory
from console.judge.symptom import Sight, Symptom, seconds
from console.model.observation import MediaFacts
from console.model.severity import Severity

LEVELS = ((3.0, Severity.CRIT), (2.0, Severity.WARN))  # in segments, past the copy's validity
_OK = Severity.OK


class _Aged(NamedTuple):
    """One rendition of one MPD."""

    rendition: str
    playlist: PlaylistMemory
    media: MediaFacts
    counts_from: float  # monotonic

    def deadline(self, segments: float) -> float:
        return self.counts_from + (self.media.update_period_s or 0.0) + segments * self.media.longest_extinf_s


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, aged in _mpds(sight).items():
        newest = max(aged, key=lambda one: one.counts_from)
        severity = _level(newest, sight)
        if severity is not _OK:
            yield _symptom(vantage, None, newest, severity, sight)
            continue
        for one in aged:
            if newest.counts_from < one.deadline(LEVELS[-1][0]):
                continue
            severity = _level(one, sight)
            if severity is not _OK:
                yield _symptom(vantage, one.rendition, one, severity, sight)


def next_deadline(sight: Sight) -> float | None:
    """When the clock alone may change the verdict, the earliest of them; None: never."""
    now = sight.now.mono
    moments = [
        at
        for aged in _mpds(sight).values()
        for one in aged
        for segments, _ in LEVELS
        if (at := one.deadline(segments) + grace_s(one.playlist.target_s)) > now
    ]
    return min(moments, default=None)


def _mpds(sight: Sight) -> dict[str, list[_Aged]]:
    """By vantage, the renditions of its MPD that owe something new."""
    found: dict[str, list[_Aged]] = {}
    for vantage, rendition, playlist, counts_from in sight.ageing:
        media = playlist.media
        if media is None or media.update_period_s is None or not media.is_timed:
            continue
        found.setdefault(vantage, []).append(_Aged(rendition, playlist, media, counts_from))
    return found


def _level(one: _Aged, sight: Sight) -> Severity:
    for segments, severity in LEVELS:
        deadline = one.deadline(segments)
        if sight.now.mono >= deadline and is_proven(one.playlist, sight, deadline, one.playlist.target_s):
            return severity
    return _OK


def _symptom(vantage: str, rendition: str | None, one: _Aged, severity: Severity, sight: Sight) -> Symptom:
    playlist, media = one.playlist, one.media
    age_s = sight.now.mono - one.counts_from
    limit_s = one.deadline(LEVELS[-1][0]) - one.counts_from
    says = f"not extended for {seconds(round(age_s, 1))}, limit {seconds(round(limit_s, 1))}"
    if len(playlist.advances) <= 1 and media.newest_ends_at is not None:
        # never seen to move: how long it stood still before, only its own dates can tell
        ended_s = (sight.now.utc - media.newest_ends_at).total_seconds() - sight.memory.wall_step_s
        if ended_s > limit_s + OLD_WHEN_FOUND_T * playlist.target_s:
            severity = Severity.CRIT
            says = f"{says}; by its own clock it ended {seconds(round(ended_s))} ago"
    shown = playlist.shown if playlist.shown is not None else sight.now
    return Symptom(
        code=Code.DASH_MPD_STALE,
        vantage=vantage,
        rendition=rendition,
        severity=severity,
        first=shown.plus(one.deadline(LEVELS[-1][0]) - shown.mono),
        last=sight.now,
        says=says,
        evidence={
            "age_s": round(age_s, 1),
            "limit_s": round(limit_s, 1),
            "update_period_s": media.update_period_s or 0.0,
            "segment_s": round(media.longest_extinf_s, 3),
            "target_duration_s": playlist.target_s,
            "newest_sequence": playlist.newest if playlist.newest is not None else -1,
            "url": playlist.url,
        },
    )
