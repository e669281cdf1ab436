"""The looks: three palettes, the Textual themes and the tones made from them, and the frame's stylesheet.

Severity is told by letter, shape and colour, in this order, so that `mono` and NO_COLOR lose nothing. A
palette is plain data and the only place where a colour is written down. The room knows the words `Tone` and
`Severity` and nothing of widgets, rows or sources; it must stay importable before the first paint.
"""

from __future__ import annotations

from pathlib import Path

from textual.theme import Theme

from themes.tones import PALETTES

DEFAULT_THEME = "night"
THEMES: tuple[Theme, ...] = tuple(palette.theme() for palette in PALETTES.values())
STYLESHEET = Path(__file__).with_name("midwatch.tcss")
