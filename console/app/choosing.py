"""Before the plan: which action, and the wait while it is planned. Nothing is changed by either."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from console.actions.action import About
from console.actions.parameters import BadParameter, Type
from console.actions.target import Target
from console.model.instant import Clock, Instant
from console.rows.units import duration
from themes.tones import Ground
from widgets.cells import wrap
from widgets.choices import Choice, Choices
from widgets.form import Mark
from widgets.marked import Marked

Offer = tuple[Target, About]
WIDEST = 88
ABOUT_LINES = 3


class ActionMenu(ModalScreen[Offer | None]):
    """What can be done to the selection."""

    BINDINGS = [Binding("escape,q,a", "give_up", "close", show=False)]
    DEFAULT_CSS = """
    ActionMenu { align: center middle; }
    ActionMenu > Vertical { width: 90%; max-width: 88; border: round $primary; background: $background; }
    ActionMenu.prod > Vertical { border: heavy $error; }
    ActionMenu #about { dock: bottom; }
    """

    def __init__(self, offers: Sequence[Offer], *, is_prod: bool) -> None:
        super().__init__(classes="prod" if is_prod else "")
        self._offers = tuple(offers)
        self._choices = Choices(
            [
                Choice(about.title, f"{about.name} · tier {about.tier} or higher", target.text)
                for target, about in offers
            ]
        )
        self._about = Marked(Ground.HEAD, id="about")
        self._at = 0

    def compose(self) -> ComposeResult:
        box = Vertical(self._choices, self._about)
        box.border_title = "act: the plan is shown before anything is done"
        box.border_subtitle = "enter or its number · esc closes"
        yield box

    def on_mount(self) -> None:
        self._choices.focus()
        self.on_resize()

    def on_resize(self) -> None:
        self._tell(self._at)

    def on_choices_reached(self, message: Choices.Reached) -> None:
        self._tell(message.number)

    def _tell(self, number: int) -> None:
        """What the entry under the cursor would do."""
        self._at = number
        about = self._offers[number][1]
        width = max(8, min(self.app.size.width * 9 // 10, WIDEST) - 4)
        told = [line for text in _told(about) for line in wrap(text, width)][:ABOUT_LINES]
        told += [""] * (ABOUT_LINES - len(told))
        self._about.show([[Mark(f" {line}")] for line in told])
        wanted = self._choices.line_count() + ABOUT_LINES + 2
        self.query_one(Vertical).styles.height = min(self.app.size.height, wanted)

    def on_choices_chosen(self, message: Choices.Chosen) -> None:
        self.dismiss(self._offers[message.number])

    def action_give_up(self) -> None:
        """Nothing was meant."""
        self.dismiss(None)


class Planning(ModalScreen[None]):
    """While the backends are asked. Escape gives it up."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    Planning { align: center middle; }
    Planning > Vertical { width: 90%; max-width: 88; height: 3; border: round $primary; background: $background; }
    """

    def __init__(self, what: str, task: asyncio.Task[object], clock: Clock) -> None:
        super().__init__()
        self._what = what
        self._asking = task
        self._clock = clock
        self._since = clock.now().mono
        self._line = Marked()

    def compose(self) -> ComposeResult:
        box = Vertical(self._line)
        box.border_title = Content(f"planning {self._what}")
        box.border_subtitle = "esc gives it up"
        yield box

    def on_mount(self) -> None:
        self.renew(self._clock.now())

    def renew(self, now: Instant) -> None:
        """How long already."""
        waited = duration(now.mono - self._since)
        self._line.show([[Mark(f" looking at the target, asking what it would do, and every guard · {waited}")]])

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self._asking.cancel()


def _told(about: About) -> list[str]:
    asked_for = ", ".join(each.name for each in about.parameters)
    return [about.about + (f" (asks for {asked_for})" if asked_for else ""), f"undo: {about.undo}"]


def asked(about: About) -> str:
    """The head of the line in which its parameters are asked for."""
    words = [
        f"{each.name}= {each.about}" + ("" if each.default is None and not each.is_optional else " (may be left out)")
        for each in about.parameters
    ]
    return f"{about.title}: {' · '.join(words)}"


def prefilled(about: About) -> str:
    """What stands in that line at first: the names of what must be said."""
    return " ".join(f"{each.name}=" for each in about.parameters if each.default is None and not each.is_optional)


def given(about: About, text: str) -> dict[str, str]:
    """`replicas=3 reason="a b"` by name; a bare value is that of the only parameter, or of the only one that must be given.

    Raises BadParameter.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise BadParameter(f"{text!r} cannot be read: {error}") from error
    values: dict[str, str] = {}
    needed = [each for each in about.parameters if each.default is None and not each.is_optional]
    only = [*about.parameters] if len(about.parameters) == 1 else needed
    for word in words:
        name, equals, value = word.partition("=")
        if not equals and len(only) == 1:
            name, value = only[0].name, word
        elif not equals:
            names = ", ".join(f"{each.name}=" for each in about.parameters) or "none"
            raise BadParameter(f"{word!r} is no NAME=VALUE (there are: {names})")
        if value or any(each.name == name and each.type is Type.TEXT for each in about.parameters):
            values[name] = value
    return values
