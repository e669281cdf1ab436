"""PDT_DRIFT: PROGRAM-DATE-TIME that runs faster or slower than time.

A segment shows up to one poll late, which over ten minutes hides 200 ppm many times over. So only the least delay of
every minute counts, a line is laid through those, and it is told only when it is a line and not a step, steeper than
the limit by more than its own uncertainty. It takes ten minutes for 1000 ppm, and up to an hour for little more than
the limit. Delays are reckoned on the monotonic clock: a wall clock that steps here is no drift there.
"""

from __future__ import annotations

from math import sqrt

import msgspec

MINUTE_S = 60.0
KEPT = 60  # minutes
NEEDED = 10
LIMIT_PPM = 200.0
SURE = 3.0  # standard errors
STRAIGHT = 0.9  # r squared: a step through the middle of a window makes 0.75


class Drift(msgspec.Struct, frozen=True):
    """The least delays, minute by minute."""

    began: float  # monotonic: of the minute that is being filled
    least: tuple[float, float] | None = None  # (monotonic, seconds) of it
    minutes: tuple[tuple[float, float], ...] = ()  # the full ones, newest last
    epoch: int = 0  # discontinuity sequence: a jump there may be rightful


def with_delay(drift: Drift | None, at: float, delay_s: float, epoch: int) -> Drift:
    """One new segment, first shown at `at`, `delay_s` after its end by its own date (any constant added)."""
    if drift is None or drift.epoch != epoch:
        return Drift(at, (at, delay_s), (), epoch)
    if at - drift.began < MINUTE_S:
        if drift.least is not None and delay_s >= drift.least[1]:
            return drift
        return Drift(drift.began, (at, delay_s), drift.minutes, epoch)
    full = drift.minutes if drift.least is None else (*drift.minutes[-(KEPT - 1) :], drift.least)
    return Drift(at, (at, delay_s), full, epoch)


def ppm(drift: Drift) -> float:
    """How much faster (negative: its dates run ahead) the delay grows than time, less what is not sure; 0 when nothing is."""
    points = drift.minutes
    if len(points) < NEEDED:
        return 0.0
    count = len(points)
    mean_t = sum(t for t, _ in points) / count
    mean_d = sum(d for _, d in points) / count
    across = sum((t - mean_t) ** 2 for t, _ in points)
    up = sum((d - mean_d) ** 2 for _, d in points)
    both = sum((t - mean_t) * (d - mean_d) for t, d in points)
    if across <= 0 or up <= 0:
        return 0.0
    slope = both / across
    if both * both < STRAIGHT * across * up:
        return 0.0
    error = sqrt(max(0.0, up - slope * both) / (count - 2) / across)
    sure = max(0.0, abs(slope) - SURE * error)
    return (sure if slope > 0 else -sure) * 1e6
