"""TD_EXCEEDED: a segment longer than the target duration, rounded to the nearest second."""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.symptom import Sight, Symptom
from console.model.severity import Severity


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, rendition, playlist in sight.suspects:
        spell, media = playlist.exceeding, playlist.media
        if spell is None or spell.count < 2 or media is None:
            continue
        yield Symptom(
            code=Code.TD_EXCEEDED,
            vantage=vantage,
            rendition=rendition,
            severity=Severity.WARN,
            first=spell.first,
            last=spell.last,
            says=f"a segment of {media.longest_extinf_s:g} s, target duration {media.target_duration_s:g} s",
            evidence={
                "longest_extinf_s": media.longest_extinf_s,
                "target_duration_s": media.target_duration_s,
                "url": playlist.url,
            },
        )
