"""A page of text over everything: describe, evidence, events, help. Foreign text is shown, never interpreted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.strip import Strip

from console.model.cell import Tone
from themes.tones import Ground
from widgets.cells import wrap
from widgets.lines import Lines

Line = tuple[str, str, Tone]  # label, text, tone; an empty label is a plain line
LABEL = 16


class Page(Lines):
    """Labelled lines, wrapped to the width."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__("nothing to say")
        self._lines = tuple(lines)
        self._wrapped_for = -1
        self._wrapped: list[Line] = []

    @property
    def line_count(self) -> int:
        return len(self._layout())

    def draw_line(self, y: int, width: int) -> Strip:
        styles = self.paint.on(Ground.PANE)
        label, text, tone = self._layout()[y]
        segments = [Segment(f" {label:<{LABEL}}" if label is not None else " ", styles[Tone.DIM]), Segment(text, styles[tone])]
        return Strip(segments).adjust_cell_length(width, styles[Tone.NORMAL])

    def _layout(self) -> list[Line]:
        width = max(20, self.body_width - LABEL - 2)
        if width != self._wrapped_for:
            self._wrapped_for = width
            self._wrapped = [
                (label if number == 0 else "", part, tone)
                for label, text, tone in self._lines
                for number, part in enumerate(wrap(text, width) or [""])
            ]
        return self._wrapped


class DetailScreen(ModalScreen[None]):
    """One page; escape closes it."""

    BINDINGS = [  # noqa: RUF012 - Textual's own form
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
        box.border_title = self._title.replace("[", "\\[")
        box.border_subtitle = "esc closes"
        yield box

    def on_mount(self) -> None:
        self._page.focus()

    async def action_dismiss(self, result: None = None) -> None:
        self.dismiss(None)
