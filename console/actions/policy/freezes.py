"""Which freezes hold at a moment, and until when.

A weekly window is a stretch between two moments, not a stretch of the wall clock: on the night that has an hour twice it
begins with the first and ends with the second of them, and where the clock skips the hour of its edge, the edge is the skip.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from console.actions.policy.checks import DAYS
from console.actions.policy.patterns import matches_action, matches_name, matches_target
from console.actions.policy.policy import Freeze, Policy, Weekly
from console.actions.target import Target

_BEFORE, _AFTER = 2, 9  # days around now whose windows are looked at: a week of adjoining ones is told as one
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Holding(msgspec.Struct, frozen=True):
    """A freeze that holds, and when it ends (of a weekly one that never pauses: not before that).

    One that cannot be reckoned, because this host does not know its time zone (any more), holds without an end, says why
    in `doubt`, and cannot be overridden, whatever it says of itself.
    """

    freeze: Freeze
    until: datetime | None
    doubt: str = ""


def holding(policy: Policy, now: datetime, site: str, action: str, target: Target) -> tuple[Holding, ...]:
    """The freezes that hold against this at `now`."""
    held = []
    for freeze in policy.freezes:
        if not concerns(freeze, site, action, target):
            continue
        try:
            until = held_until(freeze, now)
        except (KeyError, ValueError, OSError) as wrong:
            held.append(Holding(msgspec.structs.replace(freeze, override=False), None, f"no time zone: {wrong}"))
            continue
        if until is not None:
            held.append(Holding(freeze, until))
    return tuple(held)


def concerns(freeze: Freeze, site: str, action: str, target: Target) -> bool:
    """Whether it speaks of this, whatever the time."""
    return bool(
        matches_name(freeze.sites, site)
        and matches_action(freeze.actions, action)
        and matches_target(freeze.targets, target)
    )


def held_until(freeze: Freeze, now: datetime) -> datetime | None:
    """When this freeze ends, if it holds at `now`; None when it does not. Raises KeyError, ValueError or OSError where its
    time zone cannot be looked up.
    """
    if freeze.weekly is not None:
        return _weekly_until(freeze.weekly, now)
    assert freeze.begin is not None and freeze.until is not None
    return freeze.until.astimezone(UTC) if freeze.begin <= now < freeze.until else None


def _weekly_until(weekly: Weekly, now: datetime) -> datetime | None:
    zone = ZoneInfo(weekly.timezone)
    today = now.astimezone(zone).date()
    until: datetime | None = None
    for offset in range(-_BEFORE, _AFTER):
        day = today + offset * _DAY
        if DAYS[day.weekday()] not in weekly.days:
            continue
        begin, end = _window(weekly, day, zone)
        if begin <= (until or now) < end:
            until = end
    return until


def _window(weekly: Weekly, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Begin and end in UTC of the window that begins on `day`."""
    begin = time.fromisoformat(weekly.begin)
    is_midnight = weekly.until == "24:00"
    end = time(0) if is_midnight else time.fromisoformat(weekly.until)
    last = day + _DAY if is_midnight or end <= begin else day
    return _edge(datetime.combine(day, begin), zone, 0), _edge(datetime.combine(last, end), zone, 1)


def _edge(wall: datetime, zone: ZoneInfo, fold: int) -> datetime:
    """The moment at which a clock in this zone shows `wall`: the first (fold 0) or the last of two; the skip of an hour
    that is not there.
    """
    first, second = (wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    if first <= second:  # once, or twice
        return second if fold else first
    # Skipped: PEP 495 reads it with the offsets of both sides, and between those moments the offset changes.
    early, late = second, first
    before = early.astimezone(zone).utcoffset()
    while late - early > _SECOND:
        middle = early + (late - early) // (2 * _SECOND) * _SECOND
        if middle.astimezone(zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late
