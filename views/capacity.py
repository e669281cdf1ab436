"""The capacity: one bar a gauge, the fullest first."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult

from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import State
from console.rows import gauges as rows
from console.rows.pane import Pane
from views.pane import PaneView, Selection
from widgets.board import Board


class CapacityPane(PaneView):
    """All gauges on one board."""

    VIEW = rows.VIEW
    KEY = "4"
    TITLE = "Capacity"

    def compose_body(self) -> ComposeResult:
        self.board = Board()
        yield self.board

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        """The bars, or why there are none."""
        if pane.error is not None and not pane.rows:
            self.board.placeholder = pane.error
        else:
            self.board.placeholder = "connecting …" if pane.state is State.CONNECTING else pane.summary
        self.board.show([row.bar for row in pane.rows])

    def show_fault(self, pane: Pane[Any]) -> None:
        if pane.error is not None:
            self.board.placeholder = pane.error
            self.board.show(())

    def selection(self) -> Selection | None:
        return None
