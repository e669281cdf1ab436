"""From which value on a number of an exporter is bad, how long it must be so, and on which layer it is then told."""

from __future__ import annotations

from typing import NamedTuple

from console.judge.codes import Code
from console.model.severity import Layer, Severity


class SignalRule(NamedTuple):
    """One code's thresholds."""

    unit: str  # what the value is, in words
    warn: float
    crit: float
    clear: float  # as good as this to be good again: 80 % of the way from well to WARN
    for_s: float  # how long it must have been so
    layer: Layer
    low_is_bad: bool = False  # bad below; else bad above
    is_at: bool = False  # bad at the threshold already


SIGNAL_RULES: dict[Code, SignalRule] = {
    Code.INGEST_LOW: SignalRule("received / expected bit rate", 0.8, 0.5, 0.84, 10.0, Layer.INGEST, low_is_bad=True),
    Code.INGEST_FPS: SignalRule("difference to the nominal frame rate / nominal", 0.05, 0.20, 0.04, 10.0, Layer.INGEST),
    Code.INGEST_RECONNECTS: SignalRule("reconnects in 5 minutes", 2.0, 4.0, 1.0, 0.0, Layer.INGEST, is_at=True),
    Code.SRT_DROP: SignalRule("packets lost for good / packets", 0.0, 0.001, 0.0, 10.0, Layer.INGEST),
    Code.SRT_BUDGET: SignalRule("tsbpd delay / round trip", 4.0, 2.5, 5.0, 10.0, Layer.INGEST, low_is_bad=True),
    # to two decimals: a transcoder that keeps up is now and then measured at 0.998
    Code.TRANSCODE_SLOW: SignalRule("media s out / wall s", 1.0, 0.95, 1.0, 15.0, Layer.TRANSCODE, low_is_bad=True),
}


_OK, _WARN, _CRIT = Severity.OK, Severity.WARN, Severity.CRIT


def severity(rule: SignalRule, value: float) -> Severity:
    """What one value is by itself."""
    if rule.low_is_bad:
        return _OK if value >= rule.warn else _CRIT if value < rule.crit else _WARN
    if value < rule.warn or (value == rule.warn and not rule.is_at):
        return _OK
    return _CRIT if value > rule.crit or (value == rule.crit and rule.is_at) else _WARN
