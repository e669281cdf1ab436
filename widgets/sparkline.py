"""A trend in one line of eighth blocks: as a string for a cell, and as a widget of one line."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rich.segment import Segment
from textual.strip import Strip

from console.model.cell import Tone
from themes.tones import Ground
from widgets.cells import fit
from widgets.painted import Painted

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "


def spark(values: Sequence[float], width: int, lo: float | None = None, hi: float | None = None) -> str:
    """Exactly `width` cells, the newest value at the right end.

    NaN and infinities are gaps. More values than cells: each cell shows the highest of its share, so that no
    spike is hidden. A constant series lies flat at the bottom. `lo`/`hi` fix the scale; what lies beyond them
    is drawn at the end.
    """
    if width <= 0:
        return ""
    shares = _shares(values, width)
    known = [value for value in shares if value is not None]
    if not known:
        return GAP * width
    low = min(known) if lo is None else lo
    high = max(known) if hi is None else hi
    drawn = "".join(GAP if value is None else _block(value, low, high) for value in shares)
    return drawn.rjust(width, GAP)


def _block(value: float, low: float, high: float) -> str:
    span = high / 2 - low / 2  # halved: the difference of two huge floats overflows, that of their halves does not
    if span <= 0:
        return BLOCKS[0]
    return BLOCKS[min(7, int((min(max(value, low), high) / 2 - low / 2) / span * 8))]


def _shares(values: Sequence[float], width: int) -> list[float | None]:
    """At most `width` values, the highest of each share; None where a share holds nothing finite."""
    count = len(values)
    if count <= width:
        return [value if isfinite(value) else None for value in values]
    shares: list[float | None] = []
    for cell in range(width):
        share = values[cell * count // width : (cell + 1) * count // width]
        shares.append(max((value for value in share if isfinite(value)), default=None))
    return shares


class Sparkline(Painted):
    """A label, a trend, a number, in one line and two tones."""

    DEFAULT_CSS = "Sparkline { height: 1; width: 1fr; }"

    def __init__(self, label: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._label = label
        self._values: tuple[float, ...] = ()
        self._text = ""
        self._tone = Tone.ACCENT
        self._scale: tuple[float | None, float | None] = (None, None)

    def show(
        self,
        values: Sequence[float],
        text: str = "",
        tone: Tone = Tone.ACCENT,
        lo: float | None = None,
        hi: float | None = None,
    ) -> None:
        """Draw this trend, and `text` at its right end; nothing is painted when nothing changed."""
        new = (tuple(values), text, tone, (lo, hi))
        if repr(new) != repr((self._values, self._text, self._tone, self._scale)):  # NaN equals itself by its name
            self._values, self._text, self._tone, self._scale = new
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The one line; the trend takes what label and text leave."""
        width = self.size.width
        tones = self.paint.on(Ground.PANE)
        if y > 0:
            return Strip([Segment(" " * width, tones[Tone.NORMAL])], width)
        label = f" {self._label} " if self._label else " "
        text = f" {self._text} " if self._text else " "
        room = max(0, width - len(label) - len(text))
        drawn = spark(self._values, room, *self._scale)
        plain = fit(label + drawn + text, width)
        start, end = min(len(label), width), min(len(label) + room, width)
        segments = [
            Segment(plain[:start], tones[Tone.DIM]),
            Segment(plain[start:end], tones[self._tone]),
            Segment(plain[end:], tones[Tone.STRONG]),
        ]
        return Strip([segment for segment in segments if segment.text]).adjust_cell_length(width, tones[Tone.NORMAL])
