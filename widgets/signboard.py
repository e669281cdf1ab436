"""A sentence for the whole room: its first words as big as there is room, the rest in lines below.

Two kinds: what is the matter (on the quiet ground, in the colour of its severity), and a warning about the screen itself, which
is a block over the whole width, so that nobody believes what stands below it.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.cell import Tone
from console.model.severity import Severity
from console.model.wallboard import Sign
from themes.tones import Ground, Paint, large
from widgets.cells import fit, wrap
from widgets.cells import width as cells_of
from widgets.glyphs import BROAD, fitting, rows_of, shortened, width_of, wrapped, written
from widgets.painted import Painted

DETAILS_FROM = 7  # lines of the first words: from here on the others are in big letters too


class Signboard(Painted):
    """One or more signs, from the top down, each as tall as it needs; the first has the big letters."""

    DEFAULT_CSS = "Signboard { width: 1fr; height: 1fr; }"

    def __init__(self, *, big_rows: int = 0, id: str | None = None) -> None:
        """`big_rows`: how tall the big letters may be; 0: none are."""
        super().__init__(id=id)
        self._signs: tuple[Sign, ...] = ()
        self.big_rows = big_rows
        self._lines: list[list[Segment]] = []
        self._lines_for: object = None

    def show(self, signs: Sequence[Sign], big_rows: int) -> None:
        new = tuple(signs)
        if new != self._signs or big_rows != self.big_rows:
            self._signs, self.big_rows = new, big_rows
            self.refresh()

    def forget_strips(self) -> None:
        self._lines_for = None

    def render_line(self, y: int) -> Strip:
        size = self.size
        wanted = (self._signs, self.big_rows, size)
        if wanted != self._lines_for:
            self._lines = board(self._signs, size.width, size.height, self.big_rows, self.paint)
            self._lines_for = wanted
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if y >= len(self._lines):
            return Strip.blank(size.width, normal)
        return Strip(self._lines[y]).adjust_cell_length(size.width, normal)


def board(signs: Sequence[Sign], width: int, height: int, big_rows: int, paint: Paint) -> list[list[Segment]]:
    """All lines of all signs, as far as `height` goes."""
    lines: list[list[Segment]] = []
    for at, sign in enumerate(signs):
        room = height - len(lines) - (len(signs) - at - 1)
        lines += _sign(sign, width, max(1, room), big_rows if at == 0 else 0, paint)
    return lines[:height]


def height_of(signs: Sequence[Sign], width: int, big_rows: int) -> int:
    """Lines that they want."""
    return sum(len(_drawn(sign, width, 1000, big_rows if not at else 0)) or 1 for at, sign in enumerate(signs))


def _said(sign: Sign) -> str:
    letter = sign.severity.letter.strip()
    return sign.big if sign.is_warning or not letter else f"{letter} {sign.big}"


def _spelt(sign: Sign) -> str:
    """In big letters: capitals, small ones are for units."""
    return _said(sign).upper()


def _sign(sign: Sign, width: int, height: int, big_rows: int, paint: Paint) -> list[list[Segment]]:
    strong, plain, blank = _styles(sign, paint)
    lines = _drawn(sign, width, height, big_rows)
    return [_line(text, width, strong if is_first else plain, blank) for text, is_first in lines]


def _drawn(sign: Sign, width: int, height: int, big_rows: int) -> list[tuple[str, bool]]:
    """(line, whether it is of the first words)."""
    inner = max(0, width - 2)
    if big_rows < rows_of(BROAD, 1) or height < rows_of(BROAD, 1) or not sign.big:
        return _small(sign, inner, height, big_rows)
    said, lines = _spelt(sign), sign.lines
    face = fitting(said, inner - 2, min(big_rows, height))
    if face is None:  # as much as there is room for, and all of it below
        parts = wrapped(said, inner - 2) or []
        face = (BROAD, 1)
        if 0 < len(parts) <= max(1, (height - len(lines)) // (rows_of(BROAD, 1) + 1)) and big_rows >= DETAILS_FROM:
            drawn = [(row, True) for part in parts for row in (*written(*face, part), "")]
            return [*drawn, *((part, False) for text in lines for part in wrap(text, inner))][:height]
        said, lines = shortened(said, inner - 2), (sign.big, *lines)
    drawn = [(row, True) for row in written(*face, said)]
    if big_rows >= DETAILS_FROM and all(width_of(BROAD, 1, text.upper()) <= inner - 2 for text in lines):
        for text in lines:
            drawn += [("", False), *((row, False) for row in written(BROAD, 1, text.upper()))]
        return drawn[:height]
    told = [part for text in lines for part in wrap(text, inner)]
    room = height - len(drawn)
    if len(told) > room > 0:
        told = [*told[: room - 1], fit(" · ".join(lines) if room == 1 else " ".join(told[room - 1 :]), inner)]
    return [*drawn, *((text, False) for text in told)][:height]


def _small(sign: Sign, inner: int, height: int, big_rows: int) -> list[tuple[str, bool]]:
    words = [*([_said(sign)] if sign.big else []), *sign.lines]
    if (not big_rows and height < 2) or not sign.big:
        text = " · ".join(words)
        return [(fit(text, min(inner, cells_of(text))), True)]
    told = [(line, at == 0) for at, text in enumerate(words) for line in wrap(text, inner)]
    return told[:height]


def _line(text: str, width: int, style: Style, blank: Style) -> list[Segment]:
    return [Segment(" ", blank), Segment(text, style), Segment(" " * max(0, width - 1 - cells_of(text)), blank)]


def _styles(sign: Sign, paint: Paint) -> tuple[Style, Style, Style]:
    if sign.is_warning:
        return paint.match, paint.match, paint.match
    tones = paint.on(Ground.PANE)
    normal = tones[Tone.NORMAL]
    if sign.severity is Severity.OK:
        return tones[Tone.OK], tones[Tone.DIM], normal
    strong = large(tones[Tone.of(sign.severity)])
    return strong, normal, normal
