"""The apps that hold one widget for a bench: ours with its theme and its filters, the stock one as Textual gives it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence

from textual.app import App, ComposeResult
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget

from tests.bench.harness import tell
from themes import DEFAULT_THEME, STYLESHEET, THEMES
from widgets.backdrop import Backdrop
from widgets.filter import line_filters

WARM_S = float(os.environ.get("BENCH_WARM_S", "1.0"))  # less for a run that measures nothing
Load = Callable[[], Awaitable[dict[str, float]]]


class Stock(App[None]):
    """One widget, or several, under a load; what the load tells becomes the child's result, with the CPU of its time."""

    def __init__(self, widgets: Sequence[Widget], load: Load) -> None:
        super().__init__()
        self.widgets = widgets
        self.load = load

    def compose(self) -> ComposeResult:
        yield from self.widgets

    async def on_mount(self) -> None:
        self.run_worker(self._measure())

    async def _measure(self) -> None:
        self.widgets[0].focus()
        await asyncio.sleep(WARM_S)  # the first layout and paint are `first_paint`'s business
        began_cpu, began = time.process_time(), time.monotonic()
        told = await self.load()
        tell({**told, "cpu_s": time.process_time() - began_cpu, "wall_s": time.monotonic() - began})
        self.exit()


class Behind(Backdrop, Screen[None]):
    """As the console's own screen, which draws nothing behind its panes."""


class Ours(Stock):
    """The same in midwatch's theme and on a screen like midwatch's: every line that is painted goes through the filters
    that it pays for.
    """

    CSS_PATH = str(STYLESHEET)

    def __init__(self, widgets: Sequence[Widget], load: Load) -> None:
        super().__init__(widgets, load)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DEFAULT_THEME
        self._ours: Sequence[LineFilter] | None = None

    def get_default_screen(self) -> Screen[None]:
        return Behind(id="_default")

    def get_line_filters(self) -> Sequence[LineFilter]:
        if self._ours is None:
            self._ours = line_filters(super().get_line_filters(), self.no_color)
        return self._ours


async def ticks(per_s: float, seconds: float, each: Callable[[int], None]) -> int:
    """`each(number)` so many times a second for so long, on a fixed grid: what was late is caught up, so that a slow
    widget gets no less to do. Returns how many.
    """
    began = time.monotonic()
    wanted = int(per_s * seconds)
    for number in range(wanted):
        await asyncio.sleep(max(0.0, began + number / per_s - time.monotonic()))
        each(number)
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    return wanted
