"""The stage: the console's app on a scene, headless, and what stands on its screen: text, styles, and whose lines they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.segment import Segment
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from console.app.app import MidwatchApp
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.feeds.desk import OVERVIEW
from console.model.scope import Scope
from tests.hand_clock import HandClock
from tests.scene import Scene
from views.overview import Overview


class Stage:
    """A running app on a scene. Keys go in, the screen comes out; time passes only by `turn`."""

    def __init__(self, scene: Scene, app: MidwatchApp, pilot: Pilot[None]) -> None:
        self.scene = scene
        self.app = app
        self.pilot = pilot

    @property
    def console(self) -> ConsoleScreen:
        return self.app.console_screen

    @property
    def here(self) -> tuple[str, str]:
        """(view, scope) of where one is."""
        return self.console.place.view, str(self.console.place.scope)

    async def press(self, *keys: str) -> None:
        """Keys, and everything that follows from them."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """A text into the prompt, and enter."""
        names = {" ": "space", "=": "equals_sign", "-": "minus", "/": "slash"}
        await self.press(*(names.get(char, char) for char in text), "enter")

    async def settle(self) -> None:
        """Let messages be handled, renew what is seen, and draw it."""
        await self.pilot.pause()
        self.console.renew(self.console._desk.clock.now())
        await self.pilot.pause()

    async def turn(self, seconds: float) -> None:
        """Let time pass on the scene's clock."""
        clock = self.scene.clock
        assert isinstance(clock, HandClock)
        await clock.advance(seconds)
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        await self.pilot.resize_terminal(width, height)
        await self.settle()

    def strips(self) -> list[Strip]:
        """The screen in front, line by line, as it is handed to the driver."""
        return self.app.screen._compositor.render_strips()

    def lines(self) -> list[str]:
        """Its text, blanks at the ends cut."""
        return [strip.text.rstrip() for strip in self.strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines())

    def segments(self) -> list[Segment]:
        return [segment for strip in self.strips() for segment in strip]

    def of(self, view: str) -> list[str]:
        """The lines of one pane: on the overview its four corners, or its one line where there is no room for it."""
        widget = self._widget_of(view)
        return self._cut(widget.region) if widget is not None else []

    def _cut(self, region: Region) -> list[str]:
        strips = self.strips()[region.y : region.bottom]
        return [strip.crop(region.x, region.right).text.rstrip() for strip in strips]

    def _widget_of(self, view: str) -> Widget | None:
        shown = self.console._views[self.console.place.view]
        if not isinstance(shown, Overview):
            return shown if self.console.place.view == view else None
        for pane, strip in zip(shown.panes, shown._strips, strict=True):
            if view == pane.VIEW:
                return pane if pane.display else strip
        return None


@asynccontextmanager
async def staged(
    scene: Scene | None = None,
    size: tuple[int, int] = (120, 36),
    *,
    view: str = OVERVIEW,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    theme: str | None = None,
    is_prod: bool = False,
) -> AsyncIterator[Stage]:
    """`async with staged(scene, (120, 36)) as stage`; the first paint has happened."""
    scene = scene or Scene()
    app = MidwatchApp(
        scene.desk, "demo", is_prod=is_prod, who="mei@bastion", place=Place(view, scope), started=lambda: None, theme=theme
    )
    try:
        async with app.run_test(size=size) as pilot:
            stage = Stage(scene, app, pilot)
            await stage.settle()
            yield stage
    finally:
        await scene.hub.close()
