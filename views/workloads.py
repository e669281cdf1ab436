"""The workloads: pods, the worst first, and the rollouts beside them."""

from __future__ import annotations

from typing import Any

from console.model.cell import Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.rows import pods as rows
from console.rows.pane import Pane
from views.foot import Piece
from views.pane import Selection
from views.tables import TablePane


class WorkloadsPane(TablePane):
    """One row a pod; under them the newest rollout."""

    VIEW = rows.VIEW
    KEY = "3"
    TITLE = "Workloads"
    COLUMNS = rows.COLUMNS
    EMPTY = "no pods in this scope"
    FOOT_LINES = 2

    def foot_pieces(self, pane: Pane[Any], scope: Scope, now: Instant) -> tuple[Piece, ...]:
        """The rollout that matters most in this scope."""
        rollouts = self.desk.rollouts(self.seat, scope, now)
        if pane.as_of is None and not pane.rows:
            return ()  # nothing is known yet: "no rollout" would be a claim
        if not rollouts:
            return ((pane.note, Tone.WARN),) if pane.note else (("no rollout in the last hour", Tone.DIM),)
        first = rollouts[0]
        more = f" · +{len(rollouts) - 1} more" if len(rollouts) > 1 else ""
        tone = Tone.of(first.severity) if not first.is_rolling or first.severity.rank else Tone.ACCENT
        return (("ROLLOUT ", Tone.ACCENT), (first.text, tone), (more, Tone.DIM))

    def selection_of(self, row: Any) -> Selection:
        return Selection(
            view=self.VIEW, name=row.name, service=row.service, pod=row.name, namespace=row.namespace, row=row
        )
