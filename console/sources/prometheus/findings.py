"""The verdicts of far probers, read back from the metrics store that scrapes them: one question for everything they tell.

The store goes on showing the last sample of a shard that died for minutes. A verdict is believed only while its shard has
judged lately; after that its channels are UNKNOWN(source), never as they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from console.model import exposition as names
from console.model.failure import Failure, FailureKind, SourceError
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Clock
from console.model.severity import Layer, Mark, Severity
from console.model.told import ToldVerdicts
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource
from console.sources.prometheus.answer import Series
from console.sources.prometheus.client import PrometheusClient

PERIOD_S = 5.0
FRESH_S = 45.0  # two scrapes of the usual 15 s, and the judge's own second
_SEVERITIES = {value: severity for severity, value in names.SEVERITY_VALUES.items()}


class FarProbers:
    """Asks for all that shards tell."""

    def __init__(self, client: PrometheusClient, fresh_s: float = FRESH_S) -> None:
        self._client = client
        self._fresh_s = fresh_s

    async def ask(self) -> Answer[ToldVerdicts]:
        """Every channel's verdict. Raises SourceError, also when no shard has ever been scraped."""
        answered = await self._client.query(names.EVERYTHING)
        told = read(answered.series, answered.at, self._fresh_s)
        if not told.ages_s:
            raise SourceError(
                Failure(
                    FailureKind.BAD_ANSWER,
                    "read verdicts of probers back",
                    self._client.on,
                    f"no series {names.JUDGED}",
                    "does it scrape `midwatch probe --metrics`?",
                )
            )
        late = sorted(shard for shard, age_s in told.ages_s.items() if age_s > self._fresh_s)
        return Answer(
            value=told,
            as_of=answered.at,
            server_date=answered.server_date,
            partial_reason=f"shard {', '.join(late)}: not heard for {told.ages_s[late[0]]:.0f} s" if late else "",
            warnings=answered.warnings,
        )


def findings_source(name: str, client: PrometheusClient, clock: Clock, meter: Meter) -> PollingSource[ToldVerdicts]:
    """As a source. The client is shared and outlives it."""
    return PollingSource(name, "prometheus", FarProbers(client).ask, PERIOD_S, clock, meter=meter)


def read(series: Sequence[Series], at: datetime, fresh_s: float = FRESH_S) -> ToldVerdicts:
    """Pure. What cannot be understood is left out, and a channel of which the severity is missing with it."""
    by_name: dict[str, list[Series]] = {}
    for one in series:
        by_name.setdefault(one.labels.get("__name__", ""), []).append(one)
    judged = {
        one.labels.get("shard", ""): one.value for one in by_name.get(names.JUDGED, ()) if math.isfinite(one.value)
    }
    ages_s = {shard: max(0.0, at.timestamp() - when) for shard, when in judged.items()}
    numbers = {name: _by_place(by_name.get(name, ())) for name in _NUMBERS}
    renditions: dict[tuple[str, str], dict[str, int]] = {}
    for one in by_name.get(names.RENDITIONS, ()):
        if math.isfinite(one.value):
            renditions.setdefault(_place(one), {})[one.labels.get("which", "")] = int(one.value)
    infos = {_place(one): one.labels for one in by_name.get(names.STATE, ())}
    findings: dict[tuple[str, str], list[Finding]] = {}
    for one in by_name.get(names.FINDING, ()):
        when = judged.get(one.labels.get("shard", ""))
        finding = _finding(one, when) if when is not None else None
        if finding is not None:
            findings.setdefault(_place(one), []).append(finding)
    verdicts: dict[str, ChannelVerdict] = {}
    chosen: dict[str, float] = {}
    for place, value in numbers[names.SEVERITY].items():
        channel, shard = place
        if shard not in judged or judged[shard] <= chosen.get(channel, -math.inf) or not channel:
            continue
        chosen[channel] = judged[shard]
        verdicts[channel] = (
            _verdict(
                channel,
                value,
                place,
                numbers,
                renditions.get(place, {}),
                infos.get(place, {}),
                findings.get(place, []),
            )
            if ages_s[shard] <= fresh_s
            else _silent(channel, shard, ages_s[shard])
        )
    return ToldVerdicts(verdicts, ages_s)


_NUMBERS = (names.SEVERITY, names.WATCHED, names.SETTLED, names.TARGET, names.AGE, names.LATENCY)


def _place(one: Series) -> tuple[str, str]:
    return one.labels.get("channel", ""), one.labels.get("shard", "")


def _by_place(series: Sequence[Series]) -> dict[tuple[str, str], float]:
    return {_place(one): one.value for one in series if math.isfinite(one.value)}


def _verdict(
    channel: str,
    value: float,
    place: tuple[str, str],
    numbers: Mapping[str, Mapping[tuple[str, str], float]],
    renditions: Mapping[str, int],
    info: Mapping[str, str],
    findings: Sequence[Finding],
) -> ChannelVerdict:
    ordered = tuple(sorted(findings, key=lambda finding: (-finding.severity.rank, finding.first_seen, finding.code)))
    return ChannelVerdict(
        channel=channel,
        severity=_SEVERITIES.get(value, Severity.UNKNOWN),
        mark=next((mark for mark in Mark if mark.value == info.get("mark")), Mark.NONE),
        findings=ordered,
        reason=info.get("reason", "") or (ordered[0].reason if ordered else ""),
        watched_s=numbers[names.WATCHED].get(place, 0.0),
        is_settled=numbers[names.SETTLED].get(place, 0.0) == 1.0,
        target_duration_s=numbers[names.TARGET].get(place),
        worst_age_over_t=numbers[names.AGE].get(place),
        latency_s=numbers[names.LATENCY].get(place),
        renditions_ok=renditions.get("ok", 0),
        renditions_expected=renditions.get("expected", 0),
    )


def _silent(channel: str, shard: str, age_s: float) -> ChannelVerdict:
    return ChannelVerdict(
        channel=channel, severity=Severity.UNKNOWN, reason=f"source: its prober {shard} was last heard {age_s:.0f} s ago"
    )


def _finding(one: Series, judged: float) -> Finding | None:
    labels = one.labels
    try:
        severity, layer = Severity(labels.get("severity", "")), Layer(labels.get("layer", ""))
        first = datetime.fromtimestamp(one.value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    vantages = [name for name in labels.get("vantages", "").split(",") if name]
    return Finding(
        code=labels.get("code", ""),
        entity=labels.get("channel", ""),
        rendition=labels.get("rendition") or None,
        layer=layer,
        vantage=labels.get("vantage") or None,
        severity=severity,
        reason=labels.get("reason", ""),
        first_seen=first,
        last_seen=datetime.fromtimestamp(judged, UTC),
        evidence={"vantages": vantages, "told_by": f"prober {labels.get('shard', '')}"},
        spec_ref=labels.get("spec_ref", ""),
    )
