"""The last gate before the terminal: no control, bidi or zero-width character and no flood of combining marks
leaves, whatever a widget was fed.

Foreign text is sanitised where it comes in; this is the second wall, at paint, for every widget, stock ones
included. It must cost nothing on clean text, and it must not change the width of a line. Nothing here
explains a bad character to the reader: that is the first gate's work.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len, get_character_cell_size, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter, Monochrome, NoColor

from widgets.cells import MOST_MARKS

# C0 and C1 with DEL, soft hyphen, Arabic letter mark, Hangul fillers, Mongolian vowel separator, zero-width
# and bidi marks, line separators, invisible operators, variation selectors, BOM, lone surrogates, tags, and the
# two noncharacters that XML has no place for.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)
# Latin, Greek, Cyrillic, punctuation, arrows, boxes, blocks, Braille: nothing of it is unsafe or joins its neighbour
_PLAIN = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2070-\u20cf\u2100-\u2bff]*"
)
REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """`text` without unsafe characters, in the same number of cells."""
    if (text.isascii() and text.isprintable()) or _PLAIN.fullmatch(text) is not None:
        return text
    if _UNSAFE.search(text) is not None:
        cleaned = _UNSAFE.sub(lambda found: REPLACEMENT * get_character_cell_size(found[0]), text)
        text = set_cell_size(cleaned, cell_len(text))
    return _thinned(text)


def _thinned(text: str) -> str:
    """At most `MOST_MARKS` characters without a width of their own on each that has one: a flood paints over the
    lines above and below. None at the start, where it would join another segment's cell.
    """
    kept: list[str] = []
    marks = MOST_MARKS
    for character in text:
        marks = 0 if get_character_cell_size(character) else marks + 1
        if marks <= MOST_MARKS:
            kept.append(character)
    return text if len(kept) == len(text) else "".join(kept)


class SanitisingFilter(LineFilter):
    """Cleans each segment; a strip without foreign characters is handed on as it is."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        texts = [text for text, _, control in segments if not control]
        line = "".join(texts)
        is_plain = (line.isascii() and line.isprintable()) or ("" not in texts and _PLAIN.fullmatch(line) is not None)
        if is_plain and len(texts) == len(segments):
            return segments
        return self._clean(segments)

    def _clean(self, segments: list[Segment]) -> list[Segment]:
        # A control segment is written to the terminal as it stands. No widget needs one; none passes.
        cleaned = (Segment(clean(text), style) for text, style, control in segments if not control)
        return [segment for segment in cleaned if segment.text]


@lru_cache(maxsize=2048)
def _without_color(style: Style) -> Style:
    """Weight, underline and reverse of a style, its colours gone; not even the code for a default colour
    remains.
    """
    return Style(
        bold=style.bold, dim=style.dim, italic=style.italic, underline=style.underline, reverse=style.reverse,
        strike=style.strike, meta=style.meta or None,
    )  # fmt: skip


class ColorlessFilter(LineFilter):
    """NO_COLOR as it is meant. Textual's own filters turn colours into greys or default colours, which are
    colours.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, None if style is None else _without_color(style), control)
            for text, style, control in segments
        ]


SANITISING = SanitisingFilter()
COLORLESS = ColorlessFilter()


def line_filters(stock: Sequence[LineFilter], no_color: bool) -> list[LineFilter]:
    """What `App.get_line_filters` should return: Textual's own filters, ours behind them.

    The instances are shared, because a strip remembers its filtered self by the filter's identity.
    """
    if not no_color:
        return [*stock, SANITISING]
    kept = [each for each in stock if not isinstance(each, ANSIToTruecolor | Monochrome | NoColor)]
    return [*kept, SANITISING, COLORLESS]
