"""How much of a flood is written down: the first of each kind at once, all others as a number at the end of a minute.

The journal is fsynced and kept for years, and whoever is refused costs an attacker nothing. So there are bounds that no
number of strangers can pass: `at_once` entries and `kinds` numbers a minute, and as much memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

WINDOW_S = 60.0
Coarse = TypeVar("Coarse", bound=Hashable)


class Ledger(Generic[Coarse]):
    """Pure: says what to write at once, and counts the rest."""

    def __init__(self, rest: Coarse, *, each: int = 1, at_once: int = 30, kinds: int = 20) -> None:
        """`each`: how many that are the same are written at once; `rest`: under what is counted past `kinds`."""
        self._rest, self._each, self._at_once, self._kinds = rest, each, at_once, kinds
        self._until: float | None = None
        self._written: Counter[Hashable] = Counter()
        self._counted: Counter[Coarse] = Counter()

    def note(self, fine: Hashable, coarse: Coarse, now: float) -> bool:
        """Whether it is to be written at once; else it has been counted under `coarse`."""
        if self._until is None:
            self._until = now + WINDOW_S
        if self._written[fine] < self._each and self._written.total() < self._at_once:
            self._written[fine] += 1
            return True
        if not self._written[fine]:
            del self._written[fine]
        self._counted[coarse if coarse in self._counted or len(self._counted) < self._kinds else self._rest] += 1
        return False

    def due(self, now: float, *, is_end: bool = False) -> list[tuple[Coarse, int]]:
        """What was counted in a window that is over; at the end in any."""
        if self._until is None or (now < self._until and not is_end):
            return []
        counted = list(self._counted.items())
        self._until = None
        self._written.clear()
        self._counted.clear()
        return counted
