"""Which columns fit a width, and how wide each is: pure arithmetic, apart from the table that draws them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.model.cell import AnyColumn

GAP = 1  # blank cells between columns


class Layout(msgspec.Struct, frozen=True):
    """The columns shown, in their own order, with their widths; and those left out."""

    shown: tuple[tuple[AnyColumn, int], ...]
    dropped: tuple[AnyColumn, ...]


def lay_out(columns: Sequence[AnyColumn], width: int) -> Layout:
    """Columns for `width` cells.

    Those of the highest priority number go first, the rightmost first among equals, until the least widths
    fit; priority 0 never goes, but is cut when nothing else helps. Spare cells go to the columns that grow,
    by their shares.
    """
    shown = list(columns)
    dropped: list[AnyColumn] = []
    while _needed(shown) > width:
        candidates = [(column.priority, at) for at, column in enumerate(shown) if column.priority > 0]
        if not candidates:
            break
        dropped.append(shown.pop(max(candidates)[1]))
    return Layout(shown=tuple(_widths(shown, width)), dropped=tuple(dropped))


def _needed(columns: Sequence[AnyColumn]) -> int:
    return sum(max(1, column.width) for column in columns) + GAP * max(0, len(columns) - 1)


def _widths(columns: Sequence[AnyColumn], width: int) -> list[tuple[AnyColumn, int]]:
    spare = width - _needed(columns)
    if spare < 0:
        return _cut(columns, width)
    shares = sum(column.grow for column in columns)
    widths: list[tuple[AnyColumn, int]] = []
    left = spare
    for column in columns:
        extra = spare * column.grow // shares if shares else 0
        left -= extra
        widths.append((column, max(1, column.width) + extra))
    if shares and left:
        at = next(at for at, column in enumerate(columns) if column.grow)
        widths[at] = (widths[at][0], widths[at][1] + left)
    return widths


def _cut(columns: Sequence[AnyColumn], width: int) -> list[tuple[AnyColumn, int]]:
    """Nothing more may be dropped: give each its least width from the left until the cells run out."""
    widths: list[tuple[AnyColumn, int]] = []
    left = width
    for column in columns:
        given = min(max(1, column.width), left)
        if given <= 0:
            break
        widths.append((column, given))
        left -= given + GAP
    return widths
