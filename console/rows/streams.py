"""What the streams pane says: one row a channel, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from console.judge.impact import impact
from console.model.cell import NOTHING, Cell, Column, Tone
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.joined import Streams
from console.model.metric import ChannelMetrics, Signals
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Layer, Mark, Severity, State, worst
from console.model.spark import spark
from console.rows.about import strip_of
from console.rows.changes import Change, last_change
from console.rows.pane import Pane, framed, of_nothing
from console.rows.units import duration, percent, si

VIEW = "streams"
REBUFFER_WARN, REBUFFER_CRIT = 0.01, 0.03  # of watch time
NO_METRICS = ChannelMetrics()
NO_CHANGES: Mapping[str, Change] = {}
UNWATCHED = ChannelVerdict(channel="", severity=Severity.UNKNOWN, reason="warming: not yet watched")


class StreamRow(msgspec.Struct, frozen=True):
    """One channel as the pane and the digests show it."""

    name: str
    severity: Severity
    mark: Mark
    region: str | None
    tier: int
    viewers: float | None
    ingest_bps: float | None
    renditions_ok: int
    renditions_expected: int
    age_over_t: float | None
    latency_s: float | None
    rebuffer_ratio: float | None
    rebuffer_trend: tuple[float, ...]
    reason: str
    since: datetime | None  # first_seen of the worst finding
    since_s: float | None
    layer: Layer | None
    service: str | None  # the workload at fault by that layer: where `p` leads
    codes: tuple[str, ...]
    impact: float  # what the pane sorts by; 0 for a healthy channel
    renditions: tuple[tuple[str, Severity], ...] = ()  # best rung first, each with the worst that is told of it
    target_s: float | None = None  # T
    window_s: float | None = None  # the shortest of its playlists
    download_ratio: float | None = None  # fetch time / EXTINF of the newest segment, at the slowest vantage
    change: Change | None = None  # the last one of a workload that serves it
    change_s: float | None = None  # since then
    signals: Signals = Signals()

    @property
    def key(self) -> str:
        return self.name

    @property
    def is_off_air(self) -> bool:
        """By plan, with nothing held against it: no alarm, and the last to be looked at."""
        return self.mark is Mark.OFFLINE or (self.mark in (Mark.ENDED, Mark.MAINT) and self.severity is Severity.OK)

    @property
    def brief(self) -> str:
        """What and where, without what was measured: "all 5 renditions stale at the origin and all 4 edges"."""
        return self.reason.partition(": ")[0]


def pane(
    reading: Reading[Streams], scope: Scope, now: Instant, changes: Mapping[str, Change] = NO_CHANGES
) -> Pane[StreamRow]:
    """The channels in scope, sorted by impact, then severity, then name; what is off the air comes last. `changes`: the last
    change of each workload, by its service.
    """
    streams = reading.value
    channels = [channel for channel in streams.channels.values() if _in_scope(channel, scope)] if streams else []
    verdicts = streams.verdicts if streams else {}
    rows = tuple(
        sorted(
            (
                _row(channel, verdicts.get(channel.name, UNWATCHED), streams, reading.state, changes, now)
                for channel in channels
                if streams is not None
            ),
            key=lambda row: (row.is_off_air, -row.impact, -row.severity.rank, row.name),
        )
    )
    watched = [verdicts[channel.name] for channel in channels if channel.name in verdicts]
    findings = tuple(finding for verdict in watched for finding in verdict.findings)
    children = tuple(finding for verdict in watched for finding in verdict.children)
    return framed(
        VIEW,
        "Streams",
        reading,
        now,
        severity=worst((row.severity for row in rows), nothing=of_nothing(scope, is_known=streams is not None)),
        summary=_summary(rows) if rows or not scope else "no channel in this scope",
        rows=rows,
        watched_s=min((verdict.watched_s for verdict in watched), default=0.0),
        findings=tuple(sorted(findings, key=lambda finding: (-finding.severity.rank, finding.entity))),
        children=tuple(sorted(children, key=lambda finding: (-finding.severity.rank, finding.entity))),
        note=reading.partial_reason or _metrics_note(streams),
        is_settled=reading.state is State.ERROR
        or (streams is not None and len(watched) == len(channels) and all(each.is_settled for each in watched)),
    )


def service_at_fault(channel: Channel, layer: Layer | None, finding: Finding | None = None) -> str | None:
    """The workload that does the layer's work for this channel: the way from a finding to its pods."""
    if layer is None:
        return None
    if finding is not None and layer is Layer.EDGE:
        told = finding.evidence.get("vantages")
        names = [finding.vantage] if finding.vantage is not None else told if isinstance(told, list) else []
        for vantage in channel.vantages:  # several edges: the first of them, from whose lines the others are found
            if vantage.name in names and vantage.service:
                return vantage.service
    return channel.services.get(layer.value)


