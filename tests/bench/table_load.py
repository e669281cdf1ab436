"""A child: a table of 5,000 rows of which visible cells change."""

from __future__ import annotations

import random
import sys
from typing import Any

import msgspec
from textual.widgets import DataTable

from console.model.cell import Cell, Column
from console.model.severity import Severity
from tests.bench.hosts import Ours, Stock, ticks
from widgets.table import Table

ROWS, COLUMNS, VISIBLE = 5_000, 10, 50


class Row(msgspec.Struct, frozen=True):
    key: str
    severity: Severity
    cells: tuple[str, ...]


class Changes:
    """The same changes for both: (row, column, text), always another text, always on the screen."""

    def __init__(self, rows: int = VISIBLE, columns: int = COLUMNS) -> None:
        self._random = random.Random(7)
        self._rows, self._columns = rows, columns
        self._count = 0

    def next(self) -> tuple[int, int, str]:
        self._count += 1
        row, column = self._random.randrange(self._rows), self._random.randrange(1, self._columns)
        return row, column, f"{self._random.random() * 1000:.2f} #{self._count}"


def begin() -> list[tuple[str, ...]]:
    return [(f"packager-{row:05}", *(f"{row * column}.00 ms" for column in range(1, COLUMNS))) for row in range(ROWS)]


def column(number: int) -> Column[Row]:
    def cell(row: Row) -> Cell:
        return Cell(text=row.cells[number])

    return Column(key=f"c{number}", title=f"column {number}", cell=cell, width=16, priority=0)


def ours(per_s: float, frames_per_s: float, seconds: float) -> Ours:
    table: Table[Row] = Table([column(number) for number in range(COLUMNS)])
    rows = [Row(f"r{at}", Severity.OK, cells) for at, cells in enumerate(begin())]
    changes = Changes()
    each_frame = round(per_s / frames_per_s)

    def frame(_number: int) -> None:
        for _ in range(each_frame):
            at, where, text = changes.next()
            old = rows[at]
            rows[at] = Row(old.key, old.severity, (*old.cells[:where], text, *old.cells[where + 1 :]))
        table.show(rows)

    async def load() -> dict[str, float]:
        return {"updates": await ticks(frames_per_s, seconds, frame) * each_frame}

    app = Ours([table], load)
    table.show(rows)
    return app


def stock(per_s: float, batches_per_s: float, seconds: float) -> Stock:
    table: DataTable[Any] = DataTable()
    changes = Changes()
    each_batch = round(per_s / batches_per_s)

    def batch(_number: int) -> None:
        for _ in range(each_batch):
            at, where, text = changes.next()
            table.update_cell(f"r{at}", f"c{where}", text)

    async def load() -> dict[str, float]:
        return {"updates": await ticks(batches_per_s, seconds, batch) * each_batch}

    class Filled(Stock):
        async def on_mount(self) -> None:
            for number in range(COLUMNS):
                table.add_column(f"column {number}", key=f"c{number}", width=16)
            for at, cells in enumerate(begin()):
                table.add_row(*cells, key=f"r{at}")
            await super().on_mount()

    return Filled([table], load)


def main() -> None:
    """`ours|stock UPDATES_PER_S BATCHES_PER_S SECONDS`"""
    make = {"ours": ours, "stock": stock}[sys.argv[1]]
    make(*map(float, sys.argv[2:5])).run()


if __name__ == "__main__":
    main()
