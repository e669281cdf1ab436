"""What the metrics store says of every channel: viewers, ingest, rebuffering, each one query for all
channels.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Mapping

from console.model.failure import Failure, SourceError
from console.model.instant import Clock
from console.model.metric import ChannelMetrics, ChannelTable
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource
from console.sources.prometheus.answer import MAX_POINTS, Answered
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.gauges import TREND_EVERY_S, TREND_POINTS, TREND_S, steps

VIEWERS, INGEST, REBUFFER = "viewers", "ingest_bps", "rebuffer_ratio"
QUERIES: Mapping[str, str] = {
    VIEWERS: "sum by (channel) (channel_viewers)",
    INGEST: "sum by (channel) (channel_ingest_bps)",
    REBUFFER: "max by (channel) (channel_rebuffer_ratio)",
}
WITH_TREND = (VIEWERS, REBUFFER)


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
    ) -> None:
        self._client = client
        self._clock = clock
        self._queries = dict(queries)
        self._label = label
        self._trends: dict[str, dict[str, tuple[float, ...]]] = {}
        self._trends_at: float | None = None

    async def ask(self) -> Answer[ChannelTable]:
        """All measures of all channels. Raises SourceError when every measure failed at the backend."""
        names = list(self._queries)
        results = await asyncio.gather(*(self._measure(self._queries[name]) for name in names))
        missing: dict[str, Failure | str] = {}
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
        if failures and len(failures) == len(names):
            raise SourceError(failures[0])
        await self._renew_trends(values)
        channels = sorted({channel for measure in values.values() for channel in measure})
        return Answer(
            value=ChannelTable(channels={name: self._metrics(name, values) for name in channels}, missing=missing),
            as_of=min((answer.at for answer in answers), default=None),
            server_date=max((a.server_date for a in answers if a.server_date is not None), default=None),
            partial_reason=f"{', '.join(n for n in names if isinstance(missing.get(n), Failure))}: {failures[0].got}"
            if failures
            else "",
            warnings=tuple(dict.fromkeys(word for answer in answers for word in answer.warnings)),
        )

    def _metrics(self, channel: str, values: Mapping[str, Mapping[str, float]]) -> ChannelMetrics:
        return ChannelMetrics(
            viewers=values.get(VIEWERS, {}).get(channel),
            ingest_bps=values.get(INGEST, {}).get(channel),
            rebuffer_ratio=values.get(REBUFFER, {}).get(channel),
            viewers_trend=self._trends.get(VIEWERS, {}).get(channel, ()),
            rebuffer_trend=self._trends.get(REBUFFER, {}).get(channel, ()),
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


def channels_source(
    name: str,
    client: PrometheusClient,
    clock: Clock,
    meter: Meter,
    queries: Mapping[str, str] = QUERIES,
    period_s: float = 10.0,
    rng: random.Random | None = None,
    label: str = "channel",
) -> PollingSource[ChannelTable]:
    """The measures of all channels as a source; `label` names the channel in their answers. The client is
    shared and outlives the source: assembly closes it.
    """
    board = ChannelBoard(client, clock, queries, label)
    return PollingSource(name, "prometheus", board.ask, period_s, clock, rng=rng, meter=meter)
