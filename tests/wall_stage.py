"""The wall on a scene, headless: what stands on its screen, at any size, at any time of the scene's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from console.model.scope import Scope
from console.wall.app import WallApp
from console.wall.pulse import Past
from console.wall.screen import WallScreen
from tests.hand_clock import HandClock
from tests.scene import Scene


class WallStage:
    """A running wall. Time passes only by `turn`."""

    def __init__(self, scene: Scene, app: WallApp, pilot: Pilot[None]) -> None:
        self.scene, self.app, self.pilot = scene, app, pilot

    @property
    def wall(self) -> WallScreen:
        return self.app.wall

    async def settle(self) -> None:
        await self._drain()
        with self.app._context():
            self.wall.renew(self.scene.clock.now())
        await self._drain()

    async def _drain(self) -> None:
        for _ in range(4):
            await self.pilot._wait_for_screen()
            await self.app.keyboard.given()
            self.app.screen._on_timer_update()

    async def press(self, *keys: str) -> None:
        for key in keys:
            self.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await self._drain()

    async def turn(self, seconds: float) -> None:
        clock = self.scene.clock
        assert isinstance(clock, HandClock)
        await clock.advance(seconds)
        await self.settle()

    async def jump(self, seconds: float) -> None:
        """The same without the seconds between, as if nobody had looked: cheap, where only the moment counts."""
        clock = self.scene.clock
        assert isinstance(clock, HandClock)
        clock._mono += seconds
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        size = Size(width, height)
        assert isinstance(self.app._driver, HeadlessDriver)
        self.app._driver._size = size
        self.app.post_message(events.Resize(size, size))
        await self.settle()
        await self.settle()

    def strips(self) -> list[Strip]:
        return self.app.screen._compositor.render_strips()

    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines())

    def of(self, part: Widget) -> list[str]:
        """The lines of one part, as they stand on the screen; none when it is not shown."""
        if not part.display:
            return []
        region = part.region
        return [strip.crop(region.x, region.right).text.rstrip() for strip in self.strips()[region.y : region.bottom]]


@asynccontextmanager
async def walled(
    scene: Scene | None = None,
    size: tuple[int, int] = (120, 36),
    *,
    views: Sequence[str] = (),
    every_s: float = 20.0,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    theme: str | None = None,
    is_prod: bool = False,
    past: Past = Past(),  # noqa: B008 - frozen
    is_faulty: bool = False,
) -> AsyncIterator[WallStage]:
    """`async with walled(scene, (240, 67)) as stage`; the first paint has happened."""
    scene = scene or Scene()
    screen = WallScreen(scene.desk, "demo", is_prod=is_prod, scope=scope, views=views, every_s=every_s, past=past)
    app = WallApp(screen, theme=theme)
    try:
        async with app.run_test(size=size) as pilot:
            stage = WallStage(scene, app, pilot)
            await stage.settle()
            yield stage
            assert is_faulty or not app.faults, app.faults
    finally:
        await scene.hub.close()
