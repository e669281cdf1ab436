"""One reading, many readers: the newest for those who draw, every one (bounded) for those who judge."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from console.model.reading import Reading, connecting

T = TypeVar("T")
INBOX = 600  # readings: a minute of the fastest feed


class Subscription(Generic[T]):
    """One reader's place. `changed` is set at each publication; reading it clears nothing by itself."""

    def __init__(self, topic: Topic[T], wake: asyncio.Event, every: bool, leave: Callable[[], None]) -> None:
        self._topic = topic
        self._wake = wake
        self._inbox: deque[Reading[T]] | None = deque(maxlen=INBOX) if every else None
        self._leave = leave
        self.lost = 0  # readings that fell out of a full inbox: the reader was asleep for a minute

    @property
    def reading(self) -> Reading[T]:
        """The newest reading."""
        return self._topic.reading

    @property
    def version(self) -> int:
        """Rises with each publication."""
        return self._topic.version

    def take(self) -> tuple[Reading[T], ...]:
        """Every reading since the last take, oldest first; empty for a subscription that only wants the newest."""
        if self._inbox is None:
            return ()
        taken = tuple(self._inbox)
        self._inbox.clear()
        return taken

    def deliver(self, reading: Reading[T]) -> None:
        """Called by the topic."""
        if self._inbox is not None:
            if len(self._inbox) == INBOX:
                self.lost += 1
            self._inbox.append(reading)
        self._wake.set()

    async def next(self) -> Reading[T]:
        """The newest reading, once something was published since the last call."""
        await self._wake.wait()
        self._wake.clear()
        return self.reading

    def close(self) -> None:
        """Leave; the last reader's leaving lets the feed stop."""
        self._leave()


class Topic(Generic[T]):
    """Where a feed publishes. Keeps one reading."""

    def __init__(self) -> None:
        self.reading: Reading[T] = connecting()
        self.version = 0
        self._subscriptions: set[Subscription[T]] = set()

    def publish(self, reading: Reading[T]) -> None:
        """Make `reading` the newest and wake every reader; never waits for any of them."""
        self.reading = reading
        self.version += 1
        for subscription in tuple(self._subscriptions):
            subscription.deliver(reading)

    def join(
        self, wake: asyncio.Event | None = None, every: bool = False, on_leave: Callable[[], None] | None = None
    ) -> Subscription[T]:
        """A new reader; several subscriptions may share one `wake` event to wait on all of them at once."""

        def leave() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.discard(subscription)
                if on_leave is not None:
                    on_leave()

        subscription = Subscription(self, wake or asyncio.Event(), every, leave)
        self._subscriptions.add(subscription)
        if self.version:
            subscription.deliver(self.reading)
        return subscription

    @property
    def readers(self) -> int:
        return len(self._subscriptions)
