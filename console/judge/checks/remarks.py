"""Everything that was remarked on: one check for all codes that have a row in `rules.py`.

What is remembered is already confirmed or not (`noted.py`), so nothing is decided here but the words.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.noted import Noted
from console.judge.symptom import Fact, Sight, Symptom
from console.model.severity import Severity


def check(sight: Sight) -> Iterator[Symptom]:
    noted = sight.memory.noted
    if not noted:
        return
    now = sight.now.mono
    found: dict[tuple[str | None, Code], Symptom] = {}
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
            told.add(one.code)
            named = rendition if "between" not in one.remark.evidence else None  # of two, nobody knows which
            symptom = _symptom(vantage, named, one, one.level, playlist.url)
            found[(named, one.code)] = symptom
            yield symptom
    if found and sight.origin is not None:
        yield from _corroborated(sight, sight.origin, found)


def _corroborated(
    sight: Sight, origin: str, found: dict[tuple[str | None, Code], Symptom]
) -> Iterator[Symptom]:
    """An event that the origin showed once and an edge twice: the edge has confirmed it."""
    for (rendition, code), symptom in found.items():
        for one in sight.memory.noted.get((origin, rendition), ()):
            if one.code is code and one.remark.is_event and one.level is Severity.OK:
                yield _symptom(origin, rendition, one, symptom.severity, "")


def _symptom(vantage: str, rendition: str | None, one: Noted, severity: Severity, url: str) -> Symptom:
    evidence: dict[str, Fact] = {"value": one.remark.value, **one.remark.evidence}
    if url:
        evidence.setdefault("url", url)
    return Symptom(
        code=one.code,
        vantage=vantage,
        rendition=rendition,
        severity=severity,
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
