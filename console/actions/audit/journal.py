"""The journal as the action service sees it: `await append(entry)`, and when that returns the entry is on disk.

One journal a process, used from one event loop. What it remembers of the operations of its own chain serves only the
closing records; their state is asked of the files (`history.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from console import __version__
from console.actions.audit import kinds
from console.actions.audit.chain import Chain, Identity
from console.actions.audit.derive import follow
from console.actions.audit.entry import Entry, OperationEntry, Unwritable, fields_of
from console.actions.audit.operation import Actor, Operation, State, state_of
from console.actions.audit.record import MAX_LINE
from console.actions.audit.writer import Disk, JournalClosed, Notary, Receipt, SystemDisk, Tally, Waiting, Writer
from console.model.instant import Clock, Instant

QUEUE = 1024  # entries that may wait for the disk; more appenders wait for room
MAX_ENTRY = 1024 * 1024  # bytes
MAX_CLOSING = MAX_LINE // 2  # bytes
MAX_BARE = 1000  # operations that a closing record lists when even their steps are too much


class Journal:
    """Writes one chain. `failure` and `checkpoint_error` are for the screen."""

    def __init__(self, chain: Chain, writer: Writer, clock: Clock, queue: int = QUEUE) -> None:
        """See `open`."""
        self._chain = chain
        self._writer = writer
        self._clock = clock
        self._room = asyncio.Semaphore(queue)
        self._day: date = clock.now().utc.date()
        self._open: dict[str, Operation] = {}
        self._is_closed = False

    @classmethod
    async def open(
        cls,
        directory: Path,
        clock: Clock,
        by: Actor,
        *,
        identity: Identity | None = None,
        notary: Notary | None = None,
        disk: Disk | None = None,
        queue: int = QUEUE,
    ) -> Journal:
        """A new chain under `directory` (`config.paths.audit_dir`), its opening record on disk.

        Raises ChainHeld, JournalClosed, or OSError that names the file: with any of them nothing may be changed.
        """
        chain = await asyncio.to_thread(Chain.create, directory, identity or Identity.here())
        writer = Writer(chain, clock, disk or SystemDisk(), notary)
        writer.start()
        journal = cls(chain, writer, clock, queue)
        try:
            await journal.append(kinds.ChainOpened(by=by, version=__version__))
        except BaseException:
            await asyncio.to_thread(writer.stop)
            raise
        return journal

    @property
    def chain(self) -> str:
        """The name of the chain."""
        return self._chain.place.chain

    @property
    def path(self) -> Path:
        return self._chain.path

    @property
    def failure(self) -> JournalClosed | None:
        """Why nothing can be recorded any more; None while all is well."""
        return self._writer.failure

    @property
    def checkpoint_error(self) -> str | None:
        """Why the last checkpoint did not reach its file. Recording goes on."""
        return self._writer.checkpoint_error

    @property
    def tally(self) -> Tally:
        """Records, bytes and fsyncs so far."""
        return self._writer.tally

    async def append(self, entry: Entry) -> Receipt:
        """Record it, and return once it is on disk.

        Raises JournalClosed when it may not be there and nothing may follow from it, Unwritable when it cannot be
        recorded as it is. Cancelled, it may or may not have been recorded.
        """
        if not isinstance(entry, kinds.Known):
            raise Unwritable(f"audit: {type(entry).__name__} is no kind of record")
        fields = fields_of(entry)
        if _size(fields) > MAX_ENTRY:
            raise Unwritable(f"audit: {type(entry).__name__} is larger than {MAX_ENTRY} bytes")
        await self._room.acquire()
        if self._is_closed:
            self._room.release()
            raise JournalClosed("the audit journal has been closed")
        # From here to `_put` nothing waits, so that entries stand in the chain in the order in which they came.
        now = self._clock.now()
        if now.utc.date() > self._day:
            self._close_books(kinds.Why.DAY, now)
            self._day = now.utc.date()
        receipt = self._put(type(entry), fields, now, self._room.release)
        if isinstance(entry, OperationEntry):
            self._follow(entry, now)
        return await receipt

    def _put(
        self, kind: type[Entry], fields: dict[str, Any], at: Instant, settled: Callable[[], None]
    ) -> asyncio.Future[Receipt]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Receipt] = loop.create_future()

        def settle(what: Receipt | JournalClosed) -> None:
            settled()
            if future.done():  # nobody waits for it any more
                return
            if isinstance(what, JournalClosed):
                future.set_exception(JournalClosed(str(what)))
                future.exception()  # for a closing record that nobody awaits; `failure` tells of it
            else:
                future.set_result(what)

        def told(what: Receipt | JournalClosed) -> None:
            # The loop may have ended without waiting; then nobody is left to be told.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, what)

        self._writer.put(Waiting(fields, kind, at, told))
        return future

    def _follow(self, entry: OperationEntry, now: Instant) -> None:
        follow(self._open, entry, now.utc, self.chain, 0)
        if self._open[entry.op].is_over:
            del self._open[entry.op]

    def _close_books(self, why: kinds.Why, now: Instant) -> None:
        """Queue the closing record. Plans that lapsed without an intent are not open, and are forgotten here."""
        lapsed = [key for key, each in self._open.items() if state_of(each, now.utc, ()) is State.EXPIRED]
        for key in lapsed:
            del self._open[key]
        entry = kinds.ChainClosed(why=why, day=self._day, open=tuple(self._open.values()))
        if _size(fields_of(entry)) > MAX_CLOSING:
            # The records themselves tell the steps; a line too long to be read back would tell nothing.
            bare = tuple(msgspec.structs.replace(each, steps=()) for each in entry.open)
            entry = kinds.ChainClosed(why=why, day=self._day, open=bare[:MAX_BARE])
        self._put(kinds.ChainClosed, fields_of(entry), now, _nothing)

    async def close(self) -> None:
        """Close the books, sign the last record, let go of the lock. Never raises for the disk's sake: see `failure`."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._writer.failure is None:
            self._close_books(kinds.Why.END, self._clock.now())
        await asyncio.to_thread(self._writer.stop)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.close()


def _size(fields: dict[str, Any]) -> int:
    return len(msgspec.json.encode(fields))


def _nothing() -> None:
    """A closing record takes no room in the queue: there is one a day."""
