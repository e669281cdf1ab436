"""MSEQ_BACK and EDGE_SKEW: a playlist that goes back in time.

At the origin a lower MEDIA-SEQUENCE is a broken packager; at an edge it is an older copy. The check says
MSEQ_BACK for the vantage that counts as the origin and EDGE_SKEW for the others; what all vantages show is
attribution's to see.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.checks import stale
from console.judge.codes import Code
from console.judge.memory import PlaylistMemory
from console.judge.symptom import Fact, Sight, Symptom
from console.model.severity import Severity

HOLD_CEILING_S = 60.0  # a restarted encoder is well again at the latest then
HOLD_FLOOR_S = 30.0


def hold_s(target_s: float) -> float:
    """How long a step back is told: it is an event, and nothing later takes it back."""
    return min(HOLD_CEILING_S, max(HOLD_FLOOR_S, 5 * target_s))


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, rendition, playlist in sight.suspects:
        went = playlist.went_back
        is_origin = vantage == sight.origin
        is_behind = _is_behind(playlist, sight)
        is_recent = went is not None and sight.now.mono - went.last.mono < hold_s(playlist.target_s)
        if went is not None and (is_recent or is_behind):
            yield Symptom(
                code=Code.MSEQ_BACK if is_origin else Code.EDGE_SKEW,
                vantage=vantage,
                rendition=rendition,
                severity=Severity.CRIT if is_origin else Severity.WARN,
                first=went.first,
                last=went.last,
                says=f"MEDIA-SEQUENCE went back by {playlist.back_by}",
                evidence=_evidence(playlist),
            )
        elif is_behind and playlist.behind is not None and playlist.late.level is Severity.OK:
            yield Symptom(
                code=Code.EDGE_SKEW,
                vantage=vantage,
                rendition=rendition,
                severity=Severity.WARN,
                first=playlist.behind.first,
                last=playlist.behind.last,
                says="its newest segment is more than three target durations behind the origin's",
                evidence=_evidence(playlist),
            )


def _is_behind(playlist: PlaylistMemory, sight: Sight) -> bool:
    """Behind for at least T and still moving: one that stands still is STALE and nothing else, and one that
    never went back is LATENCY as soon as its dates prove it.
    """
    spell = playlist.behind
    if spell is None or spell.count < 2 or spell.last.mono - spell.first.mono < playlist.target_s:
        return False
    counts_from = playlist.counts_from()
    is_moving = counts_from is not None and sight.now.mono - counts_from < 1.5 * playlist.target_s
    return is_moving and stale.level(playlist, sight) is Severity.OK and len(playlist.advances) > 1


def _evidence(playlist: PlaylistMemory) -> dict[str, Fact]:
    evidence: dict[str, Fact] = {
        "media_sequence": playlist.media.media_sequence if playlist.media is not None else -1,
        "back_by": playlist.back_by,
        "url": playlist.url,
        "target_duration_s": playlist.target_s,
    }
    if playlist.age_header_s is not None:
        evidence["age_header_s"] = playlist.age_header_s
    return evidence


def next_deadlines(sight: Sight) -> Iterator[float]:
    """When a step back is no longer told."""
    for _, _, playlist in sight.suspects:
        if playlist.went_back is not None:
            yield playlist.went_back.last.mono + hold_s(playlist.target_s)
