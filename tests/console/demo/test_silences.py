"""Silences, against what a real Alertmanager answered and over two peers that gossip."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from console.demo import alertmanager
from console.demo.alertmanager import silence
from console.demo.alertmanager.gossip import LATEST_S, SOONEST_S
from console.demo.world.world import World
from tests.console.demo.replay import Replay

RECORDED = Path(__file__).parents[2] / "vectors" / "alertmanager" / "silences-0.25.json"
START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)


def body(now: datetime, **changes: object) -> dict[str, object]:
    return {
        "matchers": [{"name": "alertname", "value": "Watchdog", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "ann",
        "comment": "op:1",
        **changes,
    }


class Peers:
    def __init__(self) -> None:
        self.now = START
        world, cluster = World(7, "bad-deploy", START), alertmanager.Cluster(lambda: self.now)
        self.clients = [
            TestClient(TestServer(alertmanager.app(world, lambda: self.now, peer, cluster))) for peer in (0, 1)
        ]

    def after(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def post(self, peer: int = 0, **changes: object) -> str:
        async with self.clients[peer].post("/api/v2/silences", json=body(self.now, **changes)) as response:
            assert response.status == 200, await response.text()
            return (await response.json())["silenceID"]

    async def get(self, id: str, peer: int = 0) -> dict | None:
        async with self.clients[peer].get(f"/api/v2/silence/{id}") as response:
            return await response.json() if response.status == 200 else None

    async def delete(self, id: str, peer: int = 0) -> int:
        async with self.clients[peer].delete(f"/api/v2/silence/{id}") as response:
            return response.status

    async def alerts(self, peer: int = 0, **params: str) -> dict[str, dict]:
        async with self.clients[peer].get("/api/v2/alerts", params=params) as response:
            return {alert["labels"]["alertname"]: alert["status"] for alert in await response.json()}


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    made = Peers()
    for client in made.clients:
        await client.start_server()
    yield made
    for client in made.clients:
        await client.close()


async def test_every_answer_is_the_one_a_real_alertmanager_gave():
    recorded = json.loads(RECORDED.read_text())["steps"]

    def clock() -> datetime:
        return datetime.now(UTC)

    async with TestClient(TestServer(alertmanager.app(World(1, "calm", clock()), clock))) as client:

        async def ask(method: str, path: str, sent: bytes | None, kind: str) -> tuple[int, str]:
            headers = {} if sent is None else {"Content-Type": kind}
            async with client.request(method, URL(path, encoded=True), data=sent, headers=headers) as response:
                return response.status, await response.text()

        replay = Replay(ask)
        for number, step in enumerate(recorded):
            found = await replay.step(step)
            expected = {"status": step["status"], "answer": step["answer"]}
            assert found == expected, f"step {number}: {step['method']} {step['path']} {step.get('body')}"
    assert len(recorded) > 90


async def test_the_same_body_twice_makes_two_silences(peers: Peers):
    assert await peers.post() != await peers.post()


async def test_a_silence_suppresses_what_it_matches_while_it_is_active(peers: Peers):
    id = await peers.post(
        startsAt=(START + timedelta(seconds=10)).isoformat(), endsAt=(START + timedelta(seconds=20)).isoformat()
    )
    states = []
    for _ in range(4):
        found = await peers.get(id)
        assert found is not None
        states.append((found["status"]["state"], (await peers.alerts())["Watchdog"]["state"]))
        peers.after(7)
    assert states == [("pending", "active"), ("pending", "active"), ("active", "suppressed"), ("expired", "active")]


async def test_suppressed_alerts_name_their_silences_and_the_flags_leave_them_out(peers: Peers):
    peers.after(60)
    ids = sorted([await peers.post(), await peers.post(matchers=[
        {"name": "alertname", "value": "Watch.*", "isRegex": True}])])  # fmt: skip
    alerts = await peers.alerts()
    assert alerts["Watchdog"] == {"state": "suppressed", "silencedBy": ids, "inhibitedBy": []}
    assert alerts["PackagerPublishLate"]["state"] == "active"
    assert set(await peers.alerts(silenced="false")) == {"PackagerPublishLate"}
    assert set(await peers.alerts(active="false")) == {"Watchdog"}


@pytest.mark.parametrize(
    ("matcher", "mutes"),
    [
        ({"value": "emea", "isRegex": False}, True),
        ({"value": "me", "isRegex": True}, False),
        ({"value": "em.*", "isRegex": True}, True),
        ({"value": "apac", "isRegex": False, "isEqual": False}, True),
        ({"value": "emea|apac", "isRegex": True, "isEqual": False}, False),
    ],
)
async def test_matchers_are_anchored_and_may_be_negative(peers: Peers, matcher: dict, mutes: bool):
    peers.after(60)
    await peers.post(matchers=[{"name": "region", **matcher}])
    alert = (await peers.alerts())["PackagerPublishLate"]
    assert (alert["state"] == "suppressed") is mutes


async def test_the_other_peer_learns_of_it_after_a_moment_and_not_before(peers: Peers):
    id = await peers.post(peer=0)
    assert await peers.get(id, 1) is None
    assert await peers.delete(id, 1) == 404
    peers.after(SOONEST_S - 0.01)
    assert await peers.get(id, 1) is None
    peers.after(LATEST_S - SOONEST_S + 0.02)
    assert await peers.get(id, 1) == await peers.get(id, 0)
    assert (await peers.alerts(1))["Watchdog"]["silencedBy"] == [id]


async def test_of_two_edits_the_newer_one_stays_at_both_peers(peers: Peers):
    id = await peers.post(peer=0)
    made = await peers.get(id)
    assert made is not None
    peers.after(2)
    assert await peers.delete(id, 1) == 200
    peers.after(0.01)
    # Peer 0 has not heard of it yet and extends what peer 1 has ended: the later word wins everywhere.
    assert await peers.post(0, id=id, startsAt=made["startsAt"], comment="longer") == id
    peers.after(2)
    found = [await peers.get(id, peer) for peer in (0, 1)]
    assert found[0] == found[1] is not None
    assert (found[0]["comment"], found[0]["status"]["state"]) == ("longer", "active")


async def test_expired_silences_are_forgotten_after_their_retention(peers: Peers):
    old = await peers.post()
    peers.after(3600 + silence.RETENTION.total_seconds() - 1)
    await peers.post()
    assert await peers.get(old) is not None
    peers.after(2)
    await peers.post()
    assert await peers.get(old) is None


async def test_there_is_a_limit_to_how_many_are_kept(peers: Peers, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(silence, "MAX_SILENCES", 2)
    await peers.post()
    await peers.post()
    async with peers.clients[0].post("/api/v2/silences", json=body(peers.now)) as response:
        assert response.status == 400
        assert await response.json() == "exceeded maximum number of silences: 2 (limit: 2)"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b'{"comment": ' + b"[" * 100_000, 400),
        (b'{"comment": ' + b"9" * 10_000 + b"}", 400),
        (b'{"startsAt": "0001-01-01T00:00:00+23:59"}', 400),
        (b"x" * 2_000_000, 413),
    ],
)
async def test_hostile_bodies_are_refused_and_change_nothing(peers: Peers, sent: bytes, status: int):
    headers = {"Content-Type": "application/json"}
    async with peers.clients[0].post("/api/v2/silences", data=sent, headers=headers) as response:
        assert response.status == status
    async with peers.clients[0].get("/api/v2/silences") as response:
        assert await response.json() == []


async def test_half_a_surrogate_and_the_end_of_time_can_be_listed_again(peers: Peers):
    text = json.dumps(body(peers.now, comment="?", endsAt="9999-12-31T23:59:59Z")).replace('"?"', '"\\ud800"')
    headers = {"Content-Type": "application/json"}
    async with peers.clients[0].post("/api/v2/silences", data=text, headers=headers) as response:
        assert response.status == 200
    await peers.post()
    async with peers.clients[0].get("/api/v2/silences") as response:
        assert {one["comment"] for one in await response.json()} == {"op:1", "\ufffd"}
