"""The desk: for every view, the feed it stands on and the pane made of it, the same for a screen and for a snapshot.

A pane is made once for all who ask for the same: fifty screens on five scopes cost what five do. And a desk may be seen with
less than everything (`seen_by`): what a role may not read is taken out of the readings (`sight.py`), so that whoever sits at
it, and whatever is made there, cannot show it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import WeakValueDictionary

from console.feeds.hub import Hub
from console.feeds.log import LogRing
from console.feeds.made import Made
from console.feeds.seenring import SeenRing
from console.feeds.sight import Eyes
from console.feeds.topic import Subscription
from console.model.instant import Clock, Instant
from console.model.joined import Workloads
from console.model.logline import LogLine
from console.model.opened import OpenedChannel
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.sight import EVERYTHING, Sight
from console.rows import actions, channel, gauges, incidents, lines, pods, sources, streams
from console.rows.changes import Change, changes_of
from console.rows.pane import Pane, unconfigured

TITLES = {
    streams.VIEW: "Streams",
    lines.VIEW: "Logs",
    pods.VIEW: "Workloads",
    gauges.VIEW: "Capacity",
    incidents.VIEW: "Incidents",
    actions.VIEW: "Actions",
    sources.VIEW: "Sources",
}
SECTIONS = {
    streams.VIEW: "[sites.NAME.channels]",
    lines.VIEW: "[sites.NAME.elasticsearch]",
    pods.VIEW: "[sites.NAME.kubernetes.CLUSTER]",
    gauges.VIEW: "[sites.NAME.prometheus] and [[sites.NAME.gauges]]",
}
FEEDS = {actions.VIEW: "actions.operations", channel.VIEW: streams.VIEW}  # of the views that stand on a feed of another name
CloseLook = Callable[[str, Instant], OpenedChannel | None]
OVERVIEW = "overview"
OVERVIEW_PANES = (streams.VIEW, lines.VIEW, pods.VIEW, gauges.VIEW)
VIEWS = (OVERVIEW, *TITLES)


def feed_of(view: str) -> str:
    """The feed that a view stands on."""
    return FEEDS.get(view, view)


def panes_of(view: str) -> tuple[str, ...]:
    """The panes that a view shows."""
    return OVERVIEW_PANES if view == OVERVIEW else (view,)


class Seat:
    """One view's place at the desk: its subscription, and its pane at any moment."""

    def __init__(
        self,
        view: str,
        desk: Desk,
        subscription: Subscription[Any] | None,
        beside: tuple[Subscription[Any], ...] = (),
    ) -> None:
        """`beside`: feeds that must run for this one to be filtered."""
        self.view = view
        self._desk = desk
        self._subscription = subscription
        self._beside = beside

    @property
    def is_configured(self) -> bool:
        return self._subscription is not None

    @property
    def reading(self) -> Reading[Any] | None:
        """The newest reading of the view's feed, as far as it may be seen; None when the site has no such backend."""
        return self._desk.seen(self.view, self._subscription.reading) if self._subscription is not None else None

    @property
    def version(self) -> int:
        """Rises with each publication; a pane need not be made again while it stands still (but for its age)."""
        return self._subscription.version if self._subscription is not None else 0

    def pane(self, scope: Scope, now: Instant) -> Pane[Any]:
        """The view's pane now."""
        reading = self.reading
        if reading is None:
            return unconfigured(self.view, TITLES[self.view], SECTIONS.get(self.view, "another section"))
        return self._desk.make(self.view, reading, scope, now)

    def close(self) -> None:
        """Leave; the feed may stop when nobody is left."""
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None
        for subscription in self._beside:
            subscription.close()
        self._beside = ()


