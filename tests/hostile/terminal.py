"""A terminal that accepts our own sequences and nothing else.

It knows nothing of the two gates: which characters must not arrive is written down here a second time, from Unicode's
tables, so that a hole in a gate's table is no hole here.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import get_character_cell_size

MOST_MARKS = 3  # combining marks on one cell
MODES = "25|7|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048"
# What Textual 8 and the link write on a screen of its own; whatever they write beyond that must be looked at before it is added.
_OURS = re.compile(
    r"(?P<style>\x1b\[[0-9;]*m)"
    r"|\x1b\[(?P<row>\d*)(?:;(?P<column>\d+))?H"
    r"|\x1b\[(?P<steps>\d*)(?P<way>[ABCD])"
    r"|(?P<erased>\x1b\[(?:\d*X|K|2J))"
    rf"|(?P<mode>\x1b\[\?(?:{MODES})[hl])"
    r"|(?P<query>\x1b\[\?(?:2026|2048)\$p)"
    r"|(?P<kitty>\x1b\[(?:>\d+|<)u)"
    r"|(?P<pointer>\x1b\]22;[a-z-]+\x07)"
    r"|\x1b\]52;c;(?P<copied>[A-Za-z0-9+/]*=*)\x07"
    r"|(?P<line>\r*\n)"
    r"|(?P<back>[\r\b])"
    r"|(?P<bell>\x07)"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)
_NEVER = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_INVISIBLE = frozenset(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0xFFFE, 0xFFFF),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0000, 0xE1000),
    )
)


class Foreign(AssertionError):
    """Something reached the terminal that is not ours."""


def offence(text: str) -> str:
    """What of a text may not be shown, in words; "" when all of it may."""
    marks = 0
    for place, character in enumerate(text):
        if unicodedata.category(character) in _NEVER or ord(character) in _INVISIBLE:
            return f"U+{ord(character):04X} at {place} in {text[max(0, place - 30) : place + 30]!r}"
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > MOST_MARKS:
            return f"{marks} combining marks at {place} in {text[max(0, place - 30) : place + 30]!r}"
    return ""


class Terminal:
    """Reads everything that is written. `copied` is what was put into the clipboard, as it stands on the wire; `bells`
    are Textual's own answer to a prompt that is full, and nobody else's."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.copied: list[str] = []
        self.bells = 0
        self.characters = 0
        self.moves = 0
        self._row = self._column = 1

    def feed(self, written: str | bytes) -> None:
        """Everything or a part that does not end within a sequence. Raises Foreign with what was found."""
        data = written.decode("utf-8") if isinstance(written, bytes) else written
        data.encode("utf-8")  # a lone surrogate would end the thread that writes
        place = 0
        while place < len(data):
            found = _OURS.match(data, place)
            if found is None:
                raise Foreign(f"not a sequence of ours: {data[place : place + 60].encode()!r} after {data[max(0, place - 60) : place]!r}")
            if found["text"] is not None:
                self._print(found["text"])
            elif found["row"] is not None:
                self._move(int(found["row"] or 1), int(found["column"] or 1), found[0])
            elif found["way"] is not None:
                across, down = {"A": (0, -1), "B": (0, 1), "C": (1, 0), "D": (-1, 0)}[found["way"]]
                steps = int(found["steps"] or 1)
                self._move(self._row + down * steps, min(self._column, self.width) + across * steps, found[0])
            elif found["back"] is not None:
                self._column = 1 if found["back"] == "\r" else self._column - 1
            elif found["copied"] is not None:
                self.copied.append(found["copied"])
            elif found["bell"] is not None:
                self.bells += 1
            elif found["line"] is not None:
                self._row, self._column = self._row + 1, 1
            place = found.end()

    def _move(self, row: int, column: int, told: str) -> None:
        self._row, self._column = row, column
        self.moves += 1
        if not (1 <= row <= self.height and 1 <= column <= self.width):
            raise Foreign(f"the cursor leaves the screen: {told!r}")

    def _print(self, text: str) -> None:
        wrong = offence(text)
        if wrong:
            raise Foreign(wrong)
        if self._column == 1 and unicodedata.category(text[0]) in ("Mn", "Me"):
            raise Foreign(f"a combining mark with no base: {text[:20]!r}")
        self._column += sum(map(get_character_cell_size, text))
        if self._column > self.width + 1:
            raise Foreign(f"line {self._row} is {self._column - 1} cells wide, the screen {self.width}: {text[-60:]!r}")
        self.characters += len(text)
