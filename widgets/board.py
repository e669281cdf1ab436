"""The board: sixty gauges in one widget.

One widget for all, because a widget per gauge costs tens of percent of a core at ten readings a second. A bar
without a ratio is no empty bar but a `?` with its reason: an unknown number must not look like a small one.
When the gauges are more than the lines and the pane is wide, they stand in several columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import ClassVar

import msgspec
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from console.model.bar import Bar
from console.model.cell import Tone
from console.model.severity import Severity
from console.model.spark import spark
from themes.tones import Ground, Paint
from widgets.cells import fit
from widgets.cells import width as cells_of
from widgets.lines import Lines, strip_of
from widgets.notice import AnyNotice

LEAST_COLUMN = 56  # cells of one gauge with its note
GUTTER = 3
_EIGHTHS = " ▏▎▍▌▋▊▉"
_TICK = "▏"
_TREND = 10


class Measures(msgspec.Struct, frozen=True):
    """How the cells of one gauge are shared out."""

    column: int
    name: int
    bar: int
    text: int
    trend: int
    note: int


def measure(bars: Sequence[Bar], column: int) -> Measures:
    """Share `column` cells: name and number as they need, then the bar, the rest to the note."""
    room = max(0, column - GUTTER)
    name = min(max((cells_of(bar.name) for bar in bars), default=0), max(6, room * 4 // 10), room)
    text = min(max((cells_of(bar.text) for bar in bars), default=0), 12)
    room -= name + text + 2
    wants_note = any(bar.note for bar in bars)
    wants_trend = any(bar.trend for bar in bars)
    bar = max(0, min(room, 40 if not wants_note else max(8, min(40, room // 2))))
    room -= bar + 2
    trend = _TREND if wants_trend and room >= _TREND + (14 if wants_note else 0) else 0
    room -= trend + 2 if trend else 0
    return Measures(column, name, bar, text, trend, room if room >= 6 else 0)


def gauge(bar: Bar, cells: int, paint: Paint) -> list[tuple[str, Style]]:
    """The bar itself in `cells` cells, to the eighth; the ticks stand on its empty part only."""
    ratio = bar.ratio if bar.ratio is not None and isfinite(bar.ratio) else 0.0
    eighths = round(min(1.0, max(0.0, ratio)) * cells * 8)
    if ratio > 0 and cells > 0:
        eighths = max(1, eighths)  # little is not nothing
    full, part = divmod(eighths, 8)
    style = paint.fill(bar.severity)
    # Without colour the track has no ground to stand on, so it becomes a row of dots.
    blank = " " if paint.has_color else "·"
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    pieces = [(filled, style)]
    at = len(filled)
    for threshold, severity in ((bar.warn, Severity.WARN), (bar.crit, Severity.CRIT)):
        if threshold is None or not 0.0 <= threshold < 1.0:
            continue
        tick = int(threshold * cells)
        if at <= tick < cells:
            pieces.append((blank * (tick - at), style))
            pieces.append((_TICK if paint.has_color else "|", paint.fill(severity)))
            at = tick + 1
    pieces.append((blank * (cells - at), style))
    return pieces


class Board(Lines):
    """Gauges by key, in the order given."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", show=False),
        Binding("left", "across(-1)", "left", show=False),
        Binding("right", "across(1)", "right", show=False),
    ]

    class BarHighlighted(Message):
        """The cursor came to another gauge."""

        def __init__(self, board: Board, key: str) -> None:
            super().__init__()
            self.board, self.key = board, key

        @property
        def control(self) -> Board:
            """The sender, for `@on(..., "#id")`."""
            return self.board

    class BarChosen(Message):
        """Enter on a gauge."""

        def __init__(self, board: Board, key: str) -> None:
            super().__init__()
            self.board, self.key = board, key

        @property
        def control(self) -> Board:
            """The sender, for `@on(..., "#id")`."""
            return self.board

    def __init__(
        self, placeholder: AnyNotice = "no gauges", *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(placeholder, id=id, classes=classes)
        self._bars: tuple[Bar, ...] = ()
        self._cursor_at = 0
        self._measured: tuple[int, Measures] | None = None
        self._columns_for: tuple[Size, int, int] = (Size(), 0, 1)  # the size and number of gauges, and how many columns

    def show(self, bars: Sequence[Bar]) -> None:
        """Replace the gauges; lines on which nothing changed are not painted."""
        if not bars and not self._bars:
            return  # the placeholder paints itself when it changes
        old, old_key, old_measures, old_columns = self._bars, self.cursor_key, self._measured, self.columns
        self._bars = tuple(bars)
        keys = [bar.key for bar in self._bars]
        self._cursor_at = keys.index(old_key) if old_key in keys else min(self._cursor_at, max(0, len(keys) - 1))
        self._measured = None
        self.clamp_top()
        is_same_grid = len(old) == len(keys) and old_columns == self.columns
        if not is_same_grid or old_measures is None or old_measures[1] != self.measures:
            self.forget_strips()
            self.refresh()
        else:
            changed = {at for at, (was, now) in enumerate(zip(old, self._bars, strict=True)) if was != now}
            if old_key != self.cursor_key:
                changed.add(self._cursor_at)
            self._repaint_bars(changed)
        self.sync_thumb()
        key = self.cursor_key
        if key is not None and key != old_key:
            self.post_message(self.BarHighlighted(self, key))

    @property
    def cursor_key(self) -> str | None:
        """The key of the gauge under the cursor."""
        return self._bars[self._cursor_at].key if self._bars else None

    @property
    def columns(self) -> int:
        """In how many columns the gauges stand: more than one when they would not fit otherwise."""
        size, count = self.extent, len(self._bars)
        was_size, was_count, columns = self._columns_for
        if was_size is not size or was_count != count:
            wanted = -(-count // max(1, self.body_height))
            columns = max(1, min(wanted, self.body_width // LEAST_COLUMN))
            self._columns_for = (size, count, columns)
        return columns

    @property
    def measures(self) -> Measures:
        """How the cells of a gauge are shared out now."""
        column = self.body_width // self.columns
        if self._measured is None or self._measured[0] != column:
            self._measured = (column, measure(self._bars, column))
        return self._measured[1]

    def line_count(self) -> int:
        return -(-len(self._bars) // self.columns)

    def at_line(self) -> int:
        return self._cursor_at % max(1, self.line_count())

    def go_to(self, line: int) -> None:
        self._move_to(self._cursor_at - self.at_line() + line)

    def draw_line(self, y: int, width: int) -> Strip:
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        line, lines = self.top + y, self.line_count()
        if line >= lines:
            return Strip.blank(width, normal)
        measures = self.measures
        if lines == len(self._bars):
            return self._strip(line, measures, self.no_thumb)
        strips = [
            self._strip(at, measures, None) for at in range(line, len(self._bars), lines)
        ]  # column by column, so that the first ones, the worst by custom, stand together
        joined = strips[0] if len(strips) == 1 else Strip.join(strips)
        return joined if joined.cell_length == width else joined.adjust_cell_length(width, normal)

    def _strip(self, at: int, measures: Measures, end: Segment | None) -> Strip:
        bar = self._bars[at]
        ground = Ground.PANE
        if self.has_cursor and at == self._cursor_at:
            ground = Ground.CURSOR if self.has_focus else Ground.REST
        name = (bar.key, ground, measures, end is None)
        return self.remembered(name, bar) or self.remember(name, bar, self._draw(bar, measures, ground, end))

    def _draw(self, bar: Bar, measures: Measures, ground: Ground, end: Segment | None) -> Strip:
        tones = self.paint.on(ground)
        normal = tones[Tone.NORMAL]
        tone = Tone.of(bar.severity)
        pointer = "▸" if ground is Ground.CURSOR else " "
        pieces = [
            *self.paint.badge(bar.severity, ground),
            (pointer, tones[Tone.ACCENT]),
            (fit(bar.name, measures.name) + " ", tones[Tone.NORMAL if tone is Tone.NORMAL else Tone.STRONG]),
        ]
        if bar.ratio is None or not isfinite(bar.ratio):
            room = measures.column - GUTTER - measures.name - 1
            pieces.append((fit(bar.note or "unknown, no reason told", room - 1) + " ", tones[Tone.DIM]))
            return strip_of(pieces, measures.column, normal, end)
        pieces.extend(gauge(bar, measures.bar, self.paint))
        text = fit(bar.text, measures.text, right=True)
        pieces.append((" ", normal))
        pieces.append((text, tones[tone]))
        pieces.append(("  ", normal))
        if measures.trend:
            pieces.append((spark(bar.trend, measures.trend) + "  ", tones[Tone.DIM]))
        if measures.note:
            pieces.append((fit(bar.note, measures.note), tones[Tone.DIM]))
        return strip_of(pieces, measures.column, normal, end)

    def _move_to(self, at: int) -> None:
        at = max(0, min(at, len(self._bars) - 1))
        if at == self._cursor_at:
            return
        old, old_top = self._cursor_at, self.top
        self._cursor_at = at
        self.scroll_into_view(self.at_line())
        if self.top != old_top:
            self.refresh_body()
        else:
            self._repaint_bars({old, at})
        self.sync_thumb()
        self.post_message(self.BarHighlighted(self, self._bars[at].key))

    def _repaint_bars(self, ats: set[int]) -> None:
        lines = max(1, self.line_count())
        self.refresh_body_lines({at % lines - self.top for at in ats})

    def action_across(self, step: int) -> None:
        """To the neighbouring column."""
        target = self._cursor_at + step * self.line_count()
        if 0 <= target < len(self._bars):
            self._move_to(target)

    def action_choose(self) -> None:
        """Open the gauge under the cursor."""
        key = self.cursor_key
        if key is not None:
            self.post_message(self.BarChosen(self, key))

    def on_focus(self) -> None:
        """The cursor is drawn otherwise."""
        self._repaint_bars({self._cursor_at})

    def on_blur(self) -> None:
        """The cursor is drawn otherwise."""
        self._repaint_bars({self._cursor_at})

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor."""
        offset = event.get_content_offset(self)
        if offset is not None and self._bars:
            line = self.top + offset.y
            column = min(self.columns - 1, offset.x // max(1, self.measures.column))
            if line < self.line_count():
                self._move_to(column * self.line_count() + line)
