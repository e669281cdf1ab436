"""A page of the wall: a view of the console that nobody is at the keys of."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container

from console.app.panes import PANES
from console.feeds.desk import OVERVIEW, Desk
from console.model.instant import Instant
from console.model.scope import Scope
from views.logs import LogsPane
from views.tables import TablePane
from widgets.backdrop import Backdrop
from widgets.lines import Lines

NAMES = (OVERVIEW, *(view for view in PANES if view != "channel"))  # a channel's page is one channel's


class Page(Backdrop, Container):
    """The view full screen, from its first row on, without a cursor."""

    DEFAULT_CSS = "Page { layout: vertical; }"

    def __init__(self, desk: Desk, view: str) -> None:
        super().__init__(id=f"page-{view}")
        self.view = view
        self._pane = PANES[view](desk, desk.sit(view), is_full=True)

    def compose(self) -> ComposeResult:
        yield self._pane

    def renew(self, scope: Scope, now: Instant) -> None:
        """From the newest reading. What its lines say is what stands first, since nobody can scroll."""
        if not self._pane.is_mounted:
            return
        for lines in self._pane.query(Lines):
            lines.can_focus = False
            lines.has_cursor = False
        self._pane.renew(scope, now)
        if isinstance(self._pane, TablePane):
            self._pane.table.to_first()
        elif isinstance(self._pane, LogsPane) and not self._pane.lines.is_following:
            self._pane.lines.follow()
