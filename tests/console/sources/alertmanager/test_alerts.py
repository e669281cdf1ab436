"""The alerts of several peers, told once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from console.demo import alertmanager
from console.demo.world.world import World
from console.model.failure import FailureKind, SourceError
from console.model.severity import State
from console.sources.access import Access
from console.sources.alertmanager.alerts import AlertPeers, alerts_source
from console.sources.alertmanager.peers import MAX_ALERTS
from console.sources.meter import Meter
from console.sources.polling import Answer
from tests.console.sources.conftest import Faults, Serve, body, page
from tests.hand_clock import HandClock


def alert(fingerprint: str = "f1", **more: Any) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint,
        "startsAt": "2026-11-22T02:00:00.5Z",
        "labels": {"alertname": "EdgeStale", "severity": "critical"},
        "annotations": {"summary": "1080p stale"},
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
        **more,
    }


def suppressed(*by: str) -> dict[str, Any]:
    return {"state": "suppressed", "silencedBy": list(by), "inhibitedBy": []}


async def told(serve: Serve, meter: Meter, *peers: Any) -> Answer[Any]:
    urls = [await serve(peer if callable(peer) else body(msgspec.json.encode(peer))) for peer in peers]
    asker = AlertPeers(Access(urls=tuple(urls), timeout_s=2.0), meter)
    try:
        return await asker.ask()
    finally:
        await asker.close()


async def test_the_embedded_peers_tell_each_alert_once(
    serve: Serve, clock: HandClock, meter: Meter, world_now: Callable[[], datetime]
) -> None:
    world = World(7, "edge-stale", world_now() - timedelta(seconds=80))
    urls = [await serve(alertmanager.app(world, world_now, peer=peer)) for peer in (0, 1)]
    source = alerts_source("alerts", Access(urls=tuple(urls)), clock, meter)
    readings = source.readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.state is State.LIVE
    assert reading.value is not None
    names = {one.name for one in reading.value.alerts.values()}
    assert {"Watchdog", "EdgeStale"} <= names
    assert len(names) == len(reading.value.alerts)
    stale = next(one for one in reading.value.alerts.values() if one.name == "EdgeStale")
    assert stale.severity == "critical"
    assert stale.labels["channel"] == "uk-sport-1"
    assert len(stale.peers) == 2
    assert (reading.value.peers_answered, reading.value.peers_total) == (2, 2)


async def test_active_at_one_peer_is_active_and_the_silence_is_named(serve: Serve, meter: Meter) -> None:
    answer = await told(serve, meter, [alert(status=suppressed("s1"))], [alert()])
    only = answer.value.alerts["f1"]
    assert (only.state, only.silenced_by, len(only.peers)) == ("active", ("s1",), 2)


async def test_suppressed_only_when_every_peer_that_tells_it_says_so(serve: Serve, meter: Meter) -> None:
    answer = await told(serve, meter, [alert(status=suppressed("s1"))], [alert(status=suppressed("s1", "s2"))], [])
    only = answer.value.alerts["f1"]
    assert (only.state, only.silenced_by) == ("suppressed", ("s1", "s2"))


async def test_the_earliest_start_counts(serve: Serve, meter: Meter) -> None:
    answer = await told(serve, meter, [alert()], [alert(startsAt="2026-11-22T01:00:00Z")])
    assert answer.value.alerts["f1"].starts_at.hour == 1


@pytest.mark.parametrize("silent", [page(), page(502), body("{}", 401), body("[{")])
async def test_one_silent_peer_makes_the_reading_partial(serve: Serve, meter: Meter, silent: Any) -> None:
    answer = await told(serve, meter, [alert()], silent)
    assert answer.value.peers_answered == 1
    assert "1 of 2 peers answered" in answer.partial_reason
    assert set(answer.value.alerts) == {"f1"}


async def test_when_no_peer_answers_it_fails_with_the_first_reason(
    serve: Serve, meter: Meter, refused_url: str
) -> None:
    asker = AlertPeers(Access(urls=(refused_url, await serve(page()))), meter)
    with pytest.raises(SourceError) as raised:
        await asker.ask()
    await asker.close()
    assert raised.value.failure.kind is FailureKind.UNREACHABLE


async def test_a_hanging_peer_does_not_hold_up_the_other_for_longer_than_its_timeout(
    serve: Serve, meter: Meter
) -> None:
    answer = await told(serve, meter, [alert()], Faults().hang)
    assert "no answer in time" in answer.partial_reason


async def test_an_unreadable_alert_hides_no_other(serve: Serve, meter: Meter) -> None:
    odd = [{"fingerprint": 7}, "x", None, alert(startsAt="yesterday")]
    answer = await told(serve, meter, [*odd, alert("good")])
    assert set(answer.value.alerts) == {"good"}
    assert "4 alerts could not be read" in answer.partial_reason


async def test_labels_and_annotations_are_cleaned(serve: Serve, meter: Meter) -> None:
    evil = {"alertname": "a\x1b]52;c;x\x07b", "se\u202everity": "c", "long": "x" * 9000}
    answer = await told(serve, meter, [alert(labels=evil, annotations={"summary": "s\u200b\n"})])
    only = answer.value.alerts["f1"]
    assert only.name == "ab"
    assert only.labels["severity"] == "c"
    assert len(only.labels["long"]) <= 1000
    assert only.summary == "s⏎"


async def test_a_flood_of_alerts_is_capped_and_said(serve: Serve, meter: Meter) -> None:
    flood = [alert(f"f{number}") for number in range(MAX_ALERTS + 10)]
    answer = await told(serve, meter, flood)
    assert len(answer.value.alerts) == MAX_ALERTS
    assert f"{MAX_ALERTS:,} of {MAX_ALERTS + 10:,}" in answer.partial_reason


async def test_no_alerts_is_an_answer(serve: Serve, meter: Meter) -> None:
    answer = await told(serve, meter, [])
    assert answer.value.alerts == {}
    assert answer.partial_reason == ""
