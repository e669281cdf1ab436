"""The steering API: who may, with which ETag, and what it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import TestClient, TestServer

from console.demo import cdn
from console.demo.world.traffic import CDNS, DEFAULT, Traffic
from console.demo.world.world import World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
URL = "/v1/properties/live/weights"
READ = {"Authorization": "Bearer r"}
WRITE = {"Authorization": "Bearer w"}
NEW = {"own": 10, "cdn-a": 70, "cdn-b": 20, "cdn-c": 0}


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(World(7, "calm", START))


@pytest.fixture
async def client(traffic: Traffic) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(cdn.app(traffic, lambda: START, cdn.tokens("r", "w")))) as made:
        yield made


async def current(client: TestClient) -> str:
    async with client.get(URL, headers=READ) as response:
        assert response.status == 200
        return response.headers["ETag"]


async def put(client: TestClient, weights: object, etag: str | None = None, **headers: str) -> tuple[int, dict]:
    sent = {**WRITE, "If-Match": etag or await current(client), **headers}
    async with client.put(URL, json={"weights": weights}, headers=sent) as response:
        return response.status, await response.json()


async def test_the_weights_come_with_a_strong_etag_that_changes_with_them(client: TestClient, traffic: Traffic):
    etag = await current(client)
    assert etag.startswith('"') and etag.endswith('"')
    status, body = await put(client, NEW, etag)
    assert (status, body["weights"], body["updatedBy"]) == (200, NEW, "cdn-writer")
    assert traffic.weights() == NEW
    assert await current(client) != etag
    assert (await put(client, DEFAULT))[0] == 200
    assert await current(client) == etag


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic dzp3"}, 401),
        (READ, 200),
        (WRITE, 200),
    ],
)
async def test_nobody_reads_without_a_token(client: TestClient, headers: dict[str, str], status: int):
    async with client.get(URL, headers=headers) as response:
        assert response.status == status
        assert ("WWW-Authenticate" in response.headers) is (status == 401)


async def test_only_the_writer_writes(client: TestClient, traffic: Traffic):
    for headers, expected in (({}, 401), (READ, 403)):
        sent = {**headers, "If-Match": await current(client)}
        async with client.put(URL, json={"weights": NEW}, headers=sent) as response:
            assert response.status == expected
    assert traffic.weights() == DEFAULT


async def test_a_put_without_if_match_is_428_and_with_anothers_412(client: TestClient, traffic: Traffic):
    async with client.put(URL, json={"weights": NEW}, headers=WRITE) as response:
        assert response.status == 428
    etag = await current(client)
    for wrong in ('"other"', f"W/{etag}", etag.strip('"')):
        assert (await put(client, NEW, wrong))[0] == 412
    assert traffic.weights() == DEFAULT
    assert (await put(client, NEW, f'"other", {etag}'))[0] == 200
    # The same ETag again is the lost race, or the retry of a lost answer.
    assert (await put(client, NEW, etag))[0] == 412
    assert (await put(client, DEFAULT, "*"))[0] == 200


@pytest.mark.parametrize(
    ("weights", "status", "says"),
    [
        ({**NEW, "own": -1}, 422, "own"),
        ({**NEW, "own": "50"}, 422, "own"),
        ({**NEW, "own": True}, 422, "own"),
        ({**NEW, "own": None}, 422, "own"),
        ({**NEW, "cdn-x": 1}, 422, "cdn-x"),
        ({"own": 100}, 422, "cdn-a"),
        ([1], 400, "weights"),
        (None, 400, "weights"),
    ],
)
async def test_a_bad_body_is_refused_by_name(
    client: TestClient, traffic: Traffic, weights: object, status: int, says: str
):
    found, body = await put(client, weights)
    assert found == status and says in body["message"]
    assert traffic.weights() == DEFAULT


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"weights": {"own": NaN}}', b'{"weights": {}, "x": 1}', b"\xff",
                                 b'{"weights": {"\\ud800": 1}}', b"[" * 60_000,
                                 b'{"weights": {"own": 1' + b"0" * 400 + b', "cdn-a": 1, "cdn-b": 1, "cdn-c": 1}}'])
async def test_what_is_no_such_json_is_400_or_422(client: TestClient, raw: bytes):
    headers = {**WRITE, "If-Match": await current(client), "Content-Type": "application/json"}
    async with client.put(URL, data=raw, headers=headers) as response:
        assert response.status in (400, 422)


async def test_a_sum_of_0_and_everything_on_one_are_taken_without_a_word(client: TestClient, traffic: Traffic):
    for weights in (dict.fromkeys(CDNS, 0), {**dict.fromkeys(CDNS, 0), "cdn-c": 100}):
        assert (await put(client, weights))[0] == 200
        assert traffic.weights() == weights


async def test_an_unknown_property_is_404_to_those_who_may_ask(client: TestClient):
    for headers, expected in ((READ, 404), ({}, 401)):
        async with client.get("/v1/properties/nosuch/weights", headers=headers) as response:
            assert response.status == expected
    async with client.delete(URL, headers=WRITE) as response:
        assert response.status == 405
    async with client.get(URL, headers={**READ, "If-None-Match": await current(client)}) as response:
        assert response.status == 304
