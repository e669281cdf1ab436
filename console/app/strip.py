"""The line above the incident strip: an operation while it runs, one that waits for a yes, and a bad ending until somebody has
looked at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from console.app.together import LOUD, left
from console.model.cell import Tone
from console.model.instant import Instant
from console.model.operation import OperationLine
from console.model.severity import Severity
from console.rows.actions import bare
from console.rows.units import duration
from themes.tones import Ground
from widgets.form import Mark
from widgets.marked import Marked, ends

MOST = 3  # lines


class OperationStrip(Marked):
    """Not there while there is nothing to tell."""

    def __init__(self) -> None:
        super().__init__(Ground.HEAD, id="operation")
        self.display = False

    def tell(
        self,
        unseen: Sequence[OperationLine],
        running: Sequence[OperationLine],
        since: Mapping[str, float],
        width: int,
        *,
        now: Instant,
        waiting: Sequence[OperationLine] = (),
        ready: Sequence[OperationLine] = (),
        runner: Callable[[OperationLine], str] = lambda _: "",
    ) -> None:
        """Renew it. `since`: for how many seconds each has been running. `runner`: whose it is, empty for one's own, which
        stand first.
        """
        lines = [_unseen(line, width) for line in unseen]
        whose = {line.id: runner(line) for line in running}
        lines += [_running(line, "", since.get(line.id, 0.0), width) for line in running if not whose[line.id]]
        lines += [_ready(line, now, width) for line in ready]
        lines += [_waiting(line, now, width) for line in waiting]
        lines += [_running(line, whose[line.id], since.get(line.id, 0.0), width) for line in running if whose[line.id]]
        self.show(lines[:MOST])


def _unseen(line: OperationLine, width: int) -> list[Mark]:
    marks = [
        Mark(f" ‼ {line.state.upper()} ", severity=Severity.CRIT),
        Mark(f" {line.action} {bare(line.target)} ", Tone.CRIT),
        Mark(line.ending),
    ]
    return ends(marks, [Mark(" 6 ", Tone.ACCENT), Mark("look ", Tone.DIM)], width)


def _running(line: OperationLine, whose: str, since_s: float, width: int) -> list[Mark]:
    marks = [
        Mark(" ▶ ", Tone.ACCENT),
        *([Mark(f"{whose} runs ", Tone.NORMAL)] if whose else []),
        Mark(f"{line.action} {bare(line.target)}", Tone.STRONG if not whose else Tone.NORMAL),
        Mark(f" step {min(line.done + 1, len(line.steps))} of {len(line.steps)} "),
        Mark(f"· {line.progress} · {duration(since_s)}", Tone.DIM),
    ]
    if line.is_stopping:
        return ends(marks, [Mark(" stopping ", Tone.WARN)], width)
    return ends(marks, [Mark(" 6 ", Tone.ACCENT), Mark("look ", Tone.DIM)] if whose else _STOP, width)


def _waiting(line: OperationLine, now: Instant, width: int) -> list[Mark]:
    marks = [
        Mark(" ? ", Tone.WARN),
        Mark(f"{line.by} asks ", Tone.STRONG),
        Mark(f"{line.action} {bare(line.target)}"),
        Mark(f" · tier {line.tier}{left(line, now)}", Tone.DIM),
    ]
    return ends(marks, [Mark(" 6 ", Tone.ACCENT), Mark("yes or no ", Tone.DIM)], width)


def _ready(line: OperationLine, now: Instant, width: int) -> list[Mark]:
    marks = [
        Mark(" ✓ ", Tone.OK),
        Mark(f"approved by {', '.join(line.approved_by)}: ", Tone.STRONG),
        Mark(f"{line.action} {bare(line.target)}"),
        Mark(left(line, now), Tone.DIM),
    ]
    return ends(marks, [Mark(" 6 ", Tone.ACCENT), Mark("run it ", Tone.DIM)], width)


_STOP = [Mark(" s ", Tone.ACCENT), Mark("stop ", Tone.DIM)]

__all__ = ["LOUD", "OperationStrip"]
