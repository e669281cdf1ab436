"""The dialog in which something is typed to mean it: what would be done above, the form below, and nothing that could press
the button but a hand.

Every key and every paste comes here first and no child can be focused, because a stock input would take a paste for typing
and a stock button an enter that is held down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from console.app.detail import Line, Page
from console.model.instant import Clock, Instant
from themes.tones import Ground
from widgets.confusable import visible
from widgets.form import Form, Mark, Order
from widgets.marked import Marked, ends

IDLE_S = 300.0  # nobody is there
FRAME = 3  # lines that are neither text nor form: two of the border, one of the head
WIDEST = 122

R = TypeVar("R")


class TypedDialog(ModalScreen[R]):
    """A page, a form, and what to do when the form says so."""

    AUTO_FOCUS = ""
    DEFAULT_CSS = """
    TypedDialog { align: center middle; }
    TypedDialog > Vertical { width: 100%; max-width: 122; border: round $primary; background: $background; }
    TypedDialog.prod > Vertical { border: heavy $error; }
    TypedDialog Marked { dock: top; }
    TypedDialog #form { dock: bottom; }
    """

    def __init__(self, clock: Clock, form: Callable[[float], Form], *, is_prod: bool) -> None:
        super().__init__(classes="prod" if is_prod else "")
        self.clock = clock
        self.is_prod = is_prod
        self.is_settled = False  # somebody has decided
        self._head, self._panel = Marked(Ground.HEAD), Marked(id="form")
        self._page = Page(())
        self._page.can_focus = False
        self._make_form = form
        self.form = form(clock.now().mono)

    # -- what a subclass says ------------------------------------------------------------------------------------------
    def lines(self) -> Sequence[Line]:
        """The page."""
        raise NotImplementedError

    def head(self, now: Instant, width: int) -> tuple[list[Mark], list[Mark]]:
        """The two ends of the line above it."""
        raise NotImplementedError

    def obey(self, order: Order) -> None:
        """What the form was told to do, by hand."""
        raise NotImplementedError

    def give_up(self, why: str = "") -> None:
        """End it, with nothing done."""
        raise NotImplementedError

    def look(self, now: Instant) -> None:
        """Time has passed: close the form when it must not be used any more."""

    # -- the dialog ----------------------------------------------------------------------------------------------------
    def compose(self) -> ComposeResult:
        with Vertical():
            yield self._head
            yield self._page
            yield self._panel

    def on_mount(self) -> None:
        self.begin_anew()  # what came before it could be seen does not count

    def begin_anew(self) -> None:
        """Another page and an empty form."""
        self.form = self._make_form(self.clock.now().mono)
        self._page.show(self.lines())
        self.renew(self.clock.now())

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in _SCROLLING:
            _SCROLLING[event.key](self._page)
            return
        order = self.form.key(event.key, event.character, self._came(event))
        if order is not None:
            self.obey(order)
        self.renew(self.clock.now())

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.form.paste(event.text, self._came(event))
        self.renew(self.clock.now())

    def _came(self, event: events.Event) -> float:
        """When it came from the terminal: a loop that was busy must not make a burst look like typing."""
        return self.clock.now().mono - max(0.0, time.monotonic() - event.time)

    def renew(self, now: Instant) -> None:
        """The time that is left, the form, and the size of it all. The form is seen whole, whatever the height."""
        if not self.is_mounted or self.is_settled:
            return
        if now.mono - self.form.last_key >= IDLE_S:
            self.give_up(f"nobody was there for {IDLE_S / 60:.0f} minutes: nothing was done")
            return
        self.look(now)
        if self.is_settled:
            return
        self.form.tick(now.mono)
        box = self.query_one(Vertical)
        width = max(1, min(self.app.size.width, WIDEST) - 2)
        height = self.app.size.height
        lines = self.form.lines(width, now.mono, max(2, height - FRAME - 1))
        box.styles.height = min(height, FRAME + self._page.wanted_lines(width) + len(lines))
        self._head.show([ends(*self.head(now, width), width)])
        self._panel.show(lines)

    def on_resize(self) -> None:
        self.renew(self.clock.now())

    def stalled(self, why: str) -> None:
        """Nothing was shown and nothing heard for a while: reason and ticket stay, the confirmation is typed again."""
        if self.is_settled:
            return
        self.form.typed.paste(self.clock.now().mono)  # and what was pressed meanwhile, and comes now, is no hand
        self.form.typed.void(why)
        self.renew(self.clock.now())

    def refused(self, error: BaseException) -> None:
        """Told where one looks, and the dialog stays."""
        self.form.is_busy = False
        self.form.answer = visible(str(error)) or type(error).__name__
        self.form.typed.void("")
        self.renew(self.clock.now())


_SCROLLING: dict[str, Callable[[Page], None]] = {
    "up": lambda page: page.scroll_lines(-1),
    "down": lambda page: page.scroll_lines(1),
    "pageup": lambda page: page.scroll_lines(-max(1, page.body_height - 1)),
    "pagedown": lambda page: page.scroll_lines(max(1, page.body_height - 1)),
}
