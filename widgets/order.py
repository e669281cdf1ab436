"""The order in which a table shows its rows, and how it is held still while someone reads.

Pure: no widget, no clock. While held, rows keep their places, a row that has gone stays as a ghost, and new
rows join at the end; nothing moves under the reader's finger. The sort value of a row is remembered as long
as the row is the same object, because a feed that hands on unchanged rows should not pay for 20,000 cells
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Generic, TypeVar

from console.model.cell import Column, RowLike

R = TypeVar("R", bound=RowLike)
SortValue = tuple[int, float, str]


class Order(Generic[R]):
    """Keys in the order shown. `column` None means: as given, which is the worst first by the custom of
    `rows/`.
    """

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.is_held = False
        self.column: Column[R] | None = None
        self.is_descending = False
        self._rows: Mapping[str, R] = {}
        self._ghosts: dict[str, R] = {}
        self._sort_values: dict[str, tuple[R, SortValue | None]] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def row(self, key: str) -> R:
        """The newest row of a key; for a ghost the last one it had."""
        found = self._rows.get(key)
        return self._ghosts[key] if found is None else found

    def is_ghost(self, key: str) -> bool:
        """Whether the row has gone and only keeps its place until the order is let go."""
        return key in self._ghosts

    def take(self, rows: Sequence[R]) -> None:
        """New rows; of two with one key the later counts."""
        old = self._rows
        new = {row.key: row for row in rows}
        self._rows = new
        if not self.is_held:
            self._ghosts.clear()
            self.keys = self._sorted()
            return
        for key in self.keys:
            if key in new:
                self._ghosts.pop(key, None)
            elif key not in self._ghosts:
                self._ghosts[key] = old[key]
        if len(new) + len(self._ghosts) > len(self.keys):
            known = set(self.keys)
            self.keys = [*self.keys, *(key for key in new if key not in known)]

    def release(self) -> None:
        """Let the rows go to where they belong; the ghosts vanish."""
        self.is_held = False
        self._ghosts.clear()
        self.keys = self._sorted()

    def sort_by(self, column: Column[R] | None, is_descending: bool) -> None:
        """Sort by another column, at once: the reader asked for it."""
        self.column, self.is_descending = column, is_descending
        self._sort_values.clear()
        self._ghosts.clear()
        self.keys = self._sorted()

    def _sorted(self) -> list[str]:
        if self.column is None:
            return list(self._rows)
        values: list[tuple[SortValue, str]] = []
        last: list[str] = []
        fresh: dict[str, tuple[R, SortValue | None]] = {}
        cell = self.column.cell
        for key, row in self._rows.items():
            known = self._sort_values.get(key)
            if known is None or known[0] is not row:
                known = (row, _sort_value(cell(row).sort))
            fresh[key] = known
            if known[1] is None:
                last.append(key)
            else:
                values.append((known[1], key))
        self._sort_values = fresh
        values.sort(key=lambda pair: pair[0], reverse=self.is_descending)
        return [*(key for _, key in values), *last]


def _sort_value(value: float | str | None) -> SortValue | None:
    """Numbers before words, so that a mixed column sorts at all; None and NaN have no place and come last."""
    if value is None:
        return None
    if isinstance(value, str):
        return (1, 0.0, value)
    return None if isnan(value) else (0, value, "")
