"""The few calls by which a queue touches the disk: the seam at which tests let a machine die between any two of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Nothing is promised before `sync` (a file's content) and `sync_folder` (the names in it) have returned."""

    def write(self, path: Path, content: bytes, /) -> None: ...

    def append(self, path: Path, content: bytes, /) -> None: ...

    def sync(self, path: Path, /) -> None: ...

    def sync_folder(self, path: Path, /) -> None: ...

    def rename(self, path: Path, to: Path, /) -> None: ...

    def unlink(self, path: Path, /) -> None: ...

    def read(self, path: Path, /) -> bytes: ...

    def names(self, folder: Path, /) -> list[tuple[str, int]]:
        """Files and their sizes."""
        ...


class SystemDisk:
    """The kernel's. Files are readable by their owner alone."""

    def write(self, path: Path, content: bytes) -> None:
        self._put(path, content, os.O_TRUNC)

    def append(self, path: Path, content: bytes) -> None:
        self._put(path, content, os.O_APPEND)

    def _put(self, path: Path, content: bytes, flag: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | flag, 0o600)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    def sync(self, path: Path) -> None:
        self._sync(path, os.O_RDONLY)

    def sync_folder(self, path: Path) -> None:
        self._sync(path, os.O_RDONLY | os.O_DIRECTORY)

    def _sync(self, path: Path, flags: int) -> None:
        descriptor = os.open(path, flags | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, path: Path, to: Path) -> None:
        os.rename(path, to)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def names(self, folder: Path) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_file(follow_symlinks=False):
                        found.append((entry.name, entry.stat(follow_symlinks=False).st_size))
                except FileNotFoundError:
                    continue  # delivered by another process meanwhile
        return found
