"""The common ground of every widget here: it draws lines itself, in the tones of the app's theme."""

from __future__ import annotations

from textual.theme import Theme
from textual.widget import Widget

from themes import DEFAULT_THEME
from themes.tones import Paint, paint


class Painted(Widget):
    """A widget with a `Paint`, renewed when the theme changes."""

    ALLOW_SELECT = False  # Textual's text selection needs offsets in every segment; the terminal's own works without

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.paint: Paint = paint(DEFAULT_THEME)

    def on_mount(self) -> None:
        """Take the theme in force, and follow its changes."""
        self.paint = paint(self.app.theme, self.app.no_color)
        self.app.theme_changed_signal.subscribe(self, self._repaint)

    def _repaint(self, theme: Theme) -> None:
        self.paint = paint(theme.name, self.app.no_color)
        self.forget_strips()
        self.refresh()

    def forget_strips(self) -> None:
        """Drop whatever was drawn in the old theme; widgets with a strip cache override it."""
