"""Gauges that nobody walks through: the board's bars without its cursor, the worst first, under a title."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from rich.segment import Segment
from textual.strip import Strip

from console.model.bar import Bar
from console.model.cell import Tone
from themes.tones import Ground, large
from widgets.board import gauge
from widgets.cells import fit
from widgets.cells import width as cells_of
from widgets.glyphs import BROAD, shortened, width_of, written
from widgets.painted import Painted
from widgets.roll import title_line

_TEXT = 6  # cells: "100 %"
_NUMBER = 32  # the same in big letters
BIG = 5  # lines of a big bar, one of them air
BIG_FROM = 110  # cells of width
SPACED = 8  # lines: from here on fewer bars with air between them say more than all in one block


class Gauges(Painted):
    """As many as there is room for; the rest is counted."""

    DEFAULT_CSS = "Gauges { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = ""
        self._bars: tuple[Bar, ...] = ()
        self._lines: list[list[Segment]] = []
        self._lines_for: object = None

    def forget_strips(self) -> None:
        self._lines_for = None

    def show(self, title: str, bars: Sequence[Bar]) -> None:
        said = (title, tuple(bars))
        if said != (self._title, self._bars):
            self._title, self._bars = said
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if y == 0:
            return Strip(title_line(self._title, width, self.paint)).adjust_cell_length(width, normal)
        wanted = (self._title, self._bars, self.size)
        if wanted != self._lines_for:
            self._lines, self._lines_for = self._draw(width, height - 1), wanted
        at = y - 1
        if at >= len(self._lines):
            return Strip.blank(width, normal)
        return Strip(self._lines[at]).adjust_cell_length(width, normal)

    def _draw(self, width: int, room: int) -> list[list[Segment]]:
        """Every bar as thick as the room lets it be; each of them the same."""
        tones = self.paint.on(Ground.PANE)
        count = len(self._bars)
        if not count:
            return []
        if width >= BIG_FROM and room >= BIG * min(count, 3):
            tall, draw = BIG, self._big
        else:
            tall, draw = (2 if room >= min(2 * count - 1, SPACED) else 1), self._small
        shown = min(count, (room + (tall == 2)) // tall)
        lines: list[list[Segment]] = []
        for bar in self._bars[: shown if shown == count or tall == BIG else shown - 1]:
            lines += draw(bar, width)
            lines += [[]] * (tall == 2)
        if shown < count and len(lines) < room:
            lines.append([Segment(fit(f"   and {count - len(lines) // tall} more", width), tones[Tone.DIM])])
        return lines[:room]

    def _small(self, bar: Bar, width: int) -> list[list[Segment]]:
        tones = self.paint.on(Ground.PANE)
        normal, tone = tones[Tone.NORMAL], Tone.of(bar.severity)
        name = min(max(cells_of(each.name) for each in self._bars), max(6, width * 4 // 10))
        pieces = [
            *self.paint.badge(bar.severity),
            (" ", normal),
            (fit(bar.name, name) + " ", tones[Tone.DIM if tone is Tone.NORMAL else Tone.STRONG]),
        ]
        room = max(0, width - 4 - name)
        if bar.ratio is None or not isfinite(bar.ratio):
            pieces.append((fit(bar.note or "unknown, no reason told", room), tones[Tone.DIM]))
        else:
            note = fit(f"  {bar.note}", 20) if room >= 56 and bar.note else ""
            cells = max(0, room - _TEXT - cells_of(note))
            pieces += [*gauge(bar, cells, self.paint), (fit(bar.text, _TEXT, right=True), tones[tone]), (note, tones[Tone.DIM])]
        return [[Segment(text, style) for text, style in pieces]]

    def _big(self, bar: Bar, width: int) -> list[list[Segment]]:
        """Name and number in big letters, the bar as tall as they."""
        tones = self.paint.on(Ground.PANE)
        normal, tone = tones[Tone.NORMAL], Tone.of(bar.severity)
        number = written(BROAD, 1, bar.text.replace(" ", "")) if bar.ratio is not None else ()
        names = [shortened(each.name.upper(), width * 45 // 100) for each in self._bars]
        name_room = max(width_of(BROAD, 1, each) for each in names)
        name = written(BROAD, 1, shortened(bar.name.upper(), width * 45 // 100))
        style = large(tones[Tone.DIM if tone is Tone.NORMAL else tone])
        rows: list[list[Segment]] = []
        for at, line in enumerate(name):
            pieces = [*(self.paint.badge(bar.severity) if at == 1 else [("  ", normal)]), (" ", normal), (line, style)]
            pieces.append((" " * (name_room - len(line) + 2), normal))
            room = width - 6 - name_room
            if bar.ratio is None or not isfinite(bar.ratio):
                pieces.append(("?" if at == 1 else "", tones[Tone.DIM]))
            else:
                cells = room - _NUMBER
                full = gauge(bar, cells, self.paint) if at < BIG - 2 else [(" " * cells, normal)]
                pieces += [*full, (" " * (_NUMBER - len(number[at])), normal), (number[at], large(tones[tone]))]
            rows.append([Segment(text, shown) for text, shown in pieces])
        told = f"   {bar.name}  {bar.note}"
        return [*rows, [Segment(fit(told, width), tones[Tone.DIM])]]
