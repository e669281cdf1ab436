"""The streams: every channel, the worst first, and why."""

from __future__ import annotations

from typing import Any

from console.model.cell import Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.rows import fleet
from console.rows import streams as rows
from console.rows.pane import Pane
from console.rows.units import clock, duration
from views.foot import Piece
from views.pane import Selection
from views.tables import TablePane


class StreamsPane(TablePane):
    """One row a channel."""

    VIEW = rows.VIEW
    KEY = "1"
    TITLE = "Streams"
    COLUMNS = rows.COLUMNS
    EMPTY = "no channel in this scope"
    FOOT_LINES = 2  # layer, since when, which renditions and where must be readable in half a screen's width

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        """Where there is room, each row tells what otherwise only its page does."""
        is_wide = self.is_full and self.size.width >= fleet.FROM
        self.table.show_columns(fleet.columns_for(pane.rows) if is_wide else self.COLUMNS)
        super().show(pane, scope, now)

    def foot_pieces(self, pane: Pane[Any], scope: Scope, now: Instant) -> tuple[Piece, ...]:
        """WHY the selected channel is as it is, else the worst one."""
        row = self.selected() or (pane.rows[0] if pane.rows else None)
        if row is None or not row.reason:
            return ((pane.note, Tone.WARN),) if pane.note else ()
        layer = f"[{row.layer.value}] " if row.layer is not None else ""
        since = f"since {clock(row.since)} ({duration(row.since_s)}): " if row.since is not None else ""
        return (
            ("WHY ", Tone.ACCENT),
            (f"{row.name} {layer}", Tone.of(row.severity)),
            (since, Tone.NORMAL),
            (row.reason, Tone.of(row.severity)),
        )

    def selection_of(self, row: Any) -> Selection:
        return Selection(view=self.VIEW, name=row.name, channel=row.name, service=row.service, row=row)
