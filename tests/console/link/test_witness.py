"""A terminal that others wrote sees the same. Pyte erases with all of the pen, so only what an eye can tell is compared."""

from __future__ import annotations

from random import Random

import pyte
import pytest

from console.link import Link
from tests.console.link.terminal import Seen, Style, seen
from tests.console.link.wanted import PLAIN_TEXT, Painter, Wanted

PAINTINGS = (Painter.scribble, Painter.blank, Painter.recolour, Painter.scroll, Painter.fill)
COLOURS = {"": "default", "31": "red", "32": "green", "44": "blue"}
KNOWN = ("bold", "italic", "underline", "reverse", "strike")


class Plain(Painter):
    """In what pyte knows."""

    @staticmethod
    def _style(random: Random) -> Style:
        attributes = frozenset(random.sample(KNOWN, random.choice((0, 0, 1, 2))))
        return Style(random.choice(("", "31", "32")), random.choice(("", "", "44")), attributes)


def shown_by(screen: pyte.Screen) -> list[list[Seen]]:
    names = {name: code for code, name in COLOURS.items()}
    lines = []
    for y in range(screen.lines):
        cells = [screen.buffer[y][x] for x in range(screen.columns)]
        attributes = [
            frozenset(
                name
                for name, is_on in zip(
                    KNOWN, (cell.bold, cell.italics, cell.underscore, cell.reverse, cell.strikethrough), strict=True
                )
                if is_on
            )
            for cell in cells
        ]
        lines.append(
            [
                seen(cell.data, Style(names[cell.fg], names[cell.bg], marks))
                for cell, marks in zip(cells, attributes, strict=True)
            ]
        )
    return lines


@pytest.mark.parametrize("bce", [True, False])
def test_pyte_shows_the_wanted_frame(bce: bool) -> None:
    random = Random(6)
    screen = pyte.Screen(40, 8)
    stream = pyte.Stream(screen)
    wanted, link = Wanted(40, 8), Link(40, 8, bce=bce)
    painter = Plain(wanted, link, PLAIN_TEXT)
    for _ in range(60):
        random.choice(PAINTINGS)(painter, random)
        stream.feed(link.frame())
        assert shown_by(screen) == wanted.seen()
