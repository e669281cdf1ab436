"""How a playlist is asked for is found once, and forgotten when nobody asks for it any more."""

from __future__ import annotations

import pytest

from console.probe import fetch
from tests.console.probe.http.test_connections import fetching, question, saying, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_a_way_that_is_gone_again_and_again_stays_and_one_that_is_not_is_forgotten() -> None:
    async with serving(saying(OK)) as server, fetching() as fetcher:
        used, left = question(server.port, "/used.m3u8"), question(server.port, "/left.m3u8")
        for asked in (used, left):
            await fetcher.ask(asked)
        way = fetcher._ways[used.url, used.trusted, used.connect_to]
        for _ in range(2 * fetch.WAYS_TIDIES):
            fetcher._tidy()
            await fetcher.ask(used)
        kept = {**fetcher._older_ways, **fetcher._ways}
        assert kept == {(used.url, used.trusted, used.connect_to): way}


async def test_more_ways_than_there_is_room_for_take_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WAYS", 4)
    async with serving(saying(OK)) as server, fetching() as fetcher:
        for number in range(20):
            await fetcher.ask(question(server.port, f"/{number}.m3u8"))
            assert len(fetcher._ways) <= 4 and len(fetcher._older_ways) <= 4
