"""Whose fault it is: symptoms of many vantages become one finding per (code, rendition, layer).

The origin decides. If it shows a code, the edges that show it too are evidence; if it is proven well, the
edges are at fault: CRIT when at least two thirds of them are bad (a lone edge counts as all), else at most
WARN. What cannot be decided yet is withheld, never guessed. Which finding follows from which is `causality.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from console.judge.causality import causes, collapsed
from console.judge.checks import stale
from console.judge.checks.fetching import FETCH_CODES
from console.judge.codes import ABOUT, Code, CodeClass
from console.judge.compare import AS_ORIGIN
from console.judge.finding_text import sentence
from console.judge.origin import (
    OF_SEGMENTS,
    any_ahead,
    follows_origin,
    has_caught_up,
    has_moved_on,
    is_passed_by,
    others_vouch,
    vouches,
)
from console.judge.rules import RULES
from console.judge.symptom import Fact, Sight, Symptom
from console.model.finding import Finding
from console.model.severity import Layer, Severity, worst

EDGE_QUORUM = 2 / 3
_BROKEN = FETCH_CODES | {Code.MSEQ_BACK, Code.UNEXPECTED_END}
EXPLAINED_BY: dict[Code, frozenset[Code]] = {
    Code.STALE: _BROKEN | {Code.STALE},
    Code.DASH_MPD_STALE: _BROKEN | {Code.DASH_MPD_STALE},
    Code.EDGE_SKEW: frozenset({Code.MSEQ_BACK}),
    Code.LATENCY: _BROKEN | {Code.LATENCY, Code.STALE},
    **dict.fromkeys(FETCH_CODES, FETCH_CODES),
}
_EXCEPTIONS = {
    Code.SEG_BAD: Layer.TRANSCODE,
    Code.SEG_DUP: Layer.TRANSCODE,
    Code.KEY: Layer.DRM,
    Code.UNEXPECTED_END: Layer.SCHEDULE,
}
_MEASURED = frozenset(RULES) | {Code.SEG_SLOW, Code.LL_PART_LATE}  # no worse at an edge than they are by themselves


class Attributed(NamedTuple):
    """What all vantages together say of a channel."""

    findings: tuple[Finding, ...]  # worst first
    children: tuple[Finding, ...]  # what follows from one of those
    is_withheld: bool  # something is not told until the origin has spoken


_WELL = Attributed((), (), False)


def attributed(sight: Sight, symptoms: Sequence[Symptom]) -> Attributed:
    """Findings and their children."""
    if not symptoms:
        return _WELL
    symptoms = [s for s in _seen_everywhere(sight, symptoms) if not is_passed_by(sight, s)]
    groups: dict[tuple[Code, str | None], list[Symptom]] = {}
    for symptom in symptoms:
        groups.setdefault((symptom.code, symptom.rendition), []).append(symptom)
    at_origin = {(s.code, s.rendition) for s in symptoms if s.vantage == sight.origin}
    findings: list[Finding] = []
    children: list[Finding] = []
    is_withheld = False
    for (code, rendition), group in groups.items():
        finding, withheld = _of_group(sight, code, rendition, group, at_origin, symptoms, children)
        is_withheld = is_withheld or withheld
        if finding is not None:
            findings.append(finding)
    findings, following = causes(findings)
    children += following
    return Attributed(_in_turn(collapsed(sight, findings)), _in_turn(collapsed(sight, children)), is_withheld)


def _in_turn(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (-f.severity.rank, _TURN[f.code], f.rendition or "")))


_TURN = {code.value: turn for turn, code in enumerate(Code)}


def _of_group(
    sight: Sight,
    code: Code,
    rendition: str | None,
    group: list[Symptom],
    at_origin: set[tuple[Code, str | None]],
    symptoms: Sequence[Symptom],
    children: list[Finding],
) -> tuple[Finding | None, bool]:
    own = [s for s in group if s.vantage == sight.origin]
    edges = [s for s in group if s.vantage != sight.origin and not follows_origin(sight, s)]
    if code is Code.SEQ_JUMP and sight.origin is None:
        others = [edge.name for edge in sight.memory.channel.edges]
        edges = [s for s in edges if not any(has_caught_up(sight, s, other) for other in others if other != s.vantage)]
    if not own and not edges:
        return None, False
    if own:
        layer = _origin_layer(sight, code, rendition)
        if layer is None:
            return None, True
        severity = own[0].severity
        if code is Code.STALE and layer is Layer.TRANSCODE and rendition == _top(sight):
            severity = Severity.CRIT  # without its best rung the channel is visibly worse for everybody who had it
        return _finding(sight, layer, severity, own + edges, is_origin=True), False
    if sight.origin is not None:
        reasons = EXPLAINED_BY.get(code, frozenset({code}))
        if any((reason, rendition) in at_origin for reason in reasons):
            children.append(_finding(sight, Layer.EDGE, _edge_severity(sight, code, edges, symptoms), edges))
            return None, False
        if _is_from_above(sight, code, rendition, edges):
            above = Layer.ORIGIN if ABOUT[code].code_class is CodeClass.DELIVERY else Layer.PACKAGE
            return _finding(sight, _EXCEPTIONS.get(code, above), worst(s.severity for s in edges), edges), False
        vouched = [s for s in edges if vouches(sight, s)]
    elif ABOUT[code].code_class is CodeClass.CONTENT and 1 < len(edges) == len(sight.memory.channel.edges):
        return _finding(sight, _EXCEPTIONS.get(code, Layer.PACKAGE), worst(s.severity for s in edges), edges), False
    elif code in RULES:
        vouched = [s for s in edges if others_vouch(sight, s)]
    else:
        vouched = [s for s in edges if code not in (Code.STALE, Code.DASH_MPD_STALE) or any_ahead(sight, s)]
    if not vouched:
        return None, True
    return _finding(sight, Layer.EDGE, _edge_severity(sight, code, vouched, symptoms), vouched), len(vouched) < len(
        edges
    )


def _is_from_above(sight: Sight, code: Code, rendition: str | None, edges: list[Symptom]) -> bool:
    """What every edge shows of a segment or a key that nobody asked the origin for was made before the edges; and a rendition
    that lags at an edge whose copy is as new as the origin's lags at the origin, whatever its own polls could prove so far.
    """
    memory = sight.memory
    if code is Code.SKEW:
        return any(AS_ORIGIN in s.evidence for s in edges)
    if code is Code.KEY:
        return (sight.origin, rendition) not in memory.keys and any("status" in s.evidence for s in edges)
    if code not in OF_SEGMENTS or ABOUT[code].code_class is not CodeClass.CONTENT:
        return False
    return (sight.origin, rendition) not in memory.segments and 1 < len(edges) == len(memory.channel.edges)


def _edge_severity(sight: Sight, code: Code, group: list[Symptom], symptoms: Sequence[Symptom]) -> Severity:
    """CRIT when the quorum is bad, and what is measured is that bad. Different ways of not delivering one playlist count
    together.
    """
    bad = {s.vantage for s in group}
    if code in FETCH_CODES:
        bad |= {s.vantage for s in symptoms if s.code in FETCH_CODES and s.rendition == group[0].rendition} & {
            edge.name for edge in sight.memory.channel.edges
        }
    edges = max(1, len(sight.memory.channel.edges))
    if code in _MEASURED and all(s.severity is not Severity.CRIT for s in group):
        return Severity.WARN
    if len(bad) >= EDGE_QUORUM * edges and not (code is Code.EDGE_SKEW and len(bad) == 1):
        return Severity.CRIT
    return Severity.WARN


def _seen_everywhere(sight: Sight, symptoms: Sequence[Symptom]) -> list[Symptom]:
    """Where no origin is watched, an EDGE_SKEW at all edges is MSEQ_BACK: no edge has a newer copy."""
    if sight.origin is not None:
        return list(symptoms)
    return [
        msgspec.structs.replace(s, code=Code.MSEQ_BACK, severity=Severity.CRIT)
        if s.code is Code.EDGE_SKEW and _is_everywhere(sight, s, symptoms)
        else s
        for s in symptoms
    ]


def _is_everywhere(sight: Sight, symptom: Symptom, symptoms: Iterable[Symptom]) -> bool:
    names = {vantage.name for vantage in sight.memory.channel.vantages}
    alike = {s.vantage for s in symptoms if (s.code, s.rendition) == (symptom.code, symptom.rendition)}
    return len(names) > 1 and alike == names


def _origin_layer(sight: Sight, code: Code, rendition: str | None) -> Layer | None:
    """The layer of a code that the origin shows; None while it is open whether one rendition stands still
    or all.
    """
    if code in _EXCEPTIONS:
        return _EXCEPTIONS[code]
    if ABOUT[code].code_class is CodeClass.DELIVERY:
        return Layer.ORIGIN
    if code is not Code.STALE:
        return Layer.PACKAGE
    return _stale_layer(sight, rendition)


def _stale_layer(sight: Sight, rendition: str | None) -> Layer | None:
    """Transcode when this rendition alone stands still; package when another does too, or there is no other.

    Open until each sibling is stale itself, or had a newer segment when this one was last asked: in the
    moment in which everything freezes, or heals, one rendition is always the first or the last to show it.
    """
    mine = None
    siblings = []
    for vantage, other, playlist in sight.media():
        if vantage != sight.origin:
            continue
        if other == rendition:
            mine = playlist
        elif playlist.is_answering and not playlist.is_over:
            siblings.append(playlist)
    if not siblings or mine is None or mine.shown is None:
        return Layer.PACKAGE
    if any(stale.level(playlist, sight) is not Severity.OK for playlist in siblings):
        return Layer.PACKAGE
    return Layer.TRANSCODE if all(has_moved_on(one, mine, sight) for one in siblings) else None


def _top(sight: Sight) -> str | None:
    expected = sight.expected
    return expected[0] if expected else None


def _finding(sight: Sight, layer: Layer, severity: Severity, group: list[Symptom], is_origin: bool = False) -> Finding:
    lead = max(group, key=lambda s: (s.vantage == sight.origin, s.severity.rank, -s.first.mono))
    vantages = _in_order(sight, {s.vantage for s in group})
    edges = len(sight.memory.channel.edges)
    evidence: dict[str, Fact] = dict(lead.evidence)
    evidence["vantages"] = list(vantages)
    if edges:
        evidence["edges_bad"] = sum(1 for v in vantages if v != sight.origin)
        evidence["edges"] = edges
    return Finding(
        code=lead.code.value,
        entity=sight.memory.channel.name,
        rendition=lead.rendition,
        layer=layer,
        vantage=vantages[0] if len(vantages) == 1 else None,
        severity=severity,
        reason=sentence(sight, lead, layer, vantages, is_origin),
        first_seen=min(s.first.utc for s in group),
        last_seen=max(s.last.utc for s in group),
        evidence=evidence,
        spec_ref=ABOUT[lead.code].spec_ref,
    )


def _in_order(sight: Sight, names: set[str]) -> tuple[str, ...]:
    return tuple(vantage.name for vantage in sight.memory.channel.vantages if vantage.name in names)
