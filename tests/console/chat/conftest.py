from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.chat.office import Office
from console.config.chat import ChatDestination
from console.model.instant import Clock
from console.redaction.redactor import Redactor
from tests.chat.posts import Chat
from tests.hand_clock import HandClock

Starting = Callable[[Chat], Awaitable[Any]]
Opening = Callable[..., Office]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def started() -> AsyncIterator[Starting]:
    """Starts a chat server; all are stopped at the end."""
    servers: list[Chat] = []

    async def start(server: Chat) -> Chat:
        await server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.stop()


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[str, str], str]:
    """A secret in a file of its own."""

    def keep(name: str, secret: str) -> str:
        path = tmp_path / name
        path.write_text(secret + "\n")
        path.chmod(0o600)
        return str(path)

    return keep


@pytest.fixture
async def office(tmp_path: Path, clock: HandClock) -> AsyncIterator[Opening]:
    """Opens an office of these destinations over one state directory."""
    opened: list[Office] = []

    def open_(*, is_open: bool = True, clock: Clock = clock, redactor: Redactor | None = None, **destinations: dict[str, Any]) -> Office:
        told = {name: msgspec.convert(fields, ChatDestination) for name, fields in destinations.items()}
        made = Office(told, tmp_path / "state" / "chat", clock, {}, redactor or Redactor(), rng=random.Random(7))
        if is_open:
            made.open()
        opened.append(made)
        return made

    yield open_
    for each in opened:
        await each.close()
