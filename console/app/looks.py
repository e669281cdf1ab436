"""Styles of Rich as looks of the link: what Rich itself would have written for them, for one depth of colours.

Rich remembers the escapes of a style on the style, for whichever depth came first; in a process with several terminals
another may come next. So the escapes are made here, and remembered by depth. What is no look of a cell is left out: a
hyperlink (OSC 8) of a stock widget is not sent, its text is; nothing of ours makes one.
"""

from __future__ import annotations

from rich.color import Color, ColorSystem
from rich.style import Style
from textual.strip import Strip

from console.app.abilities import Depth
from console.link import Look

MOST = 4096  # styles remembered; blends of colours could go on for ever
_SYSTEMS = {Depth.TRUE: ColorSystem.TRUECOLOR, Depth.INDEXED: ColorSystem.EIGHT_BIT, Depth.SIXTEEN: ColorSystem.STANDARD}


class Looks:
    """Of one depth; one for all that draw in it."""

    def __init__(self, depth: Depth) -> None:
        self._system = _SYSTEMS.get(depth)
        self._known: dict[Style | None, Look] = {None: Look.of()}

    def pieces(self, strip: Strip) -> list[tuple[str, Look]]:
        """What a line consists of; a control segment, which no filter lets pass, is no cell."""
        known, made = self._known, self._made
        return [(text, known.get(style) or made(style)) for text, style, control in strip if text and not control]

    def _made(self, style: Style | None) -> Look:
        assert style is not None  # known from the beginning
        if len(self._known) >= MOST:
            self._known = {None: Look.of()}
        look = self._known[style] = Look.of(
            foreground=self._codes(style.color, is_foreground=True),
            background=self._codes(style.bgcolor, is_foreground=False),
            attributes=style._attributes & style._set_attributes,
        )
        return look

    def _codes(self, color: Color | None, *, is_foreground: bool) -> str:
        if color is None or color.is_default or self._system is None:
            return ""
        return ";".join(color.downgrade(self._system).get_ansi_codes(is_foreground))


_OF: dict[Depth, Looks] = {}


def looks_of(depth: Depth) -> Looks:
    """The one of this process."""
    looks = _OF.get(depth)
    if looks is None:
        looks = _OF[depth] = Looks(depth)
    return looks
