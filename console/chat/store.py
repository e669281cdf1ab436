"""The queue of one destination: a directory with a file a letter, so that neither a dead process nor a full disk takes one
away.

A letter is written beside, synced, renamed to its name and the directory synced: then, and not before, it is posted. Delivered
means: the receipt is on the disk; only then is the letter taken away. Whoever dies in between leaves either the letter (it is
sent again, under the same id) or letter and receipt (it is taken away at the next start). The name carries order, kind and
attempts, so that counting an attempt is a rename and a crash in every attempt cannot make attempts endless.

Several processes may post to one queue; one delivers (`Hold`). Calls here block: they belong into a thread.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

import msgspec

from console.chat.disk import Disk, SystemDisk
from console.chat.ledger import Ledger
from console.chat.letter import ID, PICTURE_BYTES, Letter, LetterKind, Receipt, packed, unpacked
from console.config.paths import made

LETTERS = 1000
BYTES = 64 * 1024 * 1024
DEAD_LETTERS = 100
_FRESH = ".tmp"
_WHY = ".why"


class QueueFull(Exception):
    """Nothing was posted: as many letters wait as may."""


class Slot(msgspec.Struct, frozen=True, order=True):
    """A letter in the queue, by its file's name."""

    sequence: int
    kind: LetterKind
    attempts: int
    id: str
    size: int = 0

    @property
    def name(self) -> str:
        return f"{self.sequence:020d}.{self.kind.value}.{self.attempts:03d}.{self.id}"

    @classmethod
    def of(cls, name: str, size: int) -> Slot | None:
        """None for what is no letter."""
        parts = name.split(".")
        if len(parts) != 4 or not (parts[0].isdecimal() and parts[2].isdecimal() and ID.fullmatch(parts[3])):
            return None
        if parts[1] not in (LetterKind.TEXT.value, LetterKind.PICTURE.value):
            return None
        return cls(int(parts[0]), LetterKind(parts[1]), int(parts[2]), parts[3], size)


