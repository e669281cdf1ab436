"""A trend as a word of block letters."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], width: int) -> str:
    """`width` cells, newest right; holes (NaN) are blanks; a flat series lies low, because nothing happened.

    More values than cells: each cell shows the highest of its share, so that a spike is never averaged away.
    """
    if not values or width <= 0:
        return ""
    shown = _shares(list(values), width)
    known = [value for value in shown if not math.isnan(value)]
    if not known:
        return " " * len(shown)
    low, high = min(known), max(known)
    span = high - low
    return "".join(
        " " if math.isnan(value)
        else _BLOCKS[0] if span <= abs(high) * 1e-9
        else _BLOCKS[round((value - low) / span * 7)]
        for value in shown
    )  # fmt: skip


def _shares(values: list[float], width: int) -> list[float]:
    if len(values) <= width:
        return values
    shares = []
    for cell in range(width):
        share = [
            value
            for value in values[cell * len(values) // width : (cell + 1) * len(values) // width]
            if not math.isnan(value)
        ]
        shares.append(max(share, default=math.nan))
    return shares
