"""Everything that was remarked on: one check for all codes that have a row in `rules.py`.

What is remembered is already confirmed or not (`noted.py`), so nothing is decided here but the words.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.schedule import is_planned_end
from console.judge.symptom import Fact, Sight, Symptom


def check(sight: Sight) -> Iterator[Symptom]:
    noted = sight.memory.noted
    if not noted:
        return
    now = sight.now.mono
    for (vantage, rendition), many in noted.items():
        if rendition is not None and rendition not in sight.rungs.get(vantage, ()):
            continue
        playlist = sight.memory.playlists.get((vantage, rendition))
        if playlist is None:
            continue  # watched no longer
        told: set[Code] = set()
        for one in sorted(many, key=lambda each: -each.level.rank):
            if not one.is_told(now) or one.code in told:
                continue
            if one.code is Code.DASH_END and is_planned_end(sight.memory.channel, one.first, sight.now):
                continue
            told.add(one.code)
            evidence: dict[str, Fact] = {"value": one.remark.value, **one.remark.evidence}
            if playlist.url:
                evidence.setdefault("url", playlist.url)
            yield Symptom(
                code=one.code,
                vantage=vantage,
                rendition=rendition,
                severity=one.level,
                first=one.first,
                last=one.last,
                says=one.remark.says,
                evidence=evidence,
            )


def next_deadlines(sight: Sight) -> Iterator[float]:
    """When an event is no longer told."""
    for many in sight.memory.noted.values():
        for one in many:
            if one.remark.is_event and one.is_told(sight.now.mono):
                yield one.ends_at()
