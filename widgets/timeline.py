"""What happened, in its order: time, severity letter, kind, text; long texts wrapped, never cut.

An incident's timeline has some hundred entries, so it is wrapped whole when it changes; it sticks to its end
while the reader is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.model.cell import Tone
from console.model.incident import TimelineEntry
from themes.tones import Ground
from widgets.cells import fit, wrap
from widgets.lines import Lines, strip_of
from widgets.notice import AnyNotice

_HEAD = 22  # " 02:01:07  C  rollout  "
_OVER = "✓ "


class Timeline(Lines):
    """Entries, oldest first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "open", show=False)]

    class EntryChosen(Message):
        """Enter on an entry."""

        def __init__(self, timeline: Timeline, entry: TimelineEntry) -> None:
            super().__init__()
            self.timeline, self.entry = timeline, entry

        @property
        def control(self) -> Timeline:
            """The sender, for `@on(..., "#id")`."""
            return self.timeline

    def __init__(
        self,
        placeholder: AnyNotice = "nothing happened",
        *,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(placeholder, id=id, classes=classes)
        self._entries: tuple[TimelineEntry, ...] = ()
        self._lines: list[tuple[int, str, bool]] = []  # entry, text, first line of its entry
        self._wrapped_at = 0
        self._cursor_at = 0

    def show(self, entries: Sequence[TimelineEntry]) -> None:
        """Replace the entries."""
        new = tuple(entries)
        if new == self._entries:
            return
        is_at_end = self._cursor_at >= len(self._entries) - 1
        self._entries = new
        self._cursor_at = len(new) - 1 if is_at_end else min(self._cursor_at, len(new) - 1)
        self._cursor_at = max(0, self._cursor_at)
        self.forget_strips()
        self._follow_cursor()
        self.refresh()
        self.sync_thumb()

    @property
    def cursor_entry(self) -> TimelineEntry | None:
        """The entry under the cursor."""
        return self._entries[self._cursor_at] if self._entries else None

    def forget_strips(self) -> None:
        """Wrapping depends on the width, so it goes with the strips."""
        super().forget_strips()
        self._wrapped_at = -1

    def _wrapped(self) -> list[tuple[int, str, bool]]:
        width = max(8, self.body_width - _HEAD)
        if self._wrapped_at != width:
            self._wrapped_at = width
            self._lines = [
                (at, line, not part)
                for at, entry in enumerate(self._entries)
                for part, line in enumerate(wrap((_OVER if entry.is_over else "") + entry.text, width))
            ]
        return self._lines

    def line_count(self) -> int:
        return len(self._wrapped())

    def at_line(self) -> int:
        return next((at for at, line in enumerate(self._wrapped()) if line[0] == self._cursor_at), 0)

    def go_to(self, line: int) -> None:
        old = self._cursor_at
        self._cursor_at = self._wrapped()[line][0]
        if self._cursor_at != old:
            self._follow_cursor()
            self.refresh_body()
            self.sync_thumb()

    def action_step(self, lines: int) -> None:
        """To the next entry, however many lines this one has."""
        firsts = [at for at, line in enumerate(self._wrapped()) if line[2]]
        if firsts:
            self.go_to(firsts[max(0, min(len(firsts) - 1, self._cursor_at + lines))])

    def _follow_cursor(self) -> None:
        own = [at for at, line in enumerate(self._wrapped()) if line[0] == self._cursor_at]
        if own:
            self.scroll_into_view(own[-1])
            self.scroll_into_view(own[0])

    def draw_line(self, y: int, width: int) -> Strip:
        lines = self._wrapped()
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if self.top + y >= len(lines):
            return Strip.blank(width, normal)
        at, text, is_first = lines[self.top + y]
        entry = self._entries[at]
        ground = Ground.PANE
        if self.has_cursor and at == self._cursor_at:
            ground = Ground.CURSOR if self.has_focus else Ground.REST
        tones = self.paint.on(ground)
        dim, plain = tones[Tone.DIM], tones[Tone.NORMAL]
        told = dim if entry.is_over else plain
        if not is_first:
            return strip_of([(" " * _HEAD, plain), (text, told)], width, plain)
        letter = [(f" {entry.severity.letter}", dim)]
        pieces = [
            (f" {entry.at:%H:%M:%S} ", dim),
            *(letter if entry.is_over else self.paint.badge(entry.severity, ground)),
            (f"  {fit(entry.kind.value, 7)} ", dim),
            (text, told),
        ]
        return strip_of(pieces, width, plain)

    def action_choose(self) -> None:
        """Open the entry under the cursor."""
        entry = self.cursor_entry
        if entry is not None:
            self.post_message(self.EntryChosen(self, entry))

    def on_focus(self) -> None:
        """The cursor is drawn otherwise."""
        self.refresh_body()

    def on_blur(self) -> None:
        """The cursor is drawn otherwise."""
        self.refresh_body()
