"""One kind of one cluster as a `Source`: readings made from one or several list-watches.

A watch that says nothing is not stale, and a watch that is dead is not live. So while the connection is open
and within its read timeout, a reading is emitted twice in every `stale_after_s` even when nothing changed;
once the server cannot be reached the last objects stay under a failure, and their age grows. Ten readings a
second are enough for eyes: what happens in between is folded into the next.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Generic, TypeVar

import msgspec

from console.model.failure import Failure
from console.model.instant import Clock, Instant
from console.model.kube import Objects
from console.model.reading import Reading, connecting
from console.model.severity import State
from console.model.source import Cost
from console.sources.kubernetes.connection import Connection
from console.sources.kubernetes.kinds import Kind
from console.sources.kubernetes.listwatch import ListWatch
from console.sources.kubernetes.pace import Pace
from console.sources.meter import Meter

T = TypeVar("T")

GAP_S = 0.1  # between two readings
# Changed keys kept for a consumer that does not come; beyond it everything counts as changed.
TOUCHED_LIMIT = 50_000


class Reflector(Generic[T]):
    """`Source[Objects[T]]`. With `namespaces` one list-watch for each of them, merged; else one for the whole
    cluster.
    """

    def __init__(
        self,
        kind: Kind[T],
        connection: Connection,
        clock: Clock,
        *,
        stale_after_s: float = 30.0,
        pace: Pace | None = None,
        rng: random.Random | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._kind = kind
        self._connection = connection
        self._clock = clock
        self._stale_after_s = stale_after_s
        self._pace = pace if pace is not None else Pace()
        self._rng = rng if rng is not None else random.Random()
        self._meter = meter if meter is not None else Meter(clock)
        self._parts: tuple[ListWatch[T], ...] = ()

    @property
    def name(self) -> str:
        return f"kubernetes.{self._connection.target.cluster}.{self._kind.plural}"

    @property
    def kind(self) -> str:
        return "kubernetes"

    @property
    def stale_after_s(self) -> float:
        return self._stale_after_s

    @property
    def cost(self) -> Cost:
        return self._meter.cost

    @property
    def note(self) -> str:
        """For the `sources` view: "watching from 48120 · 3 relists · 2 objects unreadable"."""
        if not any(part.is_listed for part in self._parts):
            return ""
        notes = [f"watching from {_versions(self._parts) or 'a new list'}"]
        for count, singular, plural in (
            (sum(max(0, part.lists - 1) for part in self._parts), "relist", "relists"),
            (sum(part.cuts for part in self._parts), "watch cut off", "watches cut off"),
            (
                sum(len(part.unreadable) + part.nameless for part in self._parts),
                "object unreadable",
                "objects unreadable",
            ),
        ):
            if count:
                notes.append(f"{count} {singular if count == 1 else plural}")
        return " · ".join(notes)

    async def readings(self) -> AsyncGenerator[Reading[Objects[T]], None]:
        """Readings until closed or cancelled, and then no task and no connection is left."""
        changed = asyncio.Event()
        target = self._connection.target
        spaces: tuple[str | None, ...] = target.namespaces if self._kind.is_namespaced else ()
        self._parts = parts = tuple(
            ListWatch(
                self._kind,
                self._connection,
                namespace,
                self._clock,
                self._meter,
                self._rng,
                self._pace,
                changed.set,
            )
            for namespace in dict.fromkeys(spaces or (None,))
        )
        snapshot = _Snapshot(parts)
        async with self._connection:
            tasks = [asyncio.create_task(part.run(), name=f"{self.name} {part.where}") for part in parts]
            try:
                reading: Reading[Objects[T]] = connecting()
                while True:
                    changed.clear()
                    latest = self._read(reading, parts, snapshot)
                    if latest is not None:
                        reading = latest
                        yield reading
                        await self._clock.sleep(GAP_S)
                    await self._wait(changed, max(0.0, self._stale_after_s / 2 - GAP_S))
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, changed: asyncio.Event, seconds: float) -> None:
        """Until something changed, or it is time to say that we live."""
        if changed.is_set():
            return
        races = (asyncio.create_task(changed.wait()), asyncio.create_task(self._sleep(seconds)))
        try:
            await asyncio.wait(races, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in races:
                task.cancel()
            await asyncio.gather(*races, return_exceptions=True)

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def _read(
        self,
        before: Reading[Objects[T]],
        parts: tuple[ListWatch[T], ...],
        snapshot: _Snapshot[T],
    ) -> Reading[Objects[T]] | None:
        """The reading now; None when there is nothing new to say."""
        failed = [(part, part.failure) for part in parts if part.failure is not None]
        good = [part for part in parts if part.failure is None]
        if not good or not any(part.is_listed for part in parts):
            return _only_failed(before, failed) if len(failed) == len(parts) else None
        if not all(part.is_listed or part.failure is not None for part in parts):
            return None  # some namespaces are still being listed for the first time
        proofs = [part.alive_at for part in good]
        received = min((proof for proof in proofs if proof is not None), key=_mono, default=None)
        if received is None:
            return None
        objects = snapshot.take()
        state = State.PARTIAL if failed else State.LIVE
        if (
            before.received is not None
            and before.value is not None
            and not objects.changed
            and objects.changed is not None
            and state is before.state
            and received.mono - before.received.mono <= 0
        ):
            return None
        skew_s = next((part.skew_s for part in good if part.skew_s is not None), None)
        return Reading(
            value=objects,
            state=state,
            received=received,
            as_of=received.utc + timedelta(seconds=skew_s or 0.0),
            skew_s=skew_s,
            partial_reason=_partial(failed, len(parts)),
        )


class _Snapshot(Generic[T]):
    """Immutable copies, made only when something changed."""

    def __init__(self, parts: tuple[ListWatch[T], ...]) -> None:
        self._parts = parts
        self._items: Mapping[str, T] | None = None

    def take(self) -> Objects[T]:
        changed: set[str] = set()
        for part in self._parts:
            changed |= part.touched
            part.touched.clear()
        is_first = self._items is None
        if self._items is None or changed:
            merged: dict[str, T] = {}
            for part in self._parts:
                merged.update(part.items)
            self._items = MappingProxyType(merged)
        is_all = is_first or len(changed) > TOUCHED_LIMIT
        return Objects(
            items=self._items,
            changed=None if is_all else frozenset(changed),
            resource_version=_versions(self._parts),
        )


def _only_failed(before: Reading[Objects[T]], failed: list[tuple[ListWatch[T], Failure]]) -> Reading[Objects[T]] | None:
    """The objects as they were, under the first failure; nothing when that has been said already."""
    failure = failed[0][1]
    if before.state is State.ERROR and before.error == failure:
        return None
    if before.value is not None:
        before = msgspec.structs.replace(
            before, value=msgspec.structs.replace(before.value, changed=frozenset()), partial_reason=""
        )
    return before.failed(failure)


def _partial(failed: list[tuple[ListWatch[T], Failure]], total: int) -> str:
    if not failed:
        return ""
    told = "; ".join(f"{part.where}: {failure.got}" for part, failure in failed[:3])
    return f"{total - len(failed)} of {total} namespaces answer; {told}"


def _versions(parts: tuple[ListWatch[T], ...]) -> str:
    """Opaque, as the server gives them; joined when there are several."""
    return ",".join(part.version for part in parts if part.version)


def _mono(at: Instant) -> float:
    return at.mono
