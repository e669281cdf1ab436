"""An edge looks bad: its origin is asked for the same playlist now, so that the judge need not guess whose fault it is."""

from __future__ import annotations

from console.model.severity import Layer
from console.probe import schedule
from console.probe.roster import Roster
from console.probe.target import Target

EVERY_S = 0.5  # the origin is asked out of turn at most this often per playlist


def origin_of(target: Target, roster: Roster) -> Target | None:
    """The target that can vouch for this one; None for a target that is no edge's, or without an origin beside it."""
    origin = target.channel.origin
    if origin is None or origin.name == target.vantage.name or target.vantage.layer is not Layer.EDGE:
        return None
    same = roster.get(target.channel.name, origin.name, target.rendition)
    return same if same is not None and not same.is_dropped else None


def due(origin: Target, now: float) -> float | None:
    """When the origin is to be asked; None while it is being asked: it was asked before the edge looked bad, so its answer
    cannot vouch, and whoever wants to know comes again.
    """
    if origin.task is not None:
        return None
    return min(max(now, origin.last_start + EVERY_S), max(now, schedule.due(origin.pace)[0]))
