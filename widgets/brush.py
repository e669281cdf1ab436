"""The short way from a widget to the terminal, for lines of which nothing but the text has changed.

Textual's compositor asks every widget on the screen for all of its lines whenever one cell changes, and its way there leads
through the queues of two message pumps and a timer. A clock alone, painted once a second, cost more than twice what a bare
Textual app does. So a line that stands on the screen already, uncovered and where it was, is written there at once; whatever
else (a layout, a dialog, a notice above it) goes Textual's way, which may come at any moment and finds the same lines.

What must not be done here: decide what a line says, or write where Textual's own map of the screen does not show the widget.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from textual.app import App
from textual.geometry import NULL_REGION, Region, Size
from textual.strip import Strip

if TYPE_CHECKING:
    from widgets.painted import Painted

_NOWHERE = (NULL_REGION, NULL_REGION)
_log = logging.getLogger("midwatch.widgets.brush")


class Canvas(Protocol):
    """What a brush paints on: the app's way to its terminal."""

    def put(self, x: int, y: int, strip: Strip) -> None:
        """A line from column `x` of line `y` on, filters applied."""
        ...

    def finish(self) -> None:
        """All that was put since is to be seen."""
        ...


class Brush:
    """One for an app that has a terminal; a `Painted` looks for it as `app.brush`."""

    def __init__(self, app: App[Any], canvas: Canvas) -> None:
        self._app = app
        self._canvas = canvas
        self._waiting: dict[Painted, None] = {}

    def reached(self, widget: Painted) -> Size | None:
        """The widget's size, if all of it is on the screen in front. What stands behind a dialog is shaded, or hidden."""
        region, clip = self._shown(widget)
        return region.size if region and region.intersection(clip) == region else None

    def _shown(self, widget: Painted) -> tuple[Region, Region]:
        return self._app.screen._compositor.visible_widgets.get(widget, _NOWHERE)

    def touch(self, widget: Painted) -> None:
        """Some of its lines have changed: paint them once whoever changes them is done with all of them."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._paint)
        self._waiting[widget] = None

    def _paint(self) -> None:
        waiting, self._waiting = self._waiting, {}
        has_painted = False
        for widget in waiting:
            try:
                lines = self._lines(widget)
            except Exception:
                _log.exception("%s could not be painted the short way", type(widget).__name__)
                lines = None
            if lines is None:
                widget.paint_the_long_way()
            else:
                for x, y, strip in lines:
                    self._canvas.put(x, y, strip)
                    has_painted = True
        if has_painted:
            self._canvas.finish()

    def _lines(self, widget: Painted) -> list[tuple[int, int, Strip]] | None:
        """Where which of its lines look otherwise now; None where this way leads to nothing good."""
        size = self.reached(widget)
        if size is None:
            return None
        region, layers = self._shown(widget)[0], self._app.screen._compositor.layers_visible
        if any(_is_covered(widget, region, y, layers) for y in widget.outdated):
            return None
        changed = widget.changed_lines(size)
        if changed is None:
            return None
        x, top = region.offset
        return [(x, top + y, strip) for y, strip in changed.items()]


def _is_covered(widget: Painted, region: Region, y: int, layers: Any) -> bool:
    """Whether anything that can be seen stands before this line of the widget, if only before one cell."""
    for other, visible, _ in layers[region.y + y]:
        if other is widget:
            return False
        if visible.x < region.right and region.x < visible.right and other.visible:
            return True
    return True
