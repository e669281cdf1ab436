"""One fault, named: what, where, since when, and why we say so. The shape is a contract (snapshot JSON, probe --json)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from console.model.severity import Layer, Mark, Severity


class Finding(msgspec.Struct, frozen=True):
    """A verdict on one entity. `vantage` is None when several vantages show it; `evidence["vantages"]` names them all."""

    code: str  # judge/codes.py
    entity: str  # bare name of the channel or object
    rendition: str | None
    layer: Layer
    vantage: str | None
    severity: Severity
    reason: str  # one sentence: "1080p stale at 3 of 4 edges, not origin"
    first_seen: datetime
    last_seen: datetime
    evidence: dict[str, str | int | float | list[str]] = {}
    spec_ref: str = ""
    confidence: float = 1.0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two findings the same fault over time."""
        return (self.entity, self.code, self.rendition or "", self.layer.value)


class ChannelVerdict(msgspec.Struct, frozen=True):
    """What the judge says of one channel now."""

    channel: str
    severity: Severity
    mark: Mark = Mark.NONE
    findings: tuple[Finding, ...] = ()  # worst first; children of an upstream fault are left out
    reason: str = ""  # the worst finding's reason, or why UNKNOWN: "warming", "probe: no heartbeat for 4 s"
    watched_s: float = 0.0  # how long every expected playlist has been watched
    is_settled: bool = False  # watched for 1.5 T: silence is now a verdict
    target_duration_s: float | None = None
    worst_age_over_t: float | None = None  # playlist age / T of the worst rendition and vantage
    latency_s: float | None = None  # now - end of the newest segment, at the worst edge
    renditions_ok: int = 0
    renditions_expected: int = 0
    children: tuple[Finding, ...] = ()  # downstream findings that an upstream one explains; no alarm of their own
    window_s: float | None = None  # the shortest window of its playlists
    renditions: tuple[str, ...] = ()  # the expected ladder, best rung first; as learned where none is configured
