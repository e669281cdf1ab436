"""The actions: what runs, what was left half done, what waits for a second person, what is over."""

from __future__ import annotations

from typing import Any

from console.model.cell import Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.rows import actions as rows
from console.rows.pane import Pane
from console.rows.units import clock
from views.foot import Piece
from views.tables import TablePane


class ActionsPane(TablePane):
    """One row an operation; under them what there is to know of the selected one. Enter opens it."""

    VIEW = rows.VIEW
    KEY = "6"
    TITLE = "Actions"
    COLUMNS = rows.COLUMNS
    EMPTY = "nothing was done from this host in the last days; a on a row of another view acts on it"
    FOOT_LINES = 2

    def foot_pieces(self, pane: Pane[Any], scope: Scope, now: Instant) -> tuple[Piece, ...]:
        """The selected operation in full."""
        row = self.selected() or (pane.rows[0] if pane.rows else None)
        if row is None:
            return ((pane.note, Tone.WARN),) if pane.note else ()
        trouble = ((f"AUDIT {pane.note} · ", Tone.CRIT),) if pane.note else ()
        reason = f"because “{row.reason}”" if row.reason else ""
        why = " · ".join(filter(None, (reason, row.ticket, row.incident, f"by {row.by}", clock(row.at))))
        return (
            *trouble,
            (f"{row.state.upper()} ", Tone.of(row.severity) if row.severity.rank else Tone.ACCENT),
            (f"{row.action} {row.target}", Tone.STRONG),
            (f" · {row.text}" if row.text else "", Tone.of(row.severity)),
            (f" · {why}", Tone.DIM),
        )
