"""Whether a channel is meant to be on air: outside its windows it is OFFLINE, in maintenance MAINT, and nobody is accused.

A channel without a schedule is always live, an event, too: what is not planned has no end. The windows are of the wall
clock, as the people who plan them are.
"""

from __future__ import annotations

from datetime import timedelta

from console.model.channel import Channel, Window
from console.model.instant import Instant
from console.model.severity import Mark

END_EARLY = timedelta(seconds=60)  # an event that is over a minute before its plan has ended as planned
SECOND_THOUGHT_S = 0.001  # after a boundary, so that the step falls beyond it


def off_air(channel: Channel, now: Instant) -> Mark:
    """OFFLINE or MAINT; NONE while it is to be judged."""
    if channel.maintenance and _window(channel.maintenance, now) is not None:
        return Mark.MAINT
    if channel.schedule and _window(channel.schedule, now) is None:
        return Mark.OFFLINE
    return Mark.NONE


def is_planned_end(channel: Channel, ended: Instant, now: Instant) -> bool:
    """Whether an end that was first seen at `ended` is the one that was planned for the window we are in."""
    window = _window(channel.schedule, now)
    return window is not None and window.end - ended.utc <= END_EARLY


def next_deadline(channel: Channel, now: Instant) -> float | None:
    """When the plan next changes what is expected, monotonic; None without a plan."""
    ahead = [
        at
        for window in (*channel.schedule, *channel.maintenance)
        for at in (window.start, window.end)
        if at > now.utc
    ]
    return now.mono + (min(ahead) - now.utc).total_seconds() + SECOND_THOUGHT_S if ahead else None


def _window(windows: tuple[Window, ...], now: Instant) -> Window | None:
    for window in windows:
        if window.start <= now.utc < window.end:
            return window
    return None
