"""How tiles of different weight fill a ground without a hole, in their order: shelves from the top down, each of one height.

A squarified treemap makes rounder tiles and throws the order away, and the order is what a wall is read by: the worst stand in
the upper left. So tiles are put on shelves as they come (a strip treemap), and a shelf is full when one more would make its
tiles worse in shape. Pure, and a function of weights alone: equal weights give the same picture, whatever else has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import log
from typing import NamedTuple

SHAPE = 4.5  # cells of width for one of height: a name must fit, and a cell is twice as high as wide
LEAST_WIDTH = 14  # cells of a tile: its letter and its name, where the shelf is wide enough
NARROW = 3.0  # times as bad as another shape
LEAST_HEIGHT = 1
LEAST_AREA = 24  # cells of a tile on average: of more tiles the last are told as a number


class Spot(NamedTuple):
    """Where a tile is, in cells."""

    x: int
    y: int
    width: int
    height: int


def room_for(width: int, height: int) -> int:
    """How many tiles there is room for."""
    rows = max(1, width // LEAST_WIDTH) * max(0, height)
    return rows if height <= 4 else max(0, width * height // LEAST_AREA)


@lru_cache(32)
def shelved(weights: tuple[float, ...], width: int, height: int) -> tuple[Spot, ...]:
    """A spot for each weight (all above 0), in their order; together they cover the ground exactly."""
    if not weights or width <= 0 or height <= 0:
        return ()
    shelves = _bounded(_shelves(_floored(weights, width * height), width, height), width, height)
    tall = _shared([sum(shelf) for shelf in shelves], height, LEAST_HEIGHT)
    spots: list[Spot] = []
    y = 0
    for shelf, rows in zip(shelves, tall, strict=True):
        x = 0
        for cells in _shared(shelf, width, min(LEAST_WIDTH, width // len(shelf))):
            spots.append(Spot(x, y, cells, rows))
            x += cells
        y += rows
    return tuple(spots)


def _floored(weights: tuple[float, ...], area: int) -> list[float]:
    """No tile is smaller than something can be read on, while there is room."""
    total = sum(weights)
    least = min(LEAST_AREA / area, 0.8 / len(weights)) * total
    return [max(weight, least) for weight in weights]


def _shelves(weights: Sequence[float], width: int, height: int) -> list[list[float]]:
    """Shelf by shelf: one more tile as long as that makes the shelf's shape no worse."""
    cells = width * height / sum(weights)
    shelves: list[list[float]] = []
    shelf: list[float] = []
    for weight in weights:
        if shelf and _badness([*shelf, weight], width, cells) > _badness(shelf, width, cells):
            shelves.append(shelf)
            shelf = []
        shelf.append(weight)
    shelves.append(shelf)
    if len(shelves) > 1 and _badness(shelves[-1], width, cells) > _badness([*shelves[-2], *shelves[-1]], width, cells):
        last = shelves.pop()
        shelves[-1] = [*shelves[-1], *last]
    return shelves


def _badness(shelf: Sequence[float], width: int, cells: float) -> float:
    """How far its tiles are from the wanted shape, on average."""
    tall = sum(shelf) * cells / width
    shapes = sum(abs(log(weight * cells / tall / tall / SHAPE)) for weight in shelf)
    narrow = sum(max(0.0, log(LEAST_WIDTH * tall / (weight * cells))) for weight in shelf)
    return (shapes + NARROW * narrow) / len(shelf)


def _bounded(shelves: list[list[float]], width: int, height: int) -> list[list[float]]:
    """No more shelves than lines, and none with more tiles than cells."""
    if len(shelves) <= height and all(len(shelf) <= max(1, width // 2) for shelf in shelves):
        return shelves
    flat = [weight for shelf in shelves for weight in shelf]
    rows = min(height, len(flat))
    return [part for at in range(rows) if (part := flat[at * len(flat) // rows : (at + 1) * len(flat) // rows])]


def _shared(weights: Sequence[float], cells: int, least: int) -> list[int]:
    """`cells` shared out by weight, each at least `least` of them."""
    least = min(least, cells // len(weights))
    small: set[int] = set()
    while True:  # who is too small is given the least, and the rest is shared by the others
        spare = cells - least * len(small)
        total = sum(weight for at, weight in enumerate(weights) if at not in small)
        more = {at for at, weight in enumerate(weights) if at not in small and weight * spare < least * total}
        if not more or len(small | more) == len(weights):
            break
        small |= more
    edges, before = [], 0.0
    for at, weight in enumerate(weights):
        before += least if at in small else weight * spare / total
        edges.append(round(before))
    shares = [edge - last for edge, last in zip(edges, [0, *edges[:-1]], strict=True)]
    if min(shares) >= max(1, least) or not least:
        return shares
    return _evened(shares, least)


def _evened(shares: list[int], least: int) -> list[int]:
    """What rounding took from one comes back from the largest."""
    for at, share in enumerate(shares):
        while shares[at] < max(1, least) and max(shares) > max(1, least):
            shares[shares.index(max(shares))] -= 1
            shares[at] = share = share + 1
    return shares
