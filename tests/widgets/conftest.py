"""A small app around one widget, in a headless terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from textual.app import App, ComposeResult
from textual.filter import LineFilter
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from themes import DEFAULT_THEME, STYLESHEET, THEMES
from widgets.filter import line_filters
from widgets.lines import Lines

Host = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


class HostApp(App[None]):
    """Shows one widget, with our themes and filters, and keeps the messages the widget sends."""

    CSS_PATH = str(STYLESHEET)

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT_THEME
        self.widget = widget
        self.heard: list[object] = []

    def get_line_filters(self) -> Sequence[LineFilter]:
        if self.__dict__.get("_ours") is None:
            self._ours = line_filters(super().get_line_filters(), self.no_color)
        return self._ours

    def hear(self, message: Message) -> None:
        """Keep a message once, however many widgets it bubbles through."""
        if not any(message is each for each in self.heard):
            self.heard.append(message)

    def compose(self) -> ComposeResult:
        yield self.widget


@asynccontextmanager
async def _hosted(widget: Widget, size: tuple[int, int] = (60, 11)) -> AsyncIterator[Pilot[None]]:
    app = HostApp(widget)
    async with app.run_test(size=size, message_hook=app.hear) as pilot:
        widget.focus()
        await pilot.pause()
        yield pilot


@pytest.fixture
def hosted() -> Host:
    """`async with hosted(widget, (width, height)) as pilot`; `pilot.app.heard` are the messages so far."""
    return _hosted


def _screen(widget: Lines) -> list[str]:
    return [widget.render_line(y).text for y in range(widget.size.height)]


@pytest.fixture
def screen() -> Callable[[Lines], list[str]]:
    """What a widget shows, line by line."""
    return _screen


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Lines], list[int]]:
    """From the call on, the list of widget lines that were drawn anew."""

    def watch(widget: Lines) -> list[int]:
        drawn: list[int] = []
        real = widget.render_line

        def render_line(y: int) -> object:
            drawn.append(y)
            return real(y)

        monkeypatch.setattr(widget, "render_line", render_line)
        return drawn

    return watch
