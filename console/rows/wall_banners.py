"""What must be known before anything on the wall is believed: feeds that are dead, clocks that are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from console.model.severity import Severity, State
from console.model.wallboard import Sign
from console.rows.pane import Pane
from console.rows.sources import SourceRow
from console.rows.units import duration

PATIENCE_S = 30.0  # who has not answered once by then counts as dead
MOST_TOLD = 3  # feeds told with their reason; the rest is counted
_DEAD = (State.ERROR, State.STALE)


def banners(
    panes: Sequence[Pane[Any]], sources: Pane[SourceRow] | None, *, mark: str, faults: Iterable[str], up_s: float
) -> tuple[Sign, ...]:
    """The worst first. `mark`: what the passage of time and the configuration have to say; `faults`: our own; `up_s`: for how
    long somebody has been asked.
    """
    told = (
        _dead(panes, sources.rows if sources is not None else (), up_s),
        _skewed(sources.rows if sources is not None else (), mark),
        _own(tuple(faults)),
        Sign(Severity.WARN, "", (mark,), is_warning=True) if mark and not _is_clock(mark) else None,
    )
    return tuple(sign for sign in told if sign is not None)


def is_dead(state: State, up_s: float) -> bool:
    """Whether what it says can no longer be taken for now."""
    return state in _DEAD or (state is State.CONNECTING and up_s > PATIENCE_S)


def _dead(panes: Sequence[Pane[Any]], rows: Sequence[SourceRow], up_s: float) -> Sign | None:
    views = [pane for pane in panes if pane.is_configured and is_dead(pane.state, up_s)]
    feeds = [row for row in rows if is_dead(row.state, up_s)]
    if not views and not feeds:
        return None
    what = ", ".join(pane.title for pane in views) or ", ".join(dict.fromkeys(row.kind for row in feeds))
    lines = [_feed(row) for row in feeds[:MOST_TOLD]] or [_view(pane) for pane in views[:MOST_TOLD]]
    if len(feeds) > MOST_TOLD:
        lines.append(f"and {len(feeds) - MOST_TOLD} more feeds")
    return Sign(Severity.CRIT, f"no news: {what}", tuple(lines), is_warning=True)


def _feed(row: SourceRow) -> str:
    heard = f"last heard {duration(row.age_s)} ago" if row.age_s is not None else "never heard"
    why = f": {row.error}" if row.error else ""
    return f"{row.name} {row.state.value} · {heard}{why}"


def _view(pane: Pane[Any]) -> str:
    heard = f"as of {duration(pane.age_s)} ago" if pane.age_s is not None else "never heard"
    why = f": {pane.error.short}" if pane.error is not None else ""
    return f"{pane.title} {pane.state.value} · {heard}{why}"


def _skewed(rows: Sequence[SourceRow], mark: str) -> Sign | None:
    """One server's clock is its own; most of them off by the same is ours."""
    off = [row for row in rows if row.skew_s is not None and abs(row.skew_s) > 5.0]
    if _is_clock(mark):
        return Sign(Severity.CRIT, "wrong clock", (mark,), is_warning=True)
    if not off:
        return None
    told = [row.skew_s for row in rows if row.skew_s is not None]
    if len(told) > 1 and len(off) * 2 > len(told):
        by = f"{median([row.skew_s for row in off if row.skew_s is not None]):+.0f} s"
        line = f"{len(off)} of {len(told)} servers say {by}: this machine's own clock is probably wrong"
    else:
        line = " · ".join(f"{row.name} {row.skew_s:+.0f} s" for row in off[:MOST_TOLD]) + " against this machine's clock"
    return Sign(Severity.CRIT, "wrong clock", (line,), is_warning=True)


def _own(faults: tuple[str, ...]) -> Sign | None:
    if not faults:
        return None
    lines = (f"{' · '.join(faults[:MOST_TOLD])}: the log file has the traceback",)
    return Sign(Severity.CRIT, "fault of the wall", lines, is_warning=True)


def _is_clock(mark: str) -> bool:
    return mark.startswith("system clock")
