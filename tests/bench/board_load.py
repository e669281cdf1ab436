"""A child: sixty gauges that change ten times a second, in one board or in sixty Static widgets."""

from __future__ import annotations

import math
import sys

from textual.widgets import Static

from console.model.bar import Bar
from console.model.severity import Severity
from tests.bench.hosts import Ours, Stock, ticks
from widgets.board import Board

GAUGES = 60


def ratio(gauge: int, number: int) -> float:
    return 0.5 + 0.45 * math.sin(number / 7 + gauge)


def ours(per_s: float, seconds: float) -> Ours:
    board = Board()

    def frame(number: int) -> None:
        board.show(
            [
                Bar(f"g{each}", Severity.OK, f"egress {each:02}", (now := ratio(each, number)), f"{now * 100:.1f} %", warn=0.8, crit=0.9)
                for each in range(GAUGES)
            ]
        )

    async def load() -> dict[str, float]:
        return {"frames": await ticks(per_s, seconds, frame)}

    frame(0)
    return Ours([board], load)


def stock(per_s: float, seconds: float) -> Stock:
    """One line each: a name, forty cells of bar, a number."""
    gauges = [Static("", markup=False) for _ in range(GAUGES)]

    def frame(number: int) -> None:
        for each, gauge in enumerate(gauges):
            now = ratio(each, number)
            gauge.update(f" egress {each:02} {'█' * round(now * 40):40} {now * 100:5.1f} %")

    async def load() -> dict[str, float]:
        return {"frames": await ticks(per_s, seconds, frame)}

    return Stock(gauges, load)


def main() -> None:
    """`ours|stock FRAMES_PER_S SECONDS`"""
    make = {"ours": ours, "stock": stock}[sys.argv[1]]
    make(*map(float, sys.argv[2:4])).run()


if __name__ == "__main__":
    main()
