"""The words between rows and widgets: a cell's text and tone, a column's head.

Rows decide what a cell says and what it means; a widget decides how a tone looks. Neither knows the other.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from console.model.severity import Severity


class Tone(StrEnum):
    """What a piece of text means; a theme gives it a colour, `NO_COLOR` a weight."""

    NORMAL = "normal"
    DIM = "dim"
    STRONG = "strong"
    OK = "ok"
    WARN = "warn"
    CRIT = "crit"
    UNKNOWN = "unknown"
    ACCENT = "accent"

    @classmethod
    def of(cls, severity: Severity) -> Tone:
        """The tone of a verdict; OK is NORMAL, because a healthy row must not shout."""
        return _TONE[severity]


_TONE = {
    Severity.OK: Tone.NORMAL,
    Severity.UNKNOWN: Tone.UNKNOWN,
    Severity.WARN: Tone.WARN,
    Severity.CRIT: Tone.CRIT,
}


class Cell(msgspec.Struct, frozen=True):
    """What one cell shows, and by what it sorts (None sorts last in both directions)."""

    text: str
    tone: Tone = Tone.NORMAL
    sort: float | str | None = None


NOTHING = Cell(text="–", tone=Tone.DIM)  # a column whose source does not exist or is not configured

R = TypeVar("R")


class Column(msgspec.Struct, Generic[R], frozen=True):
    """One column: its head, its width in cells, which rows lose it first, and how a row fills it."""

    key: str
    title: str
    cell: Callable[[R], Cell]
    help: str = ""  # what it shows, its unit, and what source fills it
    width: int = 8  # least width
    grow: int = 0  # share of the spare width
    priority: int = 5  # 0 is never dropped; higher ones go first when the pane is narrow
    is_right: bool = False  # aligned right (numbers)
    keeps_end: bool = False  # too long, it is cut before its last letters: names of pods differ only there


class RowLike(Protocol):
    """What a table needs to know of a row: who it is, and how bad."""

    @property
    def key(self) -> str: ...

    @property
    def severity(self) -> Severity: ...


AnyColumn = Column[Any]
