"""A disk in memory that keeps what a real one promises and no more, and a machine that dies at any of its calls.

What was not synced may be there or not: of the renames, creations and removals since the last sync any beginning has happened
(a journal keeps their order), and of content any beginning.
"""

from __future__ import annotations

import random
from pathlib import Path


class Died(BaseException):
    """The machine stopped here. No handler of errors may see it."""


class DyingDisk:
    """Dies instead of the call number `dies_at`; `survivor` is what the next start finds."""

    def __init__(self, dies_at: int | None = None, rng: random.Random | None = None) -> None:
        self.calls = 0
        self._dies_at = dies_at
        self._rng = rng or random.Random(0)
        self._content: dict[int, bytearray] = {}
        self._synced: dict[int, bytes] = {}
        self._names: dict[Path, int] = {}
        self._kept: dict[Path, int] = {}  # what is known to be on the disk
        self._journal: list[tuple[Path, int | None, Path | None]] = []  # (name, its file or None, the name it had)

    def _step(self) -> None:
        self.calls += 1
        if self._dies_at is not None and self.calls >= self._dies_at:
            raise Died

    def survivor(self) -> DyingDisk:
        found = DyingDisk(None, self._rng)
        names = dict(self._kept)
        for operation in self._journal[: self._rng.randint(0, len(self._journal))]:
            _apply(names, operation)
        for path, file in names.items():
            now, synced = bytes(self._content[file]), self._synced.get(file, b"")
            if now.startswith(synced):
                kept = now[: self._rng.randint(len(synced), len(now))]
            else:  # written over: a beginning of the one or the other
                kept = self._rng.choice((synced, now[: self._rng.randint(0, len(now))]))
            found._content[file] = bytearray(kept)
            found._synced[file] = kept
            found._names[path] = found._kept[path] = file
        return found

    def write(self, path: Path, content: bytes) -> None:
        self._open(path)[:] = b""
        self._content[self._names[path]] += content
        self._step()

    def append(self, path: Path, content: bytes) -> None:
        self._open(path).extend(content)
        self._step()

    def _open(self, path: Path) -> bytearray:
        if path not in self._names:
            file = max(self._content, default=0) + 1
            self._content[file] = bytearray()
            self._note((path, file, None))
        return self._content[self._names[path]]

    def sync(self, path: Path) -> None:
        self._step()
        file = self._names[path]
        self._synced[file] = bytes(self._content[file])

    def sync_folder(self, path: Path) -> None:
        self._step()
        last = max((at for at, (name, _, old) in enumerate(self._journal) if path in (name.parent, old and old.parent)), default=-1)
        for operation in self._journal[: last + 1]:
            _apply(self._kept, operation)
        del self._journal[: last + 1]

    def rename(self, path: Path, to: Path) -> None:
        self._step()
        if path not in self._names:
            raise FileNotFoundError(path)
        self._note((to, self._names[path], path))

    def unlink(self, path: Path) -> None:
        self._step()
        if path in self._names:
            self._note((path, None, None))

    def read(self, path: Path) -> bytes:
        if path not in self._names:
            raise FileNotFoundError(path)
        return bytes(self._content[self._names[path]])

    def names(self, folder: Path) -> list[tuple[str, int]]:
        return [(path.name, len(self._content[file])) for path, file in self._names.items() if path.parent == folder]

    def _note(self, operation: tuple[Path, int | None, Path | None]) -> None:
        self._journal.append(operation)
        _apply(self._names, operation)


def _apply(names: dict[Path, int], operation: tuple[Path, int | None, Path | None]) -> None:
    name, file, old = operation
    if old is not None:
        names.pop(old, None)
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file
