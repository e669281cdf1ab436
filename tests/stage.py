"""The stage: the console's app on a scene, headless, and what stands on its screen: text, styles, and whose lines they are."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.segment import Segment
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region, Size
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from console.actions.licence import Licence
from console.app.app import MidwatchApp
from console.app.company import Company
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.app.sending import Courier
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
        """Keys, and everything that follows from them.

        Not `pilot.press`: that waits until the whole machine has nothing to do, a second a key when others work beside us.
        """
        for key in keys:
            await self.send(key)
        await self.settle()

    async def send(self, key: str) -> None:
        """One key, by its name or as the character it types, and what it sets off."""
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        self.app.post_message(events.Key(name, key if len(key) == 1 else None))
        await self._drain()

    async def type(self, text: str) -> None:
        """A text into the prompt, and enter."""
        await self.press(*text, "enter")

    async def settle(self) -> None:
        """Let messages be handled, renew what is seen, and draw it."""
        await self._drain()
        with self.app._context():  # of two stages in one test, this one
            self.console.renew(self.scene.clock.now())
        await self._drain()

    async def _drain(self) -> None:
        """Wait until every widget has handled what it was sent, and what that sent, and the screen is drawn."""
        for _ in range(4):
            await self.pilot._wait_for_screen()
            await self.app.keyboard.given()
            self.app.screen._on_timer_update()

    async def turn(self, seconds: float) -> None:
        """Let time pass on the scene's clock."""
        clock = self.scene.clock
        assert isinstance(clock, HandClock)
        await clock.advance(seconds)
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        size = Size(width, height)
        assert isinstance(self.app._driver, HeadlessDriver)
        self.app._driver._size = size
        self.app.post_message(events.Resize(size, size))
        if self.app.screen is not self.console:
            await self.pilot.pause()  # the screens under a page are laid out through timers
        await self.settle()  # the sizes
        await self.settle()  # what is said in them

    async def until(self, holds: Callable[[], bool], within_s: float = 10.0) -> None:
        """Settle until something holds; what the screen says by then is the caller's to assert."""
        deadline = time.monotonic() + within_s
        while not holds() and time.monotonic() < deadline:
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
    is_faulty: bool = False,
    licence: Licence | None = None,
    company: Company | None = None,
    courier: Courier | None = None,
) -> AsyncIterator[Stage]:
    """`async with staged(scene, (120, 36)) as stage`; the first paint has happened.

    The app outlives faults of its own; a test does not, unless it `is_faulty` on purpose.
    """
    scene = scene or Scene()
    screen = ConsoleScreen(
        scene.desk,
        "demo",
        is_prod=is_prod,
        who="mei@bastion",
        place=Place(view, scope),
        licence=licence,
        company=company,
        courier=courier,
    )
    app = MidwatchApp(screen, theme=theme)
    try:
        async with app.run_test(size=size) as pilot:
            stage = Stage(scene, app, pilot)
            await stage.settle()
            yield stage
            assert is_faulty or not app.faults, app.faults
    finally:
        await scene.hub.close()
