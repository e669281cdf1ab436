"""How the lines of a table look: its head, a row, and a row that has gone but keeps its place.

Pure: cells, widths and styles in, a strip out. The table decides what is shown, this decides how.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip

from console.model.cell import AnyColumn, Cell, RowLike, Tone
from console.model.severity import Severity
from themes.tones import Ground, Paint
from widgets.cells import fit, fit_ends
from widgets.layout import GAP, Layout
from widgets.lines import strip_of

GUTTER = 3  # mark, letter, pointer
POINTER, MARKED, HELD = "▸", "✓", "‖"
ASCENDING, DESCENDING = "▴", "▾"
_log = logging.getLogger("midwatch.widgets.table")
_GHOST = Style(strike=True)


def cell_of(column: AnyColumn, row: RowLike, broken: set[str]) -> Cell:
    """The cell, or the fault of our own that kept it from being made: one bad cell must not take the screen down. It is
    logged once for each column; `broken` remembers which.
    """
    try:
        return column.cell(row)
    except Exception as error:
        if column.key not in broken:
            broken.add(column.key)
            _log.exception("column %s of row %s could not be drawn", column.key, row.key)
        return Cell(text=f"! {type(error).__name__}", tone=Tone.CRIT)


def draw_head(layout: Layout, width: int, paint: Paint, sort: tuple[str, bool] | None, is_held: bool) -> Strip:
    """The titles; the sorted one is lit and carries its direction, a held order is told before the first of them."""
    tones = paint.on(Ground.HEAD)
    dim, lit = tones[Tone.DIM], tones[Tone.ACCENT]
    pieces = [(HELD if is_held else " ", lit), ("S", dim), (" ", dim)]
    for column, size in layout.shown:
        title, tone = column.title, dim
        if sort is not None and sort[0] == column.key:
            title = fit(title, min(size - 1, len(title))) + (DESCENDING if sort[1] else ASCENDING)
            tone = lit
        pieces.append((fit(title, size, column.is_right), tone))
        pieces.append((" " * GAP, dim))
    return strip_of(pieces, width, dim)


def draw_row(
    severity: Severity,
    cells: Sequence[Cell],
    layout: Layout,
    width: int,
    paint: Paint,
    ground: Ground,
    is_marked: bool,
) -> Strip:
    """A row: mark, severity letter, pointer, then its cells, one for each column shown."""
    tones = paint.on(ground)
    normal, lit = tones[Tone.NORMAL], tones[Tone.ACCENT]
    before, letter = paint.badge(severity, ground)
    pieces = [
        (MARKED, lit) if is_marked else before,
        letter,
        (POINTER if ground is Ground.CURSOR else " ", lit),
    ]
    gap = ""
    for (column, size), cell in zip(layout.shown, cells, strict=True):
        text = fit_ends(cell.text, size) if column.keeps_end else fit(cell.text, size, column.is_right)
        if cell.tone in paint.tight:
            pieces.append((gap, normal))
            pieces.extend(_tight(text, tones[cell.tone], normal))
        else:
            pieces.append((gap + text, tones[cell.tone]))
        gap = " " * GAP
    return strip_of(pieces, width, normal)


def draw_ghost(cells: Sequence[Cell], layout: Layout, width: int, paint: Paint, ground: Ground) -> Strip:
    """A row that has gone: its last words struck out, its severity no longer told."""
    tones = paint.on(ground)
    texts = [fit(cell.text, size, column.is_right) for (column, size), cell in zip(layout.shown, cells, strict=True)]
    pieces = [(" " * GUTTER, tones[Tone.NORMAL]), ((" " * GAP).join(texts), tones[Tone.DIM] + _GHOST)]
    return strip_of(pieces, width, tones[Tone.NORMAL])


def _tight(text: str, style: Style, blank: Style) -> list[tuple[str, Style]]:
    """The text in its style, its padding not: a reversed block or an underline ends where the text ends."""
    body = text.strip(" ")
    start = text.index(body) if body else 0
    return [(text[:start], blank), (body, style), (text[start + len(body) :], blank)]
