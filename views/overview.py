"""The overview: four panes at once where there is room; where there is not, one pane and a line for each of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize
from textual.strip import Strip

from console.feeds.desk import OVERVIEW_PANES, Desk
from console.model.cell import Tone
from console.model.severity import Severity
from console.rows.pane import Pane
from themes.tones import Ground
from views.capacity import CapacityPane
from views.head import padded, trust
from views.logs import LogsPane
from views.pane import PaneView
from views.streams import StreamsPane
from views.workloads import WorkloadsPane
from widgets.backdrop import Backdrop
from widgets.cells import width as width_of
from widgets.painted import Painted

WIDE = 100  # cells: from here on four panes stand side by side
TALL = 26

PANES: Mapping[str, type[PaneView]] = {
    "streams": StreamsPane,
    "logs": LogsPane,
    "workloads": WorkloadsPane,
    "capacity": CapacityPane,
}


class PaneStrip(Painted):
    """One line for a pane that has no room: letter, name, summary, state."""

    DEFAULT_CSS = "PaneStrip { height: 1; width: 1fr; display: none; }"

    def __init__(self, key: str, title: str) -> None:
        super().__init__()
        self._key, self._title = key, title
        self._pane: Pane[Any] | None = None

    def show(self, pane: Pane[Any]) -> None:
        """Renew the line."""
        self._pane = pane
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        styles = self.paint.on(Ground.PANE)
        pane = self._pane
        if pane is None:
            return Strip.blank(width, styles[Tone.NORMAL])
        severity = pane.severity if pane.is_configured else Severity.OK
        tone = Tone.of(severity)
        right = f" {trust(pane)} "
        name = f" {self._key} {self._title} "
        room = max(0, width - 3 - width_of(name) - width_of(right))
        segments = [
            Segment(f" {severity.letter} ", self.paint.letter(severity)),
            Segment(name, styles[Tone.STRONG]),
            *padded(pane.summary, room, styles[tone], styles[Tone.NORMAL]),
            Segment(right, styles[Tone.DIM]),
        ]
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])


class Overview(Backdrop, Container):
    """The first thing anyone sees."""

    DEFAULT_CSS = """
    Overview { height: 1fr; layout: grid; grid-size: 2 2; grid-gutter: 0 1; }
    Overview.narrow { layout: vertical; }
    Overview.narrow PaneView { display: none; }
    Overview.narrow PaneView.front { display: block; }
    Overview.narrow PaneStrip { display: block; }
    Overview.narrow PaneStrip.front { display: none; }
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(id="overview")
        self._desk = desk
        self.panes = [PANES[view](desk, desk.sit(view)) for view in OVERVIEW_PANES]
        self._strips = [PaneStrip(pane.KEY, pane.TITLE) for pane in self.panes]
        self._front = 0

    def compose(self) -> ComposeResult:
        yield from self.panes
        yield from self._strips

    def on_mount(self) -> None:
        self._bring(self._front)

    def on_resize(self, event: Resize) -> None:
        """Four panes, or one and three lines."""
        self.set_class(event.size.width < WIDE or event.size.height < TALL - 3, "narrow")

    @property
    def front(self) -> PaneView:
        """The pane that has the keyboard, or had it last."""
        return self.panes[self._front]

    def bring(self, view: str) -> None:
        """Put a pane to the front by its view."""
        self._bring(OVERVIEW_PANES.index(view))
        self.front.focus_body()

    def step(self, steps: int) -> None:
        """The next pane, or the one before."""
        self._bring((self._front + steps) % len(self.panes))
        self.front.focus_body()

    def on_descendant_focus(self) -> None:
        for index, pane in enumerate(self.panes):
            if pane.has_focus_within and index != self._front:
                self._bring(index)

    def renewed(self) -> None:
        """After its panes were renewed: the lines of those without room."""
        if self.has_class("narrow"):
            for strip, pane in zip(self._strips, self.panes, strict=True):
                if pane.pane is not None:
                    strip.show(pane.pane)

    def _bring(self, index: int) -> None:
        self._front = index
        for number, (pane, strip) in enumerate(zip(self.panes, self._strips, strict=True)):
            pane.set_class(number == index, "front")
            strip.set_class(number == index, "front")
