"""What every pane does: sit at the desk, be renewed, hold its own faults, and know its selection."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from console.feeds.desk import Desk, Seat
from console.feeds.raw import internal_failure
from console.model.cell import Tone
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows.pane import Pane
from console.rows.units import duration
from views.head import PaneHead
from widgets.backdrop import Backdrop

log = logging.getLogger(__name__)
AGE_EVERY_S = 1.0


class Selection(msgspec.Struct, frozen=True):
    """What stands under the cursor, as far as other views can follow it."""

    view: str
    name: str  # the row's name: "uk-sport-1", "packager-emea-7c9d8b5f6d-x2k4p"
    channel: str | None = None
    service: str | None = None
    pod: str | None = None
    namespace: str | None = None
    row: Any = None


def fault_pieces(pane: Pane[Any]) -> tuple[tuple[str, Tone], ...]:
    """The line under rows that are still shown although their backend fails: they are old, and why."""
    age = f"shown as of {duration(pane.age_s)} ago · " if pane.age_s is not None else ""
    reason = pane.error.short if pane.error is not None else pane.note
    return ((f"{pane.state.value.upper()} ", Tone.CRIT), (f"{age}{reason}", Tone.WARN))


def fault_pane(view: str, title: str, error: Exception) -> Pane[Any]:
    """What stands in for a pane that a fault of our own kept from being made: no rows, no verdict, and a reference."""
    failure = internal_failure(f"pane {view}", error)
    return Pane(
        name=view,
        title=title,
        state=State.ERROR,
        severity=Severity.UNKNOWN,
        summary=failure.short,
        rows=(),
        error=failure,
    )


def _news(pane: Pane[Any]) -> tuple[object, ...]:
    """What of a pane must be seen at once when it changes."""
    return pane.state, pane.severity, pane.summary, pane.count, pane.error


class PaneView(Backdrop, Vertical):
    """One pane. A subclass names its view, composes its body and shows a `Pane` in it.

    An exception while showing stays in this pane: it is logged, the pane says so, and the next renewal tries again.
    """

    VIEW: ClassVar[str]
    KEY: ClassVar[str] = ""
    TITLE: ClassVar[str] = ""
    EAGER: ClassVar[bool] = False  # painted at every publication: lines of a log must not come in jerks

    DEFAULT_CSS = """
    PaneView { height: 1fr; width: 1fr; }
    """

    class Opened(Message):
        """The row under the cursor was opened (enter)."""

        def __init__(self, selection: Selection) -> None:
            super().__init__()
            self.selection = selection

    def __init__(self, desk: Desk, seat: Seat, *, is_full: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.desk = desk
        self.seat = seat
        self.is_full = is_full
        self.pane: Pane[Any] | None = None
        self.head = PaneHead(self.KEY, self.TITLE)
        self._shown: tuple[int, Scope, Size] | None = None
        self._shown_at = -AGE_EVERY_S
        self._told = ""  # the fault of ours that was logged last

    def compose(self) -> ComposeResult:
        yield self.head
        yield from self.compose_body()

    def compose_body(self) -> ComposeResult:
        """The widgets under the head."""
        raise NotImplementedError

    def show(self, pane: Pane[Any], scope: Scope, now: Instant) -> None:
        """Put a pane into the body. Called only when something changed, or once a second for the ages."""
        raise NotImplementedError

    def selection(self) -> Selection | None:
        """What stands under the cursor, if anything does."""
        return None

    def focus_body(self) -> None:
        """Give the keyboard to the part of the body that takes it."""
        for widget in self.query(Widget):
            if widget.can_focus:
                self.screen.set_focus(widget)  # now: a key that is waiting already must find it
                return

    def renew(self, scope: Scope, now: Instant) -> None:
        """Make and show the pane if its feed, the scope or the age of a second asks for it.

        Numbers that only creep (ages, latencies) are painted once a second; a verdict, a state or a summary that changes
        is painted at once.
        """
        due = (self.seat.version, scope, self.size)  # what a body says may depend on its room: a histogram does
        is_aged = now.mono - self._shown_at >= AGE_EVERY_S
        if due == self._shown and not (is_aged and self.seat.is_configured):  # what nobody measures does not age
            return
        is_asked = self._shown is None or self._shown[1:] != due[1:]
        try:
            pane = self.seat.pane(scope, now)
            if not (is_aged or is_asked or self.EAGER) and self.pane is not None and _news(pane) == _news(self.pane):
                return
            self._shown, self._shown_at = due, now.mono
            self.pane = pane
            self.show(self.pane, scope, now)
        except Exception as error:
            if repr(error) != self._told:  # a renewal a second must not fill the log file
                log.exception("pane %s could not be shown", self.VIEW)
                self._told = repr(error)
            self._shown, self._shown_at = due, now.mono
            self.pane = fault_pane(self.VIEW, self.TITLE, error)
            self.show_fault(self.pane)
        self.head.show(self.pane)

    def show_fault(self, pane: Pane[Any]) -> None:
        """Show midwatch's own fault in the body; must not raise."""

    def on_descendant_focus(self) -> None:
        self.head.activate(True)

    def on_descendant_blur(self) -> None:
        self.head.activate(False)

    def on_unmount(self) -> None:
        self.seat.close()
