"""A widget of lines: it scrolls by itself, draws only what is seen, and remembers a bounded number of drawn
lines.

Not on Textual's `ScrollView`: there the number of lines is `virtual_size`, whose every change lays out the
whole screen anew and repaints it, and our numbers change with every reading; and a ring that drops lines
beneath the reader needs an offset that is not counted from the top. So `top` is ours, and the scrollbar is
the last cell of each line, a shape that survives NO_COLOR. Subclasses say how many lines there are and draw
one; nothing else here may depend on their number.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip

from console.model.cell import Tone
from themes.tones import Ground
from widgets.cells import fit, is_single
from widgets.cells import width as cells_of
from widgets.drawn import Drawn
from widgets.notice import AnyNotice, Piece, notice_lines
from widgets.painted import Painted

THUMB = "▐"
LEAST_STRIPS = 128  # drawn lines remembered, and never less than some screens' worth
SCREENS = 4
_WHEEL_LINES = 3


def strip_of(
    pieces: Iterable[tuple[str, Style]], width: int, blank: Style, end: Segment | None = None
) -> Strip:
    """One line of exactly `width` cells from texts and styles; neighbours of one style become one segment. `end` is one
    cell more behind them.
    """
    pieces = list(pieces)
    whole = "".join([piece for piece, _ in pieces])
    room = width - len(whole)
    if room < 0 or not is_single(whole):
        measured = _measured_strip(pieces, width, blank)
        return measured if end is None else Drawn([*measured, end], width + 1)
    segments: list[Segment] = []
    text, style = "", blank
    for piece, its_style in pieces:
        if its_style is style:
            text += piece
        elif piece:
            if text:
                segments.append(Segment(text, style))
            text, style = piece, its_style
    if style is blank:
        text += " " * room
        room = 0
    if text:
        segments.append(Segment(text, style))
    if room:
        segments.append(Segment(" " * room, blank))
    if end is not None:
        segments.append(end)
        width += 1
    return Drawn(segments, width)


def _measured_strip(pieces: Iterable[tuple[str, Style]], width: int, blank: Style) -> Strip:
    """`strip_of` for texts that are too long, or whose characters take more or less than one cell."""
    segments: list[Segment] = []
    text, style, used = "", blank, 0
    for piece, its_style in pieces:
        if not piece:
            continue
        if is_single(piece):
            size = len(piece)
        else:
            size = cells_of(piece)
            piece = fit(piece, size)  # without the controls and joiners that others would measure otherwise
        if used + size > width:
            piece = fit(piece.rstrip(" "), width - used)
            size = width - used
        if its_style is not style and text:
            segments.append(Segment(text, style))
            text = ""
        style = its_style
        text += piece
        used += size
        if used >= width:
            break
    if text:
        segments.append(Segment(text, style))
    if used < width:
        segments.append(Segment(" " * (width - used), blank))
    return Drawn(segments, width)


class Lines(Painted, can_focus=True):
    """Scrolling, the thumb, the notice for an empty pane, and the bounded cache of strips."""

    DEFAULT_CSS = "Lines { width: 1fr; height: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "up", show=False),
        Binding("down,j", "step(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("ctrl+u", "half_page(-1)", "half a page up", show=False),
        Binding("ctrl+d", "half_page(1)", "half a page down", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G", "last", "last", show=False),
    ]
    HEAD_LINES: ClassVar[int] = 0
    has_cursor = True  # False where nobody is at the keys: no line is marked

    def __init__(self, placeholder: AnyNotice = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._placeholder: AnyNotice = placeholder
        self._notice_drawn: tuple[int, int, list[list[Piece]]] | None = None
        self._strips: dict[Hashable, tuple[object, Strip]] = {}
        self._thumb_drawn = (0, 0)
        self.top = 0  # content line drawn at the first body line

    def watch_has_focus(self, _has_focus: bool) -> None:
        """What the focus changes is drawn by us (`draw_line`): no rule of a stylesheet asks for it, and looking them all
        through cost more than the drawing.
        """

    def line_count(self) -> int:
        """How many lines of content there are."""
        raise NotImplementedError

    def draw_line(self, y: int, width: int) -> Strip:
        """The strip for body line `y` of the visible window; asked only when there is content. Whoever ends it with
        `no_thumb` saves a copy of it.
        """
        raise NotImplementedError

    def draw_head(self, width: int) -> Strip:
        """The line above the content that does not scroll; asked only when HEAD_LINES is 1."""
        raise NotImplementedError

    def go_to(self, line: int) -> None:
        """Move the reader (cursor or view) to a content line, already clamped."""
        raise NotImplementedError

    def at_line(self) -> int:
        """Where the reader is, as a content line."""
        raise NotImplementedError

    def render_lines(self, crop: Region) -> list[Strip]:
        """One paint. The size is asked once for all its lines."""
        before, self._painted_size = self._painted_size, self.extent
        try:
            return super().render_lines(crop)
        finally:
            self._painted_size = before

    @property
    def body_height(self) -> int:
        """Lines left for content below the head."""
        return max(0, self.extent.height - self.HEAD_LINES)

    @property
    def body_width(self) -> int:
        """Cells of a line left of the thumb."""
        return max(0, self.extent.width - 1)

    @property
    def placeholder(self) -> AnyNotice:
        """What is said when there are no lines."""
        return self._placeholder

    @placeholder.setter
    def placeholder(self, what: AnyNotice) -> None:
        if what != self._placeholder:
            self._placeholder = what
            self._notice_drawn = None
            if not self.line_count():
                self.refresh()

    def clamp_top(self) -> None:
        """Keep the view inside the content."""
        self.top = max(0, min(self.top, self.line_count() - self.body_height))

    def fit_view(self) -> None:
        """The height changed: keep the reader in the view. Called before the repaint."""
        self.clamp_top()
        if self.line_count():
            self.scroll_into_view(self.at_line())

    def scroll_into_view(self, line: int) -> None:
        """Move the view as little as needed to show this line; without a height there is no view yet."""
        if self.body_height <= 0:
            return
        if line < self.top:
            self.top = line
        elif line >= self.top + self.body_height:
            self.top = line - self.body_height + 1
        self.clamp_top()

    def render_line(self, y: int) -> Strip:
        """One line of the widget: head, content with its thumb cell, notice, or blank."""
        tones = self.paint.on(Ground.PANE)
        full, width = self.extent.width, self.body_width
        if full <= 0:
            return Strip([], 0)
        body_y = y - self.HEAD_LINES
        try:
            if y < self.HEAD_LINES:
                return self.draw_head(full)
            if not self.line_count():
                return self._draw_notice(body_y, full)
            strip = self.draw_line(body_y, width)
        except Exception as error:  # one line that cannot be drawn must not hide the others
            return self.fault_strip(error, full)
        if strip.cell_length == full:
            return strip
        start, stop = self._thumb_drawn
        glyph = THUMB if start <= body_y < stop else " "
        return Drawn([*strip, Segment(glyph, tones[Tone.DIM])], full)

    @property
    def no_thumb(self) -> Segment | None:
        """The cell behind every line where everything is seen; None where there is a thumb."""
        start, stop = self._thumb_drawn
        return Segment(" ", self.paint.on(Ground.PANE)[Tone.DIM]) if start == stop else None

    def remembered(self, key: Hashable, value: object) -> Strip | None:
        """The strip drawn for `key` if it was drawn from this very value or an equal one."""
        found = self._strips.get(key)
        if found is not None and (found[0] is value or found[0] == value):
            return found[1]
        return None

    def remember(self, key: Hashable, value: object, strip: Strip) -> Strip:
        """Keep a drawn strip; the oldest go when there are too many."""
        self._strips.pop(key, None)
        self._strips[key] = (value, strip)
        most = max(LEAST_STRIPS, SCREENS * self.extent.height)
        while len(self._strips) > most:
            del self._strips[next(iter(self._strips))]
        return strip

    def forget_strips(self) -> None:
        """Widths, columns or tones changed: nothing drawn before is right."""
        self._strips.clear()

    def refresh_body(self, start: int = 0, stop: int | None = None) -> None:
        """Repaint body lines [start, stop) of the visible window, all by default, as one region."""
        first = max(0, start)
        last = self.body_height if stop is None else min(stop, self.body_height)
        if last > first:
            self.refresh(Region(0, self.HEAD_LINES + first, self.size.width, last - first))

    def refresh_body_lines(self, lines: Iterable[int]) -> None:
        """Repaint single body lines, neighbours together, all of them asked for at once."""
        height, width = self.body_height, self.size.width
        runs: list[tuple[int, int]] = []  # [start, stop)
        for line in sorted(set(lines)):
            if not 0 <= line < height:
                continue
            if runs and runs[-1][1] == line:
                runs[-1] = (runs[-1][0], line + 1)
            else:
                runs.append((line, line + 1))
        if runs:
            self.refresh(*(Region(0, self.HEAD_LINES + start, width, stop - start) for start, stop in runs))

    def sync_thumb(self) -> None:
        """Work out where the thumb stands now, and repaint the lines in which it changed."""
        start, stop = self.thumb()
        old_start, old_stop = self._thumb_drawn
        if (start, stop) != (old_start, old_stop):
            self._thumb_drawn = (start, stop)
            self.refresh_body_lines(set(range(start, stop)) ^ set(range(old_start, old_stop)))

    def thumb(self) -> tuple[int, int]:
        """Body lines [start, stop) of the thumb; empty when everything is seen."""
        return thumb_span(self.line_count(), self.top, self.body_height)

    def _draw_notice(self, y: int, width: int) -> Strip:
        room = max(0, width - 2)
        drawn = self._notice_drawn
        if drawn is None or drawn[:2] != (width, self.body_height):
            lines = notice_lines(self._placeholder, room, max(0, self.body_height - 1))
            drawn = self._notice_drawn = (width, self.body_height, lines)
        tones = self.paint.on(Ground.PANE)
        # One empty line above, when there is room: a sentence that touches the edge reads like a row.
        index = y - 1 if self.body_height > 1 else y
        pieces = drawn[2][index] if 0 <= index < len(drawn[2]) else []
        normal = tones[Tone.NORMAL]
        return strip_of([(" ", normal), *((text, tones[tone]) for text, tone in pieces)], width, normal)

    def _go(self, line: int) -> None:
        count = self.line_count()
        if count:
            self.go_to(max(0, min(count - 1, line)))

    def action_step(self, lines: int) -> None:
        """One line up or down."""
        self._go(self.at_line() + lines)

    def action_page(self, direction: int) -> None:
        """A page less one line, so that the eye keeps a line to hold on to."""
        self._go(self.at_line() + direction * max(1, self.body_height - 1))

    def action_half_page(self, direction: int) -> None:
        """Half a page."""
        self._go(self.at_line() + direction * max(1, self.body_height // 2))

    def action_first(self) -> None:
        """To the first line."""
        self._go(0)

    def action_last(self) -> None:
        """To the last line."""
        self._go(self.line_count() - 1)

    def scroll_lines(self, lines: int) -> None:
        """Move the view, not the reader."""
        old = self.top
        self.top += lines
        self.clamp_top()
        if self.top != old:
            self.refresh_body()
            self.sync_thumb()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-_WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(_WHEEL_LINES)

    def on_resize(self) -> None:
        """A new size: other columns, another window."""
        self.forget_strips()
        self._notice_drawn = None
        self.fit_view()
        self._thumb_drawn = self.thumb()
        self.refresh()


def thumb_span(count: int, top: int, height: int) -> tuple[int, int]:
    """Lines [start, stop) of a scrollbar `height` lines high for a window at `top` of `count`; never less
    than one.
    """
    if count <= height or height <= 0:
        return (0, 0)
    length = max(1, height * height // count)
    room = height - length
    start = min(room, (top * room + (count - height) // 2) // (count - height))
    return (start, start + length)
