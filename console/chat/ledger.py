"""What has arrived: an append-only list of receipts beside a queue. A torn last line, as a crash leaves it, counts for
nothing.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from console.chat.disk import Disk
from console.chat.letter import Receipt

KEPT = 1000  # receipts; a letter older than that many others is not recognised any more
_DECODER = msgspec.json.Decoder(Receipt)


class Ledger:
    """Written by the one who delivers; read by everybody."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._path = folder / "receipts"
        self._disk = disk
        self._receipts: dict[str, Receipt] = {}
        self._threads: dict[str, Receipt] = {}
        self._lines = 0
        self._is_torn = False

    def read(self) -> None:
        """What stands on the disk now."""
        try:
            content = self._disk.read(self._path)
        except FileNotFoundError:
            content = b""
        lines = content.split(b"\n")
        self._is_torn = bool(lines[-1])
        self._receipts, self._threads, self._lines = {}, {}, len(lines) - 1
        for line in lines[:-1]:
            try:
                self._remember(_DECODER.decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue  # half a line that a later one was appended to

    def has(self, id: str) -> bool:
        return id in self._receipts

    def of(self, id: str) -> Receipt | None:
        """The receipt of one letter."""
        return self._receipts.get(id)

    def opener(self, thread: str) -> Receipt | None:
        """The receipt of the first letter of a thread."""
        return self._threads.get(thread)

    def add(self, receipt: Receipt) -> None:
        """On the disk when it returns."""
        if self._lines >= 2 * KEPT:
            self._rewrite()
        line = (b"\n" if self._is_torn else b"") + msgspec.json.encode(receipt) + b"\n"
        self._disk.append(self._path, line)
        self._disk.sync(self._path)
        if self._lines == 0:
            self._disk.sync_folder(self._folder)
        self._is_torn = False
        self._lines += 1
        self._remember(receipt)

    def _remember(self, receipt: Receipt) -> None:
        self._receipts.setdefault(receipt.id, receipt)
        if receipt.thread:
            self._threads.setdefault(receipt.thread, receipt)

    def _rewrite(self) -> None:
        openers = {receipt.id for receipt in list(self._threads.values())[-KEPT // 2 :]}
        newest = set(list(self._receipts)[-KEPT:])
        kept = [receipt for id, receipt in self._receipts.items() if id in newest or id in openers]
        fresh = self._folder / "receipts.tmp"
        self._disk.write(fresh, b"".join(msgspec.json.encode(receipt) + b"\n" for receipt in kept))
        self._disk.sync(fresh)
        self._disk.rename(fresh, self._path)
        self._disk.sync_folder(self._folder)
        self.read()
