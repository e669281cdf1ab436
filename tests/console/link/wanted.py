"""The frame that is wanted, painted cell by cell in the plainest way, and random changes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from random import Random

from console.link import Link, Look
from tests.console.link.terminal import RIGHT, Seen, Style, seen

NAMES = (
    "bold", "dim", "italic", "underline", "blink", "blink2", "reverse", "conceal", "strike", "underline2", "frame",
    "encircle", "overline",
)  # fmt: skip
COMMON = ("a", "b", "7", " ", " ", " ", "─", "█", "·", "✓", "é", "日", "本", "가", "e\u0301", "日\u0301")
DOUBTED = ("⚠", "😀", "ก\u0e34", "❤\ufe0f", "😀\ufe0f", "\U000f0001")  # terminals do not agree on their cells
WIDE = frozenset("日本가😀")
PLAIN_TEXT = ("a", "b", "7", " ", " ", "─", "█", "é")

Piece = tuple[str, Style]
Grapheme = tuple[str, Style]


def cells_of(grapheme: str) -> int:
    return 2 if grapheme[0] in WIDE else 1


@lru_cache(maxsize=4096)
def look_of(style: Style) -> Look:
    return Look.of(style.foreground, style.background, sum(1 << NAMES.index(name) for name in style.attributes))


class Wanted:
    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.cells: list[list[tuple[str, Style]]] = [[(" ", Style())] * width for _ in range(height)]

    def put(self, x: int, y: int, graphemes: Iterable[Grapheme]) -> None:
        if not 0 <= y < self.height:
            return
        for shown, style in graphemes:
            taken = cells_of(shown)
            if x >= 0 and x + taken <= self.width:
                self._set(x, y, shown, style)
                if taken == 2:
                    self._set(x + 1, y, RIGHT, style)
            else:  # cut at the edge: what is left of it is blank
                for each in range(max(x, 0), min(x + taken, self.width)):
                    self._set(each, y, " ", style)
            x += taken

    def _set(self, x: int, y: int, shown: str, style: Style) -> None:
        line = self.cells[y]
        if line[x][0] == RIGHT and shown != RIGHT:
            line[x - 1] = (" ", line[x - 1][1])
        if x + 1 < self.width and line[x + 1][0] == RIGHT:
            line[x + 1] = (" ", line[x + 1][1])
        line[x] = (shown, style)

    def resize(self, width: int, height: int) -> None:
        old, self.cells = self.cells, [[(" ", Style())] * width for _ in range(height)]
        self.width, self.height = width, height
        for y, line in enumerate(old[:height]):
            self.put(0, y, graphemes_of(line))

    def seen(self) -> list[list[Seen]]:
        return [[seen(shown, style) for shown, style in line] for line in self.cells]


def graphemes_of(line: Sequence[tuple[str, Style]]) -> list[Grapheme]:
    return [(shown, style) for shown, style in line if shown != RIGHT]


def pieces_of(graphemes: Iterable[Grapheme]) -> list[tuple[str, Look]]:
    return [
        ("".join(shown for shown, _ in group), look_of(style))
        for style, group in groupby(graphemes, lambda each: each[1])
    ]


class Painter:
    """Paints the same onto a Wanted and a Link."""

    def __init__(self, wanted: Wanted, link: Link, alphabet: Sequence[str]) -> None:
        self.wanted = wanted
        self.link = link
        self.alphabet = alphabet

    def put(self, x: int, y: int, graphemes: Sequence[Grapheme]) -> None:
        self.wanted.put(x, y, graphemes)
        self.link.put(x, y, pieces_of(graphemes))

    def scribble(self, random: Random) -> None:
        """A short or long line of anything anywhere, now and then past the edges."""
        width = self.wanted.width
        x = random.randint(-3, width) if random.random() < 0.7 else 0
        length = random.choice((1, 1, 2, 3, 8, width, width + 3))
        self.put(x, random.randint(-1, self.wanted.height), self._line(random, length))

    def blank(self, random: Random) -> None:
        x = random.randint(0, self.wanted.width - 1)
        y = random.randrange(self.wanted.height)
        self.put(x, y, [(" ", self._style(random))] * random.randint(1, self.wanted.width))

    def recolour(self, random: Random) -> None:
        """What stands there, in another look."""
        y = random.randrange(self.wanted.height)
        style = self._style(random)
        self.put(0, y, [(shown, style) for shown, _ in graphemes_of(self.wanted.cells[y])])

    def scroll(self, random: Random) -> None:
        top = random.randrange(self.wanted.height)
        below = [list(line) for line in self.wanted.cells[top + 1 :]]
        for y, line in enumerate(below, top):
            self.put(0, y, graphemes_of(line))
        self.put(0, self.wanted.height - 1, self._line(random, self.wanted.width))

    def fill(self, random: Random) -> None:
        for y in range(self.wanted.height):
            self.put(0, y, self._line(random, self.wanted.width))

    def resize(self, random: Random) -> None:
        size = random.randint(1, 30), random.randint(1, 9)
        self.wanted.resize(*size)
        self.link.resize(*size)

    def _line(self, random: Random, length: int) -> list[Grapheme]:
        line: list[Grapheme] = []
        while len(line) < length:
            style = self._style(random)
            if random.random() < 0.4:
                line += [(" ", style)] * random.randint(1, 14)
            else:
                line += [(random.choice(self.alphabet), style) for _ in range(random.randint(1, 6))]
        return line[:length]

    @staticmethod
    def _style(random: Random) -> Style:
        foreground = random.choice(("", "", "31", "32", "38;5;208", "38;2;1;2;3"))
        background = random.choice(("", "", "", "44", "48;5;17", "48;2;1;2;3"))
        attributes = random.sample(NAMES, random.choice((0, 0, 0, 1, 1, 2)))
        return Style(foreground, background, frozenset(attributes))
