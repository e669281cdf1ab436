"""The gauges of capacity: used, total, and the ratio's last quarter of an hour."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from datetime import datetime

from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.model.metric import Gauge, Gauges, GaugeSpec
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.number import Number, number

TREND_S = 900.0
TREND_POINTS = 30  # a sparkline of fifteen columns, two points a column
TREND_EVERY_S = 60.0


class GaugeBoard:
    """Asks for all gauges of a site: the numbers each time, the trends once a minute.

    One gauge that cannot be had does not hide the others: it stays None with its reason, and the reading is
    partial when the reason is the backend's (not when there simply is no data).
    """

    def __init__(self, client: PrometheusClient, specs: Sequence[GaugeSpec], clock: Clock) -> None:
        self._client = client
        self._specs = tuple(specs)
        self._clock = clock
        self._trends: dict[str, tuple[float, ...]] = {}  # by gauge name
        self._trends_at: float | None = None
        self._slots = asyncio.Semaphore(client.workers)

    async def ask(self) -> Answer[Gauges]:
        """All gauges now. Raises SourceError when every expression failed at the backend."""
        asked = [expression for spec in self._specs for expression in (spec.used, spec.total) if expression is not None]
        expressions = list(dict.fromkeys(asked))
        told = await asyncio.gather(*(number(self._client, self._slots, text) for text in expressions))
        numbers = dict(zip(expressions, told, strict=True))
        failures = [each.failure for each in numbers.values() if each.failure is not None]
        if failures and len(failures) == len(numbers):
            raise SourceError(failures[0])
        await self._renew_trends()
        answers = [each.answered for each in numbers.values() if each.answered is not None]
        reason = f"{len(failures)} of {len(numbers)} queries failed: {failures[0].got}" if failures else ""
        return Answer(
            value=Gauges(gauges=tuple(self._gauge(spec, numbers) for spec in self._specs)),
            as_of=min((answer.at for answer in answers), default=None),
            server_date=max((a.server_date for a in answers if a.server_date is not None), default=None),
            partial_reason=reason,
            warnings=tuple(dict.fromkeys(word for answer in answers for word in answer.warnings)),
        )

    def _gauge(self, spec: GaugeSpec, numbers: dict[str, Number]) -> Gauge:
        used = numbers[spec.used]
        total = numbers[spec.total] if spec.total is not None else None
        reasons = [f"used: {used.missing}"] if used.missing else []
        if total is not None and total.missing:
            reasons.append(f"total: {total.missing}")
        elif total is not None and total.value is not None and total.value <= 0:
            reasons.append(f"total: {total.value:g}, not positive")
        return Gauge(
            spec=spec,
            used=used.value,
            total=total.value if total is not None else None,
            as_of=used.at,
            missing="; ".join(reasons),
            trend=self._trends.get(spec.name, ()),
        )

    async def _renew_trends(self) -> None:
        now = self._clock.now().mono
        if self._trends_at is not None and now - self._trends_at < TREND_EVERY_S:
            return
        self._trends_at = now
        trends = await asyncio.gather(*(self._trend(spec) for spec in self._specs))
        self._trends = {spec.name: trend for spec, trend in zip(self._specs, trends, strict=True) if trend}

    async def _trend(self, spec: GaugeSpec) -> tuple[float, ...]:
        """The ratio over the last 15 min; empty when it cannot be had. Divided here: `a / b` in PromQL needs
        equal labels.
        """
        used, times = await self._line(spec.used)
        if spec.total is None or not used:
            return _filled(used, times)
        total, _ = await self._line(spec.total)
        ratios = {at: value / total[at] for at, value in used.items() if total.get(at, 0.0) > 0}
        return _filled(ratios, times)

    async def _line(self, expression: str) -> tuple[dict[float, float], tuple[float, ...]]:
        async with self._slots:
            try:
                answered = await self._client.query_range(expression, TREND_S, TREND_POINTS)
            except SourceError as error:
                if error.failure.kind is FailureKind.INTERNAL:
                    raise
                return {}, ()  # the numbers' own failure is told; a trend is empty rather than old
        if len(answered.series) != 1:
            return {}, ()
        return dict(answered.series[0].points), steps(answered.at, TREND_S, TREND_POINTS)


def steps(end: datetime, span_s: float, points: int) -> tuple[float, ...]:
    """The times of a range query's points, oldest first."""
    step_s = max(1.0, math.ceil(span_s / max(1, points)))
    last = end.timestamp()
    return tuple(last - step_s * back for back in range(max(1, points) - 1, -1, -1))


def _filled(line: dict[float, float], times: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(line.get(at, math.nan) for at in times) if line else ()


def gauges_source(
    name: str,
    client: PrometheusClient,
    specs: Sequence[GaugeSpec],
    clock: Clock,
    meter: Meter,
    period_s: float = 10.0,
    rng: random.Random | None = None,
) -> PollingSource[Gauges]:
    """The gauges of a site as a source. The client is shared and outlives the source: assembly closes it."""
    board = GaugeBoard(client, specs, clock)
    return PollingSource(name, "prometheus", board.ask, period_s, clock, rng=rng, meter=meter)
