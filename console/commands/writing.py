"""`-o FILE`: the whole of it or nothing, so that who reads the file, a web server, a wall, never finds half a picture."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from console.commands.flags import UsageError


def write(path: Path | None, content: bytes) -> None:
    """To `path`, else to stdout. A file is written beside, then put in place of what was there, with its mode. A device or a
    pipe is written to as it is; of a link, what it points to is replaced. Raises UsageError.
    """
    if path is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        target = Path(os.path.realpath(path))
        mode = None
        try:
            there = target.stat()
        except FileNotFoundError:
            pass
        else:
            if not stat.S_ISREG(there.st_mode):
                target.write_bytes(content)
                return
            mode = stat.S_IMODE(there.st_mode)
        fresh = target.with_name(f".{target.name[:200]}.{os.getpid()}.tmp")
        try:
            fresh.write_bytes(content)
            if mode is not None:
                fresh.chmod(mode)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as wrong:
        raise UsageError(f"cannot write {path}: {wrong.strerror or wrong}") from wrong
