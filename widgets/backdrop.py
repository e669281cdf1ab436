"""What stands behind other widgets: one blank line, drawn once."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import NULL_SPACING, Region
from textual.strip import Strip
from textual.widget import Widget


class Backdrop(Widget):
    """A container that shows nothing of its own but its background; stands before Textual's container among the bases.

    Textual asks every widget on the screen for all of its lines whenever a single cell anywhere changes, and builds, caches
    and filters them one by one. Sixty blank lines behind the panes, and again behind each pane, cost more than a clock.
    """

    _blank: tuple[tuple[int, tuple[LineFilter, ...], Color], Strip] | None = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The same strip for every line, until the width, the theme or a filter changes."""
        if self.styles.gutter != NULL_SPACING or self.opacity != 1.0:
            return super().render_lines(crop)
        background = self.background_colors[1]
        wanted = (crop.width, tuple(self.get_line_filters()), background)
        if self._blank is None or self._blank[0] != wanted:
            self._blank = (wanted, _blank(crop.width, background, wanted[1]))
        return [self._blank[1]] * crop.height


def _blank(width: int, background: Color, filters: Sequence[LineFilter]) -> Strip:
    strip = Strip.blank(width, Style(bgcolor=background.rich_color))
    for each in filters:
        strip = strip.apply_filter(each, background)
    return strip
