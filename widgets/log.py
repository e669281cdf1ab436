"""The log view: the newest lines of a ring, drawn when they are seen, and still while someone reads.

Following, it sticks to the newest line. Any move upward pauses it: then the lines on the screen stay where
they are even when the ring drops them (their values are kept, a screenful at most), a mark says how many went
unread, and the last line tells how many are waiting below. Position is a sequence number, never a distance
from a moving end.
"""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.model.cell import Tone
from console.model.logline import LogLine
from themes.tones import Ground
from widgets.lines import Lines, thumb_span
from widgets.loglines import draw_behind, draw_log_line, draw_rule, grouped
from widgets.notice import AnyNotice
from widgets.sieve import LineWindow, Predicate, Sieve

_SHIFT = 16  # cells a message moves by an arrow key


class Lost(msgspec.Struct, frozen=True):
    """A place on the screen where lines are missing because the ring let go of them."""

    lines: int


Item = int | Lost  # a sequence number, or a gap


class LogView(Lines):
    """Lines of a `LineWindow`. Call `advance` when the window moved; one repaint follows, however many lines
    came.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("equals_sign", "pause", "pause", show=False),
        Binding("enter", "choose", "open", show=False),
        Binding("left", "shift(-1)", "left", show=False),
        Binding("right", "shift(1)", "right", show=False),
        Binding("n", "find(1)", "next match", show=False),
        Binding("N", "find(-1)", "previous match", show=False),
    ]

    class FollowChanged(Message):
        """Paused, or following again."""

        def __init__(self, view: LogView, is_following: bool) -> None:
            super().__init__()
            self.view, self.is_following = view, is_following

        @property
        def control(self) -> LogView:
            """The sender, for `@on(..., "#id")`."""
            return self.view

    class LineChosen(Message):
        """Enter on a line."""

        def __init__(self, view: LogView, line: LogLine) -> None:
            super().__init__()
            self.view, self.line = view, line

        @property
        def control(self) -> LogView:
            """The sender, for `@on(..., "#id")`."""
            return self.view

    def __init__(
        self,
        window: LineWindow | None = None,
        placeholder: AnyNotice = "no lines yet",
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(placeholder, id=id, classes=classes)
        self._sieve = None if window is None else Sieve(window)
        self._items: list[Item] = []
        self._kept: dict[int, LogLine] = {}  # the lines on the screen while paused
        self._gap: tuple[int, int] | None = None  # (a line, how many before it went unread)
        self._top_seq = 0
        self._cursor_seq: int | None = None
        self._is_following = True
        self._found: re.Pattern[str] | None = None
        self._shift = 0

    def attach(self, window: LineWindow) -> None:
        """Show another window, from its newest line."""
        predicate = None if self._sieve is None else self._sieve.predicate
        self._sieve = Sieve(window, predicate)
        self.forget_strips()
        self._follow()
        self.refresh()

    def advance(self) -> None:
        """The window moved: lines came, went, or both."""
        if self._sieve is not None:
            self._sieve.advance()
            self._rearrange()
            self._deepen()  # a window that is itself still being sifted has older lines than before

    @property
    def is_following(self) -> bool:
        """Whether the view sticks to the newest line."""
        return self._is_following

    @property
    def behind(self) -> int:
        """How many shown lines are newer than the last one on the screen."""
        last = self._last_seen()
        if self._sieve is None or last is None:
            return 0
        return self._sieve.count - self._sieve.index_of(last + 1)

    @property
    def shown_count(self) -> int:
        """How many of the held lines pass the filter, as far as they are judged."""
        return 0 if self._sieve is None else self._sieve.count

    @property
    def cursor_line(self) -> LogLine | None:
        """The line under the cursor; None while following."""
        return None if self._cursor_seq is None else self._line(self._cursor_seq)

    def filter(self, predicate: Predicate | None) -> None:
        """Show only lines that satisfy the predicate; None shows all. Old lines are judged in portions."""
        if self._sieve is None:
            return
        self._sieve = Sieve(self._sieve.window, predicate)
        self._kept.clear()
        self._cursor_seq = None
        self._rearrange()
        self.refresh()
        self._deepen()

    def highlight(self, text: str) -> None:
        """Mark every occurrence of a text, in either case; "" ends it. `n` and `N` go from one line to the
        next.
        """
        self._found = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self.forget_strips()
        self.refresh_body()

    def pause(self) -> None:
        """Let the screen stand still."""
        if self._is_following and self._items:
            self._is_following = False
            self._keep()
            self._rearrange()
            self.refresh_body_lines([self.body_height - 1])
            self.post_message(self.FollowChanged(self, False))

    def follow(self) -> None:
        """Back to the newest line."""
        if not self._is_following:
            self._follow()
            self._rearrange()
            self.refresh_body()
            self.post_message(self.FollowChanged(self, True))

    def _follow(self) -> None:
        self._is_following = True
        self._cursor_seq = None
        self._gap = None
        self._kept.clear()

    def _deepen(self) -> None:
        """Judge older lines a portion at a time, between other work of the loop."""
        sieve = self._sieve
        if sieve is None or sieve.is_whole:
            return
        sieve.deepen()
        self._rearrange()
        self.call_after_refresh(self._deepen)

    def _line(self, seq: int) -> LogLine | None:
        kept = self._kept.get(seq)
        if kept is not None or self._sieve is None:
            return kept
        window = self._sieve.window
        return window.line(seq) if window.first_seq <= seq <= window.last_seq else None

    def _last_seen(self) -> int | None:
        """The number of the lowest line on the screen."""
        return next((item for item in reversed(self._items) if isinstance(item, int)), None)

    def _keep(self) -> None:
        """Hold the values of the lines on the screen, so that the ring may drop them."""
        lines = ((item, self._line(item)) for item in self._items if isinstance(item, int))
        self._kept = {seq: line for seq, line in lines if line is not None}

    def _leave_kept(self) -> None:
        """The reader moves on: what the ring dropped meanwhile is lost now, and the place remembers how much it was."""
        last, sieve = self._last_seen(), self._sieve
        if sieve is not None and last is not None and last + 1 < sieve.window.first_seq:
            self._gap = (sieve.window.first_seq, sieve.window.first_seq - last - 1)
        self._kept.clear()

    def _rearrange(self) -> None:
        """Work out which lines stand on the screen, and repaint those that changed."""
        before, was_behind = self._items, self.behind
        self._items = self._arrange()
        if not self._is_following:
            self._keep()
        if bool(before) != bool(self._items):
            self.refresh()
        longest = max(len(before), len(self._items))
        changed = {at for at in range(longest) if before[at : at + 1] != self._items[at : at + 1]}
        if not self._is_following and self.behind != was_behind:
            changed.add(self.body_height - 1)
        self.refresh_body_lines(changed)
        self.sync_thumb()

    def _arrange(self) -> list[Item]:
        sieve, height = self._sieve, self.body_height
        if sieve is None or height <= 0:
            return []
        if self._is_following:
            start = max(0, sieve.count - height)
            self._top_seq = sieve.seq_at(start) if sieve.count else sieve.window.first_seq
            return [sieve.seq_at(index) for index in range(start, sieve.count)]
        first = sieve.window.first_seq
        items: list[Item] = [seq for seq in sorted(self._kept) if self._top_seq <= seq < first]
        if items and first > sieve.window.last_seq + 1:
            return items
        if items and isinstance(items[-1], int) and items[-1] + 1 < first and len(items) < height:
            items.append(Lost(first - items[-1] - 1))
        start = sieve.index_of(max(self._top_seq, first))
        if not items:
            start = max(0, min(start, sieve.count - height))
            if sieve.count:
                self._top_seq = sieve.seq_at(start)
            if self._gap is not None and sieve.count and sieve.seq_at(start) == self._gap[0]:
                items.append(Lost(self._gap[1]))
        stop = min(sieve.count, start + height - len(items))
        return [*items[:height], *(sieve.seq_at(index) for index in range(start, stop))]

    def line_count(self) -> int:
        return len(self._items) if self._sieve is None else max(self._sieve.count, len(self._items))

    def at_line(self) -> int:
        if self._sieve is None:
            return 0
        if self._cursor_seq is not None:
            return self._sieve.index_of(self._cursor_seq)
        last = self._last_seen()
        return self._sieve.count - 1 if self._is_following or last is None else self._sieve.index_of(last)

    def go_to(self, line: int) -> None:
        sieve = self._sieve
        if sieve is None or not sieve.count:
            return
        line = min(line, sieve.count - 1)
        was_following, old = self._is_following, self._cursor_seq
        if was_following and line >= sieve.count - 1:
            return
        self._is_following = False
        self._cursor_seq = sieve.seq_at(line)
        if self._cursor_seq not in self._items:
            top = sieve.index_of(self._top_seq)
            below = line - self.body_height + 1
            self._top_seq = sieve.seq_at(line if line < top else max(0, below))
            self._leave_kept()
        self._rearrange()
        self._repaint_seqs(old, self._cursor_seq)
        if was_following:
            self.refresh_body_lines([self.body_height - 1])
            self.post_message(self.FollowChanged(self, False))

    def fit_view(self) -> None:
        """A new height: arrange anew. `top` itself has no meaning here."""
        if self._is_following or self._items:
            self._items = self._arrange()

    def thumb(self) -> tuple[int, int]:
        if self._sieve is None:
            return (0, 0)
        return thumb_span(self._sieve.count, self._sieve.index_of(self._top_seq), self.body_height)

    def scroll_lines(self, lines: int) -> None:
        """The wheel: move the view; downward past the newest line means following again."""
        sieve = self._sieve
        if sieve is None or (self._is_following and lines > 0) or sieve.count <= self.body_height:
            return
        top = max(0, sieve.index_of(self._top_seq) + lines)
        if top >= sieve.count - self.body_height:
            self.follow()
            return
        self.pause()
        self._top_seq = sieve.seq_at(top)
        self._leave_kept()
        self._rearrange()

    def action_last(self) -> None:
        """To the newest line, and follow."""
        self.follow()

    def action_pause(self) -> None:
        """Pause or follow."""
        if self._is_following:
            self.pause()
        else:
            self.follow()

    def action_choose(self) -> None:
        """Open the line under the cursor; while following, the newest."""
        seq = self._last_seen() if self._cursor_seq is None else self._cursor_seq
        line = None if seq is None else self._line(seq)
        if line is not None and not line.is_mark:
            self.post_message(self.LineChosen(self, line))

    def action_shift(self, direction: int) -> None:
        """Move the messages sideways, to read the end of a long one."""
        shift = max(0, self._shift + direction * _SHIFT)
        if shift != self._shift:
            self._shift = shift
            self.forget_strips()
            self.refresh_body()

    def action_find(self, direction: int) -> None:
        """To the next line, or the one before, that holds the highlighted text."""
        sieve, found = self._sieve, self._found
        if sieve is None or found is None:
            return
        stop = sieve.count if direction > 0 else -1
        for index in range(self.at_line() + direction, stop, direction):
            if found.search(sieve.window.line(sieve.seq_at(index)).message):
                self.go_to(index)
                return

    def _repaint_seqs(self, *seqs: int | None) -> None:
        self.refresh_body_lines(at for at, item in enumerate(self._items) if item in seqs)

    def draw_line(self, y: int, width: int) -> Strip:
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        strip = self._draw_item(self._items[y], width) if y < len(self._items) else Strip.blank(width, normal)
        if y == self.body_height - 1 and not self._is_following:
            return draw_behind(strip, width, self.paint, self.behind)
        return strip

    def _draw_item(self, item: Item, width: int) -> Strip:
        if isinstance(item, Lost):
            told = f"{grouped(item.lines)} lines left the buffer unread"
            return draw_rule(told, width, self.paint, Tone.WARN)
        line = self._line(item)
        if line is None:
            return draw_rule("this line left the buffer", width, self.paint, Tone.WARN)
        ground = Ground.PANE
        if self.has_cursor and item == self._cursor_seq:
            ground = Ground.CURSOR if self.has_focus else Ground.REST
        name = (item, ground)
        known = self.remembered(name, line)
        if known is not None:
            return known
        drawn = draw_log_line(line, width, self.paint, ground, self._shift, self._found)
        return self.remember(name, line, drawn)

    def on_focus(self) -> None:
        """The cursor line is drawn otherwise."""
        self._repaint_seqs(self._cursor_seq)

    def on_blur(self) -> None:
        """The cursor line is drawn otherwise."""
        self._repaint_seqs(self._cursor_seq)
