"""What the metrics store says of every channel: viewers, ingest, rebuffering, each one query for all
channels; and what recognised exporters say of streams.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping

from console.model.failure import Failure, SourceError
from console.model.instant import Clock
from console.model.metric import ChannelMetrics, ChannelTable, Signals
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource
from console.sources.prometheus.answer import MAX_POINTS, Answered
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.gauges import TREND_EVERY_S, TREND_POINTS, TREND_S, steps
from console.sources.prometheus.signals import SignalBoard, Told

VIEWERS, INGEST, REBUFFER = "viewers", "ingest_bps", "rebuffer_ratio"
QUERIES: Mapping[str, str] = {
    VIEWERS: "sum by (channel) (channel_viewers)",
    INGEST: "sum by (channel) (channel_ingest_bps)",
    REBUFFER: "max by (channel) (channel_rebuffer_ratio)",
}
WITH_TREND = (VIEWERS, REBUFFER)
MEASURED = "measures"  # the pack that the configuration's own expressions are
# measure -> the signal that it is; those of a site that has them in words of its own
SIGNALS: Mapping[str, str] = {
    "ingest_declared_bps": "declared_bps",
    "ingest_reconnects": "reconnects",
    "ingest_fps": "fps",
    "transcode_speed": "speed",
}


class ChannelBoard:
    """Asks each measure for all channels at once. `queries` maps the measure to PromQL with the label `label`
    kept.

    A measure that does not exist is in `missing` with its reason, and None for every channel: unknown is not
    zero.
    """

    def __init__(
        self,
        client: PrometheusClient,
        clock: Clock,
        queries: Mapping[str, str] = QUERIES,
        label: str = "channel",
        signals: SignalBoard | None = None,
    ) -> None:
        self._client = client
        self._signals = signals
        self._clock = clock
        self._queries = dict(queries)
        self._label = label
        self._has_signals = not SIGNALS.keys().isdisjoint(self._queries)
        self._trends: dict[str, dict[str, tuple[float, ...]]] = {}
        self._trends_at: float | None = None

    async def ask(self) -> Answer[ChannelTable]:
        """All measures of all channels. Raises SourceError when every measure failed at the backend."""
        names = list(self._queries)
        told, results = await asyncio.gather(
            self._told(), asyncio.gather(*(self._measure(self._queries[name]) for name in names))
        )
        missing: dict[str, Failure | str] = dict(told.missing)
        values: dict[str, dict[str, float]] = {}
        answers: list[Answered] = []
        failures: list[Failure] = []
        for name, result in zip(names, results, strict=True):
            if isinstance(result, Failure):
                missing[name] = result
                failures.append(result)
                continue
            answers.append(result)
            values[name], reason = self._by_channel(result)
            if reason:
                missing[name] = reason
        failed = {name: why for name, why in missing.items() if isinstance(why, Failure)}
        if failed and len(failures) == len(names) and not told.streams:
            raise SourceError(next(iter(failed.values())))
        await self._renew_trends(values)
        channels = sorted({channel for measure in values.values() for channel in measure})
        warnings = dict.fromkeys((*(word for answer in answers for word in answer.warnings), *told.warnings))
        return Answer(
            value=ChannelTable(
                channels={name: self._metrics(name, values) for name in channels},
                missing=missing,
                streams=told.streams,
                formulas={**told.formulas, **{f"{MEASURED} {_signal(name)}": self._queries[name] for name in names}},
                gone=told.gone,
                is_warned=bool(warnings),
            ),
            as_of=min((answer.at for answer in answers), default=None),
            server_date=max((a.server_date for a in answers if a.server_date is not None), default=None),
            partial_reason=f"{', '.join(failed)}: {next(iter(failed.values())).got}" if failed else "",
            warnings=tuple(warnings),
        )

    async def _told(self) -> Told:
        return await self._signals.ask() if self._signals is not None else Told()

    def _metrics(self, channel: str, values: Mapping[str, Mapping[str, float]]) -> ChannelMetrics:
        return ChannelMetrics(
            viewers=values.get(VIEWERS, {}).get(channel),
            ingest_bps=values.get(INGEST, {}).get(channel),
            rebuffer_ratio=values.get(REBUFFER, {}).get(channel),
            viewers_trend=self._trends.get(VIEWERS, {}).get(channel, ()),
            rebuffer_trend=self._trends.get(REBUFFER, {}).get(channel, ()),
            signals=_signals(channel, values) if self._has_signals else _NO_SIGNALS,
        )

    def _by_channel(self, answered: Answered) -> tuple[dict[str, float], str]:
        values: dict[str, float] = {}
        twice: set[str] = set()
        for series in answered.series:
            channel = series.labels.get(self._label, "")
            if channel in values:
                twice.add(channel)
            if channel and math.isfinite(series.value):
                values[channel] = series.value
        for channel in twice:
            del values[channel]
        if not answered.series:
            return values, "no series"
        if twice:
            return values, f"several series for {len(twice)} channels: aggregate by {self._label}"
        if not values:
            return values, f"{len(answered.series)} series, none with a number and the label {self._label}"
        return values, ""

    async def _measure(self, query: str) -> Answered | Failure:
        try:
            return await self._client.query(query)
        except SourceError as error:
            return error.failure

    async def _renew_trends(self, values: Mapping[str, Mapping[str, float]]) -> None:
        now = self._clock.now().mono
        if self._trends_at is not None and now - self._trends_at < TREND_EVERY_S:
            return
        self._trends_at = now
        wanted = [name for name in WITH_TREND if values.get(name)]
        lines = await asyncio.gather(*(self._lines(self._queries[name], len(values[name])) for name in wanted))
        self._trends = dict(zip(wanted, lines, strict=True))

    async def _lines(self, query: str, channels: int) -> dict[str, tuple[float, ...]]:
        """Trends by channel. With many channels the points get fewer, so that the answer stays under its
        ceiling.
        """
        points = max(2, min(TREND_POINTS, int(0.9 * MAX_POINTS) // max(1, channels)))
        try:
            answered = await self._client.query_range(query, TREND_S, points)
        except SourceError:
            return {}  # the measure's own failure is told; a trend is empty rather than old
        times = steps(answered.at, TREND_S, points)
        lines: dict[str, tuple[float, ...]] = {}
        for series in answered.series:
            found = dict(series.points)
            lines[series.labels.get(self._label, "")] = tuple(found.get(at, math.nan) for at in times)
        lines.pop("", None)
        return lines


_NO_SIGNALS = Signals()


def _signal(measure: str) -> str:
    return SIGNALS.get(measure, measure)


def _signals(channel: str, values: Mapping[str, Mapping[str, float]]) -> Signals:
    found = {
        signal: values[measure][channel]
        for measure, signal in SIGNALS.items()
        if measure in values and channel in values[measure]
    }
    return Signals(**found, sources=dict.fromkeys(found, MEASURED)) if found else _NO_SIGNALS  # type: ignore[arg-type]


def channels_source(
    name: str,
    client: PrometheusClient,
    clock: Clock,
    meter: Meter,
    queries: Mapping[str, str] = QUERIES,
    period_s: float = 10.0,
    rng: random.Random | None = None,
    label: str = "channel",
    asks_packs: bool = True,
) -> PollingSource[ChannelTable]:
    """The measures of all channels as a source; `label` names the channel in their answers. The client is
    shared and outlives the source: assembly closes it. `asks_packs`: look for exporters that are known, too.
    """
    board = ChannelBoard(client, clock, queries, label, SignalBoard(client, clock) if asks_packs else None)
    return PollingSource(name, "prometheus", board.ask, period_s, clock, rng=rng, meter=meter)