class Desk:
    """Gives seats. Views and snapshots know nothing of feeds' names."""

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        ring: LogRing | None,
        close_look: CloseLook | None = None,
        eyes: Eyes | None = None,
    ) -> None:
        """`eyes`: of those who may not see everything."""
        self._hub = hub
        self.clock = clock
        self.ring: LogRing | SeenRing | None = ring if eyes is None else eyes.ring
        self._whole_ring = ring
        self._close_look = close_look
        self._changes: tuple[Workloads | None, Mapping[str, Change]] = (None, {})
        self._eyes = eyes
        self._made = Made()
        self._sighted: WeakValueDictionary[Sight, Desk] = WeakValueDictionary()  # each for as long as a session sits at it

    @property
    def sight(self) -> Sight:
        """What may be read here."""
        return self._eyes.sight if self._eyes is not None else EVERYTHING

    def seen_by(self, sight: Sight) -> Desk:
        """The same desk without what this sight does not cover; one for all who may read the same. Of a desk that is filtered
        already nothing but itself can be had.
        """
        if sight == self.sight:
            return self
        if self._eyes is not None:
            raise ValueError("a filtered desk cannot be filtered again: ask the whole one")
        if sight.is_everything:
            return self
        desk = self._sighted.get(sight)
        if desk is None:
            eyes = Eyes(sight, self._hub, self._whole_ring, self.clock.now())
            desk = Desk(self._hub, self.clock, self._whole_ring, self._close_look, eyes)
            self._sighted[sight] = desk
        return desk

    def hides(self, text: str) -> bool:
        """Whether a text from elsewhere (a plan, what somebody typed) names what may not be seen here."""
        return self._eyes is not None and self._eyes.hides(text)

    def sit(self, view: str, wake: asyncio.Event | None = None) -> Seat:
        """A seat for one view (not the overview, which is several); `wake` is set at each publication."""
        feed = feed_of(view)
        subscription = self._hub.subscribe(feed, wake=wake) if feed in self._hub else None
        beside: tuple[Subscription[Any], ...] = ()
        if self._eyes is not None and subscription is not None and view != pods.VIEW and pods.VIEW in self._hub:
            beside = (self._hub.subscribe(pods.VIEW),)  # whose names the others are filtered by
        return Seat(view, self, subscription, beside)

    def seen(self, view: str, reading: Reading[Any]) -> Reading[Any]:
        """A reading of the view's feed, as far as it may be seen."""
        return reading if self._eyes is None else self._eyes.reading(feed_of(view), reading, self.clock.now())

    def look(self, *, doubt: bool = False) -> None:
        """Let every feed look at the clock now, before its own deadline: time has passed in which nobody looked."""
        self._hub.look(doubt=doubt)

    def make(self, view: str, reading: Reading[Any], scope: Scope, now: Instant) -> Pane[Any]:
        """The pane of a view from a reading of its feed, as `Seat.reading` gives it."""
        return self._made.once(
            (view, scope, self.ring.last_seq if view == lines.VIEW and self.ring is not None else 0),
            (reading, self._last_changes() if feed_of(view) == streams.VIEW else None),
            now,
            lambda: self._pane(view, reading, scope, now),
        )

    def _pane(self, view: str, reading: Reading[Any], scope: Scope, now: Instant) -> Pane[Any]:
        if view == streams.VIEW:
            return streams.pane(reading, scope, now, self._last_changes())
        if view == channel.VIEW:
            return channel.pane(reading, scope, now, self._last_changes())
        if view == lines.VIEW:
            return lines.pane(reading, self._newest(), scope, now)
        if view == pods.VIEW:
            return pods.pane(reading, scope, now)
        if view == gauges.VIEW:
            return gauges.pane(reading, scope, now)
        if view == incidents.VIEW:
            return incidents.pane(reading, scope, now)
        if view == actions.VIEW:
            return actions.pane(reading, scope, now)
        return sources.pane(reading, now)

    def rollouts(self, seat: Seat, scope: Scope, now: Instant) -> tuple[pods.RolloutRow, ...]:
        """The rollouts beside the pods of a workloads seat."""
        reading = seat.reading
        if reading is None:
            return ()
        return self._made.once(("rollouts", scope), (reading,), now, lambda: pods.rollouts(reading, scope, now))

    def channel(self, name: str, seat: Seat, incidents: Seat, workloads: Seat, now: Instant) -> channel.ChannelPage:
        """The page of one channel from a streams seat, with what the incidents and the workloads add to it."""
        reading, told = seat.reading, incidents.reading
        if reading is None:
            return channel.NO_PAGE
        return self._made.once(
            ("page", name),
            (reading, told, workloads.reading),
            now,
            lambda: channel.page(
                name,
                reading,
                self._opened(name, now),
                (told.value or ()) if told is not None else (),
                self.rollouts(workloads, Scope(), now),
                now,
            ),
        )

    def _opened(self, name: str, now: Instant) -> OpenedChannel | None:
        found = self._close_look(name, now) if self._close_look is not None else None
        return found if found is None or self._eyes is None else self._eyes.opened(found, now)

    def _last_changes(self) -> Mapping[str, Change]:
        """The last change of every service, as far as somebody watches the workloads; worked out once for each reading."""
        reading = self._hub.newest(pods.VIEW)
        reading = self.seen(pods.VIEW, reading) if reading is not None else None
        workloads: Workloads | None = reading.value if reading is not None else None
        if workloads is not self._changes[0]:
            self._changes = (workloads, changes_of(workloads, self._changes[1]) if workloads is not None else {})
        return self._changes[1]

    def _newest(self) -> Iterable[LogLine]:
        return self.ring.newest(self.ring.last_seq) if self.ring is not None else ()
