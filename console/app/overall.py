"""What the frame tells of everything, whatever view is on the screen: the panes that it counts have seats for the life of
the screen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from console.app.frame import FrameFacts, absent, counted
from console.feeds.desk import TITLES, Desk, Seat
from console.model.instant import Instant
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows.incidents import IncidentRow
from console.rows.pane import Pane
from views.pane import fault_pane

log = logging.getLogger(__name__)

VERDICT_VIEWS = ("streams", "workloads", "capacity")  # whose rows the counts of the alert strip count
SEATED = (*VERDICT_VIEWS, "logs", "incidents", "actions", "sources")


class Overall:
    """One of a screen. `seats` is empty before `sit`."""

    def __init__(self, desk: Desk, site: str, who: str, *, is_prod: bool) -> None:
        self._desk = desk
        self._site = site
        self._who = who
        self._is_prod = is_prod
        self._told: dict[str, str] = {}  # view -> the fault of ours that was logged last
        self.seats: dict[str, Seat] = {}

    def sit(self, wake: asyncio.Event) -> Mapping[str, Seat]:
        self.seats = {view: self._desk.sit(view, wake) for view in SEATED}
        return self.seats

    def close(self) -> None:
        for seat in self.seats.values():
            seat.close()

    def pane(self, view: str, scope: Scope, now: Instant) -> Pane[Any]:
        """A pane that is counted but need not be on the screen; our own fault in making it stays its own, here as there."""
        try:
            return self.seats[view].pane(scope, now)
        except Exception as error:
            if self._told.get(view) != repr(error):
                log.exception("pane %s could not be made", view)
                self._told[view] = repr(error)
            return fault_pane(view, TITLES[view], error)

    def facts(
        self, scope: Scope, shown: Mapping[str, Pane[Any]], now: Instant, *, mark: str, rate: str, here: int
    ) -> FrameFacts:
        """For the head line; `shown` are the panes on the screen, which need not be made a second time."""
        counts = counted([shown.get(view) or self.pane(view, scope, now) for view in VERDICT_VIEWS])
        sources = self.pane("sources", scope, now)
        live = sum(row.state is State.LIVE for row in sources.rows)
        return FrameFacts(
            site=self._site,
            scope=str(scope),
            is_prod=self._is_prod,
            critical=counts[Severity.CRIT],
            warning=counts[Severity.WARN],
            unknown=counts[Severity.UNKNOWN],
            sources=f"{live}/{len(sources.rows)}",
            sources_well=live == len(sources.rows),
            now=now.utc.replace(microsecond=0),
            who=self._who,
            mark=mark,
            rate=rate,
            here=here,
        )

    def incident(self, scope: Scope, now: Instant) -> tuple[IncidentRow | None, int, str]:
        """The worst open one, how many more there are, and what is said where there is none."""
        incidents = self.pane("incidents", scope, now)
        open_rows = [row for row in incidents.rows if not row.is_closed]
        words = absent(incidents, self.pane("sources", scope, now))
        return (open_rows[0] if open_rows else None), len(open_rows) - 1, words
