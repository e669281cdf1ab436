"""One number for one expression: what gauges and figures are made of."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime

import msgspec

from console.model.failure import Failure, SourceError
from console.sources.prometheus.answer import Answered
from console.sources.prometheus.client import PrometheusClient

NO_DATA = "no data"


class Number(msgspec.Struct, frozen=True):
    """One expression's answer: the number, or why there is none."""

    value: float | None
    missing: str = ""
    answered: Answered | None = None
    failure: Failure | None = None

    @property
    def at(self) -> datetime | None:
        return self.answered.at if self.answered is not None else None


async def number(
    client: PrometheusClient, slots: asyncio.Semaphore, expression: str, *, ago_s: float = 0.0, align_s: float = 0.0
) -> Number:
    """Ask for it, now or some time ago. A failure, no series, several, and no finite number are each said."""
    async with slots:
        try:
            if ago_s:
                answered = await client.query(expression, ago_s=ago_s, align_s=align_s)
            else:
                answered = await client.query(expression)
        except SourceError as error:
            return Number(value=None, missing=error.failure.got, failure=error.failure)
    if not answered.series:
        return Number(value=None, missing=NO_DATA, answered=answered)
    if len(answered.series) > 1:
        return Number(value=None, missing=f"{len(answered.series)} series, expected 1", answered=answered)
    value = answered.series[0].value
    if not math.isfinite(value):
        return Number(value=None, missing="NaN" if math.isnan(value) else "infinite", answered=answered)
    return Number(value=value, answered=answered)
