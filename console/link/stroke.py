"""What is sent in one go: a run of cells of a line, the few unchanged ones between two changed ones with it, and the rest of
the line where that is erased; and in which order, as a change of colour costs more than a way across the screen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from console.link.canvas import Canvas
from console.link.differing import differing
from console.link.graphemes import is_single
from console.link.look import Look, change
from console.link.pen import Pen, move

_WIDEST_GAP = 4  # cells: a move over more costs less than they do
_ERASURE = len("\x1b[K")


class Stroke(NamedTuple):
    """Cells from `start` to before `end`; with `erases`, all that follow `end` are then erased."""

    y: int
    start: int
    end: int
    erases: bool
    look: Look
    """Of what is seen first of it."""
    is_blank: bool
    """It goes with every pen in which a blank looks as in `look`."""


def strokes(canvas: Canvas, pen: Pen, y: int) -> list[Stroke]:
    """All of a line that is to be sent."""
    runs = differing(canvas, y)
    if not runs:
        return []
    erase_from = _erasable_from(canvas, pen, y, runs[-1][1])
    made: list[Stroke] = []
    start, end = runs[0]
    for next_start, next_end in runs[1:]:
        if end > erase_from:
            break
        gap = next_start - end
        if gap <= _WIDEST_GAP and next_start < erase_from and _is_worth_resending(canvas, y, end, next_start):
            end = next_end
            continue
        made.append(_stroke(canvas, y, start, end, False))
        start, end = next_start, next_end
    if end > erase_from:
        made.append(_stroke(canvas, y, start, max(start, erase_from), True))
    else:
        made.append(_stroke(canvas, y, start, end, False))
    return made


def _stroke(canvas: Canvas, y: int, start: int, end: int, erases: bool) -> Stroke:
    looks = canvas.looks[y]
    seen = canvas.texts[y][start:end].lstrip(" ")
    return Stroke(
        y, start, end, erases, canvas.look(looks[end - len(seen) if seen else -1 if erases else start]), not seen
    )


def _erasable_from(canvas: Canvas, pen: Pen, y: int, end: int) -> int:
    """From where on erasing to the end of the line is right, and shorter than blanks up to `end`."""
    text, looks = canvas.texts[y], canvas.looks[y]
    if text[-1] != " ":
        return len(text)
    at = len(text.rstrip(" "))
    look = canvas.look(looks[-1])
    if end - at <= _ERASURE or not pen.can_erase(look):
        return len(text)
    for code in set(looks[at:]):
        if canvas.look(code).blank is not look.blank:
            at = max(at, looks.rindex(code) + 1)
    return at if end - at > _ERASURE else len(text)


def _is_worth_resending(canvas: Canvas, y: int, end: int, start: int) -> bool:
    """Whether the unchanged cells between two runs cost no more than a move over them."""
    gap = canvas.texts[y][end - 1 : start]
    if not is_single(gap):
        return False
    looks = canvas.looks[y][end - 1 : start + 1]
    resent = len(gap.encode()) - len(gap[0].encode())
    moved = len(move(end, y, start, y))
    if looks.count(looks[0]) == len(looks):
        return resent <= moved
    look = canvas.look(looks[0])
    after = canvas.look(looks[-1])
    moved += len(change(look, after))
    for char, code in zip(gap[1:], looks[1:], strict=False):
        other = canvas.look(code)
        if char != " " or other.blank is not look.blank:
            resent += len(change(look, other))
            look = other
    return resent + len(change(look, after)) <= moved


def send_ordered(all_of_them: Iterable[Stroke], pen: Pen, send: Callable[[Stroke], None]) -> None:
    """Downwards, but what the pen is dipped for already comes first."""
    seen: dict[Look, deque[Stroke]] = {}
    blank: dict[Look, deque[Stroke]] = {}
    for stroke in all_of_them:
        if stroke.is_blank:
            blank.setdefault(stroke.look.blank, deque()).append(stroke)
        else:
            seen.setdefault(stroke.look, deque()).append(stroke)
    while seen or blank:
        if (strokes_now := seen.get(pen.look)) is not None:
            of, key = seen, pen.look
        elif (strokes_now := blank.get(pen.look.blank)) is not None:
            of, key = blank, pen.look.blank
        else:
            of = seen or blank
            key, strokes_now = next(iter(of.items()))
        send(strokes_now.popleft())
        if not strokes_now:
            del of[key]
