"""A terminal to hold the Link against: knows nothing of it, and is as unhelpful as the standards allow.

Overwriting half of a wide character leaves dirt in its other half, erasing paints with the pen's background or not, line feeds
may come with a carriage return of the driver's, DECAWM may be ignored, the sequences not listed here are errors.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

DIRT = "dirt"
RIGHT = "right half"
_SEQUENCE = re.compile(r"\x1b\[([?]?)([\d;]*)([A-Za-z])")
_ON = {
    1: "bold", 2: "dim", 3: "italic", 4: "underline", 5: "blink", 6: "blink2", 7: "reverse", 8: "conceal", 9: "strike",
    21: "underline2", 51: "frame", 52: "encircle", 53: "overline",
}  # fmt: skip
_OFF = {
    22: {"bold", "dim"}, 23: {"italic"}, 24: {"underline", "underline2"}, 25: {"blink", "blink2"}, 27: {"reverse"},
    28: {"conceal"}, 29: {"strike"}, 54: {"frame", "encircle"}, 55: {"overline"},
}  # fmt: skip
SEEN_ON_BLANK = {"underline", "underline2", "reverse", "strike", "overline", "frame", "encircle"}


class Style(NamedTuple):
    foreground: str = ""
    background: str = ""
    attributes: frozenset[str] = frozenset()


PLAIN = Style()


class Seen(NamedTuple):
    """A cell as an eye tells it from another."""

    shown: str
    style: Style


def seen(shown: str, style: Style) -> Seen:
    if shown == " " and not style.attributes & SEEN_ON_BLANK:
        style = Style(background=style.background)
    return Seen(shown, style)


def common_width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


class Terminal:
    """`onlcr`: its driver makes CR LF of LF. `obeys_decawm`: ?7l is heard. `joins_left`: a mark joins the cell left of the
    cursor, whatever was printed last: without autowrap, not the one in the last column.
    """

    def __init__(
        self,
        width: int,
        height: int,
        *,
        bce: bool = False,
        onlcr: bool = False,
        obeys_decawm: bool = True,
        joins_left: bool = False,
        width_of: Callable[[str], int] = common_width,
    ) -> None:
        self.bce = bce
        self.onlcr = onlcr
        self.obeys_decawm = obeys_decawm
        self.joins_left = joins_left
        self.width_of = width_of
        self.has_scrolled = 0
        self.synchronized = 0
        self.style = PLAIN
        self.wraps = True
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Another size; what a terminal makes of the old lines is nobody's business: dirt."""
        self.width = width
        self.height = height
        self.x = self.y = 0
        self.waits = False
        self.cells: list[list[tuple[str, Style]]] = [[(DIRT, PLAIN)] * width for _ in range(height)]

    def seen(self) -> list[list[Seen]]:
        return [[seen(shown, style) for shown, style in line] for line in self.cells]

    # -- what it is told -----------------------------------------------------------------------------------------------
    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            char = text[at]
            if char == "\x1b":
                found = _SEQUENCE.match(text, at)
                assert found is not None, f"not a sequence that terminals have in common: {text[at : at + 12]!r}"
                self._sequence(*found.groups())
                at = found.end()
                continue
            at += 1
            if char == "\r":
                self._go(0, self.y)
            elif char == "\b":
                self._go(self.x - 1, self.y)
            elif char == "\n":
                self._feed_line()
            else:
                assert unicodedata.category(char) not in ("Cc", "Cs"), f"{char!r} is not for a terminal"
                self._print(char)

    def _feed_line(self) -> None:
        x = 0 if self.onlcr else self.x
        if self.y == self.height - 1:
            self.has_scrolled += 1
            self.cells = [*self.cells[1:], [(" ", self._erased())] * self.width]
        self._go(x, min(self.y + 1, self.height - 1))

    def _sequence(self, private: str, parameters: str, final: str) -> None:
        numbers = [int(each) if each else 0 for each in parameters.split(";")]
        first = numbers[0]
        count = max(first, 1)
        if private:
            assert (first, final) in ((7, "l"), (7, "h"), (2026, "l"), (2026, "h")), (first, final)
            if first == 2026:
                self.synchronized += 1 if final == "h" else -1
                assert self.synchronized in (0, 1)
            elif self.obeys_decawm:
                self.wraps = final == "h"
        elif final == "m":
            self._pen(numbers)
        elif final == "H":
            self._go(max(numbers[1] if len(numbers) > 1 else 1, 1) - 1, count - 1)
        elif final in "ABCD":
            across, down = {"A": (0, -1), "B": (0, 1), "C": (1, 0), "D": (-1, 0)}[final]
            self._go(self.x + across * count, self.y + down * count)
        elif final == "J":
            assert first == 2
            self.cells = [[(" ", self._erased())] * self.width for _ in range(self.height)]
        elif final == "K":
            assert first == 0
            self._erase(self.width - self.x)
            if self.waits:  # what it does then differs from terminal to terminal
                self._set(self.x, DIRT, PLAIN)
        elif final == "X":
            self._erase(min(count, self.width - self.x))
        else:
            raise AssertionError(f"CSI {parameters} {final} is not known to all terminals")

    def _pen(self, numbers: list[int]) -> None:
        foreground, background, attributes = self.style
        queue = list(numbers)
        while queue:
            code = queue.pop(0)
            if code == 0:
                foreground, background, attributes = PLAIN
            elif code in _ON:
                attributes |= {_ON[code]}
            elif code in _OFF:
                attributes -= _OFF[code]
            elif code in (38, 48):
                rest = [queue.pop(0) for _ in range(2 if queue[0] == 5 else 4)]
                colour = ";".join(map(str, [code, *rest]))
                foreground, background = (colour, background) if code == 38 else (foreground, colour)
            elif code in (39, 49):
                foreground, background = ("", background) if code == 39 else (foreground, "")
            elif 30 <= code <= 37 or 90 <= code <= 97:
                foreground = str(code)
            elif 40 <= code <= 47 or 100 <= code <= 107:
                background = str(code)
            else:
                raise AssertionError(f"SGR {code}")
        self.style = Style(foreground, background, frozenset(attributes))

    # -- what it does --------------------------------------------------------------------------------------------------
    def _go(self, x: int, y: int) -> None:
        self.x = min(max(x, 0), self.width - 1)
        self.y = min(max(y, 0), self.height - 1)
        self.waits = False

    def _erased(self) -> Style:
        return Style(background=self.style.background) if self.bce else PLAIN

    def _erase(self, count: int) -> None:
        for x in range(self.x, self.x + count):
            self._set(x, " ", self._erased())

    def _print(self, char: str) -> None:
        cells = self.width_of(char)
        if cells == 0:
            self._join(char)
            return
        if self.waits and self.wraps:
            self._go(0, self.y)
            self._wrap()
        cells = min(cells, self.width)
        if self.x + cells > self.width:
            if self.wraps:
                self._wrap()
            else:
                self.x, cells = self.width - 1, 1  # no room: what can be drawn of it
        self._set(self.x, char, self.style)
        if cells == 2:
            self._set(self.x + 1, RIGHT, self.style)
        self.waits = self.x + cells >= self.width and self.wraps
        self.x = min(self.x + cells, self.width - 1)

    def _wrap(self) -> None:
        was = self.onlcr
        self.onlcr = True
        self._feed_line()
        self.onlcr = was

    def _join(self, mark: str) -> None:
        if self.joins_left:
            x, y = self.x if self.waits else self.x - 1, self.y
            if x < 0:
                return
        else:
            x, y = self._printed_at
        if self.cells[y][x][0] == RIGHT:
            x -= 1
        shown, style = self.cells[y][x]
        self.cells[y][x] = (shown + mark, style)

    def _set(self, x: int, shown: str, style: Style) -> None:
        line = self.cells[self.y]
        if line[x][0] == RIGHT and shown != RIGHT:
            line[x - 1] = (DIRT, PLAIN)
        if x + 1 < self.width and line[x + 1][0] == RIGHT:
            line[x + 1] = (DIRT, PLAIN)
        line[x] = (shown, style)
        self._printed_at = (x, self.y)
