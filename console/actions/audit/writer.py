"""The one thread that writes a chain: everything that queued while the last fsync ran goes out in one write and one fsync.

It numbers and hashes the records, since only it knows what comes before what. After the first error nothing is
written any more, what is queued is refused, and the chain stays as the error left it: an fsync that failed once may
succeed the second time without having written anything.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from console.actions.audit.chain import Chain
from console.actions.audit.entry import Entry, fields_of
from console.actions.audit.kinds import Checkpointed
from console.actions.audit.operation import Outcome
from console.actions.audit.record import NOTHING, sealed
from console.model.instant import Clock, Instant

BATCH_BYTES = 1024 * 1024


class JournalClosed(Exception):
    """Nothing can be recorded any more, so nothing may be changed. The text says why and what to do."""


class Receipt(msgspec.Struct, frozen=True):
    """A record that is on disk."""

    chain: str
    sequence: int
    hash: str


class Disk(Protocol):
    """The two calls that can fail: the seam at which tests let them."""

    def write(self, descriptor: int, data: bytes, /) -> int: ...

    def sync(self, descriptor: int, /) -> None: ...


class SystemDisk:
    """The kernel's."""

    def write(self, descriptor: int, data: bytes, /) -> int:
        return os.write(descriptor, data)

    def sync(self, descriptor: int, /) -> None:
        os.fdatasync(descriptor)  # also the file's length, without which what was appended could not be read


class Notary(Protocol):
    """Who signs checkpoints (`signing.Checkpoints`): a protocol, so that a journal without one loads no cryptography."""

    path: Path
    key_id: str
    every_records: int
    every_s: float

    def append(self, chain: str, sequence: int, digest: str, at: datetime, /) -> None: ...


class Waiting(msgspec.Struct):
    """An entry in the queue. `told` is called in the writer's thread, once."""

    fields: dict[str, Any]
    kind: type[Entry]
    at: Instant
    told: Callable[[Receipt | JournalClosed], None]


class Tally(msgspec.Struct):
    """What the writing cost so far."""

    records: int = 0
    bytes: int = 0
    syncs: int = 0


