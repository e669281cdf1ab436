"""Whether the prober can be believed, and since when it could not.

A starved or stopped prober sees nothing, and what is not seen must never be told as a stream that stands
still. Blind are: a heartbeat missing for 3 s, one that tells of polls later than a quarter of T, or of a
stalled loop. A spell ends with the first good heartbeat, and the time it lasted counts for no age.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from console.judge.memory import PlaylistMemory, ProbeMemory
from console.model.instant import Instant
from console.model.observation import Heartbeat

SILENT_S = 3.0
LAG_TARGETS = 0.25
PROMPT_S = 0.05  # late for no target duration there is: nearly all heartbeats, and none of them needs T
STALL_FLOOR_S = 0.5  # a loop that oversleeps by less has not stalled, however short T is


def lateness(heartbeat: Heartbeat, target_s: float) -> str:
    """Why a heartbeat taints what it covers; "" when it does not."""
    if heartbeat.poll_lag_s > LAG_TARGETS * target_s:
        return f"polls {heartbeat.poll_lag_s:.1f} s late"
    if heartbeat.loop_lag_s > max(STALL_FLOOR_S, LAG_TARGETS * target_s):
        return f"its loop stalled for {heartbeat.loop_lag_s:.1f} s"
    return ""


def heard(probe: ProbeMemory, heartbeat: Heartbeat | None, now: Instant, target_s: Callable[[], float]) -> ProbeMemory:
    """The memory after a heartbeat (or none) at `now`. `target_s`: the channel's strictest T, asked of a new one only."""
    if heartbeat is not None and (probe.heartbeat is None or heartbeat.at.mono > probe.heartbeat.at.mono):
        is_prompt = heartbeat.poll_lag_s <= PROMPT_S and heartbeat.loop_lag_s <= PROMPT_S
        probe = _beat(probe, heartbeat, float("inf") if is_prompt else target_s())
    last = last_heard(probe)
    if now.mono - last > SILENT_S and probe.blind_since is None:
        probe = msgspec.structs.replace(probe, blind_since=last, blind_why="")
    return probe


def _beat(probe: ProbeMemory, heartbeat: Heartbeat, target_s: float) -> ProbeMemory:
    before = last_heard(probe)
    why = lateness(heartbeat, target_s)
    since = probe.blind_since
    if since is None and (why or (probe.heartbeat is not None and heartbeat.at.mono - before > SILENT_S)):
        since = min(before, heartbeat.at.mono)
    if why:
        return msgspec.structs.replace(probe, heartbeat=heartbeat, blind_since=since, blind_why=why)
    until = probe.blind_until if since is None else heartbeat.at.mono
    return msgspec.structs.replace(
        probe,
        heartbeat=heartbeat,
        good_at=heartbeat.at.mono,
        blind_since=None,
        blind_why="",
        blind_until=until,
    )


def excused(memory: PlaylistMemory, since: float, until: float) -> PlaylistMemory:
    """A playlist after a blind spell: what lay in the spell counts neither as age nor as time watched."""
    counts_from = memory.counts_from()
    shifted = counts_from + max(0.0, until - max(since, counts_from)) if counts_from is not None else 0.0
    watched_from = memory.watched_from + max(0.0, until - max(since, memory.watched_from))
    return msgspec.structs.replace(memory, excused_until=shifted, watched_from=watched_from)


def last_heard(probe: ProbeMemory) -> float:
    """Monotonic time of the last heartbeat, or of when we began to listen."""
    return probe.heartbeat.at.mono if probe.heartbeat is not None else probe.since.mono


def reason(probe: ProbeMemory, now: Instant) -> str:
    """What to say while blind; "" while not."""
    if probe.blind_since is None:
        return ""
    silent_s = now.mono - last_heard(probe)
    if silent_s > SILENT_S:
        never = "no heartbeat yet after" if probe.heartbeat is None else "no heartbeat for"
        return f"probe: {never} {silent_s:.0f} s"
    return f"probe: {probe.blind_why or 'was silent'}"


def is_tainted(probe: ProbeMemory, at: float) -> bool:
    """Whether a failure seen at that time may be our own: in a blind spell, or after a heartbeat that
    should have come.
    """
    if probe.blind_since is not None and at >= probe.blind_since:
        return True
    return probe.heartbeat is not None and at - probe.heartbeat.at.mono > SILENT_S - 1.0
