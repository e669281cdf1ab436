"""The evaluator's value: a label set with one number per step of the query, None where there is no sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.demo.prometheus.errors import ExecutionError
from console.demo.prometheus.matchers import Labels, spelled


class Row:
    """One series of a result; as many values as the query has steps."""

    __slots__ = ("labels", "values")

    def __init__(self, labels: Labels, values: Sequence[float | None]) -> None:
        self.labels = labels
        self.values = values

    def present(self) -> bool:
        """Whether it has any sample at all."""
        return any(value is not None for value in self.values)


def unique(rows: Iterable[Row]) -> list[Row]:
    """Rows with equal label sets joined, where they have no step in common.

    Raises ExecutionError when two would stand at the same step: no vector may hold a label set twice.
    """
    joined: dict[Labels, Row] = {}
    for row in rows:
        known = joined.get(row.labels)
        if known is None:
            joined[row.labels] = row
            continue
        merged: list[float | None] = []
        for mine, other in zip(known.values, row.values, strict=True):
            if mine is not None and other is not None:
                raise ExecutionError(
                    f"vector cannot contain metrics with the same labelset: {spelled(row.labels)}"
                )
            merged.append(other if mine is None else mine)
        joined[row.labels] = Row(row.labels, merged)
    return list(joined.values())
