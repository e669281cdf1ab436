"""How many connections an address may open: so many at once, and after them so many a second.

A connection that is heard costs a millisecond and more, whether it ever says a word or not; one that is refused here costs the
accepting of it. So whoever opens hundreds a second from one address pays with their own logins and takes nobody else's turn.
Of IPv6 a whole /64 is one address (`group_of`).

Of an address only the moment is kept at which it would be owed nothing any more (a bucket that drips, told by one number), and
of no more than `MOST` addresses: the one that was heard of longest ago is forgotten first, and is then new again.
"""

from __future__ import annotations

from collections import OrderedDict

MOST = 4_096  # addresses


class Arrivals:
    """Pure. `now` is monotonic seconds."""

    def __init__(self, per_s: float, at_once: int) -> None:
        self._between_s = 1.0 / per_s
        self._ahead_s = (at_once - 1) / per_s  # by how much an address may be ahead of its time
        self._due: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def is_welcome(self, group: str, now: float) -> bool:
        """Whether one more connection from there may come in; it counts only if it may."""
        due = max(self._due.get(group, now), now)
        if due - now > self._ahead_s + 1e-9:
            self._due.move_to_end(group)  # or it would be forgotten while it goes on
            return False
        self._due[group] = due + self._between_s
        self._due.move_to_end(group)
        if len(self._due) > MOST:
            self._due.popitem(last=False)
        return True
