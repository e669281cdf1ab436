"""The first frame: what stands on the screen while the rest of the console is still being imported.

It shows where everything will be, and that nothing is known yet. Half of what the console imports is for judging and asking;
none of it is needed to tell somebody at a slow terminal that it has begun. What is typed meanwhile is kept for the screen.

Nothing may be imported here that the first frame does not need: no view, no row, no feed.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.app import ComposeResult
from textual.events import Key, Paste
from textual.screen import Screen
from textual.strip import Strip

from console.model.cell import Tone
from console.model.severity import Severity
from themes.tones import Ground
from widgets.cells import fit
from widgets.painted import Painted

PANES = (("1", "Streams"), ("2", "Logs"), ("3", "Workloads"), ("4", "Capacity"))
FRAME_LINES = 3  # head, incident strip, key bar
WIDE, TALL = 100, 26  # as the overview: from here on two panes stand side by side
KEPT = 200  # keys; as many as a prompt takes
PASTED = 200  # characters of a paste


class Outline(Painted):
    """The frame and the heads of the panes, drawn by one widget."""

    DEFAULT_CSS = "Outline { width: 1fr; height: 1fr; }"

    def __init__(self, site: str, scope: str, *, is_prod: bool) -> None:
        super().__init__()
        self._site, self._scope, self._is_prod = site, scope, is_prod

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        if y == 0:
            return self._head(width)
        if y == height - 1:
            return Strip([Segment(fit(" q quit", width), self.paint.on(Ground.HEAD)[Tone.DIM])])
        body = height - FRAME_LINES
        is_wide = width >= WIDE and body >= TALL - FRAME_LINES
        rows: dict[int, tuple[tuple[str, str], ...]]
        rows = {1: PANES[:2], 1 + (body + 1) // 2: PANES[2:]} if is_wide else {1: PANES[:1]}
        if not is_wide:
            rows |= {height - 2 - len(PANES[1:]) + at: (pane,) for at, pane in enumerate(PANES[1:])}
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        panes = rows.get(y)
        if panes is None:
            return Strip.blank(width, normal)
        cell = (width - len(panes) + 1) // len(panes)
        segments: list[Segment] = []
        for key, title in panes:
            segments += [*self._pane_head(key, title, cell), Segment(" ", normal)]
        return Strip(segments[: len(segments) - 1]).adjust_cell_length(width, normal)

    def _head(self, width: int) -> Strip:
        styles = self.paint.on(Ground.HEAD)
        scope = f" ▸ {self._scope} " if self._scope else ""
        segments = [
            Segment(" midwatch ", styles[Tone.ACCENT]),
            Segment(f" {self._site} ", styles[Tone.CRIT if self._is_prod else Tone.STRONG]),
            Segment(scope, styles[Tone.ACCENT]),
        ]
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])

    def _pane_head(self, key: str, title: str, width: int) -> list[Segment]:
        styles = self.paint.on(Ground.HEAD)
        state = " opening "
        name = f" {key} {title} "
        letter = f" {Severity.UNKNOWN.letter} "
        room = max(0, width - len(letter) - len(name))
        return [
            Segment(letter, self.paint.letter(Severity.UNKNOWN, Ground.HEAD)),
            Segment(name, styles[Tone.STRONG]),
            Segment(fit(state.rjust(room), room), styles[Tone.UNKNOWN]),
        ]


class Curtain(Screen[None]):
    """Up to the moment in which the console's own screen takes its place."""

    def __init__(self, site: str, scope: str, *, is_prod: bool) -> None:
        super().__init__()
        self._outline = Outline(site, scope, is_prod=is_prod)
        self.typed: list[Key | Paste] = []  # before anybody could take it

    def compose(self) -> ComposeResult:
        yield self._outline

    def on_key(self, event: Key) -> None:
        """Kept in order. `q` need not wait; but after other keys it may be a letter of what is typed into a prompt."""
        event.stop()
        if event.key == "q" and not self.typed:
            self.app.exit()
        elif len(self.typed) < KEPT:
            kept = Key(event.key, event.character)
            kept.time = event.time
            self.typed.append(kept)

    def on_paste(self, event: Paste) -> None:
        event.stop()
        if len(self.typed) < KEPT:
            kept = Paste(event.text[:PASTED])
            kept.time = event.time
            self.typed.append(kept)
