"""The one sentence of a finding: what, where, and what was measured."""

from __future__ import annotations

from console.judge.codes import Code
from console.judge.symptom import Sight, Symptom
from console.model.severity import Layer

_WHAT = {
    Code.STALE: "stale",
    Code.FETCH_FAIL: "cannot be fetched",
    Code.TIMEOUT: "times out",
    Code.NOT_PLAYLIST: "is no playlist",
    Code.MSEQ_BACK: "went back",
    Code.EDGE_SKEW: "is an old copy",
    Code.TD_EXCEEDED: "exceeds its target duration",
    Code.SEG_404: "segment missing",
    Code.RENDITION_MISSING: "is gone",
    Code.LADDER_SHRUNK: "missing from the ladder",
    Code.LATENCY: "late",
    Code.UNEXPECTED_END: "ended",
    Code.DASH_MPD_STALE: "stale",
    Code.DASH_AST_CHANGED: "moved in time",
    Code.DASH_UTC: "clock wrong",
    Code.DASH_AVAIL: "segment missing",
    Code.DASH_TL_GAP: "has a gap",
    Code.DASH_TL_EDIT: "rewrote what it had published",
    Code.DASH_DRIFT: "drifts",
    Code.DASH_TSB: "segment gone too early",
    Code.DASH_PERIOD: "Periods do not join",
    Code.DASH_END: "ended",
    Code.DASH_DELAY: "delay too short",
}


def sentence(sight: Sight, lead: Symptom, layer: Layer, vantages: tuple[str, ...], is_origin: bool) -> str:
    """ "1080p stale at 3 of 4 edges (lhr, syd, nrt), origin fresh: newest segment 14 s old, limit 6 s"."""
    whole = "MPD" if lead.code.value.startswith("DASH_") else "master"
    what = f"{lead.rendition or whole} {_WHAT.get(lead.code, lead.code.value)}"
    return f"{what} {where(sight, layer, vantages, is_origin)}: {lead.says}"


def where(sight: Sight, layer: Layer, vantages: tuple[str, ...], is_origin: bool) -> str:
    """ "at the origin and 3 of 4 edges (lhr, syd, nrt)"."""
    edges = [name for name in vantages if name != sight.origin]
    total = len(sight.memory.channel.edges)
    shorts = ", ".join(_short(sight, name) for name in edges)
    if is_origin:
        if not edges:
            return "at the origin" if total else f"at {_short(sight, vantages[0])}"
        if len(edges) == total:
            return f"at the origin and all {total} edges" if total > 1 else f"at the origin and {shorts}"
        return f"at the origin and {len(edges)} of {total} edges ({shorts})"
    if sight.origin is None and layer is not Layer.EDGE:
        return f"at all {len(edges)} edges ({shorts}), no origin is watched"
    well = ", origin fresh" if sight.origin is not None else ", no origin is watched"
    return f"at {len(edges)} of {max(total, len(edges))} edges ({shorts}){well}"


def _short(sight: Sight, name: str) -> str:
    vantage = sight.memory.vantage(name)
    return vantage.pop if vantage is not None and vantage.pop else name.removeprefix("edge-")
