"""One line to type in: a filter as you type, or a command by name with the nearest names offered.

It is a part of the console's screen, there from the start and shown when something is asked, and no page of its own: a page is
composed, styled and mounted each time, shades the whole screen behind it, and repaints all of that whenever a number there
changes. For fifty engineers on one server that was more than a core.

While it is open it has the keys and the mouse, as a modal page would: `is_modal` ends Textual's search for a binding here, and
the screen lets no click and no key pass it by (`keep`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.events import Event, MouseEvent
from textual.geometry import Size
from textual.reactive import Reactive
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input

from console.app.ground import Ground


@dataclass(frozen=True)
class Question:
    """What is asked. `answered` is told the text, or None when nothing was meant; `typed` what stands there at each key."""

    title: str
    answered: Callable[[str | None], None]
    value: str = ""
    choices: Sequence[str] = ()
    typed: Callable[[str], None] | None = None
    goes_on: bool = False  # what stands there is a beginning, not to be typed over


class Line(Input):
    """Textual's, without what it does for pages that are laid out by what stands in them: a layout of the whole screen when its
    text grows, and every rule of the stylesheet when it gets or loses the focus, which changes nothing here. Nor does it blink:
    on a phone's link every blink is a packet.
    """

    virtual_size = Reactive(Size(0, 0))

    def watch_has_focus(self, _has_focus: bool) -> None:
        """It looks the same, but for the cursor."""


class Prompt(Vertical):
    """At the bottom, over whatever is there; enter answers, escape answers None."""

    BINDINGS = [Binding("escape", "give_up", "close", show=False)]
    DEFAULT_CSS = """
    Prompt {
        layer: prompt; dock: bottom; display: none;
        height: 3; width: 100%; border: round $primary; background: $background;
    }
    Prompt Input, Prompt Input:focus { border: none; height: 1; padding: 0 1; background: $background; }
    """

    def __init__(self, give_back: Callable[[], None]) -> None:
        super().__init__()
        self._give_back = give_back  # the focus, when whoever had it is not there any more
        self._line = Line(max_length=200, select_on_focus=False)
        self._line.cursor_blink = False
        self._line.can_focus = False  # by nobody, before it is asked for
        self._question: Question | None = None
        self._had_focus: Widget | None = None

    def compose(self) -> ComposeResult:
        yield self._line

    @property
    def is_modal(self) -> bool:
        """No key that the line has no use for goes on to the screen."""
        return self._question is not None

    @property
    def question(self) -> Question | None:
        """None: closed."""
        return self._question

    @property
    def value(self) -> str:
        """What stands there."""
        return self._line.value

    def ask(self, question: Question) -> None:
        """It has the keys from now on. What was asked before is given up."""
        if self._question is not None:
            self._close(None)
        self._had_focus = self.screen.focused
        self._question = question
        line = self._line
        line.placeholder = " ".join(question.choices[:8])
        line.suggester = SuggestFromList(question.choices, case_sensitive=False) if question.choices else None
        line.value = question.value
        self.border_title = Content(question.title)  # a str would be read as markup
        line.can_focus = True
        self._appear(True)
        self.keep()
        if question.goes_on:
            line.cursor_position = len(line.value)
        else:
            line.select_all()

    def keep(self) -> None:
        """Take the focus back, if anything has taken it: a view that was just composed, a terminal that was left and found."""
        if self._question is not None and self.screen.focused is not self._line:
            self.screen.set_focus(self._line)

    def _appear(self, is_there: bool) -> None:
        """Over whatever stands there, or away from it: nothing else has changed."""
        screen = self.screen
        assert isinstance(screen, Ground)
        with screen.standing():
            self.display = is_there

    def shuts_out(self, event: Event) -> bool:
        """Whether it is a click or a movement beside the prompt: a modal page would not let it through."""
        is_beside = isinstance(event, MouseEvent) and not self.region.contains_point(event.screen_offset)
        return self._question is not None and is_beside

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        question = self._question
        if question is not None and question.typed is not None and event.value == self._line.value:  # else it is an old one's
            question.typed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close(event.value)

    def action_give_up(self) -> None:
        """Nothing was meant."""
        self._close(None)

    def _close(self, answer: str | None) -> None:
        question, self._question = self._question, None
        if question is None:
            return
        self._appear(False)
        self._line.can_focus = False
        had_focus, self._had_focus = self._had_focus, None
        if had_focus is not None and had_focus.is_attached and all(node.display for node in had_focus.ancestors_with_self):
            self.screen.set_focus(had_focus)
        else:
            self._give_back()
        question.answered(answer)
