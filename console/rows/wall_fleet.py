"""The fleet on the wall: which channel takes how much ground, and in which order, so that nobody jumps about.

Viewers change with every reading, and a grid that followed them would never stand still. So a channel has a size class (each
1.6 times the one before) and leaves it only when it is well beyond its edge; and who gets better keeps its place for a while,
in its new colour. Who gets worse goes to the front at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from console.model.severity import Mark, Severity
from console.model.wallboard import Tile
from console.rows.streams import StreamRow
from console.rows.units import duration, si

STEP = 1.6  # between two size classes, in viewers
EDGE = 0.8  # classes from the middle of its own: so far a channel stays in it (0.5 would be no hysteresis at all)
KEPT_S = 15.0  # a place at the front, after it got better
LEAST = 24.0  # the largest takes at most so many times the ground of the smallest
LEAST_SHARE = {Severity.CRIT: 0.045, Severity.WARN: 0.02}  # of the ground, for a channel that is not well
MOST_SHARE = {Severity.CRIT: 0.45, Severity.WARN: 0.25}  # of the ground, for what all of one severity gain by that


class Place(msgspec.Struct, frozen=True):
    """What is remembered of one channel."""

    size: int | None  # its class; None: viewers unknown
    severity: Severity  # by which it is placed
    better_since: float | None = None  # monotonic: since when it is better than that


Places = Mapping[str, Place]


def placed(rows: Sequence[StreamRow], before: Places, now_mono: float) -> dict[str, Place]:
    """Where each channel stands now, by what it was `before`."""
    return {row.name: _place(row, before.get(row.name), now_mono) for row in rows}


def tiles(rows: Sequence[StreamRow], places: Places) -> tuple[Tile, ...]:
    """The worst first, then the largest; what is off the air last. The weights add up to 1."""
    ordered = sorted(rows, key=lambda row: _order(row, places[row.name]))
    weights = _weights(ordered, places)
    return tuple(_tile(row, weight) for row, weight in zip(ordered, weights, strict=True))


def _place(row: StreamRow, was: Place | None, now_mono: float) -> Place:
    size = _size(row.viewers, was.size if was is not None else None)
    if was is None or row.severity.rank >= was.severity.rank:
        return Place(size, row.severity)
    since = was.better_since if was.better_since is not None else now_mono
    if now_mono - since >= KEPT_S:
        return Place(size, row.severity)
    return Place(size, was.severity, since)


def _size(viewers: float | None, was: int | None) -> int | None:
    if viewers is None or not math.isfinite(viewers):
        return None
    exact = math.log(max(1.0, viewers)) / math.log(STEP)
    return was if was is not None and abs(exact - was) <= EDGE else round(exact)


def _order(row: StreamRow, place: Place) -> tuple[bool, int, int, str]:
    return row.is_off_air, -place.severity.rank, -(place.size if place.size is not None else -1), row.name


def _weights(rows: Sequence[StreamRow], places: Places) -> list[float]:
    """By viewers, but nobody invisible, and who is not well large enough to be seen."""
    sizes = [places[row.name].size for row in rows]
    known = [size for size in sizes if size is not None]
    top = max(known, default=0)
    raw = [max(STEP ** ((size if size is not None else -99) - top), 1 / LEAST) for size in sizes]
    total = sum(raw)
    shares = [each / total for each in raw] if total else []
    for severity, least in LEAST_SHARE.items():
        own = [at for at, row in enumerate(rows) if places[row.name].severity is severity]
        if own:
            least = min(least, MOST_SHARE[severity] / len(own))
            for at in own:
                shares[at] = max(shares[at], least)
    total = sum(shares)
    return [share / total for share in shares]


def _tile(row: StreamRow, weight: float) -> Tile:
    mark = "" if row.mark is Mark.NONE else row.mark.value
    return Tile(
        key=row.name,
        severity=row.severity,
        weight=weight,
        size=si(row.viewers) if row.viewers is not None else "?",
        note=" ".join(part for part in (mark, row.brief) if part),
        age=duration(row.since_s) if row.since_s is not None else "",
        is_off_air=row.is_off_air,
    )
