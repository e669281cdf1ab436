"""The app's way to the terminal through the link: what is painted goes into the wanted frame, and of that only the cells that
differ from the frame which was sent, one frame at a time.

Textual's `App._display` hands every region that was refreshed to the driver, changed or not: some 7 kB for a board in which
two digits moved. Here its strips, and the brush's lines, are put into the link; a frame leaves when the one before it has
landed, made from what is wanted at that moment. So a slow terminal is shown fewer frames, never older ones, and none queues.

This stands on private names of Textual (`_display`, `LayoutUpdate`, `ChopsUpdate`, `_batch_count`, `_sync_available`), for
which its minor version is pinned; tests/console/app/test_linked.py says which of them another version has not.

What must not be done here: write to the terminal past the driver, or wait for an answer of the terminal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any

from rich.cells import split_graphemes
from rich.console import RenderableType
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen
from textual.strip import Strip

from console.app.abilities import Abilities, Depth
from console.app.looks import looks_of
from console.app.rate import Rate
from console.config.link import LinkMode
from console.link import Flight, Link
from widgets.brush import Canvas

SLOW_S = 1.0  # between two frames of a slow link
ECHO_S = 0.5  # for how long what is painted counts as the echo of a key

Send = Callable[[str, Callable[[], None]], None]


def _spans(text: str) -> Sequence[tuple[int, int, int]]:
    """As Rich, which laid the line out, splits it."""
    return split_graphemes(text)[0]


class Linked(App[None], inherit_bindings=False):
    """An app whose driver may offer `send(text, landed)`: it is given a frame, and calls `landed` once, in the loop, when the
    terminal has taken it; before that it is given no other. A driver that does not offer it is written to by Textual.
    """

    def __init__(self, able: Abilities, mode: LinkMode, driver: Callable[..., Driver] | None = None) -> None:
        super().__init__(driver_class=driver)  # type: ignore[arg-type]  # called, never looked into
        self.able = able
        self.no_color = self.no_color or not able.has_colour
        self.mode = mode
        self.flight = Flight()
        self.link: Link | None = None  # from the first paint on
        self.turn: Callable[[Callable[[], None]], object] | None = None
        """Told, as often as there is news, what to call for it: `depart`, once. None: the loop, in its next turn."""
        depth = able.depth or Depth.TRUE
        self._looks = looks_of(Depth.SIXTEEN if mode is LinkMode.SLOW and depth is not Depth.NONE else depth)
        self._rate = Rate()
        self._is_wished = False  # `depart` is going to be called
        self._number = 0  # of the frame in flight: what landed after it was given up is none of it
        self._echo_until = self._left_at = 0.0
        self._later: asyncio.TimerHandle | None = None
        if mode is LinkMode.SLOW:
            self.animation_level = "none"

    @property
    def rate(self) -> float:
        """Bytes a second to the terminal; 0 where frames do not go through the link."""
        return self.flight.bytes_per_second(monotonic())

    @property
    def rate_told(self) -> str:
        """The same for the head line; "" where nothing is known."""
        return self._rate.told(self.rate) if self.link is not None else ""

    @property
    def _send(self) -> Send | None:
        return getattr(self._driver, "send", None) if self.mode is not LinkMode.OFF else None

    # -- painting ------------------------------------------------------------------------------------------------------
    def canvas(self) -> Canvas | None:
        """For the brush; None where there is no terminal to paint on."""
        if self._driver is None or self._driver.is_headless:
            return None
        return Straight(self) if self._send is None else self

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
        if driver is None or self._send is None:
            super()._display(screen, renderable)
            return
        try:
            if renderable is None or self._batch_count or not self._running or self._closed:
                return
            try:
                self._paint(driver, renderable)
            except Exception as error:
                self._handle_exception(error)
            else:
                self.finish()
        finally:
            self.post_display_hook()

    def _paint(self, driver: Driver, renderable: RenderableType) -> None:
        if isinstance(renderable, LayoutUpdate):
            width, height = renderable.region.size
            if self.link is None:
                self.link = Link(width, height, split=_spans, bce=self.able.fills_erased)
            elif (self.link.width, self.link.height) != (width, height):
                self.link.resize(width, height)
            painted = _of_layout(renderable)
        elif isinstance(renderable, ChopsUpdate):
            painted = _of_chops(renderable)
        else:  # nothing of Textual's own: what it does to the screen only the terminal knows
            driver.write(self.console._render_buffer(self.console.render(renderable)))
            self.forget_terminal()
            return
        for x, y, strip in painted:
            self.put(x, y, strip)

    def put(self, x: int, y: int, strip: Strip) -> None:
        """A piece of a line, as it is to stand on the terminal."""
        if self.link is not None:
            self.link.put(x, y, self._looks.pieces(strip))

    def finish(self) -> None:
        """Everything that belongs together has been put."""
        link = self.link
        if link is None:
            return
        if hasattr(self.screen.focused, "cursor_screen_offset"):  # where it writes, an input method may want to be
            link.place_cursor(*self.screen.outer_size.clamp_offset(self.cursor_position))
        else:
            link.free_cursor()
        self._wish()

    # -- frames --------------------------------------------------------------------------------------------------------
    def _wish(self) -> None:
        if self.turn is not None:
            self.turn(self.depart)
        elif not self._is_wished:
            self._is_wished = True
            asyncio.get_running_loop().call_soon(self.depart)

    def depart(self) -> None:
        """Send what has changed, if it may leave now; else it leaves with what is then wanted."""
        self._is_wished = False
        link, send = self.link, self._send
        if link is None or send is None or not link.has_news:
            return
        if (link.width, link.height) != tuple(self.size):  # it is about to be laid out for the terminal's new size
            return
        now = monotonic()
        if not self.flight.offered() or not self._is_time(now):
            return
        link.synchronized = self._sync_available
        text = link.frame()
        self.flight.departed(len(text) if text.isascii() else len(text.encode()), now)
        if text:
            self._left_at = now
            number = self._number = self._number + 1
            send(text, lambda: self._landed(number))

    def _landed(self, number: int) -> None:
        if number == self._number and self.flight.landed():
            self.depart()

    def _is_time(self, now: float) -> bool:
        """On a slow link: the echo of a key, or a second after the last frame, at which we come back."""
        if self.mode is not LinkMode.SLOW or now < self._echo_until or now >= self._left_at + SLOW_S:
            return True
        if self._later is None:
            self._later = asyncio.get_running_loop().call_later(self._left_at + SLOW_S - now, self._on_time)
        return False

    def _on_time(self) -> None:
        self._later = None
        self.depart()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste | events.MouseDown):
            self._echo_until = monotonic() + ECHO_S
        await super().on_event(event)

    # -- a terminal that shows something else --------------------------------------------------------------------------
    def forget_terminal(self) -> None:
        """What stands on it is not known, nor whether it got the frame in flight: all of it is sent again."""
        self._number += 1
        self.flight.landed()
        if self.link is not None:
            self.link.forget()
            self._wish()

    def on_resize(self, _event: events.Resize) -> None:
        """Whatever its new size is: a terminal that was narrower for a moment has lost the ends of its lines."""
        self.forget_terminal()

    def action_repaint(self) -> None:
        """ctrl+l: from the widgets on, whoever has got it wrong."""
        self.forget_terminal()
        self.refresh(layout=True)


class Straight:
    """The brush's way where frames do not go through the link: what is put is written."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._written: list[str] = []

    def put(self, x: int, y: int, strip: Strip) -> None:
        self._written.append(_move_to(x, y) + strip.render(self._app.console))

    def finish(self) -> None:
        written, self._written = self._written, []
        driver = self._app._driver
        if driver is not None:
            x, y = self._app.screen.outer_size.clamp_offset(self._app.cursor_position)
            driver.write("".join([*written, _move_to(x, y)]))


def _of_layout(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield x, y, strip
            x += strip.cell_length


def _of_chops(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """What `ChopsUpdate.render_segments` writes, and where."""
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > last or end <= first:
                continue
            is_whole = first <= x < last and end <= last
            yield x, y, strip if is_whole else strip.crop(0, min(end, last) - x)


def _move_to(x: int, y: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H"
