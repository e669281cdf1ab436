"""A moment held still: everything that a picture is drawn from, redacted, small enough to be handed to another process.

Taking it costs the loop what a snapshot's rows cost and no more. Rows that no picture would show are left out before they are
redacted (`worst.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from console.bell.worst import LINES, ROWS, worst_of
from console.feeds.desk import TITLES, Desk, Seat, panes_of
from console.feeds.log import LogRing
from console.model.instant import Instant
from console.model.logline import LogLine
from console.model.reading import Reading
from console.model.scope import Scope
from console.redaction.redactor import Redactor
from console.redaction.veil import VeiledDesk
from console.rows import actions, channel, gauges, incidents, lines, pods, sources, streams
from console.rows.pane import Pane, unconfigured

BAD_ROWS = 3000  # what is counted above the rows stops there
SEATED = (streams.VIEW, pods.VIEW, gauges.VIEW, lines.VIEW, incidents.VIEW, actions.VIEW, sources.VIEW)


class Still(msgspec.Struct, frozen=True):
    """What a desk said at one moment in one scope."""

    now: Instant
    scope: Scope
    panes: Mapping[str, Pane[Any]]
    readings: Mapping[str, Reading[Any]]
    rollouts: tuple[pods.RolloutRow, ...]
    page: channel.ChannelPage
    lines: tuple[LogLine, ...]  # oldest first


def taken(desk: Desk, view: str, scope: Scope) -> Still:
    """On the loop: the desk is its own."""
    now = desk.clock.now()
    name = scope.get("channel") if view == streams.VIEW else None
    views = dict.fromkeys((*panes_of(view), *SEATED, *([channel.VIEW] if name else [])))
    seats = {each: desk.sit(each) for each in views}
    try:
        logs = seats[lines.VIEW].reading
        return Still(
            now=now,
            scope=scope,
            panes={each: worst_of(seat.pane(scope, now), BAD_ROWS) for each, seat in seats.items()},
            readings={lines.VIEW: logs} if logs is not None else {},
            rollouts=desk.rollouts(seats[pods.VIEW], scope, now)[:ROWS],
            page=desk.channel(name, seats[channel.VIEW], seats[incidents.VIEW], seats[pods.VIEW], now)
            if name
            else channel.NO_PAGE,
            lines=tuple(desk.ring.newest(LINES))[::-1] if desk.ring is not None else (),
        )
    finally:
        for seat in seats.values():
            seat.close()


def redacted(still: Still, redactor: Redactor) -> Still:
    """Blocks, in a thread: nothing of the desk is touched any more."""
    veil = VeiledDesk(StillDesk(still), redactor)
    return msgspec.structs.replace(
        still,
        panes={each: veil.told(pane) for each, pane in still.panes.items()},
        readings={each: veil.told(reading) for each, reading in still.readings.items()},
        rollouts=veil.told(still.rollouts),
        page=veil.told(still.page),
        lines=veil.told(still.lines),
    )


class StillClock:
    """It is always that moment."""

    def __init__(self, now: Instant) -> None:
        self._now = now

    def now(self) -> Instant:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class StillSeat(Seat):
    """One view of it."""

    def __init__(self, view: str, still: Still) -> None:
        self.view = view
        self._still = still

    @property
    def is_configured(self) -> bool:
        return self._pane.is_configured

    @property
    def reading(self) -> Reading[Any] | None:
        return self._still.readings.get(self.view)

    @property
    def version(self) -> int:
        return 1

    def pane(self, scope: Scope, now: Instant) -> Pane[Any]:
        return self._pane

    def close(self) -> None:
        """Nothing is held."""

    @property
    def _pane(self) -> Pane[Any]:
        found = self._still.panes.get(self.view)
        return found if found is not None else unconfigured(self.view, TITLES.get(self.view, self.view), "nothing here")


class StillDesk(Desk):
    """The same questions, and one moment's answers."""

    def __init__(self, still: Still) -> None:
        self._still = still
        self.clock = StillClock(still.now)
        self.ring = LogRing(LINES)
        for line in still.lines:
            self.ring.append(line)

    def sit(self, view: str, wake: asyncio.Event | None = None) -> Seat:
        return StillSeat(view, self._still)

    def hides(self, text: str) -> bool:
        return False

    def look(self, *, doubt: bool = False) -> None:
        """Nothing changes any more."""

    def rollouts(self, seat: Seat, scope: Scope, now: Instant) -> tuple[pods.RolloutRow, ...]:
        return self._still.rollouts

    def channel(self, name: str, seat: Seat, incidents: Seat, workloads: Seat, now: Instant) -> channel.ChannelPage:
        return self._still.page
