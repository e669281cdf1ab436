"""Width arithmetic: how many cells a text takes, and how to make it take exactly so many.

Widths are those of `rich.cells`, which Textual lays out by. A cut never splits a wide character, and the
result always has the exact width asked for: one cell too many shifts a whole line, one too few leaves the
last frame's dirt.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import get_character_cell_size

ELLIPSIS = "…"
MOST_MARKS = 3  # combining marks kept on one character; more is an attack on the lines above and below
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")  # they change a neighbour's width, and no two terminals agree how
# Latin, Greek, Cyrillic, punctuation, arrows, boxes, blocks: each one cell. What a gauge, a trend and a dash are made of
# is measured by its length, because asking for each character's width was a tenth of a board's cost.
_SINGLE = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2070-\u20cf\u2100-\u2319\u2500-\u25fc]*"
)


def is_single(text: str) -> bool:
    """Whether every character is known to take one cell and to be printable, so that the length is the width."""
    return (text.isascii() and text.isprintable()) or _SINGLE.fullmatch(text) is not None


def width(text: str) -> int:
    """Cells taken by `text` as `fit` would draw it: joiners and controls count nothing."""
    if is_single(text):
        return len(text)
    return sum(0 if char in _JOINERS else get_character_cell_size(char) for char in text)


def fit(text: str, width: int, right: bool = False) -> str:
    """`text` in exactly `width` cells: padded, or cut with `…` at its end. `right` pads on the left.

    Controls and joiners are left out, because a line of the screen has no use for them. Width <= 0 gives "".
    """
    if width <= 0:
        return ""
    if is_single(text):
        length = len(text)
        if length > width:
            return text[: width - 1] + ELLIPSIS
        return text.rjust(width) if right else text.ljust(width)
    return _fit_wide(text, width, right)


def fit_ends(text: str, width: int, tail: int = 6) -> str:
    """`fit`, but a text too long is cut before its last `tail` characters; too narrow for that, at its end."""
    end = text[-tail:]
    room = width - _width(end)
    if _width(text) <= width or room < tail or _width(text[:-tail]) <= room:
        return fit(text, width)
    return fit(text[:-tail], room) + end


@lru_cache(maxsize=2048)
def _fit_wide(text: str, width: int, right: bool) -> str:
    """`fit` for text beyond printable ASCII; looks at no more characters than can matter."""
    kept: list[str] = []
    used = marks = 0
    cut_at = cut_used = 0  # where to cut should the text turn out too long: `width - 1` cells at most
    for char in text:
        if char in _JOINERS:
            continue
        size = get_character_cell_size(char)
        if size == 0:
            marks += 1
            if kept and marks <= MOST_MARKS and unicodedata.category(char).startswith("M"):
                kept.append(char)
                if used <= width - 1:
                    cut_at = len(kept)
            continue
        if used + size > width:
            kept = [*kept[:cut_at], ELLIPSIS]
            used = cut_used + 1
            break
        kept.append(char)
        used += size
        marks = 0
        if used <= width - 1:
            cut_at, cut_used = len(kept), used
    body, pad = "".join(kept), " " * (width - used)
    return pad + body if right else body + pad


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks, a longer word wherever it must. "" is one
    empty line.
    """
    if width <= 0:
        return []
    lines: list[str] = []
    line = ""
    used = 0
    for word in text.split():
        size = _width(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            lines.append(line)
        *full, line = _chop(word, width)
        lines.extend(full)
        used = _width(line)
    lines.append(line)
    return lines


_width = width  # `fit` and `wrap` have a parameter of this name


def _chop(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells; a character wider than that becomes `…`."""
    pieces: list[str] = []
    piece, used = "", 0
    for char in word:
        size = 0 if char in _JOINERS else get_character_cell_size(char)
        shown, size = (char, size) if size <= width else (ELLIPSIS, 1)
        if used + size > width:
            pieces.append(piece)
            piece, used = "", 0
        piece += shown
        used += size
    return [*pieces, piece]
