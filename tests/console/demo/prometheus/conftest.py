"""A world with a clock that only moves when a test moves it, and the server over it on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestServer

from console.demo.prometheus.series import Catalogue
from console.demo.prometheus.server import app
from console.demo.world.world import World

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def world() -> World:
    return World(7, "bad-deploy", START)


@pytest.fixture
def clock() -> Clock:
    return Clock(START + timedelta(minutes=10))


@pytest.fixture
def catalogue(world: World, clock: Clock) -> Catalogue:
    return Catalogue(world, clock)


@pytest.fixture
async def server(world: World, clock: Clock) -> AsyncIterator[TestServer]:
    server = TestServer(app(world, clock), host="127.0.0.1")
    await server.start_server()
    yield server
    await server.close()
