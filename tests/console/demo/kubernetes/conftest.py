"""A server of the embedded platform filled with recorded objects, and the comparison of its answers with the recording.

The comparison is by value. Only what a client must treat as opaque (versions, continue tokens) may differ, and digits
inside a Status message, which name those versions.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from console.demo.kubernetes import server
from console.demo.kubernetes.access import User
from console.demo.kubernetes.store import Store
from console.demo.world.world import World

VECTORS = Path(__file__).parents[3] / "vectors" / "kubernetes"
OPAQUE = {"resourceVersion", "continue"}
TOKENS = {"admin": User("admin", "admin"), "viewer": User("viewer", "view")}
RECORDED_AT = datetime(2026, 11, 22, 14, 53, 1, tzinfo=UTC)
PATIENCE_S = 5.0


class Clock:
    def __init__(self, now: datetime = RECORDED_AT) -> None:
        self.start = self.now = now

    def __call__(self) -> datetime:
        return self.now

    def to(self, seconds: float) -> datetime:
        self.now = self.start + timedelta(seconds=seconds)
        return self.now


def differences(recorded: Any, ours: Any, path: str = "", anything: Iterable[str] = ()) -> list[str]:
    """Where the two differ, as readable sentences. `anything`: keys of which only presence and type must agree."""
    free = OPAQUE | set(anything)
    if type(recorded) is not type(ours):
        return [f"{path}: recorded {recorded!r:.60}, ours {ours!r:.60}"]
    if isinstance(recorded, dict):
        found = [f"{path}.{key}: missing in ours" for key in recorded.keys() - ours.keys()]
        found += [f"{path}.{key}: not in the recording" for key in ours.keys() - recorded.keys()]
        for key in recorded.keys() & ours.keys():
            one, other = recorded[key], ours[key]
            if key in free and type(one) is type(other):
                continue
            if key == "message" and recorded.get("kind") == "Status":
                one, other = (re.sub(r"\d+", "N", text) for text in (one, other))
            found += differences(one, other, f"{path}.{key}", anything)
        return found
    if isinstance(recorded, list):
        if len(recorded) != len(ours):
            return [f"{path}: {len(recorded)} elements recorded, ours {len(ours)}"]
        return [d for n, pair in enumerate(zip(recorded, ours, strict=True))
                for d in differences(*pair, f"{path}[{n}]", anything)]
    return [] if recorded == ours else [f"{path}: recorded {recorded!r:.80}, ours {ours!r:.80}"]


def exchanges(name: str) -> list[dict[str, Any]]:
    return json.loads((VECTORS / f"{name}.json").read_text())["exchanges"]


def objects_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects in a recorded answer, with the kind and apiVersion that items of a list leave out."""
    if "items" not in body:
        return [body]
    head = {"kind": body["kind"].removesuffix("List"), "apiVersion": body["apiVersion"]}
    return [{**head, **item} for item in body["items"]]


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Polls; fails after PATIENCE_S."""
    for _ in range(int(PATIENCE_S / 0.01)):
        if await check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to be")


class Stream:
    """A watch or followed log that is open."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def line(self) -> bytes:
        """The next line; empty at the end of the stream."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.response.content.readline()

    async def event(self) -> dict[str, Any]:
        line = await self.line()
        assert line.endswith(b"\n"), f"the stream ended with {line!r}"
        return json.loads(line)

    async def rest(self) -> list[dict[str, Any]]:
        found = []
        while line := await self.line():
            found.append(json.loads(line))
        return found


class Replay:
    """Sends recorded requests; remembers which version and token of ours stands for which recorded one."""

    def __init__(self, client: TestClient, store: Store) -> None:
        self.client, self.store = client, store
        self.known: dict[str, str] = {}

    def load(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            for obj in objects_of(body):
                self.store.apply(obj)

    def _query(self, recorded: dict[str, str], changed: dict[str, str]) -> dict[str, str]:
        opaque = ("resourceVersion", "continue")
        return {k: self.known.get(v, v) if k in opaque else v for k, v in recorded.items()} | changed

    async def send(self, exchange: dict[str, Any], **query: str) -> ClientResponse:
        request = exchange["request"]
        headers = dict(request["headers"])
        token = {None: "admin", "viewer": "viewer", "bad": "wrong", "none": None}[exchange.get("as")]
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        body = request["body"]
        return await self.client.request(
            request["method"], request["path"], params=self._query(request["query"], query), headers=headers,
            data=json.dumps(body) if body is not None else None)

    def learn(self, recorded: Any, ours: Any) -> None:
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key in OPAQUE & recorded.get("metadata", {}).keys() & ours.get("metadata", {}).keys():
                self.known[recorded["metadata"][key]] = ours["metadata"][key]

    async def compare(self, exchange: dict[str, Any], anything: Iterable[str] = (), sort: bool = False) -> Any:
        """Sends and compares status, media type and body; returns our body."""
        recorded = exchange["response"]
        answer = await self.send(exchange)
        text = await answer.text()
        assert answer.status == recorded["status"], f"{exchange['request']}: {text}"
        assert answer.headers.get("Content-Type") == recorded["headers"].get("Content-Type"), exchange["request"]
        assert answer.headers.get("Retry-After") == recorded["headers"].get("Retry-After")
        if not isinstance(recorded["body"], dict):
            assert text == recorded["body"]
            return text
        ours = json.loads(text)
        wanted = recorded["body"]
        if sort:
            for body in (wanted, ours):
                body["items"] = sorted(body["items"], key=lambda one: one["metadata"]["name"])
        assert differences(wanted, ours, anything=anything) == [], exchange["request"]
        self.learn(wanted, ours)
        return ours

    @asynccontextmanager
    async def open(self, exchange: dict[str, Any], **query: str) -> AsyncIterator[Stream]:
        answer = await self.send(exchange, **query)
        assert answer.status == exchange["response"]["status"] == 200, await answer.text()
        assert answer.headers["Content-Type"] == exchange["response"]["headers"]["Content-Type"]
        try:
            yield Stream(answer)
        finally:
            answer.close()


Open = Callable[..., Awaitable[Replay]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def replay(clock: Clock) -> AsyncIterator[Open]:
    """An empty v1.20 server with an administrator and a viewer; keyword arguments go to `server.app`."""
    clients = []

    async def start(**settings: Any) -> Replay:
        store = Store(clock)
        settings = {"kube_version": "1.20", "tokens": TOKENS, "too_large_wait_s": 0.0, "store": store,
                    "timeout_unit_s": 0.1, **settings}
        application = server.app(World(1, "calm", clock()), clock, **settings)
        client = TestClient(TestServer(application))
        await client.start_server()
        clients.append(client)
        return Replay(client, store)

    yield start
    for client in clients:
        await client.close()


class Platform:
    """The server over a world, with its cluster; time moves when the test says so."""

    def __init__(self, client: TestClient, clock: Clock) -> None:
        self.client, self.clock = client, clock
        assert client.app is not None
        self.store, self.cluster = client.app[server.STORE], client.app[server.CLUSTER]

    def to(self, seconds: float) -> None:
        self.cluster.evolve(self.clock.to(seconds))

    async def get(self, path: str, **headers: str) -> Any:
        async with self.client.get(path, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    @asynccontextmanager
    async def watch(self, path: str) -> AsyncIterator[Stream]:
        answer = await self.client.get(path)
        assert answer.status == 200, await answer.text()
        try:
            yield Stream(answer)
        finally:
            answer.close()


@pytest.fixture
async def platform(clock: Clock) -> AsyncIterator[Callable[..., Awaitable[Platform]]]:
    clients = []

    async def start(scenario: str = "calm", **settings: Any) -> Platform:
        settings = {"tick_s": 3600.0, "timeout_unit_s": 0.1, **settings}
        application = server.app(World(1, scenario, clock()), clock, **settings)
        client = TestClient(TestServer(application))
        await client.start_server()
        clients.append(client)
        return Platform(client, clock)

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
def recorded() -> Callable[[str], list[dict[str, Any]]]:
    return exchanges


@pytest.fixture
def differ() -> Callable[..., list[str]]:
    return differences


@pytest.fixture(name="eventually")
def _eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    return eventually
