"""The line above the incident strip: an operation while it runs, and a bad ending until somebody has looked at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.model.cell import Tone
from console.model.operation import OperationLine
from console.model.severity import Severity
from console.rows.actions import bare
from console.rows.units import duration
from themes.tones import Ground
from widgets.form import Mark
from widgets.marked import Marked, ends

LOUD = ("unknown", "failed", "interrupted")  # endings that stand here until they were opened
MOST = 3  # lines


class OperationStrip(Marked):
    """Not there while there is nothing to tell."""

    def __init__(self) -> None:
        super().__init__(Ground.HEAD, id="operation")
        self.display = False

    def tell(
        self, unseen: Sequence[OperationLine], running: Sequence[OperationLine], since: Mapping[str, float], width: int
    ) -> None:
        """Renew it. `since`: for how many seconds each has been running."""
        lines = [_unseen(line, width) for line in unseen]
        lines += [_running(line, since.get(line.id, 0.0), width) for line in running]
        self.show(lines[:MOST])


def _unseen(line: OperationLine, width: int) -> list[Mark]:
    left = [
        Mark(f" ‼ {line.state.upper()} ", severity=Severity.CRIT),
        Mark(f" {line.action} {bare(line.target)} ", Tone.CRIT),
        Mark(line.ending),
    ]
    return ends(left, [Mark(" 6 ", Tone.ACCENT), Mark("look ", Tone.DIM)], width)


def _running(line: OperationLine, since_s: float, width: int) -> list[Mark]:
    left = [
        Mark(" ▶ ", Tone.ACCENT),
        Mark(f"{line.action} {bare(line.target)}", Tone.STRONG),
        Mark(f" step {min(line.done + 1, len(line.steps))} of {len(line.steps)} "),
        Mark(f"· {line.progress} · {duration(since_s)}", Tone.DIM),
    ]
    right = [Mark(" stopping ", Tone.WARN)] if line.is_stopping else [Mark(" s ", Tone.ACCENT), Mark("stop ", Tone.DIM)]
    return ends(left, right, width)
