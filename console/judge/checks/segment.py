"""SEG_404: the newest segment is listed but cannot be fetched."""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.symptom import Fact, Sight, Symptom
from console.model.severity import Severity


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, segment in sight.memory.segments.items():
        fetches = segment.fetches
        if fetches.level is Severity.OK or fetches.first is None or fetches.last is None:
            continue
        said = segment.detail or (str(segment.status) if segment.status else "no answer")
        evidence: dict[str, Fact] = {"detail": said, "url": segment.url}
        if segment.status is not None:
            evidence["status"] = segment.status
        yield Symptom(
            code=Code.SEG_404,
            vantage=vantage,
            rendition=segment.rendition,
            severity=fetches.level,
            first=fetches.first,
            last=fetches.last,
            says=f"the newest segment is listed but not there: {said}",
            evidence=evidence,
        )
