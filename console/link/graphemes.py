"""Text as the cells it takes, and where two terminals may not agree on how many those are.

How wide a text is was decided before it came here, by whoever laid the screen out; that one's split is given to the Link.
The one below is for whoever has none: Unicode as Python knows it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

Span = tuple[int, int, int]
Split = Callable[[str], Sequence[Span]]
"""A text's graphemes without a gap: (start, end, cells), cells being 0, 1 or 2."""

MOST_CODES = 8  # code points that one cell is given: more is an attack on the lines above and below
REPLACEMENT = "\ufffd"

# One cell each, in every terminal and every release of Unicode: Latin, Greek, Cyrillic, punctuation, arrows, boxes, blocks,
# Braille. Nothing of it is a control, a mark, or joins its neighbour.
_ONE = (
    " -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u2070-\u20cf\u2100-\u2319"
    "\u231c-\u2328\u232b-\u23e8\u2500-\u25fc\u25ff-\u2613\u2616-\u262f\u2638-\u2647\u2654-\u267e\u2706-\u2709"
    "\u270c-\u2727\u2729-\u274b\u2800-\u28ff\ufffd"
)
# Two cells each, likewise: kana, Hangul, Han and their punctuation, as wide since before there were terminals of Unicode
_TWO = (
    "\u3001-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff\u3105-\u312f\u3131-\u3163\u3165-\u318e\u3190-\u31ba"
    "\u31f0-\u321e\u3220-\u3247\u3250-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60\uffe0-\uffe6"
)
_SINGLE = re.compile(f"[{_ONE}]*")
_UNSENT = re.compile("[\x00-\x1f\x7f-\x9f]")


def is_single(text: str) -> bool:
    """Whether every character takes one cell and may be sent as it is, so that the text is its own cells."""
    return (text.isascii() and text.isprintable()) or _SINGLE.fullmatch(text) is not None


def spill(grapheme: str, cells: int) -> int:
    """How many cells behind its own a terminal may draw over that thinks otherwise of it: an emoji, a sequence joined by
    ZWJ, a variation selector. 0 where it has all the room it could ask for; see `is_certain`.
    """
    return 0 if is_certain(grapheme) else 2 * len(grapheme) - cells


@lru_cache(maxsize=2048)
def is_certain(grapheme: str) -> bool:
    """Whether all terminals agree on its cells, and so on where the cursor stands behind it."""
    return _certain().fullmatch(grapheme) is not None


@cache
def _certain() -> re.Pattern[str]:
    """Not made before the first foreign character: compiling it is half of what importing this room costs."""
    return re.compile(f"[{_ONE}{_TWO}][\u0300-\u036f]*")


def cells(text: str, split: Split) -> list[tuple[str, int]]:
    """What each cell of the text shows, and how many it takes: 1 or 2. What takes none belongs to the one before, and is
    left out at the beginning. A control character takes none and is left out; a lone surrogate cannot be sent at all.
    """
    found: list[tuple[str, int]] = []
    for start, end, width in split(text):
        shown = text[start:end] if width else _UNSENT.sub("", text[start:end])
        if not shown.isprintable():
            shown = _sendable(shown, width)
        if width > 0:
            found.append((shown[:MOST_CODES], min(width, 2)))
        elif found:
            shown = found[-1][0] + shown
            found[-1] = (shown[:MOST_CODES], found[-1][1])
    return found


def _sendable(shown: str, width: int) -> str:
    """Without controls and surrogates, the same number of cells still taken."""
    shown = _UNSENT.sub("", shown).encode("utf-8", "ignore").decode()
    return shown or REPLACEMENT * width


def split(text: str) -> list[Span]:
    """By Unicode's own properties: marks and formats take no cell, East Asian wide and full-width ones take two."""
    return [(at, at + 1, _width(char)) for at, char in enumerate(text)]


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc", "Zl", "Zp") and char != "\u00ad":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
