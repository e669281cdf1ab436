"""A stage whose app has a terminal at the end of its link: what was sent there, when it lands, and what it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from rich.color import ColorSystem
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size

from console.app.abilities import Abilities, Depth
from console.app.linked import Linked
from console.app.looks import looks_of
from console.config.link import LinkMode
from tests.console.link.terminal import Seen, Terminal
from tests.scene import Scene
from tests.stage import Stage, staged

TRUE = Abilities(depth=Depth.TRUE)
_SYSTEMS = {
    Depth.TRUE: ColorSystem.TRUECOLOR,
    Depth.INDEXED: ColorSystem.EIGHT_BIT,
    Depth.SIXTEEN: ColorSystem.STANDARD,
}


class Wired(HeadlessDriver):
    """A driver with a terminal of its own. `landing` is what is to be called when the frame in flight has been taken."""

    terminal: Terminal
    frames: list[str]
    written: list[str]
    landing: list[Callable[[], None]]
    is_taking = True

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        self.written.append(data)

    def send(self, text: str, landed: Callable[[], None]) -> None:
        assert not self.landing, "a frame stands in line behind another"
        self.frames.append(text)
        self.landing.append(landed)
        self.terminal.feed(text)
        if self.is_taking:
            self._loop.call_soon(self.land)

    def land(self) -> None:
        landing, self.landing = self.landing, []
        for landed in landing:
            landed()


class Far:
    """The stage, and its terminal."""

    def __init__(self, stage: Stage, able: Abilities, mode: LinkMode) -> None:
        self.stage, self.app = stage, stage.app
        driver: Any = stage.app._driver
        driver.__class__ = Wired
        self.driver: Wired = driver
        width, height = self.app.size
        self.driver.terminal = Terminal(width, height, bce=able.fills_erased)
        self.driver.frames, self.driver.written, self.driver.landing = [], [], []
        self.app.able, self.app.mode = able, mode
        self.app._looks = looks_of(able.depth or Depth.TRUE)
        self.app.refresh(layout=True)

    async def resize(self, width: int, height: int) -> None:
        self.driver._size = (width, height)
        self.driver.terminal.resize(width, height)
        size = Size(width, height)
        self.app.post_message(events.Resize(size, size))
        for _ in range(3):
            await self.stage.pilot.pause()
            await self.stage.settle()

    def whole(self) -> list[list[Seen]]:
        """What Textual, asked for the whole screen, would put on another such terminal."""
        compositor = self.app.screen._compositor
        dirty = set(compositor._dirty_regions)
        update: Any = compositor.render_update(full=True, screen_stack=self.app._background_screens)
        compositor._dirty_regions = dirty  # looking must not change what is still to be painted
        other = Terminal(*self.app.size, bce=self.driver.terminal.bce)
        for strip in (strip for strips in update.strips for strip in strips):
            strip._render_cache = None
            for _, style, _ in strip:
                if style is not None:
                    style._ansi = None  # kept for the depth of whichever terminal came first
        other.feed(f"\x1b[?7l\x1b[m\x1b[H\x1b[2J{update.render_segments(self.app.console)}")
        return other.seen()

    def is_as_a_whole_repaint(self) -> bool:
        return self.whole() == self.driver.terminal.seen()


@asynccontextmanager
async def far(
    size: tuple[int, int] = (120, 36),
    *,
    scene: Scene | None = None,
    able: Abilities = TRUE,
    mode: LinkMode = LinkMode.FULL,
    **options: Any,
) -> AsyncIterator[Far]:
    async with staged(scene or Scene(), size, **options) as stage:
        assert isinstance(stage.app, Linked)
        stage.app.console._color_system = _SYSTEMS[able.depth or Depth.TRUE]
        at = Far(stage, able, mode)
        await stage.settle()
        if mode is not LinkMode.OFF:
            await stage.until(lambda: bool(at.driver.frames))
        yield at

