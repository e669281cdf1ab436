"""A label, a trend and a number in one line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip

from console.model.cell import Tone
from console.model.spark import spark
from themes.tones import Ground
from widgets.cells import fit
from widgets.painted import Painted


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