def _in_scope(channel: Channel, scope: Scope) -> bool:
    if not scope:
        return True
    service = scope.get("service")
    services = {*channel.services.values(), *(vantage.service for vantage in channel.vantages)}
    if service is not None and service not in services:
        return False
    for dimension, offered in (
        ("pop", {vantage.pop for vantage in channel.vantages}),
        ("cdn", {vantage.cdn for vantage in channel.vantages}),
    ):
        wanted = scope.get(dimension)
        if wanted is not None and wanted not in offered:
            return False
    return scope.admits({"channel": channel.name, "region": channel.region})


def _row(
    channel: Channel, verdict: ChannelVerdict, streams: Streams, state: State, changes: Mapping[str, Change], now: Instant
) -> StreamRow:
    metrics = streams.metrics.get(channel.name) or NO_METRICS
    first = verdict.findings[0] if verdict.findings else None
    severity = verdict.severity
    if state in (State.ERROR, State.STALE) and severity is Severity.OK:
        severity = Severity.UNKNOWN
    reason = _reason(verdict)
    change = last_change(channel, changes) if changes else None
    return StreamRow(
        name=channel.name,
        severity=severity,
        mark=verdict.mark,
        region=channel.region,
        tier=channel.tier,
        viewers=metrics.viewers,
        ingest_bps=metrics.ingest_bps,
        renditions_ok=verdict.renditions_ok,
        renditions_expected=verdict.renditions_expected,
        age_over_t=verdict.worst_age_over_t,
        latency_s=verdict.latency_s,
        rebuffer_ratio=metrics.rebuffer_ratio,
        rebuffer_trend=metrics.rebuffer_trend,
        reason=reason,
        since=first.first_seen if first is not None else None,
        since_s=(now.utc - first.first_seen).total_seconds() if first is not None else None,
        layer=first.layer if first is not None else None,
        service=service_at_fault(channel, first.layer if first is not None else None, first),
        codes=tuple(dict.fromkeys(finding.code for finding in verdict.findings)),
        impact=impact(verdict, metrics.viewers, channel.tier),
        renditions=strip_of(channel.renditions or verdict.renditions, verdict.findings, severity),
        target_s=verdict.target_duration_s,
        window_s=verdict.window_s,
        download_ratio=streams.download_ratios.get(channel.name),
        change=change,
        change_s=(now.utc - change.at).total_seconds() if change is not None else None,
        signals=metrics.signals,
    )


def _reason(verdict: ChannelVerdict) -> str:
    """The worst finding's own sentence; when more renditions share its fault, how many, so that one is not taken for all."""
    if not verdict.findings:
        return verdict.reason
    first = verdict.findings[0]
    alike = [
        finding
        for finding in verdict.findings
        if (finding.code, finding.layer) == (first.code, first.layer) and finding.rendition
    ]
    if len(alike) < 2 or first.rendition is None:
        return first.reason
    every = len(alike) == verdict.renditions_expected
    head = (
        f"all {len(alike)} renditions"
        if every
        else f"{len(alike)} renditions ({', '.join(str(each.rendition) for each in alike)})"
    )
    rest = first.reason.removeprefix(first.rendition).strip()
    return f"{head} {rest}"


def _summary(rows: tuple[StreamRow, ...]) -> str:
    counts = {severity: sum(row.severity is severity for row in rows) for severity in Severity}
    off = sum(row.is_off_air or row.mark is Mark.ENDED for row in rows)
    parts = [f"{len(rows) - off} live"]
    parts += [f"{off} off air"] if off else []
    for severity, word in ((Severity.CRIT, "crit"), (Severity.WARN, "warn"), (Severity.UNKNOWN, "unknown")):
        if counts[severity]:
            parts.append(f"{counts[severity]} {word}")
    return " · ".join(parts)


def _metrics_note(streams: Streams | None) -> str:
    if streams is None or streams.metrics_state in (None, State.LIVE, State.PARTIAL):
        return "; ".join(f"{pack}: {why}" for pack, why in streams.packs_gone.items()) if streams is not None else ""
    return f"viewers and rebuffer: metrics store {streams.metrics_state}"


