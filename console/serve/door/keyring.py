"""The files of keys, read again when they change, and the last good of each kept while a new one is broken.

Whoever breaks a file takes no right away and gives none: its last good content stands, and a mark on the screens says so. A
file that is gone is not broken, it takes its person away. Everything is read in a thread; at a login nothing is read that
did not change.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from console.config.serve import Serve
from console.model.instant import Clock
from console.serve.door import keyline, modes, revoked
from console.serve.door.keyline import KeyLine, Refusing
from console.serve.door.krl import Revoked
from console.serve.door.trust import NAME, NOBODY, Trust

MAX_PEOPLE = 5000
MAX_FILE = 256 * 1024  # bytes, of one person's keys
MAX_LIST = 16 * 1024 * 1024  # bytes, of authorities or of what is revoked
EVERY_S = 2.0
LOGIN_S = 1.0  # what was looked at this long ago is looked at again before somebody is let in

log = logging.getLogger(__name__)
_Stamp = tuple[tuple[str, int, int, int, int, int], ...]


class Places(msgspec.Struct, frozen=True):
    """Where the files are; None where the configuration names none."""

    authorized_keys: Path | None = None
    ca_keys: Path | None = None
    revoked_keys: Path | None = None

    @classmethod
    def of(cls, settings: Serve) -> Places:
        """Those of a configuration."""
        files = (settings.authorized_keys, settings.ca_keys, settings.revoked_keys)
        return cls(*(Path(each) if each is not None else None for each in files))


class Keyring:
    """What the files say. `trust` is there after the first `read`; used from one loop."""

    def __init__(self, places: Places, clock: Clock) -> None:
        self.trust: Trust = NOBODY
        self.mark = ""  # one line for the screens; empty while every file is good
        self.problems: tuple[str, ...] = ()  # all that is wrong, lines that let nobody in among it
        self.is_revocation_unread = False  # the file has not been read whole even once: nobody may be let in
        self.changed: Callable[[], None] = lambda: None  # called in the loop after `trust` or `mark` is another
        self._places = places
        self._clock = clock
        self._seen: _Stamp | None = None
        self._last_revoked: Revoked | None = None
        self._looked_at = float("-inf")
        self._looks = 0
        self._turn = asyncio.Lock()

    async def fresh(self) -> Trust:
        """What stands in the files, at most LOGIN_S old."""
        if self._clock.now().mono - self._looked_at >= LOGIN_S:
            await self.read()
        return self.trust

    async def read(self) -> None:
        """Look, and read what changed. Never raises for what it finds: see `mark` and `problems`."""
        looks = self._looks
        async with self._turn:
            if self._looks > looks + 1:  # somebody else has begun to look, and ended, while this one waited
                return
            self._looked_at = self._clock.now().mono
            found = await asyncio.to_thread(self._read)
            self._looks += 1
            if found is None:
                return
            self._seen, self.trust, broken, told = found
            self.is_revocation_unread = self.trust is NOBODY
            more = f" (and {len(broken) - 1} more: see the log)" if len(broken) > 1 else ""
            self.mark = f"keys refused, the last good ones kept: {broken[0]}{more}" if broken else ""
            self.problems = (*broken, *told)
            for each in self.problems:
                log.warning("keys: %s", each)
            self.changed()

    async def watch(self) -> None:
        """Until cancelled: what was taken away is noticed without anybody logging in."""
        while True:
            await self._clock.sleep(EVERY_S)
            try:
                await self.read()
            except Exception:
                log.exception("the files of keys could not be looked at")

    def _read(self) -> tuple[_Stamp, Trust, list[str], list[str]] | None:
        stamp = self._stamp()
        if stamp == self._seen:
            return None
        broken: list[str] = []
        told: list[str] = []
        revoked = self._revoked(broken)
        people, authorities = self._people(broken, told), self._authorities(broken, told)
        # Without ever having known what is revoked nobody can be let in.
        trust = Trust(people, authorities, revoked) if revoked is not None else NOBODY
        return stamp, trust, broken, told

    def _stamp(self) -> _Stamp:
        places = [each for each in (self._places.ca_keys, self._places.revoked_keys) if each is not None]
        directory = self._places.authorized_keys
        if directory is not None:
            places.append(directory)
            with suppress(OSError):  # its own stamp tells that it changed, and reading it what is wrong
                places += [directory / name for name in sorted(os.listdir(directory))[: MAX_PEOPLE * 2]]
        found = []
        for path in places:
            try:
                status = path.stat()
            except OSError as wrong:
                found.append((str(path), wrong.errno or -1, 0, 0, 0, 0))
                continue
            identity = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
            found.append((str(path), status.st_mode, *identity))
        return tuple(found)

    def _people(self, broken: list[str], told: list[str]) -> dict[str, tuple[KeyLine, ...]]:
        directory = self._places.authorized_keys
        if directory is None:
            return {}
        before = dict(self.trust.people)
        try:
            modes.safe_directory(directory)
            names = sorted(name for name in os.listdir(directory) if not name.startswith("."))
        except OSError as wrong:
            broken.append(f"cannot use {directory}: {wrong.strerror or wrong}")
            return before
        if len(names) > MAX_PEOPLE:
            broken.append(f"{directory} holds {len(names)} files; at most {MAX_PEOPLE} people have keys here")
            return before
        people: dict[str, tuple[KeyLine, ...]] = {}
        for name in names:
            path = directory / name
            if not NAME.fullmatch(name):
                told.append(f"{path}: is not the name of a person; letters, digits and ._@+- only")
                continue
            if path.is_dir():
                continue
            try:
                people[name] = _lines(path, told)
            except FileNotFoundError:
                continue  # between the list and the look
            except OSError as wrong:
                broken.append(f"cannot use {path}: {wrong.strerror or wrong}")
                if name in before:
                    people[name] = before[name]
        return people

    def _authorities(self, broken: list[str], told: list[str]) -> frozenset[bytes]:
        path = self._places.ca_keys
        if path is None:
            return frozenset()
        try:
            text = _text(path, MAX_LIST)
        except OSError as wrong:
            broken.append(f"cannot use {path}: {wrong.strerror or wrong}")
            return self.trust.authorities
        found = set()
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                try:
                    found.add(keyline.public_key(line.strip()))
                except Refusing as wrong:
                    told.append(f"{path}:{number}: {wrong}; it is believed in nothing")
        return frozenset(found)

    def _revoked(self, broken: list[str]) -> Revoked | None:
        path = self._places.revoked_keys
        if path is None:
            return Revoked.nothing()
        try:
            self._last_revoked = revoked.read(modes.content(path, MAX_LIST))
        except Refusing as wrong:
            broken.append(f"{path}: {wrong}")
        except OSError as wrong:
            broken.append(f"cannot use {path}: {wrong.strerror or wrong}")
        return self._last_revoked


def _lines(path: Path, told: list[str]) -> tuple[KeyLine, ...]:
    """Raises OSError."""
    found = []
    for number, line in enumerate(_text(path, MAX_FILE).splitlines(), 1):
        try:
            read = keyline.read(line, number)
        except Refusing as wrong:
            told.append(f"{path}:{number}: {wrong}")
            continue
        if read is not None:
            found.append(read)
    return tuple(found)


def _text(path: Path, most: int) -> str:
    try:
        return modes.content(path, most).decode()
    except UnicodeDecodeError as wrong:
        raise modes.Unsafe(f"{path} is no text in UTF-8") from wrong
