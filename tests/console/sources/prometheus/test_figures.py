"""Figures against the same minute of last week, asked of the platform's own Prometheus."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from console.demo.prometheus import server
from console.demo.world.world import World
from console.model.failure import SourceError
from console.model.figure import WEEK_S, Better, FigureSpec
from console.model.severity import State
from console.sources.access import Access
from console.sources.meter import Meter
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.figures import FigureBoard, figures_source
from tests.console.sources.conftest import Serve, body, page
from tests.hand_clock import HandClock

VIEWERS = FigureSpec("viewers", "sum(channel_viewers)", "viewers", Better.HIGHER, 0.8, 0.5)


@pytest.fixture
async def client(
    serve: Serve, clock: HandClock, meter: Meter, world_now: Callable[[], datetime]
) -> AsyncIterator[PrometheusClient]:
    world = World(7, "edge-stale", world_now() - timedelta(minutes=20))
    client = PrometheusClient(Access(urls=(await serve(server.app(world, world_now)),)), clock, meter)
    yield client
    await client.close()


async def test_a_figure_stands_beside_what_it_was_a_week_ago(
    client: PrometheusClient, clock: HandClock, meter: Meter, world_now: Callable[[], datetime]
) -> None:
    readings = figures_source("figures", client, (VIEWERS,), clock, meter).readings()
    reading = await anext(readings)
    await readings.aclose()
    (figure,) = reading.value.figures
    assert reading.state is State.LIVE
    assert figure.as_of is not None and figure.week_as_of is not None
    assert abs((figure.as_of - figure.week_as_of).total_seconds() - WEEK_S) < 60
    world = World(7, "edge-stale", world_now() - timedelta(minutes=20))
    then = sum(world.viewers(name, figure.week_as_of) for name in ("uk-sport-1", "syd-news-2"))
    assert figure.now and figure.week_ago and 0 < then < figure.week_ago
    assert figure.change == pytest.approx(figure.now / figure.week_ago - 1)
    assert figure.missing == figure.missing_week == figure.why_no_change == ""


async def test_all_figures_of_the_demo_have_both_numbers(client: PrometheusClient, clock: HandClock) -> None:
    import tomllib

    from console.demo.configuration import figures

    told = tomllib.loads("\n".join(figures()))["sites"]["demo"]["figures"]
    specs = tuple(FigureSpec(**{**each, "better": Better(each["better"])}) for each in told)
    answer = await FigureBoard(client, specs, clock).ask()
    assert [figure.name for figure in answer.value.figures] == ["viewers", "egress", "rebuffer", "start failures"]
    assert all(figure.change is not None for figure in answer.value.figures), answer.value.figures


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("nothing_at_all", "no data"),
        ("channel_viewers", "12 series, expected 1"),
        ("vector(0)/0", "NaN"),
        ("vector(1)/0", "infinite"),
    ],
)
async def test_a_figure_without_a_value_is_none_with_its_reason_and_hides_no_other(
    client: PrometheusClient, clock: HandClock, query: str, missing: str
) -> None:
    figure, other = (await FigureBoard(client, (FigureSpec("f", query), VIEWERS), clock).ask()).value.figures
    assert (figure.now, figure.week_ago, figure.missing) == (None, None, missing)
    assert figure.change is None and figure.why_no_change == missing
    assert other.change is not None


def a_week_ago(seconds: float, clock: HandClock) -> float:
    return clock.now().utc.timestamp() - WEEK_S + seconds


async def answering(serve: Serve, clock: HandClock, meter: Meter, since: float, until: float = 9e15) -> PrometheusClient:
    """A store whose one series, `x`, is 5 from `since` to `until` (Unix seconds)."""

    async def answer(request: web.Request) -> web.Response:
        given = {**request.query, **(await request.post())}
        if "start" in given:
            start, end, step = float(given["start"]), float(given["end"]), float(given["step"])
            times = [start + step * n for n in range(int((end - start) / step) + 1)]
            values = [[at, "5"] for at in times if since <= at <= until]
            result = [{"metric": {}, "values": values}] if values else []
            return await body(json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}))(request)
        at = float(given["time"])
        result = [{"metric": {}, "value": [at, "5"]}] if since <= at <= until else []
        return await body(json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}))(request)

    return PrometheusClient(Access(urls=(await serve(answer),)), clock, meter)


@pytest.mark.parametrize(
    ("age_s", "says"),
    [
        (2 * 86_400.0, "younger than a week: first seen about 2 d ago"),
        (30 * 3600.0, "younger than a week: first seen about 31 h ago"),
        (600.0, "younger than a week: first seen less than 3 h ago"),
    ],
    ids=["two days", "thirty hours", "ten minutes"],
)
async def test_a_series_younger_than_a_week_says_so(
    serve: Serve, clock: HandClock, meter: Meter, age_s: float, says: str
) -> None:
    client = await answering(serve, clock, meter, clock.now().utc.timestamp() - age_s)
    board = FigureBoard(client, (FigureSpec("x", "x"),), clock)
    answer = await board.ask()
    (figure,) = answer.value.figures
    assert (figure.now, figure.week_ago, figure.missing_week) == (5.0, None, says)
    assert figure.change is None and figure.why_no_change == says
    assert answer.partial_reason == "", "no data is an answer, not a fault"
    asked = meter.cost.requests
    await clock.advance(10)
    await board.ask()
    assert meter.cost.requests == asked + 1, "neither last week nor its age is asked every ten seconds"
    await client.close()


async def test_a_hole_just_then_is_told_as_a_hole(serve: Serve, clock: HandClock, meter: Meter) -> None:
    client = await answering(serve, clock, meter, a_week_ago(300, clock))
    (figure,) = (await FigureBoard(client, (FigureSpec("x", "x"),), clock).ask()).value.figures
    assert figure.missing_week == "no data at this minute a week ago"
    await client.close()


async def test_last_week_is_asked_once_a_minute(client: PrometheusClient, clock: HandClock, meter: Meter) -> None:
    board = FigureBoard(client, (VIEWERS, FigureSpec("again", VIEWERS.query)), clock)
    await clock.advance(53)  # START is at second 7: a whole minute
    await board.ask()
    first = meter.cost.requests
    assert first == 2, "the same expression is asked once"
    for _ in range(5):
        await clock.advance(10)
        await board.ask()
    assert meter.cost.requests == first + 5
    await clock.advance(10)
    await board.ask()
    assert meter.cost.requests == first + 7


async def test_a_store_that_refuses_only_last_week_leaves_the_present(serve: Serve, clock: HandClock, meter: Meter) -> None:
    long_ago = clock.now().utc.timestamp() - WEEK_S / 2

    async def answer(request: web.Request) -> web.Response:
        given = {**request.query, **(await request.post())}
        if float(given["time"]) < long_ago:
            return await body('{"status":"error","errorType":"execution","error":"beyond retention"}', 422)(request)
        return await body(
            json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [0, "5"]}})
        )(request)

    client = PrometheusClient(Access(urls=(await serve(answer),)), clock, meter)
    answered = await FigureBoard(client, (VIEWERS,), clock).ask()
    (figure,) = answered.value.figures
    assert figure.now == 5.0 and figure.week_ago is None
    assert "beyond retention" in figure.missing_week
    assert answered.partial_reason.startswith("1 of 2 queries failed")
    await client.close()


async def test_when_nothing_answers_the_source_fails(serve: Serve, clock: HandClock, meter: Meter) -> None:
    client = PrometheusClient(Access(urls=(await serve(page()),)), clock, meter)
    with pytest.raises(SourceError):
        await FigureBoard(client, (VIEWERS,), clock).ask()
    await client.close()
