"""What was made of a reading a moment ago, for the next who asks for the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from operator import is_
from typing import Any, TypeVar

from console.model.instant import Instant

T = TypeVar("T")
FRESH_S = 0.5  # so much may an age lag behind: screens are renewed four times a second, and paint ages once
LIMIT = 64  # things remembered: of 20,000 pods in as many scopes, what is not asked for again goes first


class Made:
    """Frozen values by what they are made for and of: whoever asks gets the same object, and nobody can change it."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[tuple[object, ...], float, Any]] = {}

    def once(self, key: Hashable, of: tuple[object, ...], now: Instant, make: Callable[[], T]) -> T:
        """What `make` made for this key of these very readings less than FRESH_S ago, else what it makes now."""
        known = self._made.get(key)
        if known is not None and are_same(known[0], of) and 0.0 <= now.mono - known[1] < FRESH_S:
            found: T = known[2]
            return found
        made = make()
        self._made.pop(key, None)
        self._made[key] = (of, now.mono, made)
        if len(self._made) > 1:
            self._forget(now)
        return made

    def _forget(self, now: Instant) -> None:
        """Nothing is kept that would not be given any more; of the rest the newest."""
        old = [key for key, (_, at, _) in self._made.items() if not 0.0 <= now.mono - at < FRESH_S]
        for key in [*old, *list(self._made)[: max(0, len(self._made) - len(old) - LIMIT)]]:
            self._made.pop(key, None)


def are_same(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    """Whether two tuples hold the same objects, not only equal ones."""
    return len(some) == len(others) and all(map(is_, some, others))
