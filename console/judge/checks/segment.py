"""SEG_404 and SEG_SLOW: a listed segment that cannot be fetched, or not as fast as it plays."""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.segments import STALLING_RATIO, SegmentMemory
from console.judge.symptom import Fact, Sight, Symptom
from console.model.severity import Severity

_OK = Severity.OK  # asked for every rendition at every step


def check(sight: Sight) -> Iterator[Symptom]:
    for (vantage, rendition), segment in sight.memory.segments.items():
        if segment.fetches.level is not _OK:
            yield _missing(vantage, rendition, segment, sight)
        if segment.slow.level is not _OK:
            yield _slow(vantage, rendition, segment, sight)


def _missing(vantage: str, rendition: str | None, segment: SegmentMemory, sight: Sight) -> Symptom:
    fetches = segment.fetches
    said = segment.detail or (str(segment.status) if segment.status else "no answer")
    evidence: dict[str, Fact] = {"detail": said, "url": segment.url}
    if segment.status is not None:
        evidence["status"] = segment.status
    return Symptom(
        code=Code.SEG_404,
        vantage=vantage,
        rendition=rendition,
        severity=fetches.level,
        first=fetches.first or sight.now,
        last=fetches.last or sight.now,
        says=f"the newest segment is listed but not there: {said}",
        evidence=evidence,
    )


def _slow(vantage: str, rendition: str | None, segment: SegmentMemory, sight: Sight) -> Symptom:
    slow = segment.slow
    worst = max(segment.ratios, default=0.0)
    newest = segment.ratios[-1] if segment.ratios else 0.0
    predicted = ": rebuffer predicted" if segment.slow_level is Severity.CRIT or newest > STALLING_RATIO else ""
    return Symptom(
        code=Code.SEG_SLOW,
        vantage=vantage,
        rendition=rendition,
        severity=segment.slow_level,
        first=slow.first or sight.now,
        last=slow.last or sight.now,
        says=f"segments take up to {worst:.1f} times their duration to fetch{predicted}",
        evidence={"ratio": round(newest, 2), "worst_of_5": round(worst, 2), "url": segment.url},
    )
