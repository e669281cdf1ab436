"""What a terminal can show, by its TERM and the encoding it is written in; and what stands in for the rest.

Rich and Textual know 16, 256 and all colours and believe that every terminal but `dumb` has one of them, has every character
of Unicode, and passes over a question that it does not understand. A VT100 has no colour; the Linux console has 256 or 512
characters, no sparkline and no rounded corner among them, and prints what it does not understand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_COLOURED = re.compile(r"xterm|screen|tmux|rxvt|alacritty|kitty|foot|wezterm|ghostty|linux|.*-(?:\d+color|direct)")
_BARE = re.compile(r"linux|console|ansi|vt\d|pcansi|cons25|wsvt25")  # code page 437 at best, and no questions
# whose blanks take the background that is set when something is erased: the others may leave holes in a coloured line
_FILLING = re.compile(r"xterm|rxvt|alacritty|kitty|foot|wezterm|ghostty|linux|konsole|vte|gnome|st-")
_QUESTIONS = re.compile(
    r"\x1b\[\?(?:2026|2048)\$p"  # DECRQM: synchronised output, resize in band
    r"|\x1b\[\?(?:2026|2048)[hl]"
    r"|\x1b\[(?:>\d+|<)u"  # kitty's keys
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: the pointer's shape, the clipboard
)
_KITTY_KEYS = re.compile(r"\x1b\[(?:>\d+|<)u")
# The eighths of a block become its half or the whole: what is lost is detail, never whether there is something.
_SHADES = dict(zip("▁▂▃▄▅▆▇▏▎▍▌▋▊▉", "__▄▄▄▄███│▌▌▌█", strict=True))
_WORDS = dict(zip("╭╮╰╯–‖“”…↑↓⏎▴▸▾◼✓×‰�", "┌┐└┘-|\"\".^v<^>v#+x%?", strict=True))
CODE_PAGE_437 = str.maketrans({**_SHADES, **_WORDS})
ASCII = str.maketrans(
    {
        **dict.fromkeys("▁▂", "_"),
        **dict.fromkeys("▃▄▅", "="),
        **dict.fromkeys("▆▇█▉▊▋▀", "#"),
        **dict.fromkeys("▌▍▎▏▐│┃║", "|"),
        **dict.fromkeys("─━═", "-"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼", "+"),
        **{key: value for key, value in _WORDS.items() if value.isascii()},
        **dict.fromkeys("╭╮╰╯", "+"),
        "·": ".",
        "∞": "~",
        "±": "~",
    }
)


class Depth(StrEnum):
    """How many colours a terminal has."""

    TRUE = "truecolor"
    INDEXED = "256"
    SIXTEEN = "16"
    NONE = "none"


class Wrapping(StrEnum):
    """What stands between us and the terminal, and wants what is not for itself wrapped."""

    NONE = ""
    TMUX = "tmux"
    SCREEN = "screen"


class Abilities(msgspec.Struct, frozen=True):
    """`glyphs`: what must be shown as something else, None when nothing must. `is_asked`: a question it does not know is
    passed over in silence. `depth` None: as Rich finds it in our own environment, which in a server is nobody's terminal.
    `has_kitty_keys`: it is to report keys by kitty's protocol. Nobody needs it for a key of ours, and a console that is
    killed leaves a terminal in which nothing can be typed any more; so it must be asked for. `fills_erased`: what is erased
    takes the background colour (terminfo's bce).
    """

    has_colour: bool = True
    glyphs: Mapping[int, str | int | None] | None = None
    is_asked: bool = True
    depth: Depth | None = None
    wrapping: Wrapping = Wrapping.NONE
    has_kitty_keys: bool = False
    fills_erased: bool = False

    def without_questions(self, data: str) -> str:
        """What may be written to it of what Textual writes."""
        if not self.is_asked:
            return _QUESTIONS.sub("", data)
        return data if self.has_kitty_keys or not data.endswith("u") else _KITTY_KEYS.sub("", data)


def abilities(environ: Mapping[str, str], encoding: str, *, kitty_keys: bool = False) -> Abilities:
    """Of the terminal that TERM names, written in `encoding`. Nothing but `environ` is looked at, and terminfo."""
    term = environ.get("TERM", "")
    is_bare = _BARE.match(term) is not None
    glyphs = CODE_PAGE_437 if is_bare else None
    if not encoding.lower().replace("-", "").startswith("utf"):
        glyphs = ASCII
    has_colour = not environ.get("NO_COLOR") and _has_colour(term, environ)
    return Abilities(
        has_colour=has_colour,
        glyphs=glyphs,
        is_asked=not is_bare,
        depth=_depth(term, environ) if has_colour else Depth.NONE,
        wrapping=_wrapping(term, environ),
        has_kitty_keys=kitty_keys,
        fills_erased=_FILLING.match(term) is not None and not (environ.get("TMUX") or environ.get("STY")),
    )


def _depth(term: str, environ: Mapping[str, str]) -> Depth:
    """As Rich decides it, which Textual asks."""
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return Depth.TRUE
    return Depth.INDEXED if term.strip().lower().rpartition("-")[2] in ("256color", "kitty") else Depth.SIXTEEN


def _wrapping(term: str, environ: Mapping[str, str]) -> Wrapping:
    """tmux calls itself `screen` by default, and says so in TMUX; over SSH only TERM comes along."""
    if environ.get("TMUX") or term.startswith("tmux"):
        return Wrapping.TMUX
    return Wrapping.SCREEN if environ.get("STY") or term.startswith("screen") else Wrapping.NONE


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
