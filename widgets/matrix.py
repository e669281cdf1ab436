"""A matrix: named lines crossing named columns, the names always in sight while the cells move under them.

Every column is as wide as its widest cell. What does not fit is reached by left and right, a column at a time, and the head
says at which edge there is more: a matrix that is cut without a word looks as if nothing were beyond it.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from console.model.cell import Tone
from console.model.grid import Grid, GridLine
from themes.tones import Ground
from widgets.cells import fit
from widgets.cells import width as width_of
from widgets.lines import Lines, strip_of
from widgets.notice import AnyNotice

GAP = 2
SLACK = 2  # cells that a column keeps when its widest text shrinks
MOST_CELL = 24  # cells of a column; a longer text is cut
_MORE_LEFT, _MORE_RIGHT = "‹", "›"
_BEFORE = 3  # the letter's block and a blank


class Matrix(Lines):
    """Lines of a `Grid`. It has no cursor: up and down scroll, left and right bring other columns."""

    HEAD_LINES = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "across(-1)", "columns before", show=False),
        Binding("right", "across(1)", "columns behind", show=False),
    ]

    def __init__(self, placeholder: AnyNotice = "nothing to cross", *, id: str | None = None) -> None:
        super().__init__(placeholder, id=id)
        self._grid = Grid("", (), ())
        self._widths: tuple[int, ...] = ()
        self._name_width = 0
        self._first = 0  # the leftmost column that is shown

    def show(self, grid: Grid) -> None:
        """Another grid; the reader stays at their columns as far as there are such."""
        if grid == self._grid:
            return
        before = self._widths if grid.columns == self._grid.columns else (0,) * len(grid.columns)
        self._grid = grid
        self._name_width = max([width_of(grid.corner), *(width_of(line.name) for line in grid.lines)])
        texts = [[line.cells[at].text for line in grid.lines] for at in range(len(grid.columns))]
        wanted = [
            min(MOST_CELL, max([width_of(head), *map(width_of, column)]))
            for head, column in zip(grid.columns, texts, strict=True)
        ]
        # a number that gains and loses a digit must not push its neighbours to and fro
        self._widths = tuple(was if 0 < was - now <= SLACK else now for was, now in zip(before, wanted, strict=True))
        self._first = max(0, min(self._first, len(grid.columns) - 1))
        self.clamp_top()
        self.sync_thumb()
        self.refresh()

    @property
    def wanted_lines(self) -> int:
        """Head and lines."""
        return self.HEAD_LINES + len(self._grid.lines)

    def line_count(self) -> int:
        return len(self._grid.lines)

    def at_line(self) -> int:
        return self.top

    def go_to(self, line: int) -> None:
        self.scroll_lines(line - self.top)

    def _shown(self, width: int) -> tuple[range, bool]:
        """The columns that fit whole from the first on (one at least), and whether there are more behind them."""
        room = width - _BEFORE - self._name_width
        last = self._first
        while last < len(self._widths):
            room -= GAP + self._widths[last]
            if room < 0 and last > self._first:
                break
            last += 1
        return range(self._first, last), last < len(self._widths)

    def draw_head(self, width: int) -> Strip:
        tones = self.paint.on(Ground.HEAD)
        dim, lit = tones[Tone.DIM], tones[Tone.ACCENT]
        shown, has_more = self._shown(width - 2)
        pieces = [("   ", dim), (fit(self._grid.corner, self._name_width), dim)]
        for place, at in enumerate(shown):
            is_after_hidden = place == 0 and self._first > 0
            pieces.append((f" {_MORE_LEFT}" if is_after_hidden else " " * GAP, lit))
            pieces.append((fit(self._grid.columns[at], self._widths[at]), dim))
        pieces.append((f" {_MORE_RIGHT}" if has_more else "", lit))
        return strip_of(pieces, width, dim)

    def draw_line(self, y: int, width: int) -> Strip:
        tones = self.paint.on(Ground.PANE)
        normal = tones[Tone.NORMAL]
        if self.top + y >= len(self._grid.lines):
            return Strip.blank(width, normal)
        line: GridLine = self._grid.lines[self.top + y]
        pieces = [
            *self.paint.badge(line.severity),
            (" ", normal),
            (fit(line.name, self._name_width), tones[Tone.STRONG]),
        ]
        for at in self._shown(width - 1)[0]:
            cell = line.cells[at]
            room = self._widths[at]
            text = fit(cell.text, min(room, width_of(cell.text)))
            pieces += [(" " * GAP, normal), (text, tones[cell.tone]), (" " * (room - width_of(text)), normal)]
        return strip_of(pieces, width, normal)

    def action_across(self, columns: int) -> None:
        """Other columns; not beyond those that make the last one seen."""
        first = max(0, min(len(self._widths) - 1, self._first + columns))
        if columns > 0 and not self._shown(self.extent.width - 2)[1]:
            return
        if first != self._first:
            self._first = first
            self.refresh()
