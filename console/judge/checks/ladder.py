"""LADDER_SHRUNK: the master playlist lost a rung that is configured, or that it has had."""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.symptom import Sight, Symptom
from console.model.severity import Severity


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, master in sight.masters():
        lost = {rendition: spell for rendition, spell in master.lost.items() if spell.count >= 2}
        for rendition, spell in lost.items():
            yield Symptom(
                code=Code.LADDER_SHRUNK,
                vantage=vantage,
                rendition=rendition,
                severity=Severity.CRIT if len(lost) > 1 else Severity.WARN,
                first=spell.first,
                last=spell.last,
                says=f"the master names {len(master.variants)} of {len(sight.expected)} renditions",
                evidence={
                    "expected": list(sight.expected),
                    "named": [rung.rendition for rung in master.variants],
                    "url": master.url,
                },
            )