class Store:
    """One directory. Safe to call from several threads."""

    def __init__(self, folder: Path, disk: Disk | None = None, *, letters: int = LETTERS, size: int = BYTES) -> None:
        self.folder = folder
        self.dead_folder = folder / "dead"
        self.evicted = 0  # pictures that made room for text
        self._disk = disk if disk is not None else SystemDisk()
        self._letters = letters
        self._size = size
        self._ledger = Ledger(folder, self._disk)
        self._lock = threading.Lock()

    def make(self) -> None:
        """The directories, private. Raises OSError."""
        made(self.folder)
        made(self.dead_folder)

    def recover(self) -> None:
        """After a start, by the one who delivers: what a crash left half done is finished. Nothing is lost by it."""
        with self._lock:
            self._ledger.read()
            for name, _ in self._disk.names(self.folder):
                slot = Slot.of(name, 0)
                is_over = slot is not None and self._ledger.has(slot.id)
                if is_over or (name.endswith(_FRESH) and self._is_abandoned(name)):
                    self._disk.unlink(self.folder / name)
            self._disk.sync_folder(self.folder)

    def put(self, letter: Letter, picture: bytes = b"") -> bool:
        """On the disk when it returns True; False when a letter of this id waits or has arrived already.

        Raises QueueFull and OSError: then it was not posted.
        """
        if len(picture) > PICTURE_BYTES:
            raise QueueFull(f"a picture of {len(picture)} bytes: at most {PICTURE_BYTES} are taken")
        content = packed(letter, picture)
        with self._lock:
            self._ledger.read()
            waiting = self._waiting()
            if self._ledger.has(letter.id) or any(slot.id == letter.id for slot in waiting):
                return False
            self._make_room(waiting, letter, len(content))
            sequence = max(time.time_ns(), waiting[-1].sequence + 1 if waiting else 0)
            name = Slot(sequence, letter.kind, 0, letter.id).name
            fresh = self.folder / f"{name}.{os.getpid()}{_FRESH}"
            self._disk.write(fresh, content)
            self._disk.sync(fresh)
            self._disk.rename(fresh, self.folder / name)
            self._disk.sync_folder(self.folder)
            return True

    def waiting(self) -> list[Slot]:
        """All letters, the oldest first."""
        with self._lock:
            return self._waiting()

    def read(self, slot: Slot) -> tuple[Letter, bytes]:
        """A letter and its picture. Raises FileNotFoundError, and ValueError for a file that is none."""
        return unpacked(self._disk.read(self.folder / slot.name))

    def trying(self, slot: Slot) -> Slot:
        """Counts an attempt, before it is made."""
        again = msgspec.structs.replace(slot, attempts=slot.attempts + 1)
        with self._lock:
            self._disk.rename(self.folder / slot.name, self.folder / again.name)
            self._disk.sync_folder(self.folder)
        return again

    def done(self, slot: Slot, receipt: Receipt) -> None:
        """It arrived. From here on it is never sent again."""
        with self._lock:
            self._ledger.add(receipt)
            self._disk.unlink(self.folder / slot.name)
            self._disk.sync_folder(self.folder)

    def drop(self, slot: Slot) -> None:
        """A second copy of what has arrived."""
        with self._lock:
            self._disk.unlink(self.folder / slot.name)
            self._disk.sync_folder(self.folder)

    def is_dead(self, id: str) -> bool:
        """Whether a letter of this id was given up."""
        with self._lock:
            return any(slot.id == id for slot in self._dead())

    def give_up(self, slot: Slot, why: str) -> None:
        """To the dead letters, with the reason beside it; the oldest of them make room."""
        with self._lock:
            self._disk.write(self.dead_folder / f"{slot.name}{_WHY}", why.encode("utf-8", "replace") + b"\n")
            self._disk.sync(self.dead_folder / f"{slot.name}{_WHY}")
            self._disk.rename(self.folder / slot.name, self.dead_folder / slot.name)
            self._disk.sync_folder(self.dead_folder)
            self._disk.sync_folder(self.folder)
            for old in self._dead()[:-DEAD_LETTERS]:
                self._disk.unlink(self.dead_folder / f"{old.name}{_WHY}")
                self._disk.unlink(self.dead_folder / old.name)

    def dead(self) -> list[tuple[Slot, str]]:
        """The letters that were given up, and why."""
        with self._lock:
            return [(slot, self._why(slot)) for slot in self._dead()]

    def receipt(self, id: str) -> Receipt | None:
        """Of a letter that arrived."""
        with self._lock:
            self._ledger.read()
            return self._ledger.of(id)

    def opener(self, thread: str) -> Receipt | None:
        """Of the first letter of a thread that arrived."""
        with self._lock:
            return self._ledger.opener(thread) if thread else None

    def _waiting(self) -> list[Slot]:
        found = (Slot.of(name, size) for name, size in self._disk.names(self.folder))
        return sorted(slot for slot in found if slot is not None)

    def _dead(self) -> list[Slot]:
        found = (Slot.of(name, size) for name, size in self._disk.names(self.dead_folder))
        return sorted(slot for slot in found if slot is not None)

    def _why(self, slot: Slot) -> str:
        try:
            return self._disk.read(self.dead_folder / f"{slot.name}{_WHY}").decode("utf-8", "replace").strip()
        except FileNotFoundError:
            return ""

    def _make_room(self, waiting: list[Slot], letter: Letter, size: int) -> None:
        held = sum(slot.size for slot in waiting)
        count = len(waiting)
        if count < self._letters and held + size <= self._size:
            return
        for slot in waiting if letter.kind is LetterKind.TEXT else ():
            if slot.kind is LetterKind.PICTURE:
                self._disk.unlink(self.folder / slot.name)
                self.evicted += 1
                held, count = held - slot.size, count - 1
                if count < self._letters and held + size <= self._size:
                    return
        raise QueueFull(
            f"{count} letters of {held} bytes wait for {self.folder.name}: at most {self._letters} of {self._size} bytes may; "
            "midwatch's log says why none leaves"
        )

    def _is_abandoned(self, name: str) -> bool:
        """Half a letter whose writer is gone: nobody of this process writes while the lock is held."""
        pid = name.removesuffix(_FRESH).rpartition(".")[2]
        if not pid.isdecimal() or int(pid) == os.getpid():
            return True
        return Path("/proc/self").exists() and not Path(f"/proc/{pid}").exists()


class Hold:
    """The right to deliver from a queue, had by one process at a time; the kernel takes it from the dead."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._descriptor: int | None = None

    def take(self) -> bool:
        """True when it is ours. Raises OSError."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give it to whoever waits."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
