"""Whether what stands in a file can be believed: who else could have written it.

As sshd's StrictModes has it: the file and every directory above it belong to root or to us, and no group and nobody else can
write there. Two things sshd need not know are let pass: a directory with the sticky bit that is root's (/tmp), and whatever
lies on a file system that is mounted read-only (a volume of Kubernetes has its directories open to all).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class Unsafe(OSError):
    """The file is there, and must not be believed. The text says why, and what to do."""


def content(path: Path, most: int) -> bytes:
    """The bytes of a regular file that nobody else can have written. Blocks. Raises OSError, Unsafe among them."""
    real = Path(os.path.realpath(path))
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unsafe(f"{path} is not a regular file")
        _checked(real, status)
        for above in real.parents:
            _checked(above, above.stat())
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            found = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(found) > most:
        raise Unsafe(f"{path} is larger than {most:,} bytes")
    return found


def safe_directory(path: Path) -> Path:
    """The directory as it really is, in which nobody else can put a file. Raises OSError, Unsafe among them."""
    real = Path(os.path.realpath(path))
    if not stat.S_ISDIR(real.stat().st_mode):
        raise Unsafe(f"{path} is not a directory")
    for each in (real, *real.parents):
        _checked(each, each.stat())
    return real


def _checked(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (0, os.geteuid()):
        raise Unsafe(f"{path} belongs to uid {status.st_uid}, neither to root nor to uid {os.geteuid()}; chown it")
    if not status.st_mode & 0o022:
        return
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and status.st_uid == 0:
        return
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return
    raise Unsafe(f"{path} can be written by others (mode {stat.S_IMODE(status.st_mode):04o}); chmod go-w it")
