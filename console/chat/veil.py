"""A desk at which every text is redacted: what a picture for chat is drawn from. Before anything is drawn, not after: a pixel
cannot be searched, and a token that a narrow column cut in two would not be found.

It is for one picture: the log lines are those that are there when it is made.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from itertools import islice
from typing import Any, TypeVar

import msgspec

from console.chat.redaction import Redactor
from console.feeds.desk import Desk, Seat
from console.feeds.log import LogRing
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.scope import Scope
from console.rows import channel, pods
from console.rows.pane import Pane

T = TypeVar("T")
LINES = 1000  # more than any picture shows
_KEPT = ("key", "uid")  # by which rows are told apart, and which no column shows


class VeiledSeat(Seat):
    """A seat whose panes are redacted. Its readings are not: no body draws from one."""

    def __init__(self, inner: Seat, desk: VeiledDesk) -> None:
        self.view = inner.view
        self._inner = inner
        self._veil = desk

    @property
    def is_configured(self) -> bool:
        return self._inner.is_configured

    @property
    def reading(self) -> Reading[Any] | None:
        return self._veil.told(self._inner.reading)

    @property
    def version(self) -> int:
        return self._inner.version

    def pane(self, scope: Scope, now: Instant) -> Pane[Any]:
        return self._veil.told(self._inner.pane(scope, now))

    def close(self) -> None:
        self._inner.close()


class VeiledDesk(Desk):
    """The same seats, the same panes, no secrets. Made of another desk, and nothing of it is changed."""

    def __init__(self, inner: Desk, redactor: Redactor) -> None:
        self._inner = inner
        self._redactor = redactor
        self._seen: dict[str, str] = {}
        self._told: dict[int, tuple[object, object]] = {}  # by identity: a pane is made once and drawn several times
        self.clock = inner.clock
        self.ring = None
        if inner.ring is not None:
            self.ring = LogRing(LINES)
            for line in reversed(list(islice(inner.ring.newest(inner.ring.last_seq), LINES))):
                self.ring.append(self.told(line))

    def told(self, value: T) -> T:
        """The same value with every text of it redacted."""
        known = self._told.get(id(value))
        if known is not None and known[0] is value:
            found: T = known[1]  # type: ignore[assignment]
            return found
        made: T = self._walked(value)
        if isinstance(value, msgspec.Struct):
            self._told[id(value)] = (value, made)
        return made

    def sit(self, view: str, wake: asyncio.Event | None = None) -> Seat:
        return VeiledSeat(self._inner.sit(view, wake), self)

    def hides(self, text: str) -> bool:
        return self._inner.hides(text)

    def look(self, *, doubt: bool = False) -> None:
        self._inner.look(doubt=doubt)

    def make(self, view: str, reading: Reading[Any], scope: Scope, now: Instant) -> Pane[Any]:
        return self.told(self._inner.make(view, reading, scope, now))

    def rollouts(self, seat: Seat, scope: Scope, now: Instant) -> tuple[pods.RolloutRow, ...]:
        return self.told(self._inner.rollouts(_inner(seat), scope, now))

    def channel(self, name: str, seat: Seat, incidents: Seat, workloads: Seat, now: Instant) -> channel.ChannelPage:
        return self.told(self._inner.channel(name, _inner(seat), _inner(incidents), _inner(workloads), now))

    def _walked(self, value: Any) -> Any:
        if isinstance(value, str):
            if isinstance(value, Enum):
                return value
            if value not in self._seen:
                self._seen[value] = self._redactor(value)
            return self._seen[value]
        if isinstance(value, msgspec.Struct):
            changed = {}
            for name in value.__struct_fields__:
                old = getattr(value, name)
                new = old if name in _KEPT else self._walked(old)
                if new is not old:
                    changed[name] = new
            return msgspec.structs.replace(value, **changed) if changed else value
        if isinstance(value, tuple):
            made = tuple(self._walked(each) for each in value)
            return value if all(new is old for new, old in zip(made, value, strict=True)) else made
        if isinstance(value, dict):
            return {key: self._walked(each) for key, each in value.items()}
        return value


def _inner(seat: Seat) -> Seat:
    return seat._inner if isinstance(seat, VeiledSeat) else seat
