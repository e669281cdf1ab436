"""What the service works with, as values: whoever makes them decides what can be written to at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor
from console.actions.book import Book
from console.actions.locks import Locks
from console.actions.policy.policy import Policy
from console.actions.registry import Registry
from console.actions.scene import Witness
from console.actions.shelf import Shelf
from console.actions.target import Target
from console.actions.writes import Hand, Write
from console.model.instant import Clock


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What the service works with; assembly makes it. `lease` gives the lock between hosts for a target, or None."""

    registry: Registry
    hands: Mapping[type[Write], Hand]
    policies: Callable[[], Awaitable[Policy]]
    journal: Callable[[], Awaitable[Journal]]
    book: Book
    locks: Locks
    shelf: Shelf
    witness: Witness
    clock: Clock
    lease: Callable[[Target, str, Actor], Any | None]
    keeps_journal: bool = False  # whoever opened it records in it too, and closes it
