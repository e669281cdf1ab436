"""Which cells of a line must be sent."""

from __future__ import annotations

from itertools import compress
from operator import ne

from console.link.canvas import HALF, Canvas
from console.link.graphemes import is_single, spill


def differing(canvas: Canvas, y: int) -> list[tuple[int, int]]:
    """The runs of such cells, each from its first to behind its last. What cannot be seen to differ does not: a blank in
    red is one in green. Wide characters that are touched are sent, or blanked, as a whole.
    """
    text, sent_text = canvas.texts[y], canvas.sent_texts[y]
    looks, sent_looks = canvas.looks[y], canvas.sent_looks[y]
    everywhere = range(len(text))
    found = list(compress(everywhere, map(ne, text, sent_text)))
    if looks != sent_looks:
        recoloured = [
            at
            for at in compress(everywhere, map(ne, looks, sent_looks))
            if text[at] != " "
            or sent_text[at] != " "
            or canvas.look(looks[at]).blank is not canvas.look(sent_looks[at]).blank
        ]
        if recoloured:
            found = sorted({*found, *recoloured})
    if found and not (is_single(text) and is_single(sent_text)):
        found = _whole(canvas, found, text, sent_text)
    return _runs(found)


def _whole(canvas: Canvas, found: list[int], text: str, sent_text: str) -> list[int]:
    """With what a character of doubtful width may be drawn over, and with the second halves of wide ones. (A first half
    differs wherever its second one does.)
    """
    all_of_it: set[int] = set()
    waiting = found
    width = len(text)
    while waiting:
        at = waiting.pop()
        if at in all_of_it or at >= width:
            continue
        all_of_it.add(at)
        if text[at + 1 : at + 2] == HALF or sent_text[at + 1 : at + 2] == HALF:
            waiting.append(at + 1)
        if text[at] != HALF and not is_single(text[at]):
            cells = 2 if text[at + 1 : at + 2] == HALF else 1
            waiting += range(at + cells, at + cells + spill(canvas.grapheme(text[at]), cells))
    return sorted(all_of_it)


def _runs(found: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    start = end = -1
    for at in found:
        if at != end:
            if end >= 0:
                runs.append((start, end))
            start = at
        end = at + 1
    if end >= 0:
        runs.append((start, end))
    return runs
