"""At most one executor per target: in this process, and between the processes of this user on this host.

Between hosts there is a Lease (`targets/kubernetes/lease.py`) where the target is in a cluster. None of them is honoured by
the API that is written to, so the precondition in every write is the true guard; a lock keeps two people from surprising
each other.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from console.config.paths import made


class TargetHeld(Exception):
    """Another operation is being executed on this target; says which, where that is known."""


class Locks:
    """The locks of one process. `directory` is made when the first one is taken."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[str, str] = {}

    def holder(self, target: str) -> str | None:
        """The operation of this process that holds it."""
        return self._held.get(target)

    @asynccontextmanager
    async def held(self, target: str, operation: str) -> AsyncIterator[None]:
        """Raises TargetHeld at once instead of waiting: what one would wait for changes the ground on which the plan
        stands. OSError where no lock can be had.
        """
        if target in self._held:
            raise TargetHeld(f"{target} is held by operation {self._held[target]} of this process")
        self._held[target] = operation  # before anything is awaited, so that nobody slips in between
        try:
            locking = asyncio.ensure_future(asyncio.to_thread(_locked, self._directory, target, operation))
            try:
                descriptor = await asyncio.shield(locking)
            except asyncio.CancelledError:
                locking.add_done_callback(_let_go)
                raise
            try:
                yield
            finally:
                os.close(
                    descriptor
                )  # and with it the lock; the file stays, or two processes would lock two of one name
        finally:
            del self._held[target]


def _locked(directory: Path, target: str, operation: str) -> int:
    name = hashlib.sha256(target.encode()).hexdigest()[:32]
    descriptor = os.open(made(directory) / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{operation} of process {os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        told = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
        os.close(descriptor)
        raise TargetHeld(f"{target} is held by another process of this host ({told or 'unnamed'})") from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _let_go(locking: asyncio.Future[int]) -> None:
    if not locking.cancelled() and locking.exception() is None:
        os.close(locking.result())
