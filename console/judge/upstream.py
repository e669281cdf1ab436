"""What the exporters' findings add to the verdict of the probes: the same channel, seen from its other end.

A contribution that stops explains a playlist that stops. It explains no more than it could bring about: a changed segment or
a wrong header is nobody's bit rate. What is explained becomes a child, as in `causality`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.judge.codes import Code
from console.model.finding import ChannelVerdict, Finding
from console.model.severity import Layer, Mark, Severity, worst

_PICTURE_STOPS = frozenset(
    code.value
    for code in (
        Code.STALE, Code.DASH_MPD_STALE, Code.LATENCY, Code.SKEW, Code.PDT_JUMP, Code.PDT_DRIFT, Code.DSEQ, Code.GAP,
        Code.SEG_DUP, Code.SEG_BAD, Code.LL_PART_LATE, Code.LL_RR, Code.DASH_TL_GAP, Code.DASH_DRIFT, Code.DASH_AVAIL,
    )
)  # fmt: skip
# what one code can bring about; SRT_BUDGET is a danger and not a damage, and so explains nothing
EXPLAINS: dict[str, frozenset[str]] = {
    Code.INGEST_LOW: _PICTURE_STOPS | {Code.TRANSCODE_SLOW, Code.INGEST_FPS},
    Code.INGEST_RECONNECTS: _PICTURE_STOPS | {Code.INGEST_LOW},
    Code.SRT_DROP: frozenset({Code.SEG_BAD, Code.GAP, Code.PDT_JUMP}),
    Code.TRANSCODE_SLOW: _PICTURE_STOPS,
}
_ABOVE = (Layer.PACKAGE, Layer.TRANSCODE, Layer.INGEST)  # where what comes from further up is seen to be missing
_OFF = (Mark.OFFLINE, Mark.MAINT, Mark.ENDED)


def is_off(verdict: ChannelVerdict) -> bool:
    """By plan, or over: whether anything arrives is nobody's worry."""
    return verdict.mark in _OFF


def merged(verdict: ChannelVerdict, findings: Sequence[Finding], unknown: str = "") -> ChannelVerdict:
    """The verdict with these findings in it; the same verdict when there is nothing to add."""
    if (not findings and not unknown) or is_off(verdict):
        return verdict
    told: list[Finding] = []
    following: list[Finding] = []
    every = (*findings, *verdict.findings)
    for one in every:
        (following if any(_explains(other, one) for other in every if other is not one) else told).append(one)
    told.sort(key=lambda finding: -finding.severity.rank)
    severity = worst((verdict.severity, *(finding.severity for finding in told)))
    why = verdict.reason
    is_held = verdict.mark is Mark.FLAPPING and verdict.severity is severity  # at its worst, which its reason says
    if told and not is_held and verdict.findings[:1] != tuple(told[:1]):
        why = told[0].reason
    if unknown and severity is Severity.OK:
        severity, why = Severity.UNKNOWN, unknown
    return msgspec.structs.replace(
        verdict, severity=severity, reason=why, findings=tuple(told), children=(*verdict.children, *following)
    )


def _explains(up: Finding, down: Finding) -> bool:
    return (
        down.code in EXPLAINS.get(up.code, ())
        and up.severity.rank >= down.severity.rank
        and down.layer in _ABOVE
        and (up.rendition is None or up.rendition == down.rendition)
    )
