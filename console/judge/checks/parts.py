"""LL_PART_LATE: no new part for two part targets (WARN) or four (CRIT), where blocking reloads are made one after another.

By the clock: a server holds a blocking reload until the part is there, so while none comes there is no answer to judge.
Silence counts only while heartbeats of after the deadline say that the prober was well.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.memory import PlaylistMemory
from console.judge.parts import CRIT_PARTS, TOLD_S, WARN_PARTS, Parts
from console.judge.symptom import Sight, Symptom
from console.model.severity import Severity

GRACE_PARTS = 0.5  # the answer's own way
GRACE_FLOOR_S = 0.5  # a loop that stalls for as long tells nobody


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, rendition, playlist, _ in sight.ageing:
        parts = playlist.parts
        if parts is None:
            continue
        severity, waited_s = _now(parts, playlist, sight)
        first = parts.at.plus(WARN_PARTS * parts.target_s)
        last = sight.now
        late_first, late_last = parts.late_first, parts.late_last
        is_recent = late_last is not None and sight.now.mono - late_last.mono < TOLD_S
        if is_recent and late_first is not None and late_last is not None and severity.rank < parts.late.rank:
            severity, waited_s, first, last = parts.late, parts.late_s, late_first, late_last
        if severity is Severity.OK:
            continue
        yield Symptom(
            code=Code.LL_PART_LATE,
            vantage=vantage,
            rendition=rendition,
            severity=severity,
            first=first,
            last=last,
            says=f"no new part for {waited_s:.1f} s, PART-TARGET {parts.target_s:g} s",
            evidence={"waited_s": round(waited_s, 2), "part_target_s": parts.target_s, "url": playlist.url},
        )


def _now(parts: Parts, playlist: PlaylistMemory, sight: Sight) -> tuple[Severity, float]:
    since = parts.at.mono
    if not parts.is_followed or not playlist.is_answering:
        return Severity.OK, 0.0
    for limit, severity in ((CRIT_PARTS, Severity.CRIT), (WARN_PARTS, Severity.WARN)):
        deadline = max(since, sight.probe.blind_until) + limit * parts.target_s
        grace_s = max(GRACE_FLOOR_S, GRACE_PARTS * parts.target_s)
        is_silent = (sight.probe.good_at or 0.0) >= deadline + grace_s
        is_shown = parts.asked_at >= since and parts.answered_at >= deadline
        if sight.now.mono >= deadline and (is_silent or is_shown):
            return severity, sight.now.mono - since
    return Severity.OK, 0.0


def next_deadlines(sight: Sight) -> Iterator[float]:
    """When a late part is no longer told."""
    for _, _, playlist, _ in sight.ageing:
        if playlist.parts is not None and playlist.parts.late_last is not None:
            yield playlist.parts.late_last.mono + TOLD_S
