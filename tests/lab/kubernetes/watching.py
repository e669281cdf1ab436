"""The product's own reflectors, opened as the console opens them, and what they have said so far."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from console.assembly import kube_target
from console.config.load import load
from console.feeds.clock import SystemClock
from console.model.reading import Reading
from console.model.severity import State
from console.sources.kubernetes import Connection, KubeTarget, Pace, Reflector, deployments, events, nodes, pods
from tests.lab.kubernetes.cluster import SITE
from tests.lab.kubernetes.expected import Held, of_console
from tests.lab.kubernetes.traffic import KINDS

OPENED: Mapping[str, Callable[..., Reflector[Any]]] = {
    "pods": pods,
    "deployments": deployments,
    "nodes": nodes,
    "events": events,
}
CLUSTER = "lab"


def target(
    url: str | None = None, authorization: Callable[[], Awaitable[str | None]] | None = None, **fields: Any
) -> KubeTarget:
    """As the site file has it, with its token and authority; by another way in (a gate) where one is given."""
    found: KubeTarget = kube_target(CLUSTER, load(SITE, {}).choose()[1].kubernetes[CLUSTER])
    if url is not None:
        fields["url"] = url
    if authorization is not None:
        fields["authorization"] = authorization
    return msgspec.structs.replace(found, **fields)


class Watching:
    """One source that is read: its newest reading, the states it went through, and what `changed` adds up to."""

    def __init__(self, kind: str, source: Reflector[Any]) -> None:
        self.kind = kind
        self.source = source
        self.last: Reading[Any] | None = None
        self.readings = 0
        self.told: list[tuple[float, State, str]] = []  # a state, and what came back, from when (monotonic)
        self.changed: list[frozenset[str] | None] = []
        self.folded: dict[str, Any] = {}

    async def run(self) -> None:
        async for reading in self.source.readings():
            self.readings += 1
            self.last = reading
            word = reading.error.got if reading.state is State.ERROR and reading.error is not None else ""
            if not self.told or self.told[-1][1:] != (reading.state, word):
                self.told.append((time.monotonic(), reading.state, word))
            if reading.value is not None:
                self._fold(reading.value)

    def _fold(self, objects: Any) -> None:
        """A consumer that follows `changed` only must end where one that takes everything does."""
        self.changed.append(objects.changed)
        if objects.changed is None:
            self.folded = dict(objects.items)
            return
        for key in objects.changed:
            if key in objects.items:
                self.folded[key] = objects.items[key]
            else:
                self.folded.pop(key, None)

    @property
    def state(self) -> State | None:
        return None if self.last is None else self.last.state

    @property
    def version(self) -> int:
        return int(self.last.value.resource_version or 0) if self.last is not None and self.last.value is not None else 0

    @property
    def rows(self) -> dict[str, tuple[object, ...]] | None:
        if self.last is None or self.last.value is None:
            return None
        return {key: of_console(value) for key, value in self.last.value.items.items()}

    def agrees_with(self, held: Held) -> bool:
        """Live, the same rows, and at a version that is not older than the server's newest object."""
        return self.state is State.LIVE and self.version >= held.newest and self.rows == held.rows

    def differs_by(self, held: Held) -> str:
        rows = self.rows or {}
        apart = [key for key in rows.keys() | held.rows.keys() if rows.get(key) != held.rows.get(key)]
        some = [f"{key}: console {rows.get(key)}, server {held.rows.get(key)}" for key in sorted(apart)[:3]]
        return f"{self.kind} {self.state} at {self.version} (server's newest {held.newest}), {len(apart)} differ: {some}"


@asynccontextmanager
async def watching(
    *kinds: str, way: KubeTarget | None = None, pace: Pace | None = None, seed: int = 1
) -> AsyncIterator[dict[str, Watching]]:
    """The kinds (default: all four) over one shared connection, as the console has them."""
    clock = SystemClock()
    at = way if way is not None else target()
    connection = Connection(at, clock)
    each = {
        kind: Watching(kind, OPENED[kind](at, clock, connection=connection, pace=pace, rng=random.Random(f"{seed}{kind}")))
        for kind in kinds or KINDS
    }
    tasks = [asyncio.create_task(one.run()) for one in each.values()]
    try:
        yield each
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(what: Callable[[], object], told: Callable[[], str], within_s: float = 30.0) -> float:
    """Wait until it is so; the seconds it took. What is said when it never was comes from `told`."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s, f"not so within {within_s:g} s: {told()}"
        await asyncio.sleep(0.01)
    return time.monotonic() - began
