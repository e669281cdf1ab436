"""The incidents: what belongs together, and what happened when."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult

from console.model.cell import Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.rows import incidents as rows
from console.rows.pane import Pane
from views.foot import Piece
from views.pane import Selection
from views.tables import TablePane
from widgets.timeline import Timeline


class IncidentsPane(TablePane):
    """One row an incident; below, the timeline of the selected one."""

    VIEW = rows.VIEW
    KEY = "5"
    TITLE = "Incidents"
    COLUMNS = rows.COLUMNS
    EMPTY = "no incident: no critical alert and no critical finding"

    def compose_body(self) -> ComposeResult:
        self.timeline = Timeline()
        yield from super().compose_body()
        yield self.timeline

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        super().show(pane, scope, now)
        row = self.selected() or (pane.rows[0] if pane.rows else None)
        self.timeline.show(row.timeline if row is not None else ())

    def foot_pieces(self, pane: Pane[Any], scope: Scope, now: Instant) -> tuple[Piece, ...]:
        """Which incident the timeline below belongs to."""
        row = self.selected() or (pane.rows[0] if pane.rows else None)
        if row is None:
            return ()
        return (("TIMELINE ", Tone.ACCENT), (row.strip, Tone.of(row.severity)))

    def selection_of(self, row: Any) -> Selection:
        channel = row.entities[0] if row.entities and row.entities[0] != row.service else None
        return Selection(view=self.VIEW, name=row.name, channel=channel, service=row.service, row=row)
