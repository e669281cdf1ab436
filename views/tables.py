"""A pane whose body is a table: what streams, workloads, incidents and sources have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult

from console.model.cell import AnyColumn, Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows.pane import Pane
from views.foot import Foot, Piece
from views.pane import PaneView, Selection, fault_pieces
from widgets.notice import AnyNotice
from widgets.table import Table


class TablePane(PaneView):
    """Columns, rows, a filter, and one line under them."""

    COLUMNS: ClassVar[tuple[AnyColumn, ...]] = ()
    EMPTY: ClassVar[str] = "nothing in this scope"
    FOOT_LINES: ClassVar[int] = 1

    def compose_body(self) -> ComposeResult:
        self.table: Table[Any] = Table(self.COLUMNS)
        self.foot = Foot(lines=self.FOOT_LINES)
        self.filter_text = ""
        yield self.table
        yield self.foot

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        """The rows, or why there are none."""
        rows = pane.rows
        if self.filter_text:
            wanted = self.filter_text.casefold()
            rows = tuple(row for row in rows if wanted in self.words(row).casefold())
        self.table.placeholder = self._absence(pane)
        self.table.show(rows)
        foot = fault_pieces(pane) if pane.error is not None and rows else self.foot_pieces(pane, scope, now)
        self.foot.show((*self._filter_pieces(pane, len(rows)), *foot))

    def _filter_pieces(self, pane: Pane[Any], shown: int) -> tuple[Piece, ...]:
        """While rows are hidden, the foot says so before everything else, loudly when something critical may be among them."""
        if not self.filter_text:
            return ()
        hidden = len(pane.rows) - shown
        tone = Tone.WARN if hidden and pane.severity is Severity.CRIT else Tone.ACCENT
        return ((f"FILTER “{self.filter_text}”: {shown} of {len(pane.rows)} shown · ", tone),)

    def words(self, row: Any) -> str:
        """What the filter looks at."""
        return " ".join(column.cell(row).text for column in self.COLUMNS)

    def foot_pieces(self, pane: Pane[Any], scope: Scope, now: Instant) -> tuple[Piece, ...]:
        """The line under the table."""
        return ()

    def show_fault(self, pane: Pane[Any]) -> None:
        if pane.error is not None:
            self.table.placeholder = pane.error
            self.table.show(())

    def filter(self, text: str) -> None:
        """Show only rows that contain a text, from the next renewal on."""
        self.filter_text = text
        self._shown = None

    def selected(self) -> Any:
        """The row under the cursor, or None."""
        return self.table.cursor_row

    def on_table_row_highlighted(self, message: Table.RowHighlighted) -> None:
        """The line under the table follows the cursor at the next renewal."""
        message.stop()
        self._shown = None

    def on_table_hold_changed(self, message: Table.HoldChanged) -> None:
        """Rows that do not follow the newest order must not be taken for it: the head says so."""
        message.stop()
        self.head.hold(message.is_held)

    def on_table_row_chosen(self, message: Table.RowChosen) -> None:
        message.stop()
        selection = self.selection()
        if selection is not None:
            self.post_message(self.Opened(selection))

    def selection(self) -> Selection | None:
        row = self.selected()
        return self.selection_of(row) if row is not None else None

    def selection_of(self, row: Any) -> Selection:
        """How other views can follow this row."""
        return Selection(view=self.VIEW, name=row.name, row=row)

    def _absence(self, pane: Pane[Any]) -> AnyNotice:
        if pane.error is not None and not pane.rows:
            return pane.error
        if not pane.is_configured:
            return pane.summary
        if pane.state is State.CONNECTING:
            return "connecting …"
        return f"no row contains “{self.filter_text}”" if self.filter_text and pane.rows else self.EMPTY
