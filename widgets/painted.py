"""The common ground of every widget here: it draws lines itself, in the tones of the app's theme."""

from __future__ import annotations

import logging

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.theme import Theme
from textual.widget import Widget

from console.model.cell import Tone
from themes import DEFAULT_THEME
from themes.tones import Ground, Paint, paint
from widgets.cells import fit

_log = logging.getLogger("midwatch.widgets.painted")


class Painted(Widget):
    """A widget with a `Paint`, renewed when the theme changes."""

    ALLOW_SELECT = False  # Textual's text selection needs offsets in every segment; the terminal's own works without

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.paint: Paint = paint(DEFAULT_THEME)
        self._faults: set[str] = set()  # kinds of our own exceptions in drawing: logged once each

    def on_mount(self) -> None:
        """Take the theme in force, and follow its changes."""
        self.paint = paint(self.app.theme, self.app.no_color)
        self.app.theme_changed_signal.subscribe(self, self._repaint)

    def _repaint(self, theme: Theme) -> None:
        self.paint = paint(theme.name, self.app.no_color)
        self.forget_strips()
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """A fault of ours in drawing stays in this widget: outside of it Textual would end the app."""
        try:
            return super().render_lines(crop)
        except Exception as error:
            strip = self.fault_strip(error, self.size.width)
            return [strip.crop(crop.x, crop.right)] * crop.height

    def fault_strip(self, error: Exception, width: int) -> Strip:
        """One line that says that it could not be drawn, and where the traceback is."""
        kind = type(error).__name__
        if kind not in self._faults:
            self._faults.add(kind)
            _log.exception("%s could not be drawn", type(self).__name__)
        text = f" ! not drawn: see {type(self).__name__}/{kind} in midwatch's log file"
        return Strip([Segment(fit(text, width), self.paint.on(Ground.PANE)[Tone.CRIT])], max(0, width))

    def forget_strips(self) -> None:
        """Drop whatever was drawn in the old theme; widgets with a strip cache override it."""
