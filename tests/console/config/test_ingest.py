"""[sites.NAME.ingest.NAME], and the measures of a contribution."""

from __future__ import annotations

import msgspec

from console.assembly import INGEST, Engine, measure_queries
from console.config.schema import schema
from console.feeds.clock import SystemClock

PROM = '[sites.apac.prometheus]\nurl = "https://prom.example:9090"\n'
SERVER = '[sites.apac.ingest.rtmp-1]\nurl = "http://rtmp-1.example:8080/stat"\n'


def test_a_server_is_a_backend_with_a_period_of_its_own(loaded) -> None:
    server = loaded(PROM + SERVER).sites["apac"].ingest["rtmp-1"]
    assert (server.all_urls, server.period_s, server.timeout_s) == (("http://rtmp-1.example:8080/stat",), 5.0, 5.0)


def test_a_server_without_an_address_and_a_misspelt_key_are_told(told) -> None:
    problems = " ".join(map(str, told(PROM + "[sites.apac.ingest.rtmp-1]\nperiod = 3\n")))
    assert "the address is missing" in problems and "period_s" in problems


def test_editors_are_told_of_it(loaded) -> None:
    assert b'"period_s"' in msgspec.json.encode(schema())


async def test_each_server_is_a_feed_and_the_measures_of_ingest_are_asked_only_as_written(loaded) -> None:
    channel = '[[sites.apac.channels.inline]]\nname = "x"\ningest = "live/y"\n[[sites.apac.channels.inline.vantages]]\n'
    config = loaded(PROM + SERVER + channel + 'name = "origin"\nlayer = "origin"\nurl = "http://o.example/x.m3u8"\n')
    engine = Engine.open(config, None, SystemClock(), {})
    assert f"{INGEST}rtmp-1" in engine.hub
    assert engine.site.channels.inline[0].ingest == "live/y"
    queries = measure_queries(engine.site.measures, "channel")
    assert "ingest_declared_bps" in queries and "transcode_speed" not in queries and "ingest_fps" not in queries
    await engine.close()
