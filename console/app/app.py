"""The Textual application: themes, filters on everything that is painted, the screen, and the order of starting."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

from textual.app import App
from textual.filter import LineFilter

from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.feeds.desk import Desk
from themes import DEFAULT_THEME, STYLESHEET, THEMES
from widgets.filter import clean, line_filters


def theme_of(name: str | None) -> str:
    """A theme's name, the default for None. Raises ValueError that lists ours: no other is painted as itself."""
    names = [each.name for each in THEMES]
    if name is not None and name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"there is no theme {name!r}; there are {', '.join(names)}{hint}")
    return name or DEFAULT_THEME


class MidwatchApp(App[None], inherit_bindings=False):
    """One console. `started` is called after the first frame is on the screen: only then may connectors be imported.

    Textual's own keys (ctrl+q, ctrl+c) are not inherited: the registry is all there is.
    """

    CSS_PATH = STYLESHEET
    ENABLE_COMMAND_PALETTE = False
    TITLE = "midwatch"

    def __init__(
        self,
        desk: Desk,
        site: str,
        *,
        is_prod: bool,
        who: str,
        place: Place,
        started: Callable[[], None],
        theme: str | None = None,
    ) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme_of(theme)
        self._started = started
        self.console_screen = ConsoleScreen(desk, site, is_prod=is_prod, who=who, place=place)

    def on_mount(self) -> None:
        self.push_screen(self.console_screen)
        self.call_after_refresh(self._first_frame_is_out)

    def _first_frame_is_out(self) -> None:
        self._started()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Nothing that is painted reaches the terminal unsanitised, whatever widget painted it."""
        return line_filters(super().get_line_filters(), self.no_color)

    def copy_to_clipboard(self, text: str) -> None:
        """What is copied is pasted into shells: it leaves as it is shown, never with an escape in it."""
        super().copy_to_clipboard(clean(text))

    def action_next_theme(self) -> None:
        """Walk through the themes."""
        names = [each.name for each in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def get_system_commands(self, screen: Any) -> Any:
        """The palette is `:` and comes from the registry; Textual's own is off."""
        return ()
