from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer

from console.demo import alertmanager
from console.demo.world.world import World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)


class Peers:
    def __init__(self, scenario: str) -> None:
        self.now = START
        world = World(7, scenario, START)
        self.clients = [
            TestClient(TestServer(alertmanager.app(world, lambda: self.now, peer))) for peer in (0, 1)
        ]

    async def get(self, path: str, peer: int = 0, **params: object):
        async with self.clients[peer].get(path, params=params) as response:
            assert response.content_type == "application/json"
            return response.status, await response.json()

    async def names(self, seconds: float = 0.0, **params: object) -> list[str]:
        self.now = START + timedelta(seconds=seconds)
        status, alerts = await self.get("/api/v2/alerts", **params)
        assert status == 200
        return sorted(alert["labels"]["alertname"] for alert in alerts)


@pytest.fixture
async def peers(request: pytest.FixtureRequest) -> AsyncIterator[Peers]:
    made = Peers(request.param)
    for client in made.clients:
        await client.start_server()
    yield made
    for client in made.clients:
        await client.close()


def in_scenario(name: str):
    return pytest.mark.parametrize("peers", [name], indirect=True)


@in_scenario("calm")
async def test_in_calm_only_the_watchdog_fires(peers: Peers):
    for seconds in (0, 60, 5000):
        assert await peers.names(seconds) == ["Watchdog"]


@in_scenario("edge-stale")
async def test_edge_stale_fires_20_s_into_the_fault_and_resolves_with_it(peers: Peers):
    assert await peers.names(39.9) == ["Watchdog"]
    assert await peers.names(40) == ["EdgeStale", "Watchdog"]
    assert await peers.names(199.9) == ["EdgeStale", "Watchdog"]
    assert await peers.names(200) == ["Watchdog"]


@in_scenario("bad-deploy")
async def test_bad_deploy_names_the_service(peers: Peers):
    peers.now = START + timedelta(seconds=90)
    _, (alert,) = await peers.get("/api/v2/alerts", filter='alertname="PackagerPublishLate"')
    assert alert["labels"] == {
        "alertname": "PackagerPublishLate",
        "service": "packager-emea",
        "region": "emea",
        "severity": "critical",
        "namespace": "live",
    }


@in_scenario("edge-stale")
async def test_an_alert_has_every_field_of_the_real_one(peers: Peers):
    peers.now = START + timedelta(seconds=130)
    _, (alert,) = await peers.get("/api/v2/alerts", filter="channel=uk-sport-1")
    assert set(alert) == {
        "annotations",
        "endsAt",
        "fingerprint",
        "receivers",
        "startsAt",
        "status",
        "updatedAt",
        "generatorURL",
        "labels",
    }
    assert alert["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": []}
    assert alert["startsAt"] == "2026-03-04T02:30:40.000Z"
    times = [datetime.fromisoformat(alert[key]) for key in ("startsAt", "updatedAt", "endsAt")]
    assert times == sorted(times) and times[1] <= peers.now < times[2]
    assert alert["receivers"] == [{"name": "video-oncall"}]


@in_scenario("edge-stale")
async def test_the_peers_agree_on_fingerprints_and_differ_in_when_they_were_told(peers: Peers):
    peers.now = START + timedelta(seconds=150)
    (_, ours), (_, theirs) = await peers.get("/api/v2/alerts", 0), await peers.get("/api/v2/alerts", 1)
    assert (
        [a["fingerprint"] for a in ours]
        == [a["fingerprint"] for a in theirs]
        == sorted(a["fingerprint"] for a in ours)
    )
    assert all(a["updatedAt"] != b["updatedAt"] for a, b in zip(ours, theirs, strict=True))


def test_a_fingerprint_is_the_one_that_prometheus_computes():
    # The two cases of prometheus/common, model/labelset_test.go.
    assert int(alertmanager.fingerprint({}), 16) == 14695981039346656037
    briggs = {"name": "garland, briggs", "fear": "love is not enough"}
    assert int(alertmanager.fingerprint(briggs), 16) == 5799056148416392346
    one = alertmanager.fingerprint({"b": "2", "a": "1"})
    assert one == alertmanager.fingerprint({"a": "1", "b": "2"}) != alertmanager.fingerprint({"a": "1b2"})
    assert len(one) == 16


@in_scenario("bad-deploy")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"filter": 'severity="critical"'}, ["PackagerPublishLate"]),
        ({"filter": "severity!=critical"}, ["Watchdog"]),
        ({"filter": 'service=~"packager-.*"'}, ["PackagerPublishLate"]),
        ({"filter": 'service=~"packager"'}, []),
        ({"filter": 'service!~".+"'}, ["Watchdog"]),
        ({"filter": 'channel=""'}, ["PackagerPublishLate", "Watchdog"]),
        ({"active": "false"}, []),
        ({"active": "perhaps"}, []),
        ({"active": ""}, ["PackagerPublishLate", "Watchdog"]),
        ({"silenced": "false", "inhibited": "false"}, ["PackagerPublishLate", "Watchdog"]),
        ({"receiver": "video-.*"}, ["PackagerPublishLate"]),
    ],
)
async def test_filters_narrow_as_alertmanagers_do(peers: Peers, filters: dict[str, str], expected: list[str]):
    assert await peers.names(90, **filters) == expected


@in_scenario("calm")
async def test_two_filters_must_both_hold(peers: Peers):
    async with peers.clients[0].get("/api/v2/alerts?filter=severity=none&filter=alertname=Other") as response:
        assert await response.json() == []


@in_scenario("calm")
async def test_errors_have_alertmanagers_own_shapes(peers: Peers):
    assert await peers.get("/api/v2/alerts", filter="no matcher") == (400, "bad matcher format: no matcher")
    status, text = await peers.get("/api/v2/alerts", filter='a=~"("')
    assert status == 400 and text.startswith("error parsing regexp:")
    assert await peers.get("/api/v2/nosuch") == (404, {"code": 404, "message": "path /api/v2/nosuch was not found"})
    async with peers.clients[0].delete("/api/v2/alerts") as response:
        assert response.status == 405
        assert await response.json() == {
            "code": 405,
            "message": "method DELETE is not allowed, but [GET] are",
        }


@in_scenario("calm")
async def test_status_names_both_peers_and_its_version(peers: Peers):
    names = set()
    for peer in (0, 1):
        _, status = await peers.get("/api/v2/status", peer)
        assert status["cluster"]["status"] == "ready" and len(status["cluster"]["peers"]) == 2
        assert status["versionInfo"]["version"] and "route:" in status["config"]["original"]
        names.add(status["cluster"]["name"])
    assert names == {p["name"] for p in status["cluster"]["peers"]}


@in_scenario("calm")
async def test_there_are_no_silences_and_it_is_healthy(peers: Peers):
    assert await peers.get("/api/v2/silences") == (200, [])
    async with peers.clients[1].get("/-/healthy") as response:
        assert (response.status, await response.text()) == (200, "OK")
