"""A world with a clock that only moves when a test moves it, the server over it, and the official client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestServer
from elasticsearch import AsyncElasticsearch

from console.demo.elasticsearch.server import app
from console.demo.world.world import World

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def scenario() -> str:
    return "bad-deploy"


@pytest.fixture
def world(scenario: str) -> World:
    return World(7, scenario, START)


@pytest.fixture
def clock() -> Clock:
    return Clock(START + timedelta(seconds=120))


@pytest.fixture
async def server(world: World, clock: Clock) -> AsyncIterator[TestServer]:
    server = TestServer(app(world, clock), host="127.0.0.1")
    await server.start_server()
    yield server
    await server.close()


@pytest.fixture
async def client(server: TestServer) -> AsyncIterator[AsyncElasticsearch]:
    async with AsyncElasticsearch(str(server.make_url("")).rstrip("/"), max_retries=0) as client:
        yield client
