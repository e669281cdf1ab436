"""The one gate for foreign text: what passes it can be put into a cell of a terminal.

Textual hands ESC, OSC 52, C1, bidi and zero-width characters to the terminal through every stock widget, so a
log line, a pod name or a playlist could set the clipboard, move the cursor or show `nigol` for `login`. Every
string from outside goes through `clean` in the source that decoded it. Nothing that is dropped can be
recovered downstream: the raw document stays where it was and is asked again when it is opened.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
LINE_BREAK = "⏎"
MARKS_PER_BASE = 2  # Vietnamese and Thai need two; a flood paints over the rows above and below
_SLACK = 8  # of a hostile line at most this many times `limit` characters are looked at

# String sequences (OSC, DCS, SOS, PM, APC, and screen's title ESC k) run to BEL, ST, CAN, SUB or the next ESC;
# a terminal swallows an unterminated one to the end, and so do we. The classes exclude each other: linear.
_SEQUENCE = re.compile(
    r"(?P<string>(?:\x1b[\]PX^_k]|[\x90\x98\x9d\x9e\x9f])[^\x07\x18\x1a\x1b\x9c]*)(?P<end>\x1b\\|[\x07\x18\x1a\x9c]|(?=\x1b))?"
    r"|(?:\x1b\[|\x9b)[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]?"
    r"|\x1b[\x20-\x2f]*[\x30-\x7e]?"
)

_INVISIBLE_BUT_NOT_CF = frozenset(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0),
        *range(0xFE00, 0xFE10),  # variation selectors change a glyph's width under our feet
        *range(0xE0100, 0xE01F0),
    )
)
_DROPPED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))
_MARKS = frozenset(("Mn", "Me"))


class _Table(dict[int, str]):
    """Code point -> what it becomes; filled as characters are met, bounded by the size of Unicode."""

    def __missing__(self, point: int) -> str:
        self[point] = became = _became(point)
        return became


def _became(point: int) -> str:
    character = chr(point)
    category = unicodedata.category(character)
    if character == "\t":
        return " "
    if character == "\n" or category in ("Zl", "Zp") or point == 0x85:
        return LINE_BREAK
    if category == "Zs" or point == 0x2800:
        return " "
    return "" if category in _DROPPED or point in _INVISIBLE_BUT_NOT_CF else character


_TABLE = _Table()


def clean(text: str, limit: int = 2000) -> str:
    """Foreign text as one line that is safe to show, at most `limit` characters long (the last is `…` when it
    was cut).

    Escape sequences go wholly, with their payload. An unterminated string sequence hides what follows it, as
    on a real terminal, and leaves a `…` so that the reader knows of it.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    is_cut = len(text) > limit * _SLACK
    if is_cut:
        text = text[: limit * _SLACK]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x1b" in text or not text.isascii():
        text = _SEQUENCE.sub(_without, text)
    text = text.translate(_TABLE)
    if not text.isascii():
        text = _thinned(text)
    if len(text) > limit or is_cut:
        return text[: max(0, limit - 1)] + ELLIPSIS
    return text


def _without(match: re.Match[str]) -> str:
    return ELLIPSIS if match["string"] is not None and match["end"] is None else ""


def _thinned(text: str) -> str:
    """At most `MARKS_PER_BASE` combining marks on each base, and none at the start, where it would join the
    cell before.
    """
    if not any(unicodedata.combining(character) or unicodedata.category(character) in _MARKS for character in text):
        return text
    kept: list[str] = []
    marks = MARKS_PER_BASE
    for character in text:
        if unicodedata.category(character) in _MARKS:
            marks += 1
            if marks > MARKS_PER_BASE:
                continue
        else:
            marks = 0
        kept.append(character)
    return "".join(kept)
