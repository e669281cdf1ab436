"""The one screen of the console: frame, views, and where the keys lead."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Event
from textual.widget import AwaitMount, Widget

from console.actions.licence import Licence
from console.app import pivots
from console.app.acting import Acting
from console.app.company import Company
from console.app.frame import HeadLine, IncidentStrip, KeyBar
from console.app.ground import Ground
from console.app.keymap import ENTRIES
from console.app.linked import Linked
from console.app.overall import Overall
from console.app.pages import Pages
from console.app.panes import PANES
from console.app.pivots import Place
from console.app.prompt import Prompt
from console.app.sending import Courier, send
from console.feeds.clock import wait_until
from console.feeds.desk import OVERVIEW, Desk
from console.feeds.passage import Passage
from console.model.instant import Instant
from console.model.scope import Scope
from views.channel import ChannelPane
from views.logs import LogsPane
from views.overview import Overview
from views.pane import PaneView, Selection
from views.tables import TablePane
from widgets.backdrop import Backdrop

log = logging.getLogger(__name__)

SETTLE_S = 0.3  # for every derived feed to have looked at the clock once
COMPOSED_S = 0.02
FRAME_S = 0.25  # panes are renewed at most this often


class Body(Backdrop, Container):
    """Where the views are."""

    DEFAULT_CSS = "Body { height: 1fr; }"


class ConsoleScreen(Ground):
    """Head line, one view at a time, incident strip, key bar."""

    BINDINGS = [entry.binding for entry in ENTRIES]
    DEFAULT_CSS = "ConsoleScreen { layers: default prompt; }"

    def __init__(
        self,
        desk: Desk,
        site: str,
        *,
        is_prod: bool,
        who: str,
        place: Place,
        licence: Licence | None = None,
        unlicensed: str = "",
        company: Company | None = None,
        courier: Courier | None = None,
    ) -> None:
        super().__init__()
        self._desk = desk
        self._overall = Overall(desk, site, who, is_prod=is_prod)
        self.place: Place = Place(OVERVIEW, place.scope)
        self._opening = place
        self._back: list[Place] = []
        self._wake = asyncio.Event()
        self._views: dict[str, Widget] = {}
        self._head, self._strip, self._keys = HeadLine(), IncidentStrip(), KeyBar()
        self.prompt = Prompt(self._focus_front)
        ask = self.prompt.ask
        self.acting = Acting(lambda: self.app, ask, desk.clock, licence, unlicensed, is_prod=is_prod, company=company)
        self._pages = Pages(
            lambda: self.app, ask, lambda: self._overall.seats, lambda: self._overall.pane("streams", Scope(), desk.clock.now())
        )
        self._courier = courier
        self._passage = Passage(desk.clock)
        self._mounting: AwaitMount | None = None  # the view that was gone to last, while it is being composed
        self._is_there = True
        self.mark = ""

    def compose(self) -> ComposeResult:
        yield self.prompt  # first: anywhere else its coming would move the siblings after it, and have them painted
        yield self._head
        with Body():
            overview = Overview(self._desk)
            self._views[OVERVIEW] = overview
            yield overview
        yield self.acting.strip
        yield self._strip
        yield self._keys

    def on_mount(self) -> None:
        seats = self._overall.sit(self._wake)
        self.acting.sit(
            seats["actions"],
            seats["workloads"],
            lambda: self._overall.pane("incidents", Scope(), self._desk.clock.now()),
            self._desk.hides,
        )
        if self._opening.view != OVERVIEW:
            self.go(self._opening, remember=False)
        else:
            self.call_after_refresh(self._focus_front)
        self._follow()

    def on_resize(self) -> None:
        self._keys.refresh()  # it tells of a screen that is too low, whose change changes nothing of its own size
        self.call_after_refresh(self._wake.set)  # once the panes have their new sizes

    def on_unmount(self) -> None:
        self._overall.close()
        self.acting.leave()

    @property
    def _overview(self) -> Overview:
        overview = self._views[OVERVIEW]
        assert isinstance(overview, Overview)
        return overview

    @property
    def pane_in_front(self) -> PaneView:
        """The pane that the keys act on."""
        view = self._views[self.place.view]
        return view.front if isinstance(view, Overview) else view  # type: ignore[return-value]

    @property
    def selection(self) -> Selection | None:
        return self.pane_in_front.selection() if self.pane_in_front.is_mounted else None

    def _selected(self) -> Selection | None:
        """The selection of a key that needs one; a key that can do nothing says so."""
        selection = self.selection
        if selection is None:
            self.notify("nothing is selected", severity="warning")
        return selection

    @work(exclusive=True, group="follow")
    async def _follow(self) -> None:
        """Renew what is seen whenever a feed speaks, and once a second for the ages; at most four times a second."""
        clock = self._desk.clock
        while True:
            try:
                is_away, is_doubtful = self._passage.looked(clock.now())
                if is_away or is_doubtful:
                    await self.look_again(doubt=is_doubtful, stall_s=None if is_doubtful else self._passage.gap_s)
                self.renew(clock.now())
            except Exception:
                log.exception("the frame could not be renewed")
            renewed = clock.now().mono
            await wait_until(self._wake, clock, renewed + 1.0)
            await clock.sleep(max(0.0, renewed + FRAME_S - clock.now().mono))
            self._wake.clear()

    async def look_again(self, *, doubt: bool = False, stall_s: float | None = None) -> None:
        """After a time in which we did not run: every feed looks at the clock, and what is too old to be called live is shown
        so before anything else is.
        """
        self.acting.away(stall_s=stall_s)
        self._desk.look(doubt=doubt)
        await asyncio.sleep(SETTLE_S)
        self.renew(self._desk.clock.now())

    def renew(self, now: Instant) -> None:
        """Everything that is on the screen, from the newest readings."""
        for pane in self._seen():
            pane.renew(self.place.scope, now)
        view = self._views[self.place.view]
        if isinstance(view, Overview):
            view.renewed()
        self._renew_frame(now)
        self.acting.renew(now)

    def _seen(self) -> list[PaneView]:
        """What is on the screen and composed: a view just gone to has no body yet."""
        view = self._views[self.place.view]
        panes: list[PaneView] = view.panes if isinstance(view, Overview) else [view]  # type: ignore[list-item]
        return [pane for pane in panes if pane.is_mounted]

    def _renew_frame(self, now: Instant) -> None:
        scope = self.place.scope
        shown = {pane.VIEW: pane.pane for pane in self._seen() if pane.pane is not None}
        mark = self.mark or self._passage.mark(now)
        self._head.show(self._overall.facts(scope, shown, now, mark=mark, rate=self._rate, here=self.acting.here))
        self._strip.show(*self._overall.incident(scope, now))

    @property
    def _rate(self) -> str:
        """"" where there is no terminal."""
        return self.app.rate_told if isinstance(self.app, Linked) else ""

    # -- where one is --------------------------------------------------------------------------------------------------
    def go(self, place: Place, *, remember: bool = True) -> None:
        """Show a view in a scope; `esc` leads back here."""
        if place.view == ChannelPane.VIEW and place.scope.get("channel") is None:
            place = Place("streams", place.scope)  # a scope that was opened again names no one channel
        if place == self.place and remember:
            return
        if remember:
            self._back = [*self._back[-30:], self.place]
        view = self._views.get(place.view)
        if view is None:
            seat = self._desk.sit(place.view, self._wake)
            view = PANES[place.view](self._desk, seat, is_full=True, id=f"view-{place.view}")
            self._views[place.view] = view
            self._mounting = self.query_one(Body).mount(view)
        for name, each in self._views.items():
            each.display = name == place.view
        self.place = place
        self.acting.looks_at(place.view)
        self._is_there = False
        self.call_after_refresh(self._arrive)

    def _arrive(self) -> None:
        if not self.pane_in_front.is_mounted:
            self.set_timer(COMPOSED_S, self._arrive)  # after each refresh would leave it no turn to be composed in
            return
        self._mounting, self._is_there = None, True
        self._focus_front()
        self.renew(self._desk.clock.now())

    def _focus_front(self) -> None:
        if self.prompt.question is None and self.pane_in_front.is_mounted:  # else it is given the focus when that is answered
            self.pane_in_front.focus_body()

    async def arrived(self) -> None:
        """Return once the view that was gone to last has its rows and the keys: who types `1p` at once means its first row."""
        if self._mounting is not None:
            await self._mounting
        if not self._is_there and self.pane_in_front.is_mounted:
            self._arrive()  # and once more after the refresh, when the sizes are known
        self.prompt.keep()

    def set_scope(self, scope: Scope) -> None:
        """Narrow or open every pane."""
        self.go(Place(self.place.view, scope))

    def set_theme(self, name: str) -> None:
        """One of our themes, by name."""
        self.app.theme = name

    def do(self, action: str) -> None:
        """What a key would do."""
        self.call_later(self.run_action, action)

    # -- keys ----------------------------------------------------------------------------------------------------------
    def _forward_event(self, event: Event) -> None:
        if not self.prompt.shuts_out(event):
            super()._forward_event(event)

    def action_view(self, view: str) -> None:
        scope = self.place.scope
        if view == "streams" and self.place.view == ChannelPane.VIEW:
            scope = scope.without("channel")  # from one channel to all of them
        self.go(Place(view, scope))

    def action_last_view(self) -> None:
        if self._back:
            self.go(self._back[-1])

    def action_back(self) -> None:
        """Where one came from; at the start, an open scope; then nothing."""
        if self._back:
            self.go(self._back.pop(), remember=False)
        elif self.place.scope:
            self.go(Place(self.place.view, Scope()), remember=False)
        elif self.place.view != OVERVIEW:
            self.go(Place(OVERVIEW, Scope()), remember=False)

    def action_next_pane(self, steps: int) -> None:
        if self.place.view == OVERVIEW:
            self._overview.step(steps)
        elif isinstance(self.pane_in_front, ChannelPane):
            self.pane_in_front.step(steps)

    def action_zoom(self) -> None:
        if self.place.view == OVERVIEW:
            self.go(Place(self._overview.front.VIEW, self.place.scope))
        elif self._back and self._back[-1].view == OVERVIEW:
            self.action_back()
        else:
            self.go(Place(OVERVIEW, self.place.scope))

    def action_open(self) -> None:
        self.action_describe()

    def on_pane_view_opened(self, message: PaneView.Opened) -> None:
        """Enter on a row: the page of a channel, what a finding stands on, else all that is known."""
        selection = message.selection
        if self.place.view == ChannelPane.VIEW:
            self._pages.evidence(selection)
        elif selection.view == "streams":
            self.go(Place(ChannelPane.VIEW, self.place.scope.narrowed("channel", selection.name)))
        elif message.selection.view == "actions":
            self.acting.open(selection.name)
        else:
            self._pages.describe(selection)

    def action_pivot(self) -> None:
        self._follow_to(pivots.pivot, "nothing to pivot to: the selection knows no workload or channel at fault")

    def action_logs(self) -> None:
        self._follow_to(pivots.logs, "no log lines to go to: the selection knows no workload and no channel")

    def _follow_to(self, way: Any, none: str) -> None:
        selection = self._selected()
        if selection is None:
            return
        place = way(selection, self.place.scope)
        if place is None:
            self.notify(none, severity="warning")
        else:
            self.go(place)

    def action_describe(self) -> None:
        if (selection := self._selected()) is not None:
            self._pages.describe(selection)

    def action_evidence(self) -> None:
        selection = self._selected()
        if selection is not None:
            self._pages.evidence(selection)

    def action_act(self) -> None:
        self.acting.act(self.selection)

    def act_on(self, words: str) -> str | None:
        """`:act ACTION TARGET k=v`; a complaint when it cannot be understood."""
        return self.acting.command(words)

    def action_stop_operation(self) -> None:
        self.acting.stop()

    def action_who(self) -> None:
        self.acting.who()

    def action_events(self) -> None:
        selection = self._selected()
        if selection is not None:
            self._pages.events(selection)

    def action_timeline(self) -> None:
        selection = self.selection
        scope = self.place.scope
        if selection is not None and selection.channel is not None and selection.view == "streams":
            scope = Scope().narrowed("channel", selection.channel)
        self.go(Place("incidents", scope))

    def action_pause(self) -> None:
        pane = self.pane_in_front
        if isinstance(pane, LogsPane):
            pane.pause()

    def action_filter(self) -> None:
        pane = self.pane_in_front
        if not isinstance(pane, TablePane | LogsPane):
            return
        self._pages.filter(pane, lambda: pane.renew(self.place.scope, self._desk.clock.now()))

    def action_command(self) -> None:
        self._pages.command(self)

    def action_help(self) -> None:
        self._pages.help(self.pane_in_front)

    def action_copy(self) -> None:
        selection = self._selected()
        if selection is not None:
            self._pages.copy(selection)

    def action_send(self) -> None:
        send(self.app, self._courier, self.place, self._desk.clock, is_prod=self.acting.is_prod)

    def action_theme(self) -> None:
        self.app.action_next_theme()  # type: ignore[attr-defined]

    def action_hint_quit(self) -> None:
        self.notify("q leaves")

    def action_repaint(self) -> None:
        self.app.action_repaint()  # type: ignore[attr-defined]

    async def action_suspend(self) -> None:
        await self.app.run_action("suspend_process")

    def action_quit(self) -> None:
        if self.acting.quit():
            self.app.exit()
