"""Who is here: one entry a session, from the login until the channel is gone.

It knows names, times and views and nothing of what anybody looks at there: a scope can name what another may not read. An
address is told to its owner, and to those who may see addresses; that is asked at every look, as rights may change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from console.actions.audit.operation import Actor
from console.app.company import Guest
from console.feeds.desk import OVERVIEW
from console.model.instant import Clock

REMEMBERED = 1000  # people of whom it is known when they left


class Presence:
    """Of one server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._visits: dict[int, Visit] = {}
        self._number = 0
        self._left: OrderedDict[str, datetime] = OrderedDict()

    def enter(self, person: Actor, *, address: str = "", sees_addresses: Callable[[], bool] = lambda: False) -> Visit:
        """A session has begun."""
        self._number += 1
        visit = Visit(self, self._number, person, address, self._clock.now().utc, self._left.get(person.name), sees_addresses)
        self._visits[self._number] = visit
        return visit

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Who came first stands first."""
        return tuple(self._visits.values())

    def is_here(self, name: str) -> bool:
        return any(visit.person.name == name for visit in self._visits.values())

    def _leave(self, number: int) -> None:
        visit = self._visits.pop(number, None)
        if visit is None:
            return
        name = visit.person.name
        if self.is_here(name):  # by another session, which has told everything
            return
        self._left.pop(name, None)
        self._left[name] = self._clock.now().utc
        while len(self._left) > REMEMBERED:
            self._left.popitem(last=False)


class Visit:
    """One session; as a `Company`, what it may know of the others."""

    def __init__(
        self,
        presence: Presence,
        number: int,
        person: Actor,
        address: str,
        since: datetime,
        last_here: datetime | None,
        sees_addresses: Callable[[], bool],
    ) -> None:
        self._presence = presence
        self._number = number
        self.person = person
        self.address = address
        self.since = since
        self.view = OVERVIEW  # where every session begins
        self._last_here = last_here
        self._sees_addresses = sees_addresses

    @property
    def here(self) -> Sequence[Guest]:
        sees_all = self._sees_addresses()
        return [
            Guest(
                name=each.person.name,
                since=each.since,
                address=each.address if sees_all or each.person.is_same_as(self.person) else "",
                view=each.view,
                is_self=each is self,
            )
            for each in self._presence.visits
        ]

    @property
    def count(self) -> int:
        return len(self._presence.visits)

    @property
    def last_here(self) -> datetime | None:
        return self._last_here

    def is_here(self, name: str) -> bool:
        return self._presence.is_here(name)

    def looks_at(self, view: str) -> None:
        self.view = view

    def leave(self) -> None:
        self._presence._leave(self._number)
