"""Compares what was said of a channel with what was done to it: what was missed, and what was said without a cause."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.model.severity import Severity
from tests.streams.faults import Expectation, Fault
from tests.streams.night import BEGIN, Told, Watched
from tests.streams.show import HlsShow

TOLD_FLOOR_S = 60.0  # an event is told for so long at most, and a sampled value clears in max(30 s, 5 T)
CLEAR_T = 5.0
CLEAR_FLOOR_S = 30.0
SLACK_S = 0.6  # the rig looks ten times a second and gathers for half of one


class Miss(msgspec.Struct, frozen=True):
    """A fault of which what had to be said was not said, or not in time."""

    channel: str
    fault: str  # kind and parameters
    code: str  # what had to be said
    what: str  # missed | late | crit missing | crit late
    limit_s: float
    told: tuple[str, ...] = ()  # what was said instead


class False_(msgspec.Struct, frozen=True):
    """Something said without a cause."""

    channel: str
    fault: str
    what: str  # one line of what was said
    why: str  # before the fault | of a healthy channel | no consequence of it | wrong layer | wrong place | too grave | too long


def words(fault: Fault) -> str:
    """A fault in a line: its kind, place and parameters."""
    own = {
        name: value
        for name, value in msgspec.structs.asdict(fault).items()
        if name not in ("start", "length_s", "vantages", "rendition", "body")
    }
    extra = "".join(f" {name}={value}" for name, value in own.items())
    place = "+".join(fault.vantages)
    return f"{fault.kind}{extra} of {fault.rendition or 'all'} at {place} from {fault.start - BEGIN:.2f}"


def line(told: Told, start: float) -> str:
    return (
        f"{told.severity} {told.code} {told.layer} {told.rendition} {'+'.join(told.vantages)} "
        f"{told.first - start:+.1f}..{told.last - start:+.1f} s: {told.reason[:110]}"
    )


def clears_s(show: HlsShow) -> float:
    """How long after its end a fault may still be told, and what its end brings with it."""
    target_s = show.style.target_s
    return max(TOLD_FLOOR_S, CLEAR_FLOOR_S, CLEAR_T * target_s) + 6 * target_s


def matches(told: Told, wanted: Expectation) -> bool:
    """Whether this says what had to be said."""
    return (
        told.code in wanted.codes
        and told.layer in wanted.layers
        and (wanted.renditions is None or told.rendition is None or told.rendition in wanted.renditions)
        and (wanted.vantages is None or set(told.vantages) <= wanted.vantages)
    )


def missed(watched: Watched, fault: Fault, ends: float = 1e18) -> list[Miss]:
    """What of the fault's expectation was not met. `ends`: when the watch ended, seconds since the epoch; a CRIT that was due
    later is not asked for, a fault that was due later is a mistake in the composition.
    """
    assert isinstance(watched.show, HlsShow)
    wanted = fault.expected(watched.show)
    assert fault.start + wanted.within_s < ends, f"{words(fault)} would be due {wanted.within_s:.0f} s after its begin"
    right = [told for told in watched.told if matches(told, wanted) and told.first >= fault.start - 0.01]
    said = tuple(line(told, fault.start) for told in sorted(watched.told, key=lambda told: told.first)[:6])
    code = "/".join(sorted(wanted.codes))
    found: list[Miss] = []
    for severities, limit_s, name in (
        ((Severity.WARN, Severity.CRIT), wanted.within_s, ""),
        ((Severity.CRIT,), wanted.crit_within_s, "crit "),
    ):
        if limit_s is None or found or fault.start + limit_s > ends:
            continue
        first = min((told.first for told in right if told.severity in severities), default=None)
        if first is None or first - fault.start > limit_s + SLACK_S:
            late = f"{name}late: {first - fault.start:.1f} s" if first is not None else f"{name}missed"
            found.append(Miss(watched.channel.name, words(fault), code, late, round(limit_s, 1), said))
    return found


def false_of(watched: Watched, faults: Sequence[Fault]) -> list[False_]:
    """What was said of a channel that nothing of this explains."""
    name = watched.channel.name
    label = "; ".join(words(fault) for fault in faults) or "healthy"
    found = []
    start = min((fault.start for fault in faults), default=BEGIN)
    for told in watched.told:
        if told.severity not in (Severity.WARN, Severity.CRIT):
            continue
        whys = [_why(watched, told, fault) for fault in faults] or ["of a healthy channel"]
        if all(whys):
            found.append(False_(name, label, line(told, start), min(whys, key=len)))
    return found


def _why(watched: Watched, told: Told, fault: Fault) -> str:
    """Why the fault does not explain what was said; "" when it does."""
    assert isinstance(watched.show, HlsShow)
    wanted = fault.expected(watched.show)
    if told.first < fault.start - 0.01:
        return "before the fault"
    if told.last > fault.ends + clears_s(watched.show):
        return "too long"
    if told.code in wanted.may and (told.code not in wanted.codes or not matches(told, wanted)):
        if wanted.vantages is not None and told.layer == "edge" and not set(told.vantages) <= wanted.vantages:
            return "wrong place"
        return ""
    if told.code not in wanted.codes:
        return "no consequence of it"
    if told.layer not in wanted.layers:
        return "wrong layer"
    if not matches(told, wanted):
        return "wrong place"
    if wanted.is_at_most_warn and told.severity is Severity.CRIT:
        return "too grave"
    return ""
