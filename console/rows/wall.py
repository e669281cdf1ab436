"""What the wall says: everything of one moment, made from the same panes that the console shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from console.model.bar import Bar
from console.model.cell import Tone
from console.model.figure import Figures
from console.model.instant import Instant
from console.model.reading import Reading
from console.model.severity import Severity, State
from console.model.wallboard import BigFigure, Line, Notch, Sign, Tile
from console.rows import actions, gauges, incidents, pods, sources, streams, wall_fleet, wall_hour
from console.rows.incidents import IncidentRow
from console.rows.pane import Pane
from console.rows.pods import RolloutRow
from console.rows.units import duration
from console.rows.wall_banners import banners
from console.rows.wall_figures import big_figures
from console.rows.wall_fleet import Places

COUNTED = (streams.VIEW, pods.VIEW, gauges.VIEW)  # whose rows the counts count, as in the console's head
SEATED = (*COUNTED, "logs", incidents.VIEW, actions.VIEW, sources.VIEW)


class Wall(msgspec.Struct, frozen=True):
    """One moment."""

    now: datetime  # UTC, whole seconds
    severity: Severity
    counts: Mapping[Severity, int]  # CRIT: rows, or open incidents where these are more
    banners: tuple[Sign, ...]
    headline: Sign
    fleet: tuple[Tile, ...]
    fleet_title: str
    fleet_absence: str  # said where there is no channel
    figures: tuple[BigFigure, ...]
    bars: tuple[Bar, ...]
    bars_title: str
    incidents: tuple[Line, ...]
    incidents_title: str
    changes: tuple[Line, ...]
    notches: tuple[Notch, ...]
    sources: str  # "9/9"
    sources_well: bool
    is_critical: bool  # what the rotation is held for


class Heard(msgspec.Struct, frozen=True):
    """What the seats gave in this moment. Panes by view; one that this site has not is there all the same, and says so."""

    panes: Mapping[str, Pane[Any]]
    rollouts: Sequence[RolloutRow] = ()
    figures: Reading[Figures] | None = None
    mark: str = ""  # of the clock and of the configuration
    faults: tuple[str, ...] = ()  # of our own
    up_s: float = 0.0  # since somebody was asked first


def wall(heard: Heard, places: Places, now: Instant) -> Wall:
    """All that is said. `places`: where the channels stand, as `wall_fleet.placed` keeps it."""
    panes = heard.panes
    fleet, capacity = panes[streams.VIEW], panes[gauges.VIEW]
    told, heard_from = panes[incidents.VIEW], panes[sources.VIEW]
    open_rows: list[IncidentRow] = [row for row in told.rows if not row.is_closed]
    counts = _counted(panes[view] for view in COUNTED)
    critical = sum(row.severity is Severity.CRIT for row in open_rows)
    counts = {**counts, Severity.CRIT: max(counts[Severity.CRIT], critical)}
    hour = wall_hour.moments(told.rows, heard.rollouts, panes[actions.VIEW].rows, now)
    live = sum(row.state is State.LIVE for row in heard_from.rows)
    judged = [*(panes[view] for view in (*COUNTED, "logs", incidents.VIEW)), *_figures_pane(heard.figures, now)]
    signs = banners(judged, heard_from, mark=heard.mark, faults=heard.faults, up_s=heard.up_s)
    headline = _in_doubt(_headline(panes, open_rows, counts), signs)
    return Wall(
        now=now.utc.replace(microsecond=0),
        severity=headline.severity,
        counts=counts,
        banners=signs,
        headline=headline,
        fleet=wall_fleet.tiles(fleet.rows, places),
        fleet_title=_titled(fleet),
        fleet_absence=fleet.error.short if fleet.error is not None else fleet.summary,
        figures=big_figures(heard.figures, now),
        bars=tuple(row.bar for row in capacity.rows),
        bars_title=_titled(capacity),
        incidents=_incident_lines(told, open_rows),
        incidents_title=_titled(told),
        changes=wall_hour.lines(hour),
        notches=wall_hour.notches(hour, now),
        sources=f"{live}/{len(heard_from.rows)}",
        sources_well=live == len(heard_from.rows),
        is_critical=counts[Severity.CRIT] > 0,
    )


def _counted(panes: Iterable[Pane[Any]]) -> Mapping[Severity, int]:
    """As the console's head counts: a view of which nothing is known is one unknown."""
    known = [pane for pane in panes if pane.is_configured]
    counts = Counter(row.severity for pane in known for row in pane.rows)
    counts[Severity.UNKNOWN] += sum(not pane.rows and pane.severity is Severity.UNKNOWN for pane in known)
    return {severity: counts[severity] for severity in Severity}


