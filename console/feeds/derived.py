"""A derived feed: joins feeds, and judges on every new reading *and on the clock*."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from console.feeds.clock import wait_until
from console.feeds.raw import PUBLISH_EVERY_S, internal_failure
from console.feeds.topic import Subscription, Topic
from console.model.instant import Clock, Instant
from console.model.reading import Reading

if TYPE_CHECKING:
    from console.feeds.hub import Hub

T = TypeVar("T")

log = logging.getLogger(__name__)


class Inputs(msgspec.Struct, frozen=True):
    """What a derivation is given: the newest reading of each input, and every reading of the inputs it must not miss."""

    readings: Mapping[str, Reading[Any]]
    every: Mapping[str, tuple[Reading[Any], ...]] = {}


class Derived(msgspec.Struct, Generic[T], frozen=True):
    """What a derivation answers. `deadline_mono`: when silence alone would change the answer; None: never."""

    reading: Reading[T]
    deadline_mono: float | None = None


class Derivation(Protocol[T]):
    """Joins and judges; holds its own memory between steps, and is given time."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the feeds it stands on."""
        ...

    @property
    def misses_none_of(self) -> tuple[str, ...]:
        """Those of the inputs of which every reading matters, not the newest only."""
        ...

    @property
    def every_s(self) -> float:
        """News is gathered for so long before a step; a deadline is kept all the same."""
        ...

    def step(self, inputs: Inputs, now: Instant) -> Derived[T]:
        """Called at each change of an input and at each deadline. No I/O; under a few milliseconds."""
        ...


class DerivedFeed(Generic[T]):
    """Runs one derivation while somebody looks."""

    def __init__(self, name: str, derivation: Derivation[T], hub: Hub, clock: Clock) -> None:
        self.name = name
        self.topic: Topic[T] = Topic()
        self._derivation = derivation
        self._hub = hub
        self._clock = clock
        self._wake = asyncio.Event()
        self._asked = asyncio.Event()

    @property
    def inputs(self) -> tuple[str, ...]:
        return self._derivation.inputs

    async def run(self) -> None:
        """Step until cancelled; its subscriptions are given back on the way out."""
        wake = self._wake
        wake.set()
        every = self._derivation.misses_none_of
        subscriptions: dict[str, Subscription[Any]] = {
            name: self._hub.subscribe(name, wake=wake, every=name in every) for name in self._derivation.inputs
        }
        deadline: float | None = None
        try:
            while True:
                await wait_until(wake, self._clock, deadline)
                wake.clear()
                self._asked.clear()
                deadline = self._step(subscriptions)
                await self._clock.sleep(PUBLISH_EVERY_S)
                await self._gather(deadline)
        finally:
            for subscription in subscriptions.values():
                subscription.close()

    def look(self, *, doubt: bool = False) -> None:
        """Step as if a deadline had passed: at the next turn of the loop, or PUBLISH_EVERY_S after the step before."""
        self._asked.set()
        self._wake.set()

    async def _gather(self, deadline: float | None) -> None:
        """Let news come together, unless the deadline or somebody who asks comes first."""
        rest_s = self._derivation.every_s - PUBLISH_EVERY_S
        if rest_s > 0:
            until = self._clock.now().mono + rest_s
            await wait_until(self._asked, self._clock, min(until, deadline) if deadline is not None else until)

    def _step(self, subscriptions: Mapping[str, Subscription[Any]]) -> float | None:
        inputs = Inputs(
            readings={name: subscription.reading for name, subscription in subscriptions.items()},
            every={name: subscriptions[name].take() for name in self._derivation.misses_none_of},
        )
        try:
            derived = self._derivation.step(inputs, self._clock.now())
        except Exception as error:
            log.exception("derived feed %s raised", self.name)
            self.topic.publish(self.topic.reading.failed(internal_failure(self.name, error)))
            return None
        self.topic.publish(derived.reading)
        return derived.deadline_mono
