"""A screen's styles as text: one letter a cell, and a legend; so that a theme can be compared like words."""

from __future__ import annotations

import string
from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip

_WEIGHTS = ("bold", "dim", "italic", "underline", "reverse", "strike")


def told(style: Style | None) -> str:
    """ "#bcc6d2 on #0c1016 bold"; "plain" for nothing at all."""
    if style is None:
        return "plain"
    words = [style.color.get_truecolor().hex] if style.color is not None else []
    words += ["on", style.bgcolor.get_truecolor().hex] if style.bgcolor is not None else []
    words += [word for word in _WEIGHTS if getattr(style, word)]
    return " ".join(words) or "plain"


def picture(strips: Sequence[Strip]) -> str:
    """A letter for each cell in the order of first sight, then what each letter means."""
    letters: dict[str, str] = {}
    names = iter(string.ascii_lowercase + string.ascii_uppercase + string.digits)
    lines = []
    for strip in strips:
        cells = ""
        for segment in strip:
            style = told(segment.style)
            if style not in letters:
                letters[style] = next(names)
            cells += letters[style] * segment.cell_length
        lines.append(cells)
    legend = [f"{letter}  {style}" for style, letter in letters.items()]
    return "\n".join([*lines, "", *legend])
