"""Our own wall clock, when it is set: it then tells of every stream at once that it is late, or ahead.

PROGRAM-DATE-TIME can only be held against a wall clock, and ours is one that NTP, an operator or a resumed machine may set. The
monotonic clock tells that it was, and by how much; servers' Date headers tell whether it was set right or wrong. Until one did,
and for good if it was set wrong, dates are reckoned by the clock as it was before. Ages are none of this room's business: they
are monotonic.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.judge.codes import Code
from console.judge.hysteresis import Samples
from console.judge.memory import ChannelMemory
from console.model.observation import Observation
from console.model.remark import Remark

SET_S = 0.5  # a smaller step is a clock that is kept right
KEPT_S = 0.05  # and a smaller one is not worth remembering
FUTURE_S = 3.0  # clocks differ by as much without anybody being wrong


def with_wall(memory: ChannelMemory, seen: Observation) -> ChannelMemory:
    """The memory with what this answer's two times, and its server's Date, tell of our clock."""
    offset_s = seen.at.utc.timestamp() - seen.at.mono
    if memory.wall_s is None:
        return msgspec.structs.replace(memory, wall_s=offset_s)
    step_s = offset_s - memory.wall_s
    if -KEPT_S < step_s < KEPT_S and not memory.wall_step_s:
        return memory
    if abs(step_s) < SET_S:
        return msgspec.structs.replace(memory, wall_s=offset_s, wall_step_s=0.0)
    skew_s = seen.skew_s
    if skew_s is not None and abs(skew_s) < abs(skew_s - step_s):
        return _believed(memory, offset_s)  # it was wrong before
    return memory if step_s == memory.wall_step_s else msgspec.structs.replace(memory, wall_step_s=step_s)


def _believed(memory: ChannelMemory, offset_s: float) -> ChannelMemory:
    """From now on dates are reckoned by this clock, and what was reckoned by the other is forgotten."""
    playlists = {place: msgspec.structs.replace(one, late=Samples()) for place, one in memory.playlists.items()}
    return msgspec.structs.replace(memory, playlists=playlists, least_latency_s=None, wall_s=offset_s, wall_step_s=0.0)


def rightly(remarks: Sequence[Remark], step_s: float) -> Sequence[Remark]:
    """What the prober's clock, which was set by `step_s`, made of dates, as the clock before would have made it."""
    if not step_s or all(remark.code != Code.FUTURE.value for remark in remarks):
        return remarks
    told = []
    for remark in remarks:
        if remark.code == Code.FUTURE.value:
            if remark.value + step_s <= FUTURE_S:
                continue
            remark = msgspec.structs.replace(remark, value=round(remark.value + step_s, 3))
        told.append(remark)
    return told
