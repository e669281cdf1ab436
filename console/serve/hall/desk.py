"""The desk of one session: everybody's rows, and a clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.feeds.desk import Desk
from console.serve.hall.phasing import PhasedClock

if TYPE_CHECKING:  # it makes the sessions, which make us
    from console.serve.hall.hall import Hall


class DeskOfOne:
    """A desk as one session has it: everybody's rows, and a clock that wakes it in its turn."""

    def __init__(self, desk: Desk, clock: PhasedClock, hall: Hall) -> None:
        self._desk = desk
        self._hall = hall
        self.clock = clock

    def look(self, *, doubt: bool = False) -> None:
        """Of all sessions that find the time has jumped, the first one has the feeds look."""
        self._hall.look_again(doubt=doubt)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)
