"""One server is active: it holds a lock in the state directory for life.

Two servers over one state would be two services with two books of running operations, and approvals given in one would not be
seen in the other. Where the first dies the kernel lets go of its lock at once, so a second one may wait for it (`--standby`),
with nothing opened but this file. On other hosts it only counts where they share the state directory over a file system that
locks (NFS 4).
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from console.config.paths import made

NAME = "serve.lock"


class Taken(Exception):
    """Another server is active. The text says which."""


class Active:
    """The lock, held until `release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def claim(cls, state: Path) -> Active:
        """Raises Taken, or OSError where the state directory cannot be used."""
        path = made(state) / NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise Taken(f"another midwatch serve is active ({holder or 'it has not said which'}; {path})") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} on {os.uname().nodename}\n".encode("ascii", "replace"), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let the next one be active."""
        os.close(self._descriptor)
