"""The tail through the demo's log storm: lines that come late and by the thousand, shards that refresh on every fifth second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from console.demo.elasticsearch.server import app
from console.demo.world.world import World
from console.sources.access import Access
from console.sources.elasticsearch.client import ElasticIndex
from console.sources.elasticsearch.limits import Limits
from console.sources.elasticsearch.nanos import FORMAT, spelt
from console.sources.elasticsearch.tail import Tail
from console.sources.meter import Meter
from tests.hand_clock import HandClock

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BEGIN_S, LASTS_S, UNTIL_S = 20.0, 30.0, 92


@pytest.mark.parametrize("limits", [Limits(), Limits(page=250, pages=2)], ids=["usual", "narrow"])
async def test_every_line_of_a_storm_is_shown_or_counted(limits: Limits) -> None:
    """With a ceiling below the storm the rest is dropped, with a mark, and counted to the line."""
    world = World(3, "log-storm", START, start_after_s=BEGIN_S, duration_s=LASTS_S)
    moment = START

    async def dated(_: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(moment, usegmt=True)

    application = app(world, lambda: moment)
    application.on_response_prepare.append(dated)
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    clock = HandClock()
    index = ElasticIndex(Access(urls=(str(server.make_url("")).rstrip("/"),), timeout_s=60.0), "logs-video-*", Meter(clock))
    tail = Tail(index, clock, limits=limits, timeout_s=60.0)
    shown: set[str] = set()
    most = late = marks = 0
    lags = []
    try:
        for second in range(8, UNTIL_S):
            moment = START + timedelta(seconds=second)
            await clock.advance(1.0)
            batch = (await tail.ask()).value
            assert batch is not None
            lines = [line for line in batch.lines if not line.is_mark]
            keys = {line.doc_id for line in lines}
            assert len(keys) == len(lines) and not keys & shown, "a line was shown twice"
            shown |= keys
            most, late, marks = max(most, len(lines)), batch.accounting.late, marks + len(batch.lines) - len(lines)
            if batch.lag_s is not None:
                lags.append(batch.lag_s)
            assert batch.accounting.received == batch.accounting.shown + batch.accounting.dropped
        account = batch.accounting
        assert tail._floor is not None
        span = {"gte": spelt(tail._floor), "lt": "now-1s", "format": FORMAT}
        held = (await index.count({"bool": {"filter": [{"range": {"event.ingested": span}}]}})).count
    finally:
        await index.close()
        await server.close()
    assert account.received == held > 20_000
    assert account.shown == len(shown) and late > 100 and max(lags) > 12
    assert most <= limits.pages * limits.page + 1000
    if limits.pages > 2:
        assert account.dropped == 0 == marks
    else:
        assert account.dropped > 1000 and marks > 0
