"""Entries, chains and people that the tests of the journal share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from console.actions.audit import kinds
from console.actions.audit.chain import Identity
from console.actions.audit.entry import Entry, fields_of
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor, Ending, Outcome, PlannedStep, Tier
from console.actions.audit.reading import read_chain
from console.actions.audit.record import NOTHING, Place, Record, sealed
from console.model.instant import Instant
from tests.hand_clock import START, HandClock

ANNA = Actor(name="anna", id="1000")
BORIS = Actor(name="boris", id="1001")
PLAN = "ab" * 32
HERE = Identity(host="edge-1", boot="b00t", pid=4711)
NOW = START + timedelta(hours=1)


class Memory:
    """A disk that keeps nothing of fsync's cost: for tests of order, not of durability."""

    def write(self, descriptor: int, data: bytes, /) -> int:
        return os.write(descriptor, data)

    def sync(self, descriptor: int, /) -> None:
        """Nothing."""


def planned(op: str = "op-1", steps: Sequence[str] = ("cordon", "evict", "evict"), **fields: object) -> kinds.Planned:
    given: dict[str, object] = {
        "op": op, "by": ANNA, "action": "node.drain", "target": "node:apac-1/w-3", "plan_hash": PLAN, "tier": Tier.MEDIUM,
        "steps": tuple(PlannedStep(what=what, target=f"t-{number}", undo="uncordon" if what == "cordon" else "") for number, what in enumerate(steps, 1)),
    }  # fmt: skip
    return kinds.Planned(**{**given, **fields})  # type: ignore[arg-type]


def confirmed(op: str = "op-1", **fields: object) -> kinds.Confirmed:
    return kinds.Confirmed(**{"op": op, "by": ANNA, "plan_hash": PLAN, "reason": "disk", **fields})  # type: ignore[arg-type]


def intent(op: str = "op-1") -> kinds.Intent:
    return kinds.Intent(op=op, by=ANNA, plan_hash=PLAN)


def done(step: int, op: str = "op-1", outcome: Outcome = Outcome.SUCCESS) -> tuple[Entry, Entry]:
    return (
        kinds.StepBegun(op=op, step=step),
        kinds.StepDone(op=op, step=step, outcome=outcome, status=200, answer="ok", uid=f"u-{step}", old=step),
    )


WHOLE: tuple[Entry, ...] = (
    planned(), confirmed(), intent(), *done(1), *done(2), *done(3),
    kinds.Verified(op="op-1", outcome=Outcome.SUCCESS, window_s=60), kinds.Closed(op="op-1", ending=Ending.SUCCEEDED),
)  # fmt: skip


async def written(
    directory: Path, *entries: Entry, identity: Identity = HERE, clock: HandClock | None = None, **options: object
) -> Path:
    """A chain of these entries, opened and closed as a process does."""
    hand = clock or HandClock()
    options.setdefault("disk", Memory())
    journal = await Journal.open(directory, hand, ANNA, identity=identity, **options)  # type: ignore[arg-type]
    for entry in entries:
        await journal.append(entry)
    await journal.close()
    return journal.path


def chained(
    *entries: Entry, chain: str = "edge-1-b00t-1", boot: str = "b00t", start: Instant | None = None
) -> list[bytes]:
    """The lines of a chain, a second apart, without a journal and without an end."""
    place = Place(chain, "edge-1", boot, 1)
    at = start or Instant(utc=START, mono=1000.0)
    lines: list[bytes] = []
    digest = NOTHING
    for number, entry in enumerate((kinds.ChainOpened(by=ANNA, version="0"), *entries), 1):
        line, digest = sealed(fields_of(entry), type(entry), place, number, digest, at.plus(number))
        lines.append(line)
    return lines


def records_of(path: Path) -> list[Record]:
    found: list[Record] = []
    read_chain(path, found.append)
    return found


async def until(condition: Callable[[], bool]) -> None:
    """Return when a thing that another thread does has come about; AssertionError after ten seconds."""
    deadline = asyncio.get_running_loop().time() + 10
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come about"
        await asyncio.sleep(0.001)
