"""Gauges and channels: numbers, and honest reasons where there are none."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from aiohttp import web

from console.demo.prometheus import server
from console.demo.world.world import World
from console.model.failure import Failure, FailureKind, SourceError
from console.model.metric import GaugeSpec
from console.model.severity import State
from console.sources.access import Access
from console.sources.meter import Meter
from console.sources.prometheus.channels import QUERIES, ChannelBoard, channels_source
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.gauges import TREND_POINTS, GaugeBoard, gauges_source
from tests.console.sources.conftest import Serve, page
from tests.hand_clock import HandClock


@pytest.fixture
async def client(
    serve: Serve, clock: HandClock, meter: Meter, world_now: Callable[[], datetime]
) -> AsyncIterator[PrometheusClient]:
    world = World(7, "edge-stale", world_now() - timedelta(minutes=20))
    client = PrometheusClient(Access(urls=(await serve(server.app(world, world_now)),)), clock, meter)
    yield client
    await client.close()


EGRESS = GaugeSpec(
    name="egress lhr", used='sum(rate(edge_bytes_total{pop="lhr"}[1m]))*8', total='edge_capacity_bps{pop="lhr"}'
)


async def test_a_gauge_has_numbers_and_the_ratios_last_quarter_of_an_hour(
    client: PrometheusClient, clock: HandClock, meter: Meter
) -> None:
    readings = gauges_source("gauges", client, (EGRESS,), clock, meter).readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.state is State.LIVE
    (gauge,) = reading.value.gauges
    assert gauge.ratio is not None and 0 < gauge.ratio < 1
    assert gauge.missing == ""
    assert gauge.as_of is not None
    assert len(gauge.trend) == TREND_POINTS
    assert gauge.trend[-1] == pytest.approx(gauge.ratio, rel=0.2)


@pytest.mark.parametrize(
    ("used", "total", "missing"),
    [
        ("nothing_at_all", None, "used: no data"),
        ("channel_viewers", None, "used: 12 series, expected 1"),
        ("vector(0)/0", None, "used: NaN"),
        ("vector(1)/0", None, "used: infinite"),
        ("vector(1)", "nothing_at_all", "total: no data"),
        ("vector(1)", "vector(0)", "total: 0, not positive"),
    ],
)
async def test_a_missing_number_is_none_with_its_reason(
    client: PrometheusClient, clock: HandClock, used: str, total: str | None, missing: str
) -> None:
    answer = await GaugeBoard(client, (GaugeSpec(name="g", used=used, total=total), EGRESS), clock).ask()
    gauge, other = answer.value.gauges
    assert gauge.missing == missing
    assert gauge.ratio is None
    assert other.ratio is not None
    assert answer.partial_reason == "", "no data is an answer, not a fault"


async def test_a_wrong_expression_hides_no_other_gauge(client: PrometheusClient, clock: HandClock) -> None:
    answer = await GaugeBoard(client, (GaugeSpec(name="bad", used="sum("), EGRESS), clock).ask()
    bad, good = answer.value.gauges
    assert "parse error" in bad.missing or "HTTP 400" in bad.missing
    assert good.ratio is not None
    assert "1 of 3 queries failed" in answer.partial_reason


async def test_trends_are_asked_for_less_often_than_numbers(
    client: PrometheusClient, clock: HandClock, meter: Meter
) -> None:
    board = GaugeBoard(client, (EGRESS,), clock)
    await board.ask()
    first = meter.cost.requests
    for _ in range(5):
        await clock.advance(10)
        await board.ask()
    assert first == 4
    assert meter.cost.requests == first + 5 * 2
    await clock.advance(10)
    await board.ask()
    assert meter.cost.requests == first + 6 * 2 + 2


async def test_when_nothing_answers_the_source_fails(serve: Serve, clock: HandClock, meter: Meter) -> None:
    client = PrometheusClient(Access(urls=(await serve(page()),)), clock, meter)
    with pytest.raises(SourceError) as raised:
        await GaugeBoard(client, (EGRESS,), clock).ask()
    with pytest.raises(SourceError):
        await ChannelBoard(client, clock).ask()
    await client.close()
    assert raised.value.failure.kind is FailureKind.BAD_ANSWER


async def test_without_gauges_there_is_an_answer(client: PrometheusClient, clock: HandClock) -> None:
    assert (await GaugeBoard(client, (), clock).ask()).value.gauges == ()


async def test_every_channel_has_its_measures_and_trends(
    client: PrometheusClient, clock: HandClock, meter: Meter
) -> None:
    readings = channels_source("channels", client, clock, meter).readings()
    table = (await anext(readings)).value
    await readings.aclose()
    assert len(table.channels) == 12
    sport = table.channels["uk-sport-1"]
    assert sport.viewers and sport.ingest_bps and sport.rebuffer_ratio is not None
    assert len(sport.viewers_trend) == TREND_POINTS
    assert not any(math.isnan(value) for value in sport.viewers_trend)
    assert table.missing == {}


async def test_a_measure_that_does_not_exist_is_missing_not_zero(client: PrometheusClient, clock: HandClock) -> None:
    queries = {**QUERIES, "viewers": "sum by (channel) (renamed_viewers)", "ingest_bps": "sum("}
    answer = await ChannelBoard(client, clock, queries).ask()
    sport = answer.value.channels["uk-sport-1"]
    assert sport.viewers is None
    assert sport.ingest_bps is None
    assert sport.rebuffer_ratio is not None
    assert answer.value.missing["viewers"] == "no series"
    assert isinstance(answer.value.missing["ingest_bps"], Failure)
    assert answer.partial_reason.startswith("ingest_bps: ")


async def test_several_series_for_a_channel_are_not_one_number(client: PrometheusClient, clock: HandClock) -> None:
    per_pop = 'label_replace(edge_capacity_bps, "channel", "uk-sport-1", "", "")'
    answer = await ChannelBoard(client, clock, {**QUERIES, "ingest_bps": per_pop}).ask()
    assert answer.value.channels["uk-sport-1"].ingest_bps is None
    assert "aggregate by channel" in str(answer.value.missing["ingest_bps"])


async def test_many_channels_get_fewer_points_so_that_the_answer_stays_small(
    serve: Serve, clock: HandClock, meter: Meter
) -> None:
    steps: list[int] = []

    async def many(request: web.Request) -> web.Response:
        metric = [{"channel": f"c{number}"} for number in range(3000)]
        if request.path.endswith("query_range"):
            query = request.query
            span = float(query["end"]) - float(query["start"])
            steps.append(round(span / float(query["step"])) + 1)
            result = [{"metric": one, "values": [[float(query["end"]), "1"]] * steps[-1]} for one in metric]
        else:
            result = [{"metric": one, "value": [1, "2"]} for one in metric]
        kind = "matrix" if request.path.endswith("query_range") else "vector"
        data = {"status": "success", "data": {"resultType": kind, "result": result}}
        return web.Response(body=msgspec.json.encode(data), content_type="application/json")

    client = PrometheusClient(Access(urls=(await serve(many),)), clock, meter)
    table = (await ChannelBoard(client, clock).ask()).value
    await client.close()
    assert len(table.channels) == 3000
    assert steps and max(steps) * 3000 <= 50_000
    assert table.channels["c7"].viewers_trend
