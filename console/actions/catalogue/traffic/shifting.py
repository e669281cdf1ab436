"""From weights to other weights in steps that nobody need fear. Pure.

A step moves at most so many points of the traffic. It is counted as what leaves one and arrives at another, so that
70:30 -> 60:40 are ten points. No state on the way has a sum of 0, and none gives all to one that had nothing a step before.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

MOST_POINTS = 50  # whatever a policy says: with more, one step could take all that one has to where nothing was
Weights = Mapping[str, int]


class NoWay(ValueError):
    """The wish cannot be reached like this; says what could."""


def shares(weights: Weights) -> dict[str, Fraction]:
    """Of the traffic, in 0..1; all 0 where the sum is."""
    total = sum(weights.values())
    return {name: Fraction(weight, total) if total else Fraction(0) for name, weight in weights.items()}


def moved(old: Weights, new: Weights) -> Fraction:
    """Points (of 100) of the traffic that change their place."""
    before, after = shares(old), shares(new)
    return sum((abs(after[name] - before[name]) for name in before), Fraction(0)) * 50


def steps(now: Weights, wish: Weights, most_points: int) -> list[dict[str, int]]:
    """The states after `now`, the last of which is the wish; empty where it stands so already. Raises NoWay.

    One sum must be a multiple of the other: then every state on the way can be written in whole weights.
    """
    if dict(now) == dict(wish):
        return []
    total, wanted = sum(now.values()), sum(wish.values())
    if wanted <= 0:
        raise NoWay("the weights would sum to 0, and nobody would be served")
    if total <= 0:
        raise NoWay("all weights are 0 now, so nothing tells where the traffic is: set the first by the target's own means")
    if total % wanted and wanted % total:
        raise NoWay(f"the weights sum to {wanted} and not to {total} as they do now: name those that give way, too")
    scale = max(total, wanted)
    here = {name: weight * (scale // total) for name, weight in now.items()}
    end = {name: weight * (scale // wanted) for name, weight in wish.items()}
    points = min(most_points, MOST_POINTS)
    units = scale * points // 100
    if units < 1:
        raise NoWay(f"one weight is {ceil(100 / scale)} points of the traffic, and a step may move {points} at most")
    found: list[dict[str, int]] = []
    while here != end:
        here = _nearer(here, end, units)
        found.append(here)
    if not found:  # the same shares in other numbers
        return [dict(wish)]
    return [*found[:-1], dict(wish)]


def _nearer(here: Weights, end: Weights, units: int) -> dict[str, int]:
    """Moved by `units` towards the end, everybody in proportion to what is still to be done."""
    gains = {name: end[name] - here[name] for name in here if end[name] > here[name]}
    losses = {name: here[name] - end[name] for name in here if end[name] < here[name]}
    whole = sum(gains.values())
    if whole <= units:
        return dict(end)
    made = dict(here)
    for name, count in _parted(gains, units).items():
        made[name] += count
    for name, count in _parted(losses, units).items():
        made[name] -= count
    return made


def _parted(amounts: Weights, units: int) -> dict[str, int]:
    """`units` parted in proportion, in whole numbers, none above its amount: the largest remainders get what is left."""
    whole = sum(amounts.values())
    parts = {name: amount * units // whole for name, amount in amounts.items()}
    left = units - sum(parts.values())
    by_remainder = sorted(amounts, key=lambda name: (-(amounts[name] * units % whole), name))
    for name in by_remainder[:left]:
        parts[name] += 1
    return parts


def rungs(old: int, new: int, others: int, most_points: int) -> list[int]:
    """The weights of one server from `old` to `new`, beside others of that sum, so that each moves at most so many points of
    the traffic; one weight at a time where even that moves more. The others' weights stay.
    """
    points = min(most_points, MOST_POINTS)
    found: list[int] = []
    here = old
    while here != new:
        way, least, most = (1 if new > here else -1), 1, abs(new - here)
        while least < most:  # the farthest that is near enough
            middle = (least + most + 1) // 2
            if _points(here, here + way * middle, others) <= points:
                least = middle
            else:
                most = middle - 1
        here += way * least
        found.append(here)
    return found


def _points(old: int, new: int, others: int) -> Fraction:
    if not others:
        return Fraction(0) if old and new else Fraction(100)
    return abs(Fraction(new, new + others) - Fraction(old, old + others)) * 100
