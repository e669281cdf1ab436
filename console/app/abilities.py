"""What a terminal can show, by its TERM and the encoding it is written in; and what stands in for the rest.

Rich and Textual know 16, 256 and all colours and believe that every terminal but `dumb` has one of them, has every character
of Unicode, and passes over a question that it does not understand. A VT100 has no colour; the Linux console has 256 or 512
characters, no sparkline and no rounded corner among them, and prints what it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_COLOURED = re.compile(r"xterm|screen|tmux|rxvt|alacritty|kitty|foot|wezterm|ghostty|linux|.*-(?:\d+color|direct)")
_BARE = re.compile(r"linux|console|ansi|vt\d|pcansi|cons25|wsvt25")  # code page 437 at best, and no questions
_QUESTIONS = re.compile(
    r"\x1b\[\?(?:2026|2048)\$p"  # DECRQM: synchronised output, resize in band
    r"|\x1b\[\?(?:2026|2048)[hl]"
    r"|\x1b\[(?:>\d+|<)u"  # kitty's keys
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: the pointer's shape, the clipboard
)
# The eighths of a block become its half or the whole: what is lost is detail, never whether there is something.
_SHADES = dict(zip("▁▂▃▄▅▆▇▏▎▍▌▋▊▉", "__▄▄▄▄███│▌▌▌█", strict=True))
_WORDS = dict(zip("╭╮╰╯–‖“”…↑↓⏎▴▸▾◼✓×‰�", "┌┐└┘-|\"\".^v<^>v#+x%?", strict=True))
CODE_PAGE_437 = str.maketrans({**_SHADES, **_WORDS})
ASCII = str.maketrans(
    {
        **dict.fromkeys("▁▂", "_"),
        **dict.fromkeys("▃▄▅", "="),
        **dict.fromkeys("▆▇█▉▊▋", "#"),
        **dict.fromkeys("▌▍▎▏▐│┃║", "|"),
        **dict.fromkeys("─━═", "-"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼", "+"),
        **{key: value for key, value in _WORDS.items() if value.isascii()},
        **dict.fromkeys("╭╮╰╯", "+"),
        "·": ".",
        "∞": "~",
    }
)


class Abilities(msgspec.Struct, frozen=True):
    """`glyphs`: what must be shown as something else, None when nothing must. `is_asked`: a question it does not know is
    passed over in silence.
    """

    has_colour: bool = True
    glyphs: Mapping[int, str | int | None] | None = None
    is_asked: bool = True

    def without_questions(self, data: str) -> str:
        """What may be written to it of what Textual writes."""
        return data if self.is_asked else _QUESTIONS.sub("", data)


def abilities(environ: Mapping[str, str], encoding: str) -> Abilities:
    """Of the terminal that TERM names, written in `encoding`."""
    term = environ.get("TERM", "")
    is_bare = _BARE.match(term) is not None
    glyphs = CODE_PAGE_437 if is_bare else None
    if not encoding.lower().replace("-", "").startswith("utf"):
        glyphs = ASCII
    return Abilities(has_colour=_has_colour(term, environ), glyphs=glyphs, is_asked=not is_bare)


def _has_colour(term: str, environ: Mapping[str, str]) -> bool:
    if environ.get("COLORTERM") or (_COLOURED.match(term) and not term.endswith(("-m", "-mono"))):
        return True
    try:
        import curses  # only for a rare terminal: the database is asked once

        curses.setupterm(term, 1)
        return curses.tigetnum("colors") > 0
    except (ImportError, curses.error):
        return not term.startswith("vt")


class PoorGlyphs(LineFilter):
    """Characters that the terminal has not, as ones of the same width that it has."""

    def __init__(self, glyphs: Mapping[int, str | int | None]) -> None:
        super().__init__()
        self._glyphs = glyphs

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            segment if segment.text.isascii() else segment._replace(text=segment.text.translate(self._glyphs))
            for segment in segments
        ]


def filters(able: Abilities) -> Sequence[LineFilter]:
    """Behind every other filter of what is painted."""
    return [PoorGlyphs(able.glyphs)] if able.glyphs is not None else []
