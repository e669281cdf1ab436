"""What stands where, from a terminal of 500x150 down to one of 20x5. Pure, and a function of the size alone.

On a wall the left two thirds are the fleet; at the right stand the figures, the capacity, the incidents and the last hour. The
head grows with the terminal, because a large terminal on a wall has small letters, not more readers nearby. Where the width or
the height is not there, the fleet and the incidents stay; where hardly anything is, the counts, the time, the worst sentence.
"""

from __future__ import annotations

from typing import NamedTuple

from widgets.figures import digits_rows
from widgets.signboard import DETAILS_FROM

WALL_FROM = (100, 30)  # columns, rows: from here on the two columns
STACK_FROM = (40, 14)
_HEADS = ((140, 460, 14), (88, 340, 11), (48, 200, 7), (30, 100, 4))  # (rows, columns, lines of the head)
_HEADLINES = ((88, 300, 7), (48, 180, 4))  # (rows, columns, lines of the big letters)


class Box(NamedTuple):
    """A rectangle of cells; without width or height it is not shown."""

    x: int
    y: int
    width: int
    height: int


NOWHERE = Box(0, 0, 0, 0)


class Arrangement(NamedTuple):
    """Every part's box. `big`, `banner_big`: how tall the letters of the headline and of the banner may be, in lines."""

    head: Box
    banner: Box
    headline: Box
    page: Box  # a view of the console instead of all that follows
    fleet: Box
    figures: Box
    bars: Box
    incidents: Box
    changes: Box
    foot: Box
    big: int
    banner_big: int


    def moved(self, x: int, y: int) -> Arrangement:
        """The same, so many cells to the right and down."""
        return Arrangement._make(_moved(part, x, y) if isinstance(part, Box) else part for part in self)


def _moved(box: Box, x: int, y: int) -> Box:
    return Box(box.x + x, box.y + y, box.width, box.height) if box.width and box.height else NOWHERE


def banner_big(width: int, height: int) -> int:
    """How tall a banner's letters may be."""
    return next((rows for tall, wide, rows in _HEADLINES if height >= tall and width >= wide), 0)


def arranged(width: int, height: int, banner_rows: int, figures: int = 4) -> Arrangement:
    """For a terminal of this size, `banner_rows` of which are wanted for the banner; it gets at most a third."""
    width, height = max(0, width), max(0, height)
    y = 0
    banner = Box(0, y, width, min(banner_rows, max(1, height // 3)) if banner_rows else 0)
    y += banner.height + (1 if banner.height and height >= 48 else 0)
    is_wall = width >= WALL_FROM[0] and height >= WALL_FROM[1]
    head_rows = next((rows for tall, wide, rows in _HEADS if height >= tall and width >= wide), 1)
    head = Box(0, y, width, min(head_rows, height - y))
    y += head.height
    gap = 1 if height >= 48 else 0
    y += gap if head.height > 1 else 0
    big = banner_big(width, height) if is_wall else 0
    lines = big + (5 if big >= DETAILS_FROM else 1) if big else 2 if height >= STACK_FROM[1] else 1
    headline = Box(0, y, width, max(0, min(lines, height - y)))
    y += headline.height
    y += gap if big else 0
    foot = Box(0, height - 1, width, 1 if height >= STACK_FROM[1] else 0)
    body = Box(0, y, width, max(0, height - y - foot.height))
    nothing = Arrangement(head, banner, headline, body, body, NOWHERE, NOWHERE, NOWHERE, NOWHERE, foot, big, big)
    if is_wall and body.height >= 16:
        return _columns(nothing, body, figures)
    if width >= STACK_FROM[0] and body.height >= 8:
        return _stack(nothing, body)
    return nothing


def _columns(frame: Arrangement, body: Box, count: int) -> Arrangement:
    left = body.width * 2 // 3
    x, width = left + 1, body.width - left - 2
    air = body.height >= 45
    digits = digits_rows(width, max(3, body.height // 9), count)
    heights = {"figures": min(digits, body.height * 2 // 5)}
    rest = body.height - heights["figures"] - 3 * air
    heights["bars"] = max(4, rest * 34 // 100)
    heights["incidents"] = max(4, rest * 26 // 100)
    heights["changes"] = rest - heights["bars"] - heights["incidents"]
    boxes: dict[str, Box] = {}
    y = body.y
    for name, height in heights.items():
        boxes[name] = Box(x, y, width, height)
        y += height + air
    return frame._replace(
        fleet=Box(body.x, body.y, left, body.height),
        figures=boxes["figures"],
        bars=boxes["bars"],
        incidents=boxes["incidents"],
        changes=boxes["changes"],
    )


def _stack(frame: Arrangement, body: Box) -> Arrangement:
    """The fleet above, the incidents below."""
    below = max(3, body.height * 2 // 5)
    fleet = Box(body.x, body.y, body.width, body.height - below)
    if body.width < 80:
        return frame._replace(fleet=fleet, incidents=Box(body.x, fleet.y + fleet.height, body.width, below))
    half = body.width // 2
    return frame._replace(
        fleet=fleet,
        incidents=Box(body.x, fleet.y + fleet.height, half, below),
        bars=Box(body.x + half + 1, fleet.y + fleet.height, body.width - half - 1, below),
    )
