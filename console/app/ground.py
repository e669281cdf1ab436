"""A screen that shows nothing of its own, and so is never painted because of what others on it do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from widgets.backdrop import Backdrop


class Ground(Backdrop, Screen[None]):
    """Textual paints all of a screen, and every widget on it, when the focus goes from one of them to another, and when one is
    shown or hidden. Those two paint themselves, and what is laid out otherwise than before is painted as it is; the rest stands
    as it was.
    """

    _stands = False

    @contextmanager
    def standing(self) -> Iterator[None]:
        """What is done meanwhile changes nothing but what it is done to."""
        before, self._stands = self._stands, True
        try:
            yield
        finally:
            self._stands = before

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        return super().refresh(*regions, repaint=repaint and not self._stands, layout=layout, recompose=recompose)

    def set_focus(self, widget: Widget | None, *how: Any, **more: Any) -> None:
        with self.standing():
            super().set_focus(widget, *how, **more)
