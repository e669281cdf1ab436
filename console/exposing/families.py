"""A word as Prometheus' metric families. Pure; the text format itself is prometheus_client's."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from console.exposing.word import Word
from console.model import exposition as names
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant

_FINDING_LABELS = (
    *("channel", "shard", "code", "rendition", "layer", "vantage", "vantages", "severity", "spec_ref", "reason"),
)


def families(word: Word | None, now: Instant) -> Iterator[GaugeMetricFamily]:
    """Nothing of the channels while there is no fresh word; what the shard is, always."""
    judged = GaugeMetricFamily(names.JUDGED, "when the shard's verdicts were made", labels=("shard",))
    shard = GaugeMetricFamily(names.SHARD, "channels that are this shard's", labels=("shard",))
    if word is None:
        return
    judged.add_metric((word.shard,), word.at.utc.timestamp())
    shard.add_metric((word.shard,), len(word.channels))
    yield judged
    yield shard
    if not word.is_fresh(now):
        return
    if word.heartbeat is not None:
        lag = GaugeMetricFamily(names.LAG, "how late the latest poll of the last second was", labels=("shard",))
        polls = GaugeMetricFamily(names.POLLS, "polls of the last second", labels=("shard",))
        lag.add_metric((word.shard,), word.heartbeat.poll_lag_s)
        polls.add_metric((word.shard,), word.heartbeat.polls)
        yield lag
        yield polls
    yield from _of_channels(word)
    findings = GaugeMetricFamily(names.FINDING, "a finding, while it lasts: when it began", labels=_FINDING_LABELS)
    told: set[tuple[str, ...]] = set()
    for verdict in word.verdicts.values():
        for finding in verdict.findings:
            labels = _labels(finding, word.shard)
            if labels not in told:  # two findings of one series would spoil the whole scrape
                told.add(labels)
                findings.add_metric(labels, finding.first_seen.timestamp())
    yield findings


def _of_channels(word: Word) -> Iterator[GaugeMetricFamily]:
    keys = ("channel", "shard")
    severity = GaugeMetricFamily(names.SEVERITY, "0 OK, 1 WARN, 2 CRIT, -1 UNKNOWN", labels=keys)
    info = GaugeMetricFamily(names.STATE, "its mark and the worst finding in words", labels=(*keys, "mark", "reason"))
    watched = GaugeMetricFamily(names.WATCHED, "how long every expected playlist has been watched", labels=keys)
    settled = GaugeMetricFamily(names.SETTLED, "1 once silence is a verdict", labels=keys)
    target = GaugeMetricFamily(names.TARGET, "the longest target duration", labels=keys)
    age = GaugeMetricFamily(names.AGE, "age of the oldest playlist / target duration", labels=keys)
    latency = GaugeMetricFamily(names.LATENCY, "now - end of the newest segment, at the worst edge", labels=keys)
    renditions = GaugeMetricFamily(names.RENDITIONS, "renditions that are well, and expected", labels=(*keys, "which"))
    for name, verdict in word.verdicts.items():
        key = (name, word.shard)
        severity.add_metric(key, names.SEVERITY_VALUES[verdict.severity])
        info.add_metric((*key, verdict.mark.value, names.constant(verdict.reason)), 1)
        watched.add_metric(key, verdict.watched_s)
        settled.add_metric(key, float(verdict.is_settled))
        renditions.add_metric((*key, "ok"), verdict.renditions_ok)
        renditions.add_metric((*key, "expected"), verdict.renditions_expected)
        for family, value in _measured(verdict, target, age, latency):
            family.add_metric(key, value)
    yield from (severity, info, watched, settled, renditions, target, age, latency)


def _measured(
    verdict: ChannelVerdict, target: GaugeMetricFamily, age: GaugeMetricFamily, latency: GaugeMetricFamily
) -> Iterator[tuple[GaugeMetricFamily, float]]:
    """What is not known is no series: an age of nothing is not an age of 0."""
    if verdict.target_duration_s is not None:
        yield target, verdict.target_duration_s
    if verdict.worst_age_over_t is not None:
        yield age, verdict.worst_age_over_t
    if verdict.latency_s is not None:
        yield latency, verdict.latency_s


def _labels(finding: Finding, shard: str) -> tuple[str, ...]:
    vantages = finding.evidence.get("vantages")
    return (
        finding.entity,
        shard,
        finding.code,
        finding.rendition or "",
        finding.layer.value,
        finding.vantage or "",
        ",".join(vantages) if isinstance(vantages, list) else "",
        finding.severity.value,
        finding.spec_ref,
        names.constant(finding.reason),
    )
