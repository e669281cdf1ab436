"""At most one executor per target: in this process, between the processes of this user, and between the users of this host.

The lock of all users is a file in a directory that everybody may write to (`/run/lock`), named by what the target is and not by
what somebody's configuration calls it. Where there is no such place, or another's file cannot be read, there is none.

Between hosts there is a Lease (`targets/kubernetes/lease.py`) where the target is in a cluster. None of them is honoured by
the API that is written to, so the precondition in every write is the true guard; a lock keeps two people from surprising
each other.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from console.config.paths import made

HOST = Path("/run/lock")  # everybody may write there, on the systems that have it


class TargetHeld(Exception):
    """Another operation is being executed on this target; says which, where that is known."""


class Locks:
    """The locks of one process. `directory` is made when the first one is taken; `host` is where all users of the host lock."""

    def __init__(self, directory: Path, host: Path | None = None) -> None:
        self._directory = directory
        self._host = host
        self._held: dict[str, str] = {}

    def holder(self, target: str) -> str | None:
        """The operation of this process that holds it."""
        return self._held.get(target)

    @asynccontextmanager
    async def held(self, target: str, operation: str, known_as: str = "") -> AsyncIterator[None]:
        """Raises TargetHeld at once instead of waiting: what one would wait for changes the ground on which the plan
        stands. OSError where no lock can be had. `known_as`: what it is to every user of this host.
        """
        if target in self._held:
            raise TargetHeld(f"{target} is held by operation {self._held[target]} of this process")
        self._held[target] = operation  # before anything is awaited, so that nobody slips in between
        try:
            host = self._host if known_as else None
            locking = asyncio.ensure_future(asyncio.to_thread(_all, self._directory, target, operation, host, known_as))
            try:
                descriptors = await asyncio.shield(locking)
            except asyncio.CancelledError:
                locking.add_done_callback(_let_go)
                raise
            try:
                yield
            finally:
                _closed(descriptors)  # and with them the locks; a file stays, or two processes would lock two of one name
        finally:
            del self._held[target]


def _all(directory: Path, target: str, operation: str, host: Path | None, known_as: str) -> list[int]:
    descriptors = [_locked(directory, target, operation)]
    if host is not None:
        try:
            shared = _locked_for_all(host, known_as, target)
        except BaseException:
            _closed(descriptors)
            raise
        descriptors += [shared] if shared is not None else []
    return descriptors


def _locked_for_all(host: Path, known_as: str, target: str) -> int | None:
    """None where there is none to be had. The file may be anybody's: it is opened to be read, and its content is nothing."""
    path = host / f"midwatch-{hashlib.sha256(known_as.encode()).hexdigest()[:32]}.lock"
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        try:  # made by us alone: opening another's file to create it is forbidden in a sticky directory
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, 0o644)
            os.fchmod(descriptor, 0o644)  # whatever the umask is
        except FileExistsError:
            descriptor = os.open(path, os.O_RDONLY | flags)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise TargetHeld(f"{target} is held by a midwatch of another user of this host ({path})") from None
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _closed(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


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


def _let_go(locking: asyncio.Future[list[int]]) -> None:
    if not locking.cancelled() and locking.exception() is None:
        _closed(locking.result())
