"""The terminal's pen: where it stands and how it writes, as far as is certain, and what it has been told."""

from __future__ import annotations

from functools import lru_cache

from console.link.look import PLAIN, Look, change, on_blank

_MOST_MOVES = 4096  # remembered
_MOST_LINE_FEEDS = 3  # more, and a place is told in as few bytes
NOWHERE = -1


class Pen:
    """`x` is NOWHERE where the terminal may think otherwise of it: behind a character whose width is in doubt, and behind
    the last column, where some wait to wrap and some have wrapped.
    """

    def __init__(self, width: int, bce: bool) -> None:
        self.width = width
        self.bce = bce
        self.x = NOWHERE
        self.y = NOWHERE
        self.look = PLAIN
        self.told: list[str] = []

    def clear(self) -> None:
        """The whole screen, whatever is on it. Autowrap goes off: no character moves a line, not even the last one."""
        self.told.append("\x1b[?7l\x1b[m\x1b[H\x1b[2J")
        self.look = PLAIN
        self.x = self.y = 0

    def move(self, x: int, y: int) -> None:
        if x != self.x or y != self.y:
            self.told.append(move(self.x, self.y, x, y))
            self.x, self.y = x, y

    def dip(self, look: Look) -> None:
        if look is not self.look:
            self.told.append(change(self.look, look))
            self.look = look

    def dip_for_blank(self, look: Look) -> None:
        """So that a blank looks as it does in `look`."""
        if look.blank is not self.look.blank:
            self.dip(on_blank(self.look, look))

    def can_erase(self, look: Look) -> bool:
        """Whether an erased cell is a blank in `look`: with a background of its own it is so only where the terminal has
        "background colour erase", and where erased cells are underlined or reversed no two terminals agree.
        """
        blank = look.blank
        return not blank.attributes and (self.bce or not blank.background)

    def write(self, text: str, cells: int) -> None:
        self.told.append(text)
        self.x += cells
        if self.x >= self.width:
            self.x = NOWHERE

    @staticmethod
    def wrapping(text: str) -> str:
        """A character with marks for the last column: without autowrap tmux joins the marks to the cell before it."""
        return f"\x1b[?7h{text}\x1b[?7l"

    def erase(self, cells: int) -> None:
        """So many, from here on; the pen stays."""
        self.told.append(erasure(cells))

    def erase_to_end(self) -> None:
        self.told.append("\x1b[K")

    def take(self) -> str:
        """All that was told since."""
        text = "".join(self.told)
        self.told.clear()
        return text


def erasure(cells: int) -> str:
    return f"\x1b[{cells}X"


@lru_cache(maxsize=_MOST_MOVES)
def move(from_x: int, from_y: int, x: int, y: int) -> str:
    """The shortest way. A line feed only behind a carriage return, as the terminal's driver may add one (onlcr), and never
    one that could be at the last line: there is always a line where `y` is.
    """
    ways = [_place(x, y)]
    if from_x >= 0 and from_y >= 0:
        down = _steps("A", from_y - y) if y < from_y else _steps("B", y - from_y)
        if x >= from_x:
            ways.append(down + _steps("C", x - from_x))
        else:
            ways.append(down + min("\b" * (from_x - x), _steps("D", from_x - x), key=len))
            ways.append(down + "\r" + _steps("C", x))
        if 0 < y - from_y <= _MOST_LINE_FEEDS:
            ways.append("\r" + "\n" * (y - from_y) + _steps("C", x))
    return min(ways, key=len)


def _place(x: int, y: int) -> str:
    if x:
        return f"\x1b[{y + 1};{x + 1}H" if y else f"\x1b[;{x + 1}H"
    return f"\x1b[{y + 1}H" if y else "\x1b[H"


def _steps(letter: str, count: int) -> str:
    if not count:
        return ""
    return f"\x1b[{letter}" if count == 1 else f"\x1b[{count}{letter}"
