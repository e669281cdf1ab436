"""The file of one chain: its name, its birth, and the lock that its process holds for life.

A chain is created once and never opened for writing again, not by its own process and not by a later one that was given
the same pid: that one gets `.2` behind its name. So the only question a second opener can ask is whether the first still
lives, and the lock answers it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from console.actions.audit.record import Place
from console.config.paths import made

SUFFIX = ".jsonl"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PATIENCE_S = 5.0
_LOOK_AGAIN_S = 0.01


class ChainHeld(Exception):
    """Another opener has this chain, and lives."""


class Identity(msgspec.Struct, frozen=True):
    """Which process this is, on which host, in which of its lives."""

    host: str
    boot: str
    pid: int

    @property
    def name(self) -> str:
        """The stem of the chain's file: host names are foreign text and become a file's name."""
        return f"{re.sub(r'[^A-Za-z0-9.-]', '_', self.host)[:64] or 'host'}-{self.boot}-{self.pid}"

    @classmethod
    def here(cls) -> Identity:
        """Of this process. Where the kernel tells no boot id, the hour of its start has to do."""
        try:
            boot = _BOOT_ID.read_text().strip().replace("-", "")
        except OSError:
            boot = f"up{round((time.time() - time.monotonic()) / 3600)}"
        return cls(host=socket.gethostname(), boot=boot, pid=os.getpid())


class Chain(msgspec.Struct, frozen=True):
    """A chain of our own: created, empty, locked. `descriptor` is open for appending until the process ends."""

    path: Path
    place: Place
    descriptor: int

    @classmethod
    def create(cls, directory: Path, identity: Identity) -> Chain:
        """A new file under `directory` (0700), itself 0600, whose name is on disk. Blocks.

        Raises ChainHeld when an opener of the same identity lives, OSError when the file cannot be had.
        """
        is_new = not directory.exists()
        made(directory)
        if is_new:
            _synced(directory.parent)
        with _alone_in(directory):
            number = 1
            while True:
                name = identity.name if number == 1 else f"{identity.name}.{number}"
                path = directory / f"{name}{SUFFIX}"
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                try:
                    descriptor = os.open(path, flags, 0o600)
                    break
                except FileExistsError:
                    if is_held(path):
                        raise ChainHeld(
                            f"the audit chain {path} is held by another opener; each process writes one chain, once"
                        ) from None
                    number += 1
            try:
                _locked(descriptor, path)
                _synced(directory)
            except BaseException:
                os.close(descriptor)
                raise
        return cls(path, Place(name, identity.host, identity.boot, identity.pid), descriptor)


def is_held(path: Path) -> bool:
    """Whether a living process holds the chain. Raises OSError when it cannot be asked."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """One creator at a time: between the birth of a file and its lock it would look dead."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _locked(descriptor, directory)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, path: Path) -> None:
    """A reader that asks `is_held` holds the lock for some microseconds, hence the patience."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(errno.EAGAIN, f"locked by another for {_PATIENCE_S:g} s", str(path)) from None
            time.sleep(_LOOK_AGAIN_S)


def _synced(directory: Path) -> None:
    """A file's name is durable once its directory is."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
