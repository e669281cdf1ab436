"""A short list to choose one of, a line to an entry, by enter or by its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.model.cell import Tone
from themes.tones import Ground
from widgets.cells import fit
from widgets.cells import width as width_of
from widgets.lines import Lines, strip_of

INDENT = 4  # cells: " 1  "


class Choice(msgspec.Struct, frozen=True):
    """One entry: a name, and a word at the right end. `group` is told above the first of its kind."""

    name: str
    aside: str = ""
    group: str = ""


class Choices(Lines):
    """The entries of a menu."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "choose", show=False)]

    class Chosen(Message):
        """One was."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    class Reached(Message):
        """The cursor stands on another one."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__("nothing to choose from")
        self._choices = tuple(choices)
        self._cursor = 0
        self._layout: list[tuple[int | None, str]] = []  # entry, or None and the head of a group
        group = ""
        for number, choice in enumerate(self._choices):
            if choice.group != group:
                group = choice.group
                self._layout.append((None, group))
            self._layout.append((number, ""))

    def line_count(self) -> int:
        return len(self._layout)

    def at_line(self) -> int:
        return next((at for at, line in enumerate(self._layout) if line[0] == self._cursor), 0)

    def go_to(self, line: int) -> None:
        found = self._layout[line][0]
        if found is None and line:  # the head of a group: the entry above it
            found = self._layout[line - 1][0]
        self._cursor = found or 0
        self._show_cursor()

    def action_step(self, lines: int) -> None:
        """To the next entry, whatever lies between."""
        self._cursor = max(0, min(len(self._choices) - 1, self._cursor + lines))
        self._show_cursor()

    def _show_cursor(self) -> None:
        line = self.at_line()
        self.scroll_into_view(line)
        if line and self._layout[line - 1][0] is None:
            self.scroll_into_view(line - 1)  # with the head of its group
        self.refresh_body()
        self.sync_thumb()
        self.post_message(self.Reached(self._cursor))

    def draw_line(self, y: int, width: int) -> Strip:
        normal = self.paint.on(Ground.PANE)[Tone.NORMAL]
        if self.top + y >= len(self._layout):
            return Strip.blank(width, normal)
        number, text = self._layout[self.top + y]
        if number is None:
            return strip_of([(f" {text}", self.paint.on(Ground.PANE)[Tone.ACCENT])], width, normal)
        styles = self.paint.on(Ground.CURSOR if number == self._cursor else Ground.PANE)
        choice = self._choices[number]
        key = str(number + 1) if number < 9 else " "
        room = max(0, width - INDENT - width_of(choice.aside) - 1)
        return strip_of(
            [
                (f" {key}  ", styles[Tone.ACCENT]),
                (fit(choice.name, room), styles[Tone.STRONG]),
                (f"{choice.aside} ", styles[Tone.DIM]),
            ],
            width,
            styles[Tone.NORMAL],
        )

    def on_key(self, event: events.Key) -> None:
        if (
            event.character is not None
            and event.character in "123456789"
            and int(event.character) <= len(self._choices)
        ):
            event.stop()
            event.prevent_default()
            self._cursor = int(event.character) - 1
            self.action_choose()

    def action_choose(self) -> None:
        """The entry under the cursor."""
        if self._choices:
            self.post_message(self.Chosen(self._cursor))
