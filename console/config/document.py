"""A TOML file that a person wrote: its text, its values, the line of each key, or every reason why it cannot be read.

Both files that people write for midwatch, the configuration and the policy, are read through here, so that both say what
is wrong in the same words, and both are as safe from what somebody else put in their place.
"""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import msgspec

from console.config.errors import ConfigError, Path, Problem, dotted
from console.config.lines import Lines, scan

MAX_BYTES = 1_000_000  # it is written by hand; more than this is another file


class Document(msgspec.Struct, frozen=True, dict=True):
    """One file as it was read."""

    path: FilePath
    content: bytes
    text: str
    raw: dict[str, Any]

    @cached_property
    def lines(self) -> Lines:
        """Where each key stands. Found at the first problem: a file in order starts the console without it."""
        return scan(self.text)

    def problem(self, key: Path, what: str, near: str | None = None) -> Problem:
        """Something wrong at a key, with the line on which it stands."""
        return Problem(str(self.path), self.lines.of(key), dotted(key), what, near)


def document(path: FilePath, noun: str = "configuration") -> Document:
    """Read and parse it. Raises ConfigError; `noun` is what the reader was promised to find there."""
    content = _content(path, noun)
    return parsed(path, content)


def parsed(path: FilePath, content: bytes) -> Document:
    """The same of bytes that were read already. Raises ConfigError."""
    text = _text(path, content)
    return Document(path, content, text, _raw(path, text))


def _content(path: FilePath, noun: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as wrong:
        raise ConfigError([Problem(str(path), None, "", f"cannot read it: {wrong.strerror or wrong}")]) from wrong
    return within_size(path, content, noun)


def within_size(path: FilePath, content: bytes, noun: str) -> bytes:
    """The content, if a person can have written that much. Raises ConfigError."""
    if len(content) > MAX_BYTES:
        raise ConfigError([Problem(str(path), None, "", f"is larger than {MAX_BYTES:,} bytes; is it a {noun}?")])
    return content


def _text(path: FilePath, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        what = f"is not UTF-8 (byte 0x{content[wrong.start]:02x})"
        raise ConfigError([Problem(str(path), line, "", what)]) from wrong


def _raw(path: FilePath, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as wrong:
        raise ConfigError([Problem(str(path), None, "", "is nested too deeply")]) from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise ConfigError(_syntax(str(path), text, str(wrong))) from wrong
    except ValueError as wrong:  # a number of more digits than Python converts
        raise ConfigError([Problem(str(path), None, "", f"holds a value that cannot be read: {wrong}")]) from wrong


def _syntax(file: str, text: str, message: str) -> list[Problem]:
    """tomllib's one complaint, with its line; a key written twice is named with the place of both."""
    what = re.sub(r" \(at .*\)$", "", message)
    found = re.search(r"\(at line (\d+), column \d+\)$", message)
    line = int(found[1]) if found else text.count("\n") + 1
    twice = [
        Problem(file, entry.again, dotted(entry.path), f"is a duplicate: it stands on line {entry.first} already")
        for entry in scan(text).twice
    ]
    is_duplicate = "overwrite" in what or "twice" in what or "mutate" in what
    if twice and is_duplicate:
        return twice
    return [Problem(file, line, "", f"no TOML: {what[:1].lower()}{what[1:]}")]