def _headline(panes: Mapping[str, Pane[Any]], open_rows: Sequence[IncidentRow], counts: Mapping[Severity, int]) -> Sign:
    """The worst thing in one sentence: an incident before a row as bad, which is part of it as like as not."""
    worst = max(
        (row for view in COUNTED for row in panes[view].rows if row.severity.rank > Severity.UNKNOWN.rank),
        key=lambda row: row.severity.rank,
        default=None,
    )
    if open_rows and (worst is None or open_rows[0].severity.rank >= worst.severity.rank):
        return _of_incident(open_rows[0], len(open_rows) - 1)
    if worst is not None:
        return Sign(worst.severity, *_of_row(worst, counts[worst.severity] - 1))
    unsure = [pane for view in (*COUNTED, incidents.VIEW) if (pane := panes[view]).is_configured and _is_unsure(pane)]
    if counts[Severity.UNKNOWN] or unsure:
        what = ", ".join(dict.fromkeys(pane.title for pane in unsure)) or "not everything can be seen"
        count = f"{counts[Severity.UNKNOWN]} unknown"
        return Sign(Severity.UNKNOWN, count if counts[Severity.UNKNOWN] else f"not sure: {what}", (what,) if unsure else ())
    rows = panes[streams.VIEW].rows
    on_air = sum(not row.is_off_air for row in rows)
    big = f"all {on_air} channels fine" if on_air else "nothing wrong"
    return Sign(Severity.OK, big, ("no incident, nothing critical, nothing to warn of",))


def _in_doubt(headline: Sign, signs: Sequence[Sign]) -> Sign:
    """Nothing is called fine under a banner that says that not everything is heard."""
    doubts = [sign.big for sign in signs if sign.severity is Severity.CRIT]
    if headline.severity is not Severity.OK or not doubts:
        return headline
    return Sign(Severity.UNKNOWN, "as far as is known, nothing is wrong", (f"{headline.big}, but {', '.join(doubts)}",))


def _is_unsure(pane: Pane[Any]) -> bool:
    return pane.severity is Severity.UNKNOWN or (pane.state is not State.LIVE and pane.state is not State.PARTIAL)


def _of_incident(row: IncidentRow, more: int) -> Sign:
    parts = [row.name, duration(row.age_s), f"ack {row.acknowledged_by}" if row.acknowledged_by else "no ack"]
    parts += [f"before it: {row.before_it}"] if row.before_it else []
    parts += [f"and {more} more incident{'s' * (more > 1)}"] if more else []
    return Sign(row.severity, row.title, (" · ".join(parts),))


def _of_row(row: Any, more: int) -> tuple[str, tuple[str, ...]]:
    if isinstance(row, streams.StreamRow):
        big, line = row.name, row.reason
        if row.viewers is not None:
            line = f"{line} · {streams.impact_text(row)}"
    elif isinstance(row, gauges.GaugeRow):
        big, line = f"{row.name} {row.bar.text}", row.bar.note
    else:
        big, line = row.name, row.reason or row.status
    return big, (" · ".join([*([line] if line else []), *([f"and {more} more as bad"] if more else [])]),)


def _incident_lines(pane: Pane[IncidentRow], open_rows: Sequence[IncidentRow]) -> tuple[Line, ...]:
    """The open ones, and behind them those that were closed within the hour."""
    lately = [row for row in pane.rows if row.is_closed]
    return tuple(
        Line(
            key=row.name,
            severity=row.severity,
            lead=duration(row.age_s),
            text=f"{'✓ ' if row.is_closed else ''}{row.title}",
            more="" if row.is_closed else f"ack {row.acknowledged_by}" if row.acknowledged_by else "no ack",
            tone=Tone.DIM if row.is_closed else Tone.STRONG,
        )
        for row in (*open_rows, *lately)
    )


def _titled(pane: Pane[Any]) -> str:
    """ "Streams · 12 live · 1 crit", and its state and age as soon as it is not live."""
    told = f"{pane.title} · {pane.summary}" if pane.is_configured else f"{pane.title} · not configured"
    if pane.is_configured and pane.state not in (State.LIVE, State.CONNECTING):
        told += f" · {pane.state.value}"
        told += f", as of {duration(pane.age_s)} ago" if pane.state is not State.PARTIAL and pane.age_s is not None else ""
        told += f": {pane.note}" if pane.state is State.PARTIAL and pane.note else ""
    return told


def _figures_pane(reading: Reading[Figures] | None, now: Instant) -> list[Pane[Any]]:
    if reading is None:
        return []
    return [
        Pane("figures", "Figures", reading.state, Severity.OK, "", (), age_s=reading.age_s(now), error=reading.error)
    ]
