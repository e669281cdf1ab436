"""A child: a table, a log and sixty gauges on one screen, all of them busy; keys come from whoever holds the terminal.

Both kinds get the same changes at the same moments: 200 cells and 1,000 lines a second in ten batches, and the gauges
four times a second. It runs until it is stopped.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, RichLog, Static

from console.feeds.log import LogRing
from console.model.bar import Bar
from console.model.cell import Cell, Column
from console.model.logline import LogLine
from console.model.severity import Severity
from tests.bench.board_load import ratio
from tests.bench.hosts import Ours, Stock, ticks
from tests.bench.key_latency import CURSOR, PLACES, name
from tests.bench.log_load import line
from tests.bench.table_load import Changes
from widgets.backdrop import Backdrop
from widgets.board import Board
from widgets.log import LogView
from widgets.table import Table

ROWS, COLUMNS, GAUGES = 5_000, 5, 60
BATCHES, FRAMES, CELLS, LINES = 10, 4, 200, 1_000  # a second
FOR_EVER_S = 100_000.0


class Beside(Backdrop, Horizontal):
    """The table and the log to the left, the gauges to the right."""


class Above(Backdrop, Vertical):
    """The table above the log."""


class Row(msgspec.Struct, frozen=True):
    key: str
    severity: Severity
    cells: tuple[str, ...]


def begin() -> list[tuple[str, ...]]:
    return [(name(row), *(f"{row * column}.00 ms" for column in range(1, COLUMNS))) for row in range(ROWS)]


def column(number: int) -> Column[Row]:
    def cell(row: Row) -> Cell:
        return Cell(text=row.cells[number])

    return Column(key=f"c{number}", title=f"column {number}", cell=cell, width=16, priority=0)


async def both(batch: Callable[[int], None], gauges: Callable[[int], None]) -> dict[str, float]:
    await asyncio.gather(ticks(BATCHES, FOR_EVER_S, batch), ticks(FRAMES, FOR_EVER_S, gauges))
    return {}


def ours() -> Ours:
    table: Table[Row] = Table([column(number) for number in range(COLUMNS)])
    ring = LogRing()
    view, board = LogView(ring), Board()
    rows = [Row(f"r{at}", Severity.OK, cells) for at, cells in enumerate(begin())]
    changes, pool = Changes(PLACES, COLUMNS), lines()

    def batch(number: int) -> None:
        for _ in range(CELLS // BATCHES):
            at, where, text = changes.next()
            old = rows[at]
            rows[at] = Row(old.key, old.severity, (*old.cells[:where], text, *old.cells[where + 1 :]))
        table.show(rows)
        for each in range(LINES // BATCHES):
            ring.append(pool[(number * (LINES // BATCHES) + each) % len(pool)])
        view.advance()

    def gauges(number: int) -> None:
        board.show(
            [
                Bar(f"g{each}", Severity.OK, f"egress {each:02}", (now := ratio(each, number)), f"{now * 100:.1f} %", warn=0.8, crit=0.9)
                for each in range(GAUGES)
            ]
        )

    async def load() -> dict[str, float]:
        return await both(batch, gauges)

    class Screen(Ours):
        def compose(self) -> ComposeResult:
            with Beside():  # the overview's containers are of this kind too
                with Above():
                    yield table
                    yield view
                yield board

    app = Screen([table], load)
    table.show(rows)
    gauges(0)
    return app


def stock() -> Stock:
    table: DataTable[Any] = DataTable(cursor_type="row")
    log = RichLog(max_lines=100_000)
    bars = [Static("", markup=False) for _ in range(GAUGES)]
    changes, pool = Changes(PLACES, COLUMNS), [
        f"{each.at:%H:%M:%S} {each.level[:1].upper()} {each.service} {each.message}" for each in lines()
    ]  # fmt: skip

    def batch(number: int) -> None:
        for _ in range(CELLS // BATCHES):
            at, where, text = changes.next()
            table.update_cell(f"r{at}", f"c{where}", text)
        for each in range(LINES // BATCHES):
            log.write(pool[(number * (LINES // BATCHES) + each) % len(pool)])

    def gauges(number: int) -> None:
        for each, bar in enumerate(bars):
            now = ratio(each, number)
            bar.update(f" egress {each:02} {'█' * round(now * 40):40} {now * 100:5.1f} %")

    async def load() -> dict[str, float]:
        return await both(batch, gauges)

    class Filled(Stock):
        CSS = f"DataTable, RichLog {{ height: 1fr; }} DataTable > .datatable--cursor {{ background: {CURSOR['stock']}; }}"

        def compose(self) -> ComposeResult:
            with Horizontal():
                with Vertical():
                    yield table
                    yield log
                yield Vertical(*bars)

        async def on_mount(self) -> None:
            for number in range(COLUMNS):
                table.add_column(f"column {number}", key=f"c{number}", width=16)
            for at, cells in enumerate(begin()):
                table.add_row(*cells, key=f"r{at}")
            await super().on_mount()

    return Filled([table], load)


def lines() -> list[LogLine]:
    return [line(number) for number in range(5_000)]


def main() -> None:
    """`ours|stock`"""
    {"ours": ours, "stock": stock}[sys.argv[1]]().run()


if __name__ == "__main__":
    main()
