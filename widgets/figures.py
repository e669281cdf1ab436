"""Numbers in big digits, in a grid: label, digits, and one line of what they stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from rich.segment import Segment
from textual.strip import Strip

from console.model.cell import Tone
from console.model.severity import Severity
from console.model.wallboard import BigFigure
from themes.tones import Ground, Paint, large
from widgets.cells import fit
from widgets.cells import width as cells_of
from widgets.glyphs import BROAD, NARROW, Face, rows_of, shortened, width_of, written
from widgets.painted import Painted

LEAST = 16  # cells of a figure
WORDS = 2  # lines besides the digits
LARGE, LARGE_WIDTH = 13, 55  # cells of a figure whose label is in big letters too
LABEL = 3  # lines more that such a label takes
_WIDEST = "888M"  # digits of one size whatever they say: 9.9k and 10k must not differ in height


class FigureGrid(Painted):
    """As many as there is room for, in their order."""

    DEFAULT_CSS = "FigureGrid { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._figures: tuple[BigFigure, ...] = ()
        self._lines: list[list[Segment]] = []
        self._lines_for: object = None

    def show(self, figures: Sequence[BigFigure]) -> None:
        new = tuple(figures)
        if new != self._figures:
            self._figures = new
            self.refresh()

    def forget_strips(self) -> None:
        self._lines_for = None

    def render_line(self, y: int) -> Strip:
        size = self.size
        wanted = (self._figures, size)
        if wanted != self._lines_for:
            self._lines, self._lines_for = _grid(self._figures, size.width, size.height, self.paint), wanted
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if y >= len(self._lines):
            return Strip.blank(size.width, normal)
        return Strip(self._lines[y]).adjust_cell_length(size.width, normal)


def _grid(figures: Sequence[BigFigure], width: int, height: int, paint: Paint) -> list[list[Segment]]:
    if not figures:
        return []
    columns = columns_of(width, len(figures))
    rows = max(1, min(ceil(len(figures) / columns), height // (WORDS + 1)))
    tall = height // rows
    cell = width // columns
    lines: list[list[Segment]] = []
    for row in range(rows):
        parts = [_figure(each, cell, tall, paint) for each in figures[row * columns : (row + 1) * columns]]
        lines += [[segment for part in parts for segment in part[at]] for at in range(tall)]
    return lines


def _figure(figure: BigFigure, width: int, height: int, paint: Paint) -> list[list[Segment]]:
    tones = paint.on(Ground.PANE)
    normal, strong, dim = tones[Tone.NORMAL], large(tones[figure.tone]), tones[Tone.DIM]
    inner = max(0, width - 1)
    is_large = height >= LARGE and inner >= LARGE_WIDTH
    face, scale = _size(inner, height - WORDS - LABEL * is_large)
    badge = [Segment(text, style) for text, style in paint.badge(figure.severity)] if figure.severity is not Severity.OK else []
    label = fit(figure.label, max(0, inner - 3 * bool(badge)))
    lines: list[list[Segment]] = []
    if is_large:
        room = inner - 8 * bool(badge)
        letter = written(BROAD, 1, figure.severity.letter) if badge else ()
        for at, row in enumerate(written(BROAD, 1, shortened(figure.label.upper(), room))):
            block = [Segment(f" {letter[at]} ", large(paint.letter(figure.severity))), Segment(" ", normal)] if badge else []
            lines.append([*block, Segment(row, dim)])
    else:
        lines.append([*badge, *([Segment(" ", normal)] if badge else []), Segment(label, dim)])
    if face is None or width_of(face, scale, figure.value) > inner:
        lines.append([Segment(_cut(f"{figure.value} {figure.unit}".strip(), inner), strong)])
    else:
        lines += _digits(figure, face, scale, inner, paint)
    said = " · ".join(part for part in (figure.change, figure.beside) if part)
    if figure.change and cells_of(said) > inner:
        said = f"{figure.change} vs week ago"
    lines.append([Segment(_cut(f"{figure.label}  {said}" if is_large else said, inner), dim)])
    drawn = []
    for line in [*lines[:height], *([] for _ in range(height - len(lines)))]:
        used = sum(cells_of(segment.text) for segment in line)
        drawn.append([Segment(" ", normal), *line, Segment(" " * max(0, inner - used), normal)])
    return drawn


def _digits(figure: BigFigure, face: Face, scale: int, inner: int, paint: Paint) -> list[list[Segment]]:
    """The number, its unit at its foot, and where there is room behind it how it has changed in a week."""
    tones = paint.on(Ground.PANE)
    rows = written(face, scale, figure.value)
    used = width_of(face, scale, figure.value)
    change = figure.change.replace(" ", "")
    beside: tuple[str, ...] = ()
    if change and scale > 1 and used + 5 + width_of(BROAD, 1, change) <= inner:
        beside = written(BROAD, 1, change)
    unit_at = len(rows) - 1 if len(rows) < 4 else len(rows) - 2
    lines = []
    for at, row in enumerate(rows):
        line = [Segment(row, large(tones[figure.tone]))]
        if at < len(beside):
            line += [Segment("   ", tones[Tone.NORMAL]), Segment(beside[at], tones[Tone.DIM])]
        elif at == unit_at and figure.unit:
            line.append(Segment(fit(f" {figure.unit}", max(0, inner - used)), tones[Tone.DIM]))
        lines.append(line)
    return lines


def _cut(text: str, width: int) -> str:
    return fit(text, min(width, cells_of(text)))


def columns_of(width: int, count: int) -> int:
    """Two, three where there are many."""
    return max(1, min(2 if count <= 4 else 3, width // LEAST, count))


def digits_rows(width: int, height: int, count: int = 4) -> int:
    """Lines that so many figures want in a column of `width` cells, their digits at most `height` lines tall."""
    columns = columns_of(width, count)
    face, scale = _size(width // columns - 1, height)
    rows = (rows_of(face, scale) if face is not None else 1) + WORDS
    if width // columns > LARGE_WIDTH and rows + LABEL >= LARGE:
        rows += LABEL
    return -(-count // columns) * rows


def _size(width: int, height: int) -> tuple[Face | None, int]:
    for scale in range(6, 0, -1):
        for face in (BROAD, NARROW):
            if rows_of(face, scale) <= height and width_of(face, scale, _WIDEST) <= width:
                return face, scale
    return None, 0