def _age(row: StreamRow) -> Cell:
    if row.age_over_t is None:
        return NOTHING
    tone = Tone.CRIT if row.age_over_t > 3 else Tone.WARN if row.age_over_t > 1.5 else Tone.NORMAL
    return Cell(f"{row.age_over_t:.1f}{'!' if row.age_over_t > 1.5 else ''}", tone, row.age_over_t)


def _ladder(row: StreamRow) -> Cell:
    if not row.renditions_expected:
        return NOTHING
    tone = Tone.NORMAL if row.renditions_ok == row.renditions_expected else Tone.of(row.severity)
    return Cell(f"{row.renditions_ok}/{row.renditions_expected}", tone, row.renditions_ok)


def _rebuffer(row: StreamRow) -> Cell:
    if row.rebuffer_ratio is None:
        return NOTHING
    tone = (
        Tone.CRIT
        if row.rebuffer_ratio > REBUFFER_CRIT
        else Tone.WARN
        if row.rebuffer_ratio > REBUFFER_WARN
        else Tone.NORMAL
    )
    return Cell(f"{row.rebuffer_ratio * 100:.2f}", tone, row.rebuffer_ratio)


def _mark(row: StreamRow) -> Cell:
    if row.mark is Mark.NONE:
        return Cell("")
    return Cell(row.mark.value[0], Tone.WARN if row.mark is Mark.FLAPPING else Tone.DIM, row.mark.value)


def _why(row: StreamRow) -> Cell:
    mark = "" if row.mark is Mark.NONE else row.mark.value
    if not row.reason:
        return Cell(mark, Tone.DIM)
    since = f" · {duration(row.since_s)}" if row.since_s is not None else ""
    layer = f"[{row.layer.value}] " if row.layer is not None else ""
    return Cell(f"{mark}{' · ' if mark else ''}{layer}{row.reason}{since}", Tone.of(row.severity))


COLUMNS: tuple[Column[StreamRow], ...] = (
    Column("channel", "CHANNEL", lambda row: Cell(row.name, Tone.STRONG, row.name), "the channel's name", 12, 1, 0),
    Column("mark", "M", _mark, "F flapping (4 changes in 10 min), O offline by schedule, M maintenance, E ended", 1, 0, 2),
    Column("tier", "T", lambda row: Cell(str(row.tier), Tone.DIM, row.tier), "tier: 1 is the most important", 1, 0, 6),
    Column(
        "viewers",
        "VIEW",
        lambda row: NOTHING if row.viewers is None else Cell(si(row.viewers), sort=row.viewers),
        "viewers now (metrics store, channel_viewers)",
        5,
        0,
        3,
        True,
    ),
    Column(
        "ingest",
        "IN",
        lambda row: NOTHING if row.ingest_bps is None else Cell(si(row.ingest_bps), sort=row.ingest_bps),
        "ingest, bit/s; < 80 % of declared or usual WARN, < 50 % CRIT (metrics)",
        4,
        0,
        7,
        True,
    ),
    Column("ladder", "LAD", _ladder, "renditions that are fine / expected (prober)", 3, 0, 2, True),
    Column(
        "age",
        "AGE/T",
        _age,
        "age of the oldest playlist in target durations; over 1.5 is stale (prober)",
        5,
        0,
        1,
        True,
    ),
    Column(
        "latency",
        "LAT",
        lambda row: NOTHING if row.latency_s is None else Cell(duration(row.latency_s), sort=row.latency_s),
        "now - end of the newest segment, at the worst edge (prober)",
        4,
        0,
        5,
        True,
    ),
    Column("rebuffer", "REB%", _rebuffer, "rebuffer ratio, % of watch time (metrics store)", 5, 0, 4, True),
    Column(
        "trend",
        "15 m",
        lambda row: (
            Cell(spark(row.rebuffer_trend, 6, lo=0.0, hi=REBUFFER_CRIT), Tone.ACCENT) if row.rebuffer_trend else NOTHING
        ),
        "rebuffer ratio over the last 15 minutes (metrics store)",
        6,
        0,
        8,
    ),
    Column("why", "WHY", _why, "the worst finding: layer, reason, since when; a mark before it", 14, 6, 9),
)


def impact_text(row: StreamRow) -> str:
    """Who suffers: "182k viewers · rebuffer 3.41 %"; empty when the metrics store says nothing."""
    parts = []
    if row.viewers is not None:
        parts.append(f"{si(row.viewers)} viewers")
    if row.rebuffer_ratio is not None:
        parts.append(f"rebuffer {percent(row.rebuffer_ratio, 2)}")
    return " · ".join(parts)
