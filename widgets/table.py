"""The table: rows of severity, text and numbers, steady under the reader's finger.

Its cost depends on the height of the pane, not on the number of rows: `show` keeps 20,000 rows in order, but
draws and compares only the lines that are seen. Three cells stand before the first column: the mark, the
severity letter, and the pointer of the cursor row, so that a row says how bad it is and where the cursor
stands without any colour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from console.model.cell import Column, RowLike, Tone
from themes.tones import Ground
from widgets.layout import GAP, Layout, lay_out
from widgets.lines import Lines
from widgets.notice import AnyNotice
from widgets.order import Order
from widgets.rowlines import GUTTER, cell_of, draw_ghost, draw_head, draw_row

R = TypeVar("R", bound=RowLike)
FREEZE_S = 3.0
_SHORTEST_TIMER_S = 0.01  # a timer of no time at all ends in a division by zero inside Textual

# What a visible line shows: unchanged means that nothing need be painted.
Seen = tuple[object, bool, bool, bool]


class FromTable(Message):
    """What a table tells."""

    def __init__(self, table: Table[Any]) -> None:
        super().__init__()
        self.table = table

    @property
    def control(self) -> Table[Any]:
        """The sender, for `@on(..., "#id")`."""
        return self.table


class Table(Lines, Generic[R]):
    """Rows by key. The cursor belongs to a key, not to a line."""

    HEAD_LINES = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", show=False),
        Binding("space", "mark", "mark", show=False),
        Binding("less_than_sign", "sort(-1)", "sort column", show=False),
        Binding("greater_than_sign", "sort(1)", "sort column", show=False),
        Binding("equals_sign", "hold", "hold the order", show=False),
    ]

    class RowHighlighted(FromTable):
        """The cursor came to another row: by the reader, or because its row went away. `row` is None in an
        empty table.
        """

        def __init__(self, table: Table[Any], key: str | None, row: R | None) -> None:
            super().__init__(table)
            self.key, self.row = key, row

    class RowChosen(FromTable):
        """Enter on a row."""

        def __init__(self, table: Table[Any], key: str, row: R) -> None:
            super().__init__(table)
            self.key, self.row = key, row

    class HoldChanged(FromTable):
        """The order was held, or let go."""

        def __init__(self, table: Table[Any], is_held: bool) -> None:
            super().__init__(table)
            self.is_held = is_held

    class MarksChanged(FromTable):
        """The set of marked rows changed."""

        def __init__(self, table: Table[Any], keys: frozenset[str]) -> None:
            super().__init__(table)
            self.keys = keys

    def __init__(
        self,
        columns: Sequence[Column[R]],
        placeholder: AnyNotice = "nothing here",
        *,
        freeze_s: float = FREEZE_S,
        monotonic: Callable[[], float] = time.monotonic,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(placeholder, id=id, classes=classes)
        self._columns = tuple(columns)
        self._layout_for = (-1, Layout((), ()))
        self._order: Order[R] = Order()
        self._cursor_key: str | None = None
        self._cursor_at = 0  # where the key was last seen; checked before use
        self._is_touched = False
        self._marked: set[str] = set()
        self._freeze_s = freeze_s
        self._monotonic = monotonic
        self._held_until = 0.0
        self._is_pinned = False
        self._is_timing = False
        self._broken: set[str] = set()  # columns whose cell function failed: logged once

    def show(self, rows: Sequence[R]) -> None:
        """Replace the rows. Only visible lines whose row is another one are painted."""
        seen = self._seen()
        screen_line = self.at_line() - self.top
        self._order.take(rows)
        self._settle(screen_line)
        self._paint_changes(seen)

    @property
    def columns(self) -> tuple[Column[R], ...]:
        """All columns, dropped ones included."""
        return self._columns

    def show_columns(self, columns: Sequence[Column[R]]) -> None:
        """Other columns for the same rows: a wide pane has more to say. Cursor, order and marks stay."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._layout_for = (-1, Layout((), ()))
            self.forget_strips()
            self.refresh()

    @property
    def column_layout(self) -> Layout:
        """Which columns are shown how wide at the present width, and which were dropped."""
        width = self.body_width - GUTTER
        if self._layout_for[0] != width:
            self._layout_for = (width, lay_out(self._columns, width))
            self.forget_strips()
        return self._layout_for[1]

    @property
    def cursor_key(self) -> str | None:
        """The key under the cursor; None in an empty table."""
        return self._cursor_key

    @property
    def cursor_row(self) -> R | None:
        """The row under the cursor, ghost or not."""
        return None if self._cursor_key is None else self._order.row(self._cursor_key)

    @property
    def marked(self) -> frozenset[str]:
        """Keys of the marked rows that still exist."""
        return frozenset(key for key in self._marked if key in self._order)

    @property
    def is_held(self) -> bool:
        """Whether the order stands still: the reader has just moved, or asked for it with `=`."""
        return self._order.is_held

    @property
    def sort(self) -> tuple[str, bool] | None:
        """(column key, descending), or None when the rows stand as given."""
        column = self._order.column
        return None if column is None else (column.key, self._order.is_descending)

    def select(self, key: str) -> bool:
        """Put the cursor on a key; False when there is no such row."""
        if key not in self._order:
            return False
        self._move_to(self._order.keys.index(key))
        return True

    def to_first(self) -> None:
        """Cursor and view to the first row, where nobody has moved them: the order is then the newest."""
        if self._order.keys and (self.top or self._cursor_key != self._order.keys[0]):
            self._move_to(0)
            self.top = 0

    def sort_by(self, column_key: str | None, is_descending: bool | None = None) -> None:
        """Sort by a column, in its natural direction (numbers: the greatest first) unless told; None: as
        given.
        """
        column = next((each for each in self._columns if each.key == column_key), None)
        natural = column is not None and column.is_right
        self._order.sort_by(column, natural if is_descending is None else is_descending)
        self._settle(self.at_line() - self.top)
        self.refresh()

    def _settle(self, screen_line: int) -> None:
        """After the order changed: find the cursor's key again and keep it on its line of the screen."""
        keys, old = self._order.keys, self._cursor_key
        if self._marked:
            self._marked.intersection_update(keys)
        if not keys:
            self.top, self._cursor_at = 0, 0
            self._set_cursor(None)
            return
        at = self._find(old)
        if at is None:
            at = min(self._cursor_at, len(keys) - 1) if self._is_touched else 0
        elif not self._is_touched:
            at = 0  # nobody has chosen a row: stay with the worst one
        self._cursor_at = at
        # The top stays the top, so that a new worst row is seen; elsewhere the cursor's line stands still.
        if not (self.top == 0 and at < self.body_height):
            self.top = at - screen_line
        self.scroll_into_view(at)
        self._set_cursor(keys[at])

    def _find(self, key: str | None) -> int | None:
        keys, at = self._order.keys, self._cursor_at
        if key is None:
            return None
        if at < len(keys) and keys[at] == key:
            return at
        try:
            return keys.index(key)
        except ValueError:
            return None

    def _set_cursor(self, key: str | None) -> None:
        if key != self._cursor_key:
            self._cursor_key = key
            self.post_message(self.RowHighlighted(self, key, None if key is None else self._order.row(key)))

    def _move_to(self, line: int) -> None:
        seen = self._seen()
        self._is_touched = True
        self._cursor_at = line
        self._set_cursor(self._order.keys[line])
        self.scroll_into_view(line)
        self._hold()
        self._paint_changes(seen)

    def _hold(self) -> None:
        """The reader moved: keep the order for a while."""
        self._held_until = self._monotonic() + self._freeze_s
        if not self._order.is_held:
            self._keep_order()
        if not self._is_timing and not self._is_pinned:
            self._is_timing = True
            self.set_timer(max(_SHORTEST_TIMER_S, self._freeze_s), self._thaw)

    def _thaw(self) -> None:
        self._is_timing = False
        left = self._held_until - self._monotonic()
        if self._is_pinned or not self._order.is_held:
            return
        if left > 0:
            self._is_timing = True
            self.set_timer(max(_SHORTEST_TIMER_S, left), self._thaw)
        else:
            self._release()

    def _keep_order(self) -> None:
        self._order.is_held = True
        self._paint_head()
        self.post_message(self.HoldChanged(self, True))

    def _release(self) -> None:
        seen = self._seen()
        screen_line = self.at_line() - self.top
        self._order.release()
        self._settle(screen_line)
        self._paint_head()
        self._paint_changes(seen)
        self.post_message(self.HoldChanged(self, False))

    def line_count(self) -> int:
        return len(self._order)

    def at_line(self) -> int:
        return self._find(self._cursor_key) or 0

    def go_to(self, line: int) -> None:
        self._move_to(line)

    def draw_head(self, width: int) -> Strip:
        return draw_head(self.column_layout, width, self.paint, self.sort, self.is_held)

    def draw_line(self, y: int, width: int) -> Strip:
        at = self.top + y
        if at >= len(self._order):
            return Strip.blank(width, self.paint.on(Ground.PANE)[Tone.NORMAL])
        layout = self.column_layout  # first: a new width forgets the strips
        key = self._order.keys[at]
        row = self._order.row(key)
        ground = Ground.PANE
        if self.has_cursor and key == self._cursor_key:
            ground = Ground.CURSOR if self.has_focus else Ground.REST
        is_marked, is_ghost = key in self._marked, self._order.is_ghost(key)
        name = (key, ground, is_marked, is_ghost)
        known = self.remembered(name, row)
        if known is not None:
            return known
        cells = [cell_of(column, row, self._broken) for column, _ in layout.shown]
        if is_ghost:
            return self.remember(name, row, draw_ghost(cells, layout, width, self.paint, ground))
        drawn = draw_row(row.severity, cells, layout, width, self.paint, ground, is_marked)
        return self.remember(name, row, drawn)

    def _seen(self) -> list[Seen]:
        order = self._order
        return [
            (order.row(key), key == self._cursor_key, key in self._marked, order.is_ghost(key))
            for key in order.keys[self.top : self.top + self.body_height]
        ]

    def _paint_changes(self, before: list[Seen]) -> None:
        """Repaint the visible lines that show something else than before, and the thumb."""
        after = self._seen()
        if bool(before) != bool(after):
            self.refresh()
        elif after:
            longest = max(len(before), len(after))
            none = [None]
            old = [*before, *none * (longest - len(before))]
            new = [*after, *none * (longest - len(after))]
            self.refresh_body_lines(at for at, (was, now) in enumerate(zip(old, new, strict=True)) if was != now)
        self.sync_thumb()

    def _paint_head(self) -> None:
        self.refresh(Region(0, 0, self.size.width, self.HEAD_LINES))

    def action_first(self) -> None:
        """To the first row, and back to following the worst."""
        super().action_first()
        if not self._is_pinned and self._order.is_held:
            self._release()
            super()._go(0)
        self._is_touched = False

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        key, row = self._cursor_key, self.cursor_row
        if key is not None and row is not None:
            self.post_message(self.RowChosen(self, key, row))

    def action_mark(self) -> None:
        """Mark or unmark, and step down, so that holding space marks a run."""
        key = self._cursor_key
        if key is None or self._order.is_ghost(key):
            return
        self._marked ^= {key}
        self.refresh_body_lines([self.at_line() - self.top])
        self.post_message(self.MarksChanged(self, self.marked))
        self.action_step(1)

    def action_sort(self, step: int) -> None:
        """The next sort column among those shown; before the first of them the order is as given."""
        keys = [None, *(column.key for column, _ in self.column_layout.shown)]
        now = self.sort[0] if self.sort else None
        at = keys.index(now) if now in keys else 0
        self.sort_by(keys[(at + step) % len(keys)])

    def action_hold(self) -> None:
        """Hold the order until asked again; while it is held, let it go at once."""
        if self._order.is_held:
            self._is_pinned = False
            self._release()
        else:
            self._is_pinned = True
            self._keep_order()

    def on_focus(self) -> None:
        """The cursor row is drawn otherwise."""
        self._paint_cursor()

    def on_blur(self) -> None:
        """The cursor row is drawn otherwise."""
        self._paint_cursor()

    def _paint_cursor(self) -> None:
        if self._cursor_key is not None:
            self.refresh_body_lines([self.at_line() - self.top])

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one on the same row opens it; one on the head sorts."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self.HEAD_LINES:
            self._click_head(offset.x)
            return
        line = self.top + offset.y - self.HEAD_LINES
        if 0 <= line < len(self._order):
            is_again = self._order.keys[line] == self._cursor_key and self._is_touched
            self._move_to(line)
            if is_again:
                self.action_choose()

    def _click_head(self, x: int) -> None:
        start = GUTTER
        for column, size in self.column_layout.shown:
            if start <= x < start + size:
                is_same = self._order.column is not None and self._order.column.key == column.key
                self.sort_by(column.key, not self._order.is_descending if is_same else None)
                return
            start += size + GAP
