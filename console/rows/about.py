"""What a finding is about: which vantages show it, which renditions it names. Every cell and strip asks here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.severity import Severity

SHAPE = {Severity.OK: "●", Severity.WARN: "▲", Severity.CRIT: "■", Severity.UNKNOWN: "○"}


def vantages_of(channel: Channel, finding: Finding) -> tuple[str, ...]:
    """The vantages that show it; every one of the channel when it names none."""
    told = finding.evidence.get("vantages")
    if isinstance(told, list) and told:
        return tuple(told)
    if finding.vantage is not None:
        return (finding.vantage,)
    return tuple(vantage.name for vantage in channel.vantages)


def is_of(finding: Finding, rendition: str) -> bool:
    """Whether it is about this rendition: by name, or about every playlist."""
    if finding.rendition is not None:
        return finding.rendition == rendition
    told = finding.evidence.get("renditions")
    return rendition in told if isinstance(told, list) and told else True


def strip_of(
    renditions: tuple[str, ...], findings: Sequence[Finding], severity: Severity
) -> tuple[tuple[str, Severity], ...]:
    """Each rendition with the worst that is told of it; of a channel that nobody can see, none is called fine."""
    calm = _calm(renditions, Severity.UNKNOWN if severity is Severity.UNKNOWN else Severity.OK)
    if not findings:
        return calm
    told = dict(calm)
    for finding in findings:
        named = finding.evidence.get("renditions")
        for name in (finding.rendition,) if finding.rendition else named if isinstance(named, list) and named else told:
            if name in told and told[name].rank < finding.severity.rank:
                told[name] = finding.severity
    return tuple(told.items())


@lru_cache(256)  # most channels are well, and most ladders alike
def _calm(renditions: tuple[str, ...], severity: Severity) -> tuple[tuple[str, Severity], ...]:
    return tuple([(name, severity) for name in renditions])


def in_order(verdict: ChannelVerdict) -> list[Finding]:
    """The findings as judged, those of one fault by the ladder: 1080p before 720p before 240p."""
    rungs = {name: place for place, name in enumerate(verdict.renditions)}
    faults: dict[tuple[str, str, str], int] = {}
    for finding in verdict.findings:
        faults.setdefault(_fault(finding), len(faults))
    return sorted(verdict.findings, key=lambda finding: (faults[_fault(finding)], rungs.get(finding.rendition or "", -1)))


def _fault(finding: Finding) -> tuple[str, str, str]:
    return finding.severity.value, finding.code, finding.layer.value


def where(channel: Channel, finding: Finding) -> str:
    """ "1080p @ edge-lhr", "all @ everywhere", "720p @ 3 vantages"."""
    names = vantages_of(channel, finding)
    is_everywhere = len(names) == len(channel.vantages) > 1
    place = "everywhere" if is_everywhere else names[0] if len(names) == 1 else f"{len(names)} vantages"
    return f"{finding.rendition or 'all'} @ {place}"
