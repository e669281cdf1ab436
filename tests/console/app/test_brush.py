"""What the brush has put on a terminal is what Textual, asked for the whole screen, would have put there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pyte
import pytest
from rich.console import Console
from textual._compositor import CompositorUpdate
from textual.strip import Strip
from textual.widgets import Static

from console.model.logline import LogLine
from tests.scene import Scene, live, streams
from tests.stage import Stage, staged
from widgets.brush import Brush

SIZE = (120, 36)


class Emulator:
    """A terminal: what it was sent, and how often by which way."""

    def __init__(self, width: int, height: int, console: Console) -> None:
        self.console = console
        self.finished = 0
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.Stream(self.screen)
        self.by_brush: list[str] = []
        self.by_textual = 0

    def feed(self, data: str) -> None:
        self._stream.feed(data)

    def put(self, x: int, y: int, strip: Strip) -> None:
        self.by_brush.append(strip.text)
        self.feed(f"\x1b[{y + 1};{x + 1}H{strip.render(self.console)}")

    def finish(self) -> None:
        self.finished += 1

    def cells(self) -> list[list[tuple[object, ...]]]:
        """Every cell with its colours and weights."""
        columns = range(self.screen.columns)
        return [[tuple(self.screen.buffer[y][x]) for x in columns] for y in range(self.screen.lines)]


class Watched:
    """A stage, and the terminal that it is painted on by both ways."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage, self.app = stage, stage.app
        self.terminal = Emulator(*SIZE, self.app.console)
        monkeypatch.setattr(self.app, "_display", self._display)
        self.terminal.feed(self._whole())
        self.app.brush = Brush(self.app, self.terminal)

    def _display(self, _screen: object, update: object) -> None:
        if isinstance(update, CompositorUpdate):
            self.terminal.by_textual += 1
            self.terminal.feed(update.render_segments(self.app.console))

    def _whole(self) -> str:
        compositor = self.app.screen._compositor
        dirty = set(compositor._dirty_regions)
        update: Any = compositor.render_update(full=True, screen_stack=self.app._background_screens)
        compositor._dirty_regions = dirty  # looking must not change what is still to be painted
        return str(update.render_segments(self.app.console))

    def resized(self, width: int, height: int) -> None:
        """The terminal has another size, and whatever stood on it may be gone."""
        self.terminal.screen.resize(height, width)
        self.terminal.screen.reset()

    def is_as_a_whole_repaint(self) -> bool:
        whole = Emulator(self.terminal.screen.columns, self.terminal.screen.lines, self.app.console)
        whole.feed(self._whole())
        return whole.cells() == self.terminal.cells()


@asynccontextmanager
async def watched(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with staged(Scene(), SIZE) as stage:
        yield Watched(stage, monkeypatch)


async def test_a_second_that_passes_is_painted_by_the_brush_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as at:
        await at.stage.turn(1.0)
        assert "22:14:08" in at.terminal.screen.display[0] or ":08 UTC" in at.terminal.screen.display[0]
        assert at.terminal.by_brush and at.terminal.by_textual == 0
        assert at.is_as_a_whole_repaint()
        at.terminal.by_brush.clear()
        await at.stage.settle()
        assert not at.terminal.by_brush, "nothing has changed"


async def test_news_keys_and_other_views_leave_the_screen_that_a_whole_repaint_would(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as at:
        scene, clock = at.stage.scene, at.stage.scene.clock
        for keys in ((), ("down", "down"), ("tab",), ("down", "space"), ("1",), ("G",), ("2",), ("up", "up"), ("0",), ("t",)):
            await at.stage.press(*keys)
            scene.ring.append(LogLine(at=clock.now().utc, level="error", message="日本語 e\u0301 …", service="packager"))
            scene.feeds["streams"].set(live(streams(clock.now()), clock.now()))
            await at.stage.turn(1.0)
            assert at.is_as_a_whole_repaint(), keys
        scene.fail("workloads", keep=True)
        scene.connecting("capacity")
        await at.stage.turn(1.0)
        assert at.terminal.by_brush and at.is_as_a_whole_repaint()


async def test_what_stands_under_another_widget_or_behind_a_page_is_left_to_textual(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(monkeypatch) as at:
        notice = Static("over one line of a pane")
        notice.styles.overlay, notice.styles.position = "screen", "absolute"
        notice.styles.offset, notice.styles.width, notice.styles.height = (80, 20), 24, 1
        await at.stage.console.mount(notice)
        await at.stage.until(lambda: "over one line" in at.terminal.screen.display[20])
        before = at.terminal.by_textual
        at.stage.scene.fail("capacity")
        at.stage.scene.connecting("workloads")
        await at.stage.turn(1.0)
        assert "over one line of a pane" in at.terminal.screen.display[20]
        assert at.terminal.by_textual > before and at.is_as_a_whole_repaint()
        await at.stage.press("question_mark")
        await at.stage.turn(1.0)
        at.terminal.by_brush.clear()
        for _ in range(3):
            await at.stage.turn(1.0)
            assert at.is_as_a_whole_repaint()
        assert not any("UTC" in data for data in at.terminal.by_brush), "the clock is behind the page"
        await at.stage.press("escape")
        await at.stage.turn(1.0)
        assert at.is_as_a_whole_repaint()


@pytest.mark.parametrize("size", [(90, 30), (160, 50), (80, 24)])
async def test_after_another_size_the_screen_is_whole(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    async with watched(monkeypatch) as at:
        await at.stage.turn(1.0)
        at.resized(*size)
        await at.stage.resize(*size)
        for _ in range(2):
            await at.stage.turn(1.0)
            assert at.is_as_a_whole_repaint()


async def test_a_line_that_changes_and_a_repaint_of_textual_s_own_between_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compositor asks for lines of which the brush has not yet painted any, and shows but its own."""
    async with watched(monkeypatch) as at:
        head = at.stage.console._head
        at.stage.scene.clock._mono += 1.0
        at.stage.console._renew_frame(at.stage.scene.clock.now())  # the brush is to paint the head
        assert head._outdated
        at.stage.console._keys.paint_the_long_way()
        at.app.screen._dirty_widgets.add(at.stage.console._keys)
        at.app.screen._on_timer_update()
        assert at.terminal.by_textual == 1
        await at.stage.settle()
        assert at.is_as_a_whole_repaint()
