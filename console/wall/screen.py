"""The screen of a wall: it renews itself, arranges itself, and says so when anything of itself is at fault.

Whatever of it fails, the rest goes on, the banner names it, and what it would have shown is taken away: a part that cannot be
made must not go on showing what it showed last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from console import __version__
from console.feeds.clock import wait_until
from console.feeds.desk import OVERVIEW, TITLES, Desk, Seat
from console.feeds.figures import FIGURES
from console.feeds.passage import Passage
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import Severity
from console.model.wallboard import FootFacts, HeadFacts, Sign
from console.rows import streams
from console.rows.pane import Pane
from console.rows.units import clock
from console.rows.wall import SEATED, Heard, Wall, wall
from console.rows.wall_fleet import Places, placed
from console.wall.arrangement import NOWHERE, Arrangement, Box, arranged, banner_big
from console.wall.pages import Page
from console.wall.pulse import Past, Pulse
from console.wall.rotation import Rotation, Turn
from console.wall.shift import shifted
from views.pane import fault_pane
from widgets.backdrop import Backdrop
from widgets.figures import FigureGrid
from widgets.gauges import Gauges
from widgets.mosaic import Mosaic
from widgets.roll import Roll
from widgets.signboard import Signboard, height_of
from widgets.wallhead import WallFoot, WallHead

log = logging.getLogger(__name__)

FRAME_S = 0.5  # panes are renewed at most this often; the clock ticks once a second
SETTLE_S = 0.3  # for every derived feed to have looked at the clock once
OFF = "not shown: a fault of midwatch itself"


class WallScreen(Backdrop, Screen[None]):
    """Built from a desk alone: there is nothing here that could act."""

    AUTO_FOCUS = ""  # nobody is at the keys

    def __init__(
        self,
        desk: Desk,
        site: str,
        *,
        is_prod: bool = False,
        scope: Scope = Scope(),  # noqa: B008 - frozen
        views: Sequence[str] = (),
        every_s: float = 20.0,
        past: Past = Past(),  # noqa: B008 - frozen
        pulse: Pulse | None = None,
    ) -> None:
        """`views`: pages beside the wall's own, each for `every_s`. `past`: what became of the processes before this one."""
        super().__init__()
        self._desk = desk
        self._site, self._is_prod, self._scope = site, is_prod, scope
        self._past, self._pulse = past, pulse or Pulse()
        self._wake = asyncio.Event()
        self._seats: dict[str, Seat] = {}
        self._views = tuple(dict.fromkeys(view for view in views if view != OVERVIEW))
        self.rotation = Rotation((OVERVIEW, *self._views), every_s)
        self._passage = Passage(desk.clock)
        self._began = desk.clock.now().mono
        self._places: Places = {}
        self._faults: dict[str, str] = {}  # part -> what is at fault with it now
        self._shown: Arrangement | None = None
        self._page = -1
        self._banner, self._head, self._headline = Signboard(), WallHead(), Signboard()
        self._fleet, self._figures, self._bars = Mosaic(), FigureGrid(), Gauges()
        self._incidents, self._changes = Roll("no incident is open"), Roll("nothing was changed", has_axis=True)
        self._foot = WallFoot()
        self._pages: dict[str, Page] = {}
        self.mark = ""  # what the configuration has to say
        self.said: Wall | None = None  # the last moment that could be made

    def compose(self) -> ComposeResult:
        for view in self._views:
            self._pages[view] = Page(self._desk, view)
        parts: list[Widget] = [
            self._banner, self._head, self._headline, self._fleet, self._figures, self._bars, self._incidents, self._changes,
            self._foot, *self._pages.values(),
        ]  # fmt: skip
        for part in parts:
            part.styles.position = "absolute"
            part.display = False
            yield part

    def on_mount(self) -> None:
        self._seats = {view: self._desk.sit(view, self._wake) for view in (*SEATED, FIGURES)}
        self._follow()

    def on_unmount(self) -> None:
        for seat in self._seats.values():
            seat.close()

    def on_resize(self) -> None:
        self._wake.set()
        if self._seats:
            self.renew(self._desk.clock.now())

    @work(exclusive=True, group="follow")
    async def _follow(self) -> None:
        """Renew whenever a feed speaks, and once a second for the clock."""
        now = self._desk.clock
        while True:
            try:
                is_away, is_doubtful = self._passage.looked(now.now())
                if is_away or is_doubtful:
                    await self.look_again(doubt=is_doubtful)
                self.renew(now.now())
            except Exception as error:
                self._failed("screen", error)
            renewed = now.now().mono
            await wait_until(self._wake, now, renewed + _to_next_second(now.now()))
            await now.sleep(max(0.0, renewed + FRAME_S - now.now().mono))
            self._wake.clear()

    async def look_again(self, *, doubt: bool = False) -> None:
        """After a time in which we did not run: every feed looks at the clock before anything is shown."""
        self._desk.look(doubt=doubt)
        await asyncio.sleep(SETTLE_S)
        self.renew(self._desk.clock.now())

    # -- one moment ----------------------------------------------------------------------------------------------------
    def renew(self, now: Instant) -> None:
        """Everything that is on the screen, from the newest readings."""
        said = self._said(now)
        self.said = said
        turn = self.rotation.step(now.mono, is_critical=said is not None and said.is_critical)
        banners = said.banners if said is not None else (_own_fault(self._faults),)
        self._arrange(now, banners, turn)
        big = self._shown.banner_big if self._shown is not None else 0
        self._part("banner", lambda: self._banner.show(banners, big), lambda: None)
        self._part("clock", lambda: self._head.show(self._head_facts(said, now)), lambda: None)
        self._part("foot", lambda: self._foot.show(self._foot_facts(said, turn, now)), lambda: None)
        self._body(said)
        if turn.page:
            page = self._pages[self.rotation.pages[turn.page]]
            self._part(page.view, lambda: page.renew(self._scope, now), lambda: None)

    def _said(self, now: Instant) -> Wall | None:
        try:
            panes = {view: self._pane(view, now) for view in SEATED}
            self._places = placed(panes[streams.VIEW].rows, self._places, now.mono)
            heard = Heard(
                panes=panes,
                rollouts=self._desk.rollouts(self._seats["workloads"], self._scope, now),
                figures=self._seats[FIGURES].reading,
                mark=self.mark or self._passage.mark(now) or self._restarted(now),
                faults=tuple(f"{part}: {words}" for part, words in self._faults.items()),
                up_s=now.mono - self._began,
            )
            said = wall(heard, self._places, now)
        except Exception as error:
            self._failed("wall", error)
            return None
        self._faults.pop("wall", None)
        self._faults.pop("screen", None)
        return said

    def _pane(self, view: str, now: Instant) -> Pane[Any]:
        try:
            pane = self._seats[view].pane(self._scope, now)
        except Exception as error:
            self._failed(view, error)
            return fault_pane(view, TITLES[view], error)
        self._faults.pop(view, None)
        return pane

    def _restarted(self, now: Instant) -> str:
        return self._past.banner(now.utc) if self._past.is_recent(now.utc) else ""

    def _body(self, said: Wall | None) -> None:
        """Each part by itself; what cannot be said is taken away."""
        def off(roll: Roll) -> Callable[[], None]:
            return lambda: roll.show(OFF, ())

        big = self._shown.big if self._shown is not None else 0
        if said is None:
            gone = Sign(Severity.UNKNOWN, "not known", (OFF,))
            self._headline.show((gone,), big)
            self._fleet.show("Streams", (), OFF)
            self._figures.show(())
            self._bars.show(OFF, ())
            for roll in (self._incidents, self._changes):
                roll.show(OFF, ())
            return
        fleet, incidents, changes = self._fleet, self._incidents, self._changes
        self._part("headline", lambda: self._headline.show((said.headline,), big), lambda: self._headline.show((), big))
        self._part(
            "fleet", lambda: fleet.show(said.fleet_title, said.fleet, said.fleet_absence), lambda: fleet.show("", (), OFF)
        )
        self._part("figures", lambda: self._figures.show(said.figures), lambda: self._figures.show(()))
        self._part("capacity", lambda: self._bars.show(said.bars_title, said.bars), lambda: self._bars.show(OFF, ()))
        self._part("incidents", lambda: incidents.show(said.incidents_title, said.incidents), off(incidents))
        self._part("changes", lambda: changes.show("Last hour", said.changes, said.notches), off(changes))

    def _part(self, name: str, show: Callable[[], None], away: Callable[[], None]) -> None:
        try:
            show()
        except Exception as error:
            self._failed(name, error)
            away()
        else:
            self._faults.pop(name, None)

    def _failed(self, part: str, error: Exception) -> None:
        words = f"{type(error).__name__}: {error}"[:200]
        if self._faults.get(part) != words:
            self._faults[part] = words
            log.exception("the wall's %s could not be shown", part)

    # -- where it stands -----------------------------------------------------------------------------------------------
    def _arrange(self, now: Instant, banners: Sequence[Sign], turn: Turn) -> None:
        x, y, width, height = shifted(*self.size, now.utc.timestamp())
        big = banner_big(width, height)
        wanted = height_of(banners, width, big) if banners else 0
        figures = len(self.said.figures) if self.said is not None else 4
        new = arranged(width, height, wanted, figures)
        new = new.moved(x, y)
        if new == self._shown and turn.page == self._page:
            return
        self._shown, self._page = new, turn.page
        is_own = turn.page == 0
        for part, box in (
            (self._banner, new.banner), (self._head, new.head), (self._headline, new.headline), (self._foot, new.foot),
            *(
                (part, box if is_own else NOWHERE)
                for part, box in (
                    (self._fleet, new.fleet), (self._figures, new.figures), (self._bars, new.bars),
                    (self._incidents, new.incidents), (self._changes, new.changes),
                )
            ),
            *((page, new.page if self.rotation.pages[turn.page] == view else NOWHERE) for view, page in self._pages.items()),
        ):  # fmt: skip
            _put(part, box)

    # -- the frame -----------------------------------------------------------------------------------------------------
    def _head_facts(self, said: Wall | None, now: Instant) -> HeadFacts:
        counts = said.counts if said is not None else {}
        return HeadFacts(
            critical=counts.get(Severity.CRIT, 0),
            warning=counts.get(Severity.WARN, 0),
            unknown=counts.get(Severity.UNKNOWN, 0) if said is not None else 1,
            time=clock(now.utc),
            date=now.utc.strftime("%Y-%m-%d"),
            site=self._site,
            is_prod=self._is_prod,
            scope=str(self._scope),
            sources=said.sources if said is not None else "–",
            sources_well=said is not None and said.sources_well,
        )

    def _foot_facts(self, said: Wall | None, turn: Turn, now: Instant) -> FootFacts:
        held = ""
        if turn.is_held and said is not None:
            count = said.counts[Severity.CRIT]
            held = f"{count} critical" if count else "an incident is critical"
        past = self._past.banner(now.utc)
        note = " · ".join(part for part in (past, f"midwatch {__version__}", "read-only", "q leaves") if part)
        return FootFacts(
            pages=self.rotation.pages,
            at=turn.page,
            left_s=round(turn.left_s) if turn.left_s is not None else None,
            every_s=self.rotation.every_s,
            held=held,
            note=note,
        )


def _own_fault(faults: dict[str, str]) -> Sign:
    words = " · ".join(f"{part}: {said}" for part, said in faults.items())
    return Sign(Severity.CRIT, "fault of the wall", (f"{words}: the log file has the traceback",), is_warning=True)


def _put(part: Widget, box: Box) -> None:
    is_shown = bool(box.width and box.height)
    part.display = is_shown
    if is_shown:
        part.styles.offset = (box.x, box.y)
        part.styles.width = box.width
        part.styles.height = box.height


def _to_next_second(now: Instant) -> float:
    """So that the clock ticks when the second does."""
    return 1.0 - now.utc.microsecond / 1e6 + 0.01
