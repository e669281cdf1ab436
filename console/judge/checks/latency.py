"""LATENCY: new segments appear long after their end by PROGRAM-DATE-TIME.

One sample per new segment, taken when it is first shown: a playlist that stands still gives none, so STALE is
never told a second time as LATENCY. An encoder's own delay, the least ever seen on the channel, is not
counted as a fault.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.symptom import Sight, Symptom, seconds
from console.model.severity import Severity

_OK = Severity.OK  # asked for every playlist at every step


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, rendition, playlist in sight.suspects:
        late = playlist.late
        if late.level is _OK or late.first is None or late.last is None or playlist.latency_s is None:
            continue
        yield Symptom(
            code=Code.LATENCY,
            vantage=vantage,
            rendition=rendition,
            severity=late.level,
            first=late.first,
            last=late.last,
            says=f"new segments come {seconds(round(playlist.latency_s, 1))} after their end",
            evidence={
                "latency_s": round(playlist.latency_s, 1),
                "target_duration_s": playlist.target_s,
                "url": playlist.url,
            },
        )
