"""The common ground of every widget here: it draws lines itself, in the tones of the app's theme."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from rich.segment import Segment
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter
from textual.geometry import NULL_SPACING, Region, Size
from textual.strip import Strip
from textual.theme import Theme
from textual.widget import Widget

from console.model.cell import Tone
from themes import DEFAULT_THEME
from themes.tones import Ground, Paint, paint
from widgets.brush import Brush
from widgets.cells import fit
from widgets.drawn import Drawn

_log = logging.getLogger("midwatch.widgets.painted")
# What Textual adds to a drawn line beside padding and border. Where a stylesheet asks for one of them, Textual draws it.
_ADDED_RULES = ("outline_top", "outline_right", "outline_bottom", "outline_left", "tint", "hatch", "text_opacity")

_Wanted = tuple[Size, tuple[LineFilter, ...], Color]  # what lines are drawn for


class Painted(Widget):
    """A widget with a `Paint`, renewed when the theme changes."""

    ALLOW_SELECT = False  # Textual's text selection needs offsets in every segment; the terminal's own works without

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.paint: Paint = paint(DEFAULT_THEME)
        self._faults: set[str] = set()  # kinds of our own exceptions in drawing: logged once each
        # Lines as they stand on the screen, filters applied, and what they were drawn for.
        self._drawn: dict[int, Strip] = {}
        self._drawn_for: _Wanted | None = None
        self._painted_size: Size | None = None  # while lines are drawn
        self._outdated: dict[int, Strip] = {}  # lines as they stand on the screen while other ones are to be painted

    @property
    def extent(self) -> Size:
        """The size now, which stands still during a paint: Textual works it out by walking up the tree, and at several
        times a line that was a fifth of what a board costs.
        """
        return self._painted_size if self._painted_size is not None else self.size

    def on_mount(self) -> None:
        """Take the theme in force, and follow its changes."""
        self.paint = paint(self.app.theme, self.app.no_color)
        self.app.theme_changed_signal.subscribe(self, self._repaint)

    def _repaint(self, theme: Theme) -> None:
        self.paint = paint(theme.name, self.app.no_color)
        self.forget_strips()
        self.refresh()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Textual's own, or the brush where it reaches; and the lines in question are drawn anew."""
        if repaint and not layout and not recompose and self._is_left_to_brush(regions):
            return self
        if repaint and regions:
            for region in regions:
                for y in region.line_range:
                    self._drawn.pop(y, None)
        elif repaint:
            self._drawn.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _is_left_to_brush(self, regions: Sequence[Region]) -> bool:
        """Whether these lines are left to the brush, which must know how each of them looked."""
        drawn, outdated = self._drawn, self._outdated
        if not drawn and not outdated:
            return False
        brush: Brush | None = getattr(self.app, "brush", None)
        size = brush.reached(self) if brush is not None else None
        if brush is None or size is None:
            return False
        lines = {y for region in regions for y in region.line_range} if regions else set(range(size.height))
        if not all(y in outdated or y in drawn for y in lines):
            return False
        for y in lines:
            if (strip := drawn.pop(y, None)) is not None:
                outdated.setdefault(y, strip)
        brush.touch(self)
        return True

    @property
    def outdated(self) -> Iterable[int]:
        """Lines that look otherwise on the screen than they are to."""
        return self._outdated

    def changed_lines(self, size: Size) -> Mapping[int, Strip] | None:
        """For the brush, which knows our size: those of the outdated lines that do differ, as they are now. None where it is
        not known how they look on the screen.
        """
        outdated = self._outdated
        if not outdated or not self._is_bare() or self._drawn_for != (wanted := self._wanted(size)):
            return None
        first, last = min(outdated), max(outdated)
        self._painted_size = size
        try:
            now = self._paint_lines(Region(0, first, size.width, last - first + 1), wanted)
        finally:
            self._painted_size = None
        self._outdated = {}
        return {y: now[y - first] for y, was in outdated.items() if now[y - first] is not was and now[y - first] != was}

    def paint_the_long_way(self) -> None:
        """Textual's: the lines that the brush could not paint, all of them where it is not known which."""
        lines, width = sorted(self._outdated), self.size.width
        self._outdated = {}
        super().refresh(*(Region(0, y, width, 1) for y in lines))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The app's, without the one that replaces the terminal's own colours: a `Paint` names none, and asking for
        each segment costs as much as drawing it.
        """
        filters = super().get_line_filters()
        return [each for each in filters if not isinstance(each, ANSIToTruecolor)] if self.paint.has_color else filters

    def render_lines(self, crop: Region) -> list[Strip]:
        """A fault of ours in drawing stays in this widget: outside of it Textual would end the app."""
        try:
            return self._paint_lines(crop, self._wanted(self.extent)) if self._is_bare() else super().render_lines(crop)
        except Exception as error:
            strip = self.fault_strip(error, self.size.width)
            return [strip.crop(crop.x, crop.right)] * crop.height

    def _is_bare(self) -> bool:
        """Whether a line on the screen is what we drew and nothing else."""
        styles = self.styles
        return styles.gutter == NULL_SPACING and not styles.has_any_rules(*_ADDED_RULES) and self.opacity == 1.0

    def _paint_lines(self, crop: Region, wanted: _Wanted) -> list[Strip]:
        """The lines of `crop` as Textual's styles cache would hand them on, without its four copies of each: its styles
        have nothing to add, and that copying was more than half of what a board costs.
        """
        size, filters, background = wanted
        if self._drawn_for != wanted:
            self._drawn.clear()
            self._outdated = {}
            self._drawn_for = wanted
        drawn = self._drawn
        strips = []
        for y in crop.line_range:
            strip = drawn.get(y)
            if strip is None:
                strip = drawn[y] = self._filtered(self._whole_line(y, size), filters, background)
            strips.append(strip)
        if crop.column_span != (0, size.width):
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def _wanted(self, size: Size) -> _Wanted:
        """What lines of this size are drawn for now."""
        return size, tuple(self.get_line_filters()), self.background_colors[1]

    def _whole_line(self, y: int, size: Size) -> Strip:
        """Line `y` in exactly the width of the widget; below its last line blank."""
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if y >= size.height:
            return Strip.blank(size.width, normal)
        strip = self.render_line(y)
        return strip if strip.cell_length == size.width else strip.adjust_cell_length(size.width, normal)

    @staticmethod
    def _filtered(strip: Strip, filters: Sequence[LineFilter], background: Color) -> Strip:
        """A filter that changes nothing hands on the very list it was given; then the strip stays the same one too."""
        before = segments = list(strip)
        for each in filters:
            segments = each.apply(segments, background)
        return strip if segments is before else Drawn(segments, strip.cell_length)

    def fault_strip(self, error: Exception, width: int) -> Strip:
        """One line that says that it could not be drawn, and where the traceback is."""
        kind = type(error).__name__
        if kind not in self._faults:
            self._faults.add(kind)
            _log.exception("%s could not be drawn", type(self).__name__)
        text = f" ! not drawn: see {type(self).__name__}/{kind} in midwatch's log file"
        return Strip([Segment(fit(text, width), self.paint.on(Ground.PANE)[Tone.CRIT])], max(0, width))

    def forget_strips(self) -> None:
        """Drop whatever was drawn in the old theme; widgets with a strip cache override it."""
