"""The capacity: one bar a gauge, the fullest first."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult

from console.model.cell import Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import State
from console.rows import gauges as rows
from console.rows.pane import Pane
from console.rows.units import percent
from views.foot import Foot, Piece
from views.pane import PaneView, Selection, fault_pieces
from widgets.board import Board


class CapacityPane(PaneView):
    """All gauges on one board."""

    VIEW = rows.VIEW
    KEY = "4"
    TITLE = "Capacity"

    def compose_body(self) -> ComposeResult:
        self.board = Board()
        self.foot = Foot()
        yield self.board
        yield self.foot

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        """The bars, or why there are none."""
        if pane.error is not None and not pane.rows:
            self.board.placeholder = pane.error
        else:
            self.board.placeholder = "connecting …" if pane.state is State.CONNECTING else pane.summary
        self.board.show([row.bar for row in pane.rows])
        self.foot.show(fault_pieces(pane) if pane.error is not None and pane.rows else self._foot_pieces(pane))

    def show_fault(self, pane: Pane[Any]) -> None:
        if pane.error is not None:
            self.board.placeholder = pane.error
            self.board.show(())

    def _foot_pieces(self, pane: Pane[Any]) -> tuple[Piece, ...]:
        """The gauge under the cursor in full, because a narrow board cuts its name, and what else must be known."""
        key = self.board.cursor_key
        row = next((row for row in pane.rows if row.key == key), None)
        told: tuple[Piece, ...] = ((pane.note, Tone.WARN), (" · ", Tone.DIM)) if pane.note else ()
        if row is None:
            return told[:1]
        limits = f" · warn {percent(row.warn)} · crit {percent(row.crit)}"
        return (*told, (row.name, Tone.of(row.severity)), (f"  {row.bar.note}{limits}", Tone.DIM))

    def on_board_bar_highlighted(self, message: Board.BarHighlighted) -> None:
        """The line under the board follows the cursor."""
        message.stop()
        if self.pane is not None and not (self.pane.error is not None and self.pane.rows):
            self.foot.show(self._foot_pieces(self.pane))

    def on_board_bar_chosen(self, message: Board.BarChosen) -> None:
        message.stop()
        selection = self.selection()
        if selection is not None:
            self.post_message(self.Opened(selection))

    def selection(self) -> Selection | None:
        key = self.board.cursor_key
        rows = self.pane.rows if self.pane is not None else ()
        row = next((row for row in rows if row.key == key), None)
        return Selection(view=self.VIEW, name=row.name, row=row) if row is not None else None
