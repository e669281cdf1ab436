"""The frame around every view: what site and scope this is, how bad it is, the incident, the keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from rich.segment import Segment
from textual.strip import Strip

from console.app.keymap import ENTRIES
from console.model.cell import Tone
from console.model.severity import Severity, State
from console.rows.incidents import IncidentRow
from console.rows.pane import Pane
from console.rows.units import clock
from themes.tones import Ground
from views.head import padded
from widgets.cells import fit
from widgets.cells import width as width_of
from widgets.painted import Painted

WORKS_FROM = (80, 24)  # columns, rows; below them what is shown is cut, and said to be
SCOPE_LEAST = 24  # cells
MARK_LEAST = 24  # columns: "configuration refused"


class FrameFacts(msgspec.Struct, frozen=True):
    """What the head line tells."""

    site: str
    scope: str
    is_prod: bool
    critical: int
    warning: int
    unknown: int
    sources: str  # "9/9"
    sources_well: bool
    now: datetime
    who: str
    mark: str = ""  # a broken configuration file, a clock that jumped
    rate: str = ""  # "4 kB/s": what the terminal is sent
    here: int = 0  # sessions of this server


def counted(panes: Iterable[Pane[Any]]) -> dict[Severity, int]:
    """How many rows there are of each severity. No data is never green: a view of which nothing is known is one unknown."""
    known = [pane for pane in panes if pane.is_configured]
    counts = Counter(row.severity for pane in known for row in pane.rows)
    counts[Severity.UNKNOWN] += sum(not pane.rows and pane.severity is Severity.UNKNOWN for pane in known)
    return {severity: counts[severity] for severity in Severity}


def absent(incidents: Pane[Any], sources: Pane[Any]) -> str:
    """What is said where no incident is open: that there is none, or why nobody can say, and which sources fail."""
    said = "no incident" if incidents.state in (State.LIVE, State.PARTIAL) else f"incidents: {incidents.summary}"
    broken = [row for row in sources.rows if row.state is State.ERROR]
    return f"{said} · {len(broken)} source{'s' if len(broken) > 1 else ''} failing: {broken[0].name}" if broken else said


class HeadLine(Painted):
    """The alert strip: one line, the counts before everything else at the right."""

    DEFAULT_CSS = "HeadLine { height: 1; dock: top; }"

    def __init__(self) -> None:
        super().__init__()
        self._facts: FrameFacts | None = None

    def show(self, facts: FrameFacts) -> None:
        """Renew the line."""
        if facts != self._facts:
            self._facts = facts
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Left: whose console; right: how bad, how well we know, what time."""
        width = self.size.width
        styles = self.paint.on(Ground.HEAD)
        facts = self._facts
        if facts is None:
            return Strip([Segment(fit(" midwatch", width), styles[Tone.STRONG])])
        left = [(" midwatch ", Tone.ACCENT), (f" {facts.site} ", Tone.CRIT if facts.is_prod else Tone.STRONG)]
        badges = [
            (f" {word} {count} ", severity)
            for word, count, severity in (
                ("CRIT", facts.critical, Severity.CRIT),
                ("WARN", facts.warning, Severity.WARN),
                ("?", facts.unknown, Severity.UNKNOWN),
            )
            if count
        ]
        right = [
            (f"  sources {facts.sources} ", Tone.DIM if facts.sources_well else Tone.WARN),
            (time := f" {clock(facts.now)} UTC ", Tone.NORMAL),
            *([(f" {facts.who} ", Tone.DIM)] if not facts.mark else []),
        ]
        used = sum(width_of(text) for text, _ in [*left, *badges, *right]) + len(badges)  # a blank after each badge
        wanted = width_of(facts.mark) + 2 if facts.mark else 0
        used += min(wanted, MARK_LEAST)
        scope = f" ▸ {facts.scope} " if facts.scope else ""
        least = min(width_of(scope), SCOPE_LEAST)
        used += least
        while used > width and len(right) > 1:  # a narrow terminal: who I am goes first, then the sources
            dropped = right.pop() if len(right) > 2 else right.pop(0)
            used -= width_of(dropped[0])
        if scope:  # cut before any count is
            room = max(least, width - used + least - 1)
            left.append((scope if width_of(scope) <= room else fit(scope, room), Tone.ACCENT))
            used += width_of(left[-1][0]) - least
        if facts.mark:  # no mark, however long its reason, may push the counts out of the line
            room = min(wanted, max(0, width - used) + MARK_LEAST)
            used += room - min(wanted, MARK_LEAST)
            left.append((f" {fit(facts.mark, max(0, room - 2))} ", Tone.WARN))
        # both sides of the time, where there is room left
        for text, steps in ((f" {facts.rate} " * bool(facts.rate), 0), (f" {facts.here} here " * (facts.here > 1), 1)):
            if text and used + len(text) < width:
                right.insert([each for each, _ in right].index(time) + steps, (text, Tone.DIM))
                used += len(text)
        segments = [Segment(text, styles[tone]) for text, tone in left]
        segments.append(Segment(" " * max(1, width - used), styles[Tone.NORMAL]))
        for text, severity in badges:
            segments += [Segment(text, self.paint.letter(severity, Ground.HEAD)), Segment(" ", styles[Tone.NORMAL])]
        segments += [Segment(text, styles[tone]) for text, tone in right]
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])


