"""A trend as a word of eighth blocks: what a cell, a digest and a widget all draw."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = " "


def spark(values: Sequence[float], width: int, lo: float | None = None, hi: float | None = None) -> str:
    """Exactly `width` cells, the newest value at the right end.

    NaN and infinities are gaps. More values than cells: each cell shows the highest of its share, so that no
    spike is hidden. A constant series lies flat at the bottom. `lo`/`hi` fix the scale; what lies beyond them
    is drawn at the end.
    """
    if width <= 0:
        return ""
    shares = _shares(values, width)
    known = [value for value in shares if value is not None]
    if not known:
        return GAP * width
    low = min(known) if lo is None else lo
    high = max(known) if hi is None else hi
    drawn = "".join(GAP if value is None else _block(value, low, high) for value in shares)
    return drawn.rjust(width, GAP)


def _block(value: float, low: float, high: float) -> str:
    span = high / 2 - low / 2  # halved: the difference of two huge floats overflows, that of their halves does not
    if span <= 0:
        return BLOCKS[0]
    return BLOCKS[min(7, int((min(max(value, low), high) / 2 - low / 2) / span * 8))]


def _shares(values: Sequence[float], width: int) -> list[float | None]:
    """At most `width` values, the highest of each share; None where a share holds nothing finite."""
    count = len(values)
    if count <= width:
        return [value if isfinite(value) else None for value in values]
    shares: list[float | None] = []
    for cell in range(width):
        share = values[cell * count // width : (cell + 1) * count // width]
        shares.append(max((value for value in share if isfinite(value)), default=None))
    return shares
