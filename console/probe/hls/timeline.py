"""PROGRAM-DATE-TIME against EXTINF: where the dates of one playlist break, and where its last one leads to.

EXTINFs are rounded, to the millisecond or to whole seconds, so between two dates that stand far apart the sum may be wrong by
half a unit for each segment. That is allowed for before anything is called a jump.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from console.probe.hls.media import Anchor, Jump

JUMP_S = 0.5  # sub-second overlaps are allowed (RFC 8216bis 6.2.1)
JUMPS_KEPT = 100


def timeline(
    sequence: int,
    dates: Sequence[float | None],
    durations: Sequence[float],
    discontinuities: Collection[int],
    begin: int = 0,
    anchor: Anchor | None = None,
    decimals: int = 0,
) -> tuple[tuple[Jump, ...], Anchor | None]:
    """The jumps from place `begin` on, and the last date. `sequence` is the MSN of place 0; `anchor` is the last date before
    `begin`; `decimals` is with how many the EXTINFs are written.
    """
    if begin == 0 and dates and None not in dates and not discontinuities and _is_even(dates, durations):
        return (), Anchor(sequence + len(dates) - 1, dates[-1] or 0.0, durations[-1])
    jumps: list[Jump] = []
    anchor_msn, anchor_s, since_s, is_broken = -1, 0.0, 0.0, True
    if anchor is not None:
        anchor_msn, anchor_s, since_s, is_broken = anchor.msn, anchor.date_s, anchor.since_s, anchor.is_broken
    for place in range(begin, len(dates)):
        if discontinuities and sequence + place in discontinuities:
            is_broken = True
        date = dates[place]
        if date is not None:
            if not is_broken:
                error = date - anchor_s - since_s
                if not -JUMP_S <= error <= JUMP_S and len(jumps) < JUMPS_KEPT:
                    between = durations[max(0, anchor_msn - sequence) : place]
                    if abs(error) > JUMP_S + quantum(between, decimals) * max(len(between), sequence + place - anchor_msn):
                        jumps.append(Jump(anchor_msn, sequence + place, error))
            anchor_msn, anchor_s, since_s, is_broken = sequence + place, date, 0.0, False
        since_s += durations[place]
    return tuple(jumps), Anchor(anchor_msn, anchor_s, since_s, is_broken) if anchor_msn >= 0 else None


def _is_even(dates: Sequence[float | None], durations: Sequence[float]) -> bool:
    """Whether every segment has a date and every date is explained by the EXTINF before it."""
    errors = [later - earlier - lasted for earlier, later, lasted in zip(dates, dates[1:], durations, strict=False)]  # type: ignore[operator]
    return not errors or (min(errors) >= -JUMP_S and max(errors) <= JUMP_S)


def quantum(durations: Sequence[float], decimals: int) -> float:
    """The most by which rounding can have changed one of these: half of the last digit that any of them uses, or is written
    with: who writes 4.000 has not rounded to whole seconds.
    """
    for digits in range(decimals, 3):
        if all(round(duration, digits) == duration for duration in durations):
            return float(0.5 / 10**digits)
    return 0.0005
