"""The one line over a pane: its number and name, what it sums up to, and how far it can be trusted."""

from __future__ import annotations

from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.model.cell import Tone
from console.model.severity import Severity, State
from console.rows.pane import Pane
from console.rows.units import duration
from themes.tones import Ground
from widgets.cells import fit
from widgets.cells import width as width_of
from widgets.painted import Painted

_STATE_TONE = {
    State.LIVE: Tone.DIM,
    State.PARTIAL: Tone.WARN,
    State.STALE: Tone.WARN,
    State.CONNECTING: Tone.UNKNOWN,
    State.ERROR: Tone.CRIT,
}


class PaneHead(Painted):
    """Number, letter, name, summary; at the right the state and the age."""

    DEFAULT_CSS = "PaneHead { height: 1; width: 1fr; }"

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self._key = key
        self._title = title
        self._pane: Pane[Any] | None = None
        self._is_active = False
        self._is_held = False

    def show(self, pane: Pane[Any]) -> None:
        """Renew the line; drawn again only when a word of it changed."""
        if self._pane is None or self._words(self._pane) != self._words(pane):
            self._pane = pane
            self.refresh()
        self._pane = pane

    def activate(self, is_active: bool) -> None:
        """Whether the pane below has the focus."""
        if is_active != self._is_active:
            self._is_active = is_active
            self.refresh()

    def hold(self, is_held: bool) -> None:
        """Whether the rows below keep the order they had when the reader began to move."""
        if is_held != self._is_held:
            self._is_held = is_held
            self.refresh()

    def _words(self, pane: Pane[Any]) -> tuple[str, str, Severity, State]:
        return pane.summary, trust(pane), pane.severity, pane.state

    def render_line(self, y: int) -> Strip:
        """The whole head in one strip."""
        width = self.size.width
        ground = Ground.CURSOR if self._is_active else Ground.HEAD
        styles = self.paint.on(ground)
        pane = self._pane
        severity = pane.severity if pane is not None and pane.is_configured else Severity.OK
        held = "order held · " if self._is_held else ""
        right = f" {held}{trust(pane)} " if pane is not None else " "
        name = f" {self._key} {self._title} " if self._key else f" {self._title} "
        summary = pane.summary if pane is not None else ""
        room = max(0, width - 3 - width_of(name) - width_of(right))
        right_room = min(width_of(right), max(0, width - 3 - width_of(name)))
        reason = f" · {pane.note}" if pane is not None and pane.state is State.PARTIAL and pane.note else ""
        if width_of(summary + reason) < room:  # where there is none, the reason is told on the pane's own view
            summary += reason
        state_tone = _STATE_TONE[pane.state] if pane is not None and pane.is_configured else Tone.DIM
        segments = [
            Segment(f" {severity.letter} ", self.paint.letter(severity, ground)),
            Segment(name, styles[Tone.ACCENT if self._is_active else Tone.STRONG]),
            *padded(summary, room, styles[Tone.of(severity)], styles[Tone.NORMAL]),
            *padded(right, right_room, styles[state_tone], styles[Tone.NORMAL]),
        ]
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])


def padded(text: str, room: int, style: Style, blank: Style) -> list[Segment]:
    """`text` in `room` cells, its padding in another style: a reversed or underlined tone ends where the words end."""
    body = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    shown = fit(body, min(width_of(body), max(0, room - before)))
    after = max(0, room - before - width_of(shown))
    return [Segment(" " * min(before, max(0, room)), blank), Segment(shown, style), Segment(" " * after, blank)]


def trust(pane: Pane[Any] | None) -> str:
    """ "live 1s", "error · last 34s ago", "partial: warming", and the clock's skew when it must be shown."""
    if pane is None:
        return ""
    if not pane.is_configured:
        return "not configured"
    age = duration(pane.age_s) if pane.age_s is not None else ""
    if pane.state is State.LIVE:
        text = f"live {age}"
    elif pane.state is State.CONNECTING:
        text = "connecting"
    elif pane.state is State.PARTIAL:
        text = f"partial {age}"
    else:
        text = f"{pane.state.value} · last {age} ago" if age else pane.state.value
    return f"{text} · clock {pane.skew_s:+.0f}s" if pane.skew_s is not None else text.strip()