class Writer:
    """Owns the chain's descriptor until the end of `stop`. `put` and `stop` may be called from any thread."""

    def __init__(self, chain: Chain, clock: Clock, disk: Disk, checkpoints: Notary | None) -> None:
        self.tally = Tally()
        self.failure: JournalClosed | None = None
        self.checkpoint_error: str | None = None
        self._chain = chain
        self._clock = clock
        self._disk = disk
        self._checkpoints = checkpoints
        self._sequence, self._hash, self._length = 0, NOTHING, 0
        self._unsigned = 0  # records since the last checkpoint, its own record not counted
        self._sign_by: float | None = None
        self._queue: deque[Waiting] = deque()
        self._taken: list[Waiting] = []  # out of the queue, not yet on disk
        self._wake = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=f"audit {chain.place.pid}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, waiting: Waiting) -> None:
        """Queue an entry. One that comes after the end is refused at once."""
        with self._wake:
            refusal = self.failure or (JournalClosed("the audit journal has been closed") if self._is_stopping else None)
            if refusal is None:
                self._queue.append(waiting)
                self._wake.notify()
        if refusal is not None:
            waiting.told(refusal)

    def stop(self) -> None:
        """Write what is queued, sign the last record, let go of the lock. Blocks until that is done; once."""
        with self._wake:
            if self._is_stopping:
                return
            self._is_stopping = True
            self._wake.notify()
        self._thread.join()
        # Not sooner, even after a failure: as long as the lock is held, nobody takes what this process does for dead.
        os.close(self._chain.descriptor)

    def _run(self) -> None:
        try:
            while (batch := self._next()) or not self._is_stopping:
                if batch:
                    self._write(batch)
                if self._is_checkpoint_due():
                    self._sign()
            if self._unsigned:
                self._sign(is_last=True)
        except OSError as wrong:
            self._fail(wrong.strerror or str(wrong))
        except Exception as wrong:  # a fault of our own must not leave anyone waiting for an acknowledgement
            self._fail(f"{type(wrong).__name__}: {wrong}")

    def _next(self) -> list[Waiting]:
        """All that is queued; nothing when a checkpoint is due or the end has come."""
        with self._wake:
            while not self._queue and not self._is_stopping:
                timeout = None if self._sign_by is None else max(0.0, self._sign_by - time.monotonic())
                if not self._wake.wait(timeout):
                    break
            self._taken = list(self._queue)
            self._queue.clear()
            return self._taken

    def _write(self, batch: Sequence[Waiting]) -> None:
        lines: list[bytes] = []
        receipts: list[Receipt] = []
        for waiting in batch:
            line, self._hash = sealed(
                waiting.fields, waiting.kind, self._chain.place, self._sequence + 1, self._hash, waiting.at
            )
            self._sequence += 1
            lines.append(line)
            receipts.append(Receipt(self._chain.place.chain, self._sequence, self._hash))
        self._out(b"".join(lines))
        self.tally.records += len(batch)
        self._unsigned += sum(waiting.kind is not Checkpointed for waiting in batch)
        if self._checkpoints is not None and self._unsigned and self._sign_by is None:
            self._sign_by = time.monotonic() + self._checkpoints.every_s
        self._taken = []
        for waiting, receipt in zip(batch, receipts, strict=True):
            waiting.told(receipt)

    def _out(self, data: bytes) -> None:
        """To the disk and through it. Raises OSError, also when the file is not as it was left."""
        status = os.fstat(self._chain.descriptor)
        there = os.stat(self._chain.path, follow_symlinks=False)
        if status.st_size != self._length or there.st_ino != status.st_ino:
            raise OSError(f"somebody else has touched it: {status.st_size} bytes long instead of {self._length}, or replaced")
        rest = memoryview(data)
        while rest:
            rest = rest[self._disk.write(self._chain.descriptor, bytes(rest[:BATCH_BYTES])) :]
        self._disk.sync(self._chain.descriptor)
        self._length += len(data)
        self.tally.bytes += len(data)
        self.tally.syncs += 1

    def _is_checkpoint_due(self) -> bool:
        if self._checkpoints is None or not self._unsigned:
            return False
        is_late = self._sign_by is not None and time.monotonic() >= self._sign_by
        return is_late or self._unsigned >= self._checkpoints.every_records

    def _sign(self, is_last: bool = False) -> None:
        """A checkpoint of the last record. That it failed is recorded and shown; the promise is the local fsync."""
        if self._checkpoints is None:
            return
        sequence, digest, now = self._sequence, self._hash, self._clock.now()
        self._unsigned, self._sign_by = 0, None
        try:
            self._checkpoints.append(self._chain.place.chain, sequence, digest, now.utc)
            self.checkpoint_error = None
        except OSError as wrong:
            self.checkpoint_error = f"cannot append to {self._checkpoints.path}: {wrong.strerror or wrong}"
        if is_last:
            return  # the closing record stays the last one
        entry = Checkpointed(
            sequence=sequence,
            hash=digest,
            key=self._checkpoints.key_id,
            outcome=Outcome.FAILURE if self.checkpoint_error else Outcome.SUCCESS,
            reason=self.checkpoint_error or "",
        )
        self._write([Waiting(fields_of(entry), Checkpointed, now, _nobody)])

    def _fail(self, got: str) -> None:
        closed = JournalClosed(
            f"the audit journal {self._chain.path} cannot be written: {got}. Nothing may be changed from here any more; "
            "mend the disk (df, dmesg), then start midwatch anew"
        )
        with self._wake:
            self.failure = closed
            waiting = [*self._taken, *self._queue]
            self._taken = []
            self._queue.clear()
        for each in waiting:
            each.told(closed)


def _nobody(_told: Receipt | JournalClosed) -> None:
    """Nobody waits for the writer's own records."""
