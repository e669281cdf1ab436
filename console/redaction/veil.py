"""A desk at which every text is redacted: what a picture for chat is drawn from. Before anything is drawn, not after: a pixel
cannot be searched, and a token that a narrow column cut in two would not be found.

It is for one picture: the log lines are those that are there when it is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import Any, TypeVar

import msgspec

from console.feeds.desk import Desk, Seat
from console.feeds.log import LogRing
from console.model.instant import Instant
from console.model.logline import LogLine
from console.model.reading import Reading
from console.model.scope import Scope
from console.redaction.redactor import Redactor
from console.rows import channel, pods
from console.rows.digest import Digest
from console.rows.pane import Pane

T = TypeVar("T")
LINES = 1000  # more than any picture shows
_KEPT = ("key", "uid")  # by which rows are told apart, and which no column shows


async def veiled(desk: Desk, redactor: Redactor, digest: Digest) -> tuple[VeiledDesk, Digest]:
    """The desk, and the digest of it, without secrets: as they would be posted. The redaction is done in a thread."""
    lines = newest_of(desk)
    seen = await asyncio.to_thread(ahead, redactor, digest.panes, digest.incidents, digest.sources, digest.rollouts, lines)
    made = VeiledDesk(desk, redactor, seen)
    return made, made.told(digest)


def newest_of(desk: Desk) -> list[LogLine]:
    """The log lines that a picture is drawn from, newest first."""
    return list(islice(desk.ring.newest(desk.ring.last_seq), LINES)) if desk.ring is not None else []


def ahead(redactor: Redactor, *values: Any) -> dict[str, str]:
    """Every text in these values, and what it becomes. For a thread: a fleet has tens of thousands."""
    found: dict[str, str] = {}
    for text in _texts(values):
        if text not in found:
            found[text] = redactor(text)
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if not isinstance(value, Enum):
            yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            if name not in _KEPT:
                yield from _texts(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


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

    def __init__(self, inner: Desk, redactor: Redactor, seen: dict[str, str] | None = None) -> None:
        """`seen`: texts that have been redacted already (`ahead`), so that none of it is done while a screen waits."""
        self._inner = inner
        self._redactor = redactor
        self._seen = seen if seen is not None else {}
        self._told: dict[int, tuple[object, object]] = {}  # by identity: a pane is made once and drawn several times
        self.clock = inner.clock
        self.ring = None
        if inner.ring is not None:
            self.ring = LogRing(LINES)
            for line in reversed(newest_of(inner)):
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
