"""A page of text over everything: describe, evidence, events, help. Foreign text is shown, never interpreted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.strip import Strip

from console.model.cell import Tone
from themes.tones import Ground
from widgets.cells import fit, wrap
from widgets.cells import width as width_of
from widgets.lines import Lines, strip_of

Line = tuple[str, str, Tone]  # label, text, tone; an empty label is a plain line
MOST_LABEL = 24


class Page(Lines):
    """Labelled lines, wrapped to the width. There is no cursor: the keys of a `Lines` move the page itself."""

    def __init__(self, lines: Sequence[Line], broken: Callable[[str, int], list[str]] = wrap) -> None:
        """`broken`: a text in lines of so many cells."""
        super().__init__("nothing to say")
        self._broken = broken
        self._lines = tuple(lines)
        self._wrapped_for = -1
        self._wrapped: list[Line] = []

    def show(self, lines: Sequence[Line]) -> None:
        """Other lines; the reader stays where they were as far as there is such a place."""
        if tuple(lines) != self._lines:
            self._lines = tuple(lines)
            self._wrapped_for = -1
            self.clamp_top()
            self.sync_thumb()
            self.refresh()

    def wanted_lines(self, width: int) -> int:
        """How many lines it would take at this width, to be given as many."""
        label = min(self._label_longest, MOST_LABEL, max(0, width - 1) // 3)
        room = max(1, width - 1 - label - 2)
        return sum(len(self._broken(text, room) or [""]) for _, text, _ in self._lines)

    def line_count(self) -> int:
        return len(self._layout())

    def at_line(self) -> int:
        return self.top

    def go_to(self, line: int) -> None:
        self.scroll_lines(line - self.top)

    def draw_line(self, y: int, width: int) -> Strip:
        styles = self.paint.on(Ground.PANE)
        layout = self._layout()
        if self.top + y >= len(layout):
            return Strip.blank(width, styles[Tone.NORMAL])
        label, text, tone = layout[self.top + y]
        head = f" {fit(label, self._label_width)} " if self._label_width else " "
        return strip_of([(head, styles[Tone.DIM]), (text, styles[tone])], width, styles[Tone.NORMAL])

    @property
    def _label_width(self) -> int:
        """Cells for the labels: as the longest needs, at most a third of the width."""
        return min(self._label_longest, MOST_LABEL, self.body_width // 3)

    @property
    def _label_longest(self) -> int:
        return max((width_of(label) for label, _, _ in self._lines), default=0)

    def _layout(self) -> list[Line]:
        width = max(1, self.body_width - self._label_width - 2)
        if width != self._wrapped_for:
            self._wrapped_for = width
            self._wrapped = [
                (label if number == 0 else "", part, tone)
                for label, text, tone in self._lines
                for number, part in enumerate(self._broken(text, width) or [""])
            ]
        return self._wrapped


class DetailScreen(ModalScreen[None]):
    """One page; escape closes it."""

    BINDINGS = [
        Binding("escape,q,enter", "dismiss", "close", show=False),
    ]
    DEFAULT_CSS = """
    DetailScreen { align: center middle; }
    DetailScreen > Vertical { width: 90%; height: 80%; max-width: 140; border: round $primary; background: $background; }
    """

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._title = title
        self._page = Page(lines)

    def compose(self) -> ComposeResult:
        box = Vertical(self._page)
        box.border_title = Content(self._title)  # a str would be read as markup
        box.border_subtitle = "esc closes"
        yield box

    def on_mount(self) -> None:
        self._page.focus()

    async def action_dismiss(self, result: None = None) -> None:
        self.dismiss(None)
