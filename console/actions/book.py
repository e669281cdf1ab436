"""What is known of operations: what other processes recorded, and what this one records as it goes.

The same fold over the same records as after a crash (`audit/derive.py`), so that the screen never shows a state that the
journal would not bear out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from console.actions.audit.derive import follow, linked
from console.actions.audit.entry import Entry, OperationEntry
from console.actions.audit.history import Known, TooLarge, history
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor, Operation, may_resume, may_undo, state_of
from console.model.instant import Clock


class Book:
    """The operations of one state directory. `read` looks at the disk; everything else is memory."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._operations: dict[str, Operation] = {}
        self._alive: frozenset[str] = frozenset()
        self._untold: frozenset[str] = frozenset()  # of a damaged chain: no more is offered
        self._chain = ""  # of this process' journal
        self._written: dict[str, int] = {}  # operation -> the sequence of our last record about it
        self._at_work: set[str] = set()  # what this process executes
        self._listeners: list[Callable[[], None]] = []
        self._progress: dict[str, Progress] = {}
        self.trouble = ""  # why the records could not be read
        self.failure = ""  # why nothing can be recorded any more, and so nothing done

    async def read(self) -> None:
        """What all processes have recorded. Never raises for the disk's sake: see `trouble`."""
        now = self._clock.now().utc

        def look() -> tuple[list[Known], frozenset[str], str, int]:
            found = history(self._directory)
            damaged = ", ".join(each.name for each in found.damaged)
            ours = (record.header.sequence for record in found.records if record.header.chain == self._chain)
            return found.operations(now), found.alive, f"damaged: {damaged}" if damaged else "", max(ours, default=0)

        try:
            known, alive, self.trouble, seen = await asyncio.to_thread(look)
        except (OSError, ValueError, TooLarge) as error:
            self.trouble = f"the audit cannot be read: {error}"
            return
        for each in known:
            # What this process wrote meanwhile it knows better than the file as it was read; another may have carried on
            # what this one began, which only the file tells.
            if self._written.get(each.operation.id, 0) <= seen:
                self._operations[each.operation.id] = each.operation
                state = state_of(each.operation, now, alive)
                if (
                    not each.may_resume
                    and not each.may_undo
                    and (may_resume(each.operation, state) or may_undo(each.operation, state))
                ):
                    self._untold |= {each.operation.id}
        self._alive = alive
        self._tell()

    async def record(self, journal: Journal, entry: Entry) -> None:
        """Append, and when it is on disk, know it. Raises what `Journal.append` raises."""
        receipt = await journal.append(entry)
        if isinstance(entry, OperationEntry):
            self._chain = journal.chain
            self._written[entry.op] = receipt.sequence
            self._alive |= {journal.chain}
            follow(self._operations, entry, self._clock.now().utc, journal.chain, receipt.sequence)
            self._tell()

    def known(self) -> list[Known]:
        """All of them with their state at this moment, the newest first."""
        now = self._clock.now().utc
        every = [self._known(operation) for operation in linked(self._operations).values()]
        return sorted(every, key=lambda each: each.operation.planned_at or now, reverse=True)

    def get(self, operation: str) -> Known | None:
        """One of them."""
        found = linked(self._operations).get(operation)
        return self._known(found) if found is not None else None

    def requester(self, operation: str) -> Actor | None:
        """Who planned it."""
        found = self._operations.get(operation)
        return found.requested_by if found is not None else None

    def _known(self, operation: Operation) -> Known:
        alive = self._alive
        if operation.chain == self._chain and operation.stopped_by is None and operation.id not in self._at_work:
            alive -= {self._chain}  # we live, and yet nobody executes it: its task failed, or nothing could be recorded
        state = state_of(operation, self._clock.now().utc, alive)
        is_told = operation.id not in self._untold
        return Known(operation, state, is_told and may_resume(operation, state), is_told and may_undo(operation, state))

    def begins(self, operation: str) -> None:
        """This process is about to execute it."""
        self._at_work.add(operation)

    def goes_on(self, progress: Progress) -> None:
        """Where an operation that this process executes is."""
        self._progress[progress.op] = progress
        self._tell()

    def rests(self, operation: str) -> None:
        """It is not executed any more."""
        self._at_work.discard(operation)
        self._progress.pop(operation, None)
        self._tell()

    def progress(self, operation: str) -> Progress | None:
        """Of an operation that this process executes."""
        return self._progress.get(operation)

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(self._progress)

    def broken(self, why: str) -> None:
        """Nothing can be recorded any more."""
        self.failure = why
        self._tell()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Called after every change; returns how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running operation is, for the screen. Nothing is decided by it."""

    op: str
    step: int  # from 1; 0 before the first
    steps: int
    text: str
    is_stopping: bool = False
    by: str = ""  # who runs it
