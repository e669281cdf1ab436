"""The figures of a site: one value now, and the same at this minute of last week."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence

from console.model.failure import SourceError
from console.model.figure import WEEK_S, Figure, Figures, FigureSpec
from console.model.instant import Clock
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.number import NO_DATA, Number, number

WEEK_ALIGN_S = 60.0  # the same minute: last week is asked once a minute
LIFE_POINTS = 56  # of a week: one every three hours, for what is younger
LIFE_EVERY_S = 600.0  # how often the age of what has no week is asked for


class FigureBoard:
    """Asks for all figures of a site.

    Last week is asked by evaluating at now - 1 w and not by `offset 1w`, which would have to stand behind every selector of
    an expression that is not ours. One figure that cannot be had does not hide the others, and one without a last week is
    shown without it: only when nothing at all could be asked has the reading failed.
    """

    def __init__(self, client: PrometheusClient, specs: Sequence[FigureSpec], clock: Clock) -> None:
        self._client = client
        self._specs = tuple(specs)
        self._clock = clock
        self._slots = asyncio.Semaphore(client.workers)
        self._lives: dict[str, tuple[float, str]] = {}  # query -> when its age was asked (mono), and what is to be said of it

    async def ask(self) -> Answer[Figures]:
        """All figures now. Raises SourceError when every expression failed at the backend."""
        queries = list(dict.fromkeys(spec.query for spec in self._specs))
        numbers = await asyncio.gather(
            *(self._number(query) for query in queries), *(self._number(query, WEEK_S) for query in queries)
        )
        now = dict(zip(queries, numbers[: len(queries)], strict=True))
        past = dict(zip(queries, numbers[len(queries) :], strict=True))
        failures = [each.failure for each in now.values() if each.failure is not None]
        if failures and len(failures) == len(now):
            raise SourceError(failures[0])
        lacking = [query for query in queries if past[query].missing == NO_DATA and now[query].value is not None]
        lives = dict(zip(lacking, await asyncio.gather(*map(self._life, lacking)), strict=True))
        failed = [each.failure for each in numbers if each.failure is not None]
        answers = [each.answered for each in numbers if each.answered is not None]
        return Answer(
            value=Figures(figures=tuple(_figure(spec, now, past, lives) for spec in self._specs)),
            as_of=min((each.answered.at for each in now.values() if each.answered is not None), default=None),
            server_date=max((each.server_date for each in answers if each.server_date is not None), default=None),
            partial_reason=f"{len(failed)} of {len(numbers)} queries failed: {failed[0].got}" if failed else "",
            warnings=tuple(dict.fromkeys(word for answer in answers for word in answer.warnings)),
        )

    async def _number(self, query: str, ago_s: float = 0.0) -> Number:
        return await number(self._client, self._slots, query, ago_s=ago_s, align_s=WEEK_ALIGN_S)

    async def _life(self, query: str) -> str:
        """Why there is no last week, as far as the week in between tells: it began since, or it has a hole there."""
        now = self._clock.now().mono
        asked_at, said = self._lives.get(query, (-math.inf, ""))
        if now - asked_at < LIFE_EVERY_S:
            return said
        async with self._slots:
            try:
                answered = await self._client.query_range(query, WEEK_S, LIFE_POINTS)
            except SourceError:
                return "no data a week ago"  # and asked again with the next reading
        began = min((each.points[0][0] for each in answered.series if each.points), default=None)
        step_s = WEEK_S / LIFE_POINTS
        # it began within the step before its first point
        age_s = self._client.server_now().timestamp() - began + step_s / 2 if began is not None else 0.0
        if began is None:
            said = "younger than a week: first seen less than 3 h ago"
        elif age_s >= WEEK_S - 2 * step_s:
            said = "no data at this minute a week ago"
        else:
            said = f"younger than a week: first seen about {_span(age_s)} ago"
        self._lives[query] = (now, said)
        return said


def _figure(
    spec: FigureSpec, now: dict[str, Number], past: dict[str, Number], lives: dict[str, str]
) -> Figure:
    present, week = now[spec.query], past[spec.query]
    return Figure(
        spec=spec,
        now=present.value,
        week_ago=week.value,
        missing=present.missing,
        missing_week=lives.get(spec.query) or (f"a week ago: {week.missing}" if week.missing else ""),
        as_of=present.at,
        week_as_of=week.at,
    )


def _span(seconds: float) -> str:
    hours = round(seconds / 3600)
    return f"{hours} h" if hours < 48 else f"{round(hours / 24)} d"


def figures_source(
    name: str,
    client: PrometheusClient,
    specs: Sequence[FigureSpec],
    clock: Clock,
    meter: Meter,
    period_s: float = 10.0,
    rng: random.Random | None = None,
) -> PollingSource[Figures]:
    """The figures of a site as a source. The client is shared and outlives the source: assembly closes it."""
    board = FigureBoard(client, specs, clock)
    return PollingSource(name, "prometheus", board.ask, period_s, clock, rng=rng, meter=meter)
