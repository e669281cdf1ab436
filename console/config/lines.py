"""On which line of a TOML text each key stands.

tomllib answers with values only, and an error without a line sends the reader searching. This scanner reads
just enough of the grammar to follow keys: tables, arrays of tables, dotted and quoted keys, arrays and inline
tables. It trusts that tomllib has accepted the text; on a text that was refused it gives what it understood
until it lost its way, which is enough to say where a duplicate was first written.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from contextlib import suppress

import msgspec

Path = tuple[str | int, ...]
_BLANK = " \t\r"
_ENDS = ",]}#\n"  # what ends a number, boolean or date


class Twice(msgspec.Struct, frozen=True):
    """A key that was written two times."""

    path: Path
    first: int
    again: int


class Lines(msgspec.Struct, frozen=True):
    """Line (from 1) by path. List entries have their index in the path, and tables that only a dotted key
    or a deeper header implies stand on the line that implied them first.
    """

    by_path: dict[Path, int]
    twice: tuple[Twice, ...] = ()

    def of(self, path: Path) -> int | None:
        """The line of a key, or of the nearest thing around it that has one (a missing key has its
        table's).
        """
        while path:
            if path in self.by_path:
                return self.by_path[path]
            path = path[:-1]
        return None


def scan(text: str) -> Lines:
    """The lines of a TOML text. Never raises for a text tomllib accepts; stops early, silently, for one it
    refuses.
    """
    scanner = _Scanner(text)
    with suppress(_Lost, RecursionError):  # the text is no TOML, and tomllib has the better words for it
        scanner.document()
    return Lines(by_path=scanner.by_path, twice=tuple(scanner.twice))


class _Lost(Exception):
    """The text does not go on as TOML would."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.breaks = [index for index, character in enumerate(text) if character == "\n"]
        self.by_path: dict[Path, int] = {}
        self.twice: list[Twice] = []
        self.written: dict[Path, int] = {}  # explicitly, as opposed to implied by a longer key
        self.entries: dict[Path, int] = {}  # array of tables -> index of its last table

    def document(self) -> None:
        table: Path = ()
        while self.skip(newlines=True):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def header(self) -> Path:
        line = self.line()
        is_entry = self.text.startswith("[[", self.at)
        self.at += 2 if is_entry else 1
        path: Path = ()
        parts = self.key()
        self.expect("]]" if is_entry else "]")
        for part in parts[:-1]:
            path = (*path, part)
            self.by_path.setdefault(path, line)
            if path in self.entries:
                path = (*path, self.entries[path])
        path = (*path, parts[-1])
        if is_entry:
            self.by_path.setdefault(path, line)
            self.entries[path] = self.entries.get(path, -1) + 1
            path = (*path, self.entries[path])
        self.write(path, line)
        return path

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table
        parts = self.key()
        for part in parts[:-1]:
            path = (*path, part)
            self.by_path.setdefault(path, line)
        path = (*path, parts[-1])
        self.write(path, line)
        self.expect("=")
        self.value(path)

    def write(self, path: Path, line: int) -> None:
        if path in self.written:
            self.twice.append(Twice(path, self.written[path], line))
            return
        self.written[path] = line
        self.by_path[path] = line

    def key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self.skip()
            start = self.at
            if self.peek() in ('"', "'"):
                self.string()
                raw = self.text[start : self.at]
                try:
                    parts.append(next(iter(tomllib.loads(f"{raw} = 0"))))
                except tomllib.TOMLDecodeError as wrong:
                    raise _Lost from wrong
            else:
                while self.peek().isalnum() or self.peek() in ("_", "-"):
                    self.at += 1
                if self.at == start:
                    raise _Lost
                parts.append(self.text[start : self.at])
            self.skip()
            if self.peek() != ".":
                return parts
            self.at += 1

    def value(self, path: Path) -> None:
        self.skip()
        opening = self.peek()
        if opening in ('"', "'"):
            self.string()
        elif opening == "[":
            self.array(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            start = self.at
            while self.peek() and self.peek() not in _ENDS:
                self.at += 1
            if self.at == start:
                raise _Lost

    def array(self, path: Path) -> None:
        self.at += 1
        index = 0
        while True:
            self.need(newlines=True)
            if self.peek() == "]":
                self.at += 1
                return
            self.by_path.setdefault((*path, index), self.line())
            self.value((*path, index))
            index += 1
            self.need(newlines=True)
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise _Lost

    def inline_table(self, path: Path) -> None:
        self.at += 1
        while True:
            self.need()
            if self.peek() == "}":
                self.at += 1
                return
            self.pair(path)
            self.need()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "}":
                raise _Lost

    def string(self) -> None:
        quote = self.text[self.at]
        if self.text.startswith(quote * 3, self.at):
            self.at = self.closing(quote * 3, self.at + 3)
            for _ in range(2):  # up to two quotes may stand right before the closing three
                self.at += self.peek() == quote
        else:
            self.at = self.closing(quote, self.at + 1)

    def closing(self, mark: str, at: int) -> int:
        """Where the string ends; only basic strings, those in double quotes, know escapes."""
        while at < len(self.text):
            if mark[0] == '"' and self.text[at] == "\\":
                at += 2
            elif self.text.startswith(mark, at):
                return at + len(mark)
            else:
                at += 1
        raise _Lost

    def skip(self, newlines: bool = False) -> bool:
        """Past blanks (and comments and line ends); whether anything is left."""
        while character := self.peek():
            if character in _BLANK or (newlines and character == "\n"):
                self.at += 1
            elif character == "#" and newlines:
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return True
        return False

    def need(self, newlines: bool = False) -> None:
        if not self.skip(newlines):
            raise _Lost

    def expect(self, mark: str) -> None:
        self.skip()
        if not self.text.startswith(mark, self.at):
            raise _Lost
        self.at += len(mark)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def line(self) -> int:
        return bisect_right(self.breaks, self.at - 1) + 1