class IncidentStrip(Painted):
    """The worst open incident, under every view."""

    DEFAULT_CSS = "IncidentStrip { height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._row: IncidentRow | None = None
        self._more = 0
        self._words = ""

    def show(self, row: IncidentRow | None, more: int, absent: str) -> None:
        """The worst open one and how many more; `absent` is said when there is none."""
        words = row.strip if row is not None else absent
        if (row, more, words) != (self._row, self._more, self._words):
            self._row, self._more, self._words = row, more, words
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        styles = self.paint.on(Ground.PANE)
        if self._row is None:
            return Strip([Segment(fit(f" {self._words}", width), styles[Tone.DIM])])
        more = f" +{self._more} more (5) " if self._more else " "
        segments = [
            Segment(f" {self._row.severity.letter} ", self.paint.letter(self._row.severity)),
            *padded(
                f" {self._words}",
                max(0, width - 3 - width_of(more)),
                styles[Tone.of(self._row.severity)],
                styles[Tone.NORMAL],
            ),
            Segment(more, styles[Tone.DIM]),
        ]
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])


class KeyBar(Painted):
    """The keys worth knowing, from the registry."""

    DEFAULT_CSS = "KeyBar { height: 1; dock: bottom; }"

    def render_line(self, y: int) -> Strip:
        """Help and quit always; of the others as many as there is room for."""
        width = self.size.width
        styles = self.paint.on(Ground.HEAD)
        size = self.app.size
        if size.width < WORKS_FROM[0] or size.height < WORKS_FROM[1]:
            told = f"{WORKS_FROM[0]}x{WORKS_FROM[1]} needed, this is {size.width}x{size.height}: much is cut   ? help  q quit"
            return Strip([Segment(fit(told, width), styles[Tone.WARN])]).adjust_cell_length(width, styles[Tone.NORMAL])
        words = [(" 0-6 9", "views")] + [(entry.shown, entry.label) for entry in ENTRIES if entry.in_bar]
        last, rest = words[-2:], words[:-2]
        room = width - sum(width_of(key) + width_of(label) + 3 for key, label in last)
        segments: list[Segment] = []
        for key, label in rest:
            room -= width_of(key) + width_of(label) + 3
            if room < 0:
                break
            segments += [Segment(key, styles[Tone.ACCENT]), Segment(f" {label}  ", styles[Tone.DIM])]
        for key, label in last:
            segments += [Segment(key, styles[Tone.ACCENT]), Segment(f" {label}  ", styles[Tone.DIM])]
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])
