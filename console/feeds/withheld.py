"""What is withheld of things that themselves may be seen: the words of a backend, the names in a sentence, who told a number.

Pure: a thing in, the same thing out with less said. Whole things are left out in `sight.py`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from console.feeds.veil import HIDDEN, Veil
from console.model.failure import Failure, FailureKind
from console.model.figure import Figure
from console.model.finding import ChannelVerdict, Finding
from console.model.joined import Streams
from console.model.metric import ChannelMetrics, Gauge
from console.model.operation import OperationLine, OperationStep
from console.model.source import SourceStatus

NOT_TOLD = "its own words are told only to who may read everything"
_KINDS = frozenset(
    ("kubernetes", "elasticsearch", "prometheus", "alertmanager", "hls", "prober", "nginx_rtmp", "http", "midwatch")
)
_GOT = {
    FailureKind.UNREACHABLE: "cannot be reached",
    FailureKind.TIMEOUT: "did not answer in time",
    FailureKind.UNAUTHORIZED: "refused our credential",
    FailureKind.NOT_FOUND: "does not know what was asked for",
    FailureKind.REJECTED: "rejected the question",
    FailureKind.OVERLOADED: "is overloaded",
    FailureKind.BAD_ANSWER: "gave an answer that cannot be read",
    FailureKind.TOO_LARGE: "gave an answer that is too large",
    FailureKind.INTERNAL: "a fault of midwatch itself",
}
_COUNTED = re.compile(r"\d+ of \d+ [a-z]+ [a-z]+|warming: \d+ of \d+ channels[a-z0-9. ]*")
_PLAIN = re.compile(r"((used|total): )?(no data|NaN|infinite|\d+ series, expected 1|)")
_NO_WEEK = re.compile(r"younger than a week: first seen [a-z0-9 ]*ago|no data at this minute a week ago|no data a week ago")
_SAFE_EVIDENCE = frozenset(("vantages", "renditions"))  # words of the channel list


def without_words(failure: Failure) -> Failure:
    """A failure by its kind and its source, without anything that a backend or our question said."""
    source = failure.on.partition(" ")[0]
    return Failure(
        kind=failure.kind,
        tried="ask",
        on=source if source in _KINDS else "a source",
        got=_GOT[failure.kind],
        hint=NOT_TOLD,
        retry_after_s=failure.retry_after_s,
        ref=failure.ref,
    )


def counted_only(text: str) -> str:
    """ "2 of 3 shards answered", of whatever else was said."""
    found = _COUNTED.match(text)
    return found[0] if found is not None else ""


def verdict_of(verdict: ChannelVerdict, veil: Veil) -> ChannelVerdict:
    """The verdict in words that may be read."""
    if not (verdict.findings or verdict.children or verdict.reason) or veil.is_clear:
        return verdict
    findings = tuple(_finding(each, veil) for each in verdict.findings)
    if veil.is_blind:
        reason = findings[0].reason if findings else verdict.reason.partition(":")[0]  # "warming", "probe", "source"
    else:
        reason = veil.text(verdict.reason)
    children = tuple(_finding(each, veil) for each in verdict.children)
    return msgspec.structs.replace(verdict, reason=reason, findings=findings, children=children)


def _finding(finding: Finding, veil: Veil) -> Finding:
    """What it stands on may quote the answer of a pod, and its sentence too; blind, it is told by its code and in numbers."""
    reason, evidence = veil.text(finding.reason), finding.evidence
    if veil.is_blind:
        reason = f"{finding.rendition} {finding.code}" if finding.rendition else finding.code
        evidence = {
            name: value for name, value in evidence.items() if name in _SAFE_EVIDENCE or isinstance(value, int | float)
        }
    evidence = {name: value if name in _SAFE_EVIDENCE else veil.of(value) for name, value in evidence.items()}
    return msgspec.structs.replace(finding, reason=reason, evidence=evidence)


def operation_of(line: OperationLine, veil: Veil) -> OperationLine:
    """An operation that may be seen, without the words that may not; blind, one on what has no namespace without any."""
    if veil.is_blind and not line.target.startswith("kube:"):
        steps = tuple(OperationStep(text=HIDDEN, state=step.state) for step in line.steps)
        return msgspec.structs.replace(line, reason="", ending="", progress="", refusal="", irregular=(), steps=steps)
    return veil.of(line, of_cluster=True)


def metrics_of(metrics: ChannelMetrics, veil: Veil) -> ChannelMetrics:
    """Who told a number is a pod or a server; the number itself is the channel's."""
    signals = metrics.signals
    if signals.node is None and not signals.notes:
        return metrics
    if veil.is_blind:
        return msgspec.structs.replace(metrics, signals=msgspec.structs.replace(signals, node=None, notes={}))
    node = veil.text(signals.node) if signals.node is not None else None
    return msgspec.structs.replace(
        metrics, signals=msgspec.structs.replace(signals, node=node, notes=veil.of(signals.notes))
    )


def gauge_of(gauge: Gauge) -> Gauge:
    """Why a number is missing may be the store's own words."""
    if all(_PLAIN.fullmatch(part) for part in gauge.missing.split("; ")):
        return gauge
    return msgspec.structs.replace(gauge, missing="the metrics store does not tell it")


def figure_of(figure: Figure) -> Figure:
    """As a gauge: why a number is missing may be the store's own words."""
    told = {"missing": figure.missing, "missing_week": figure.missing_week.removeprefix("a week ago: ")}
    hidden = {
        key: "the metrics store does not tell it"
        for key, words in told.items()
        if not (_PLAIN.fullmatch(words) or _NO_WEEK.fullmatch(words))
    }
    return msgspec.structs.replace(figure, **hidden) if hidden else figure


def causes_of(streams: Streams) -> dict[str, Any]:
    """Which measures and exporters fail, without the words of the store."""
    return {
        "metrics_missing": dict.fromkeys(streams.metrics_missing, NOT_TOLD),
        "packs_gone": dict.fromkeys(streams.packs_gone, "tells nothing any more"),
    }


def status_of(status: SourceStatus, veil: Veil) -> SourceStatus:
    """Names of sources are the configuration's; what a cluster's watch notes may name namespaces."""
    return msgspec.structs.replace(
        status,
        error=without_words(status.error) if status.error is not None else None,
        note=counted_only(status.note),
    )
