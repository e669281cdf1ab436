"""The book on the disk: a file of records that only grows, and now and then is written anew as the state they add up to.

Whoever appends returns when the record is synced and in the book, not before; all who wait meanwhile share one sync. The book
changes only by what is on the disk, so that "heard already" is never said of something that a crash could still take away.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import msgspec

from console.bell.book import Book, Heard, Opened, Posted, Record, State, Telling
from console.chat.disk import Disk, SystemDisk
from console.config.paths import made

MOST_WAITING = 500  # records that wait for the disk
SHORTENED_AT = 4 * 1024 * 1024  # bytes of records behind the state
_LOG = logging.getLogger(__name__)
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(State | Heard | Opened | Telling | Posted)


class Busy(Exception):
    """Nothing was written: as much waits for the disk as may, or the book is full."""


class Journal:
    """One destination's. `run` it for appending to come to an end."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder = folder
        self.book = Book()
        self._path = folder / "journal"
        self._disk = disk if disk is not None else SystemDisk()
        self._waiting: list[tuple[Record, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._grown = 0
        self._is_torn = False
        self._is_new = True

    def open(self) -> None:
        """Read what is there. Blocks. Raises OSError."""
        made(self.folder)
        try:
            content = self._disk.read(self._path)
        except FileNotFoundError:
            return
        self._is_new = False
        *lines, last = content.split(b"\n")
        self._is_torn = bool(last)  # as a crash leaves it: nobody was told that it was written
        for line in lines:
            try:
                record = _DECODER.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                if line:
                    _LOG.warning("bell: %s: a record of %d bytes cannot be read and is passed over", self._path, len(line))
                continue
            if isinstance(record, State):
                self.book = Book(record)
            else:
                self._grown += len(line)
                self.book.apply(record)

    async def append(self, record: Record) -> None:
        """On the disk and in the book when it returns. Raises Busy and OSError: then it is in neither, or in both after the
        next start; whoever tries again does no harm by it.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Busy("too much waits for the disk")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, done))
        self._wake.set()
        await asyncio.shield(done)  # who gives up waiting takes nothing back

    async def run(self) -> None:
        """Until cancelled."""
        batch: list[tuple[Record, asyncio.Future[None]]] = []
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                batch, self._waiting = self._waiting, []
                if batch:
                    await self._written(batch)
                    batch = []
        finally:
            for _, done in (*batch, *self._waiting):
                if not done.done():
                    done.set_exception(Busy("the bell is being closed"))
                    done.exception()  # whoever waited may be gone

    async def _written(self, batch: list[tuple[Record, asyncio.Future[None]]]) -> None:
        content = b"".join(_ENCODER.encode(record) + b"\n" for record, _ in batch)
        try:
            await asyncio.to_thread(self._append, content)
        except OSError as error:
            self._is_torn = True
            for _, done in batch:
                done.set_exception(error)
                done.exception()
            return
        self._grown += len(content)
        for record, done in batch:
            try:
                self.book.apply(record)
            except Exception as fault:  # of ours; it must not leave everybody waiting who comes after
                _LOG.exception("bell: a record could not be put into the book")
                done.set_exception(fault)
                done.exception()
            else:
                done.set_result(None)
        if self._grown > SHORTENED_AT:
            state = _ENCODER.encode(self.book.state) + b"\n"
            try:
                await asyncio.to_thread(self._shorten, state)
            except OSError as error:
                _LOG.warning("bell: %s cannot be written anew: %s", self._path, error.strerror or error)
            else:
                self._grown, self._is_torn = 0, False

    def _append(self, content: bytes) -> None:
        self._disk.append(self._path, (b"\n" if self._is_torn else b"") + content)
        self._disk.sync(self._path)
        if self._is_new:
            self._disk.sync_folder(self.folder)
        self._is_torn = self._is_new = False

    def _shorten(self, state: bytes) -> None:
        fresh = self.folder / "journal.tmp"
        self._disk.write(fresh, state)
        self._disk.sync(fresh)
        self._disk.rename(fresh, self._path)
        self._disk.sync_folder(self.folder)
