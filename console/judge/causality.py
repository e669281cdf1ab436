"""What follows from what on one channel: of a fault and its consequences only the fault is told.

The way from the camera to the viewer is ingest, transcode, package, origin, edge. A finding further up explains one further
down when it is at least as grave, of the same rendition (or of all), and could bring it about: a broken copy comes from a
broken packager, but no packager makes an edge refuse connections. What is explained is kept as a child, for whoever opens
the channel; nothing is lost. Schedule and DRM stand beside that way: they explain nothing and are explained by nothing.
"""

from __future__ import annotations

import msgspec

from console.judge.codes import ABOUT, Code, CodeClass
from console.judge.symptom import Sight
from console.model.finding import Finding
from console.model.severity import Layer, worst

_WAY = {layer: place for place, layer in enumerate((Layer.INGEST, Layer.TRANSCODE, Layer.PACKAGE, Layer.ORIGIN, Layer.EDGE))}
_OLD_COPY = (Code.MSEQ_BACK, Code.EDGE_SKEW)
_STANDS = (Code.STALE, *_OLD_COPY)
_CONSEQUENCE_OF: dict[str, tuple[Code, ...]] = {
    Code.EDGE_SKEW: (Code.DASH_AST_CHANGED,),
    Code.DASH_MPD_STALE: (Code.DASH_AST_CHANGED,),  # what is not available for its new clock is not seen to be listed
    Code.LATENCY: (*_STANDS, Code.DASH_MPD_STALE, Code.DASH_AST_CHANGED),
    Code.SKEW: (*_STANDS, Code.DASH_MPD_STALE),
    Code.LL_PART_LATE: _STANDS,
    Code.LL_RR: _STANDS,
    Code.RENDITION_MISSING: (Code.LADDER_SHRUNK,),
    **dict.fromkeys((Code.DASH_AVAIL, Code.DASH_TSB), (Code.DASH_AST_CHANGED,)),
    Code.SEG_404: (Code.DASH_AVAIL, Code.DASH_TSB),
    Code.SEG_LATE: (Code.SEG_404, Code.DASH_AVAIL),
    Code.SEG_GONE: (Code.DASH_TSB, Code.DASH_AVAIL),
    Code.UNEXPECTED_END: (Code.DASH_END,),
    **dict.fromkeys((Code.MUTATED, Code.DSEQ, Code.PDT_JUMP, Code.WINDOW_SHORT, Code.SEQ_JUMP), _OLD_COPY),
}
_COLLAPSIBLE = frozenset({Code.FETCH_FAIL, Code.TIMEOUT, Code.NOT_PLAYLIST, Code.CACHE_HDR})


def causes(findings: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Those that stand by themselves, and those that follow from one of them."""
    if len(findings) < 2:
        return findings, []
    have = {(f.code, f.rendition) for f in findings}
    told: list[Finding] = []
    following: list[Finding] = []
    for one in findings:
        is_late = any({(cause.value, one.rendition), (cause.value, None)} & have for cause in _CONSEQUENCE_OF.get(one.code, ()))
        is_child = is_late or any(_explains(other, one) for other in findings)
        (following if is_child else told).append(one)
    return told, following


def _explains(up: Finding, down: Finding) -> bool:
    upper, lower = _WAY.get(up.layer), _WAY.get(down.layer)
    if upper is None or lower is None or upper >= lower or up.severity.rank < down.severity.rank:
        return False
    if up.rendition is not None and up.rendition != down.rendition:
        return False
    if up.code == down.code:
        return True
    is_content = ABOUT[Code(down.code)].code_class is CodeClass.CONTENT
    return is_content if up.layer is not Layer.ORIGIN else ABOUT[Code(up.code)].code_class is CodeClass.DELIVERY


def collapsed(sight: Sight, findings: list[Finding]) -> list[Finding]:
    """A vantage that delivers nothing is one finding, not one per rendition."""
    out: list[Finding] = []
    rungs = set(sight.expected)
    groups: dict[tuple[str, Layer, tuple[str, ...]], list[Finding]] = {}
    for finding in findings:
        if finding.code in _COLLAPSIBLE:
            vantages = finding.evidence.get("vantages")
            key = (finding.code, finding.layer, tuple(vantages) if isinstance(vantages, list) else ())
            groups.setdefault(key, []).append(finding)
        else:
            out.append(finding)
    for group in groups.values():
        named = {f.rendition for f in group if f.rendition is not None}
        if len(group) == 1 or not rungs or not rungs <= named:
            out.extend(group)
            continue
        lead = max(group, key=lambda f: (f.severity.rank, f.rendition is None))
        out.append(
            msgspec.structs.replace(
                lead,
                rendition=None,
                severity=worst(f.severity for f in group),
                reason=lead.reason.replace(lead.rendition or "master", "every playlist", 1),
                first_seen=min(f.first_seen for f in group),
                last_seen=max(f.last_seen for f in group),
                evidence={**lead.evidence, "renditions": sorted(named)},
            )
        )
    return out
