"""One line to type in: a filter as you type, or a command by name with the nearest names offered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input


class PromptScreen(ModalScreen[str | None]):
    """A prompt at the bottom; enter answers, escape answers None."""

    BINDINGS = [Binding("escape", "give_up", "close", show=False)]
    DEFAULT_CSS = """
    PromptScreen { align: left bottom; background: transparent; }
    PromptScreen > Vertical { height: 3; width: 100%; border: round $primary; background: $background; }
    PromptScreen Input, PromptScreen Input:focus { border: none; height: 1; padding: 0 1; background: $background; }
    """

    def __init__(
        self,
        title: str,
        *,
        value: str = "",
        choices: Sequence[str] = (),
        typed: Callable[[str], None] | None = None,
        goes_on: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._choices = tuple(choices)
        self._typed = typed
        self._goes_on = goes_on  # what stands there is a beginning, not to be typed over

    def compose(self) -> ComposeResult:
        box = Vertical(
            Input(
                value=self._value,
                placeholder=" ".join(self._choices[:8]),
                suggester=SuggestFromList(self._choices, case_sensitive=False) if self._choices else None,
                max_length=200,
                select_on_focus=not self._goes_on,
            )
        )
        box.border_title = Content(self._title)  # a str would be read as markup
        yield box

    def on_mount(self) -> None:
        line = self.query_one(Input)
        line.focus()
        if self._goes_on:
            line.cursor_position = len(line.value)
        else:  # whether it had the focus before us or has it later
            line.select_all()

    def on_input_changed(self, event: Input.Changed) -> None:
        if self._typed is not None:
            self._typed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_give_up(self) -> None:
        """Nothing was meant."""
        self.dismiss(None)
