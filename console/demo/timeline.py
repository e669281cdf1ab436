"""Which segment bears which number: the media sequence of a channel over the wall clock, with the holes in it.

The wall clock is cut into *slots* of one target duration. In calm slot n is the segment with MEDIA-SEQUENCE n. What was
not published while a channel was gone is lost: the sequence goes on without a hole, so that from then on numbers lag
behind slots, and the first segment after it stands behind an EXT-X-DISCONTINUITY, over which PROGRAM-DATE-TIME jumps.

What is kept is bounded: of what is long over only a sum and the last few holes, since nobody asks for more than a
window and a grace.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil, floor

import msgspec

from console.demo.world.names import TARGET_DURATION_S
from console.demo.world.scenario import Fault
from console.demo.world.world import World

T = TARGET_DURATION_S
HOLES_KEPT = 16


class Hole(msgspec.Struct, frozen=True):
    """The slots [first, until) that were never published, since nothing was between `gone` and `back` (Unix seconds)."""

    gone: float
    back: float
    first: int
    until: int


class Timeline:
    """One channel's. `offset_s` is where its segments begin within the wall clock's multiples of T, `lag_s` how long
    after its end a segment is published."""

    def __init__(self, world: World, channel: str, offset_s: float, lag_s: float) -> None:
        self._world, self._channel = world, channel
        self._offset_s, self._lag_s = offset_s, lag_s
        self._forget(world.start)

    def _forget(self, start: datetime) -> None:
        self._start = start
        self._seen = start - timedelta(microseconds=1)
        self._open: list[Fault] = []
        self._holes: list[Hole] = []
        self._lost = self._breaks = 0
        """Slots and discontinuities of the holes that are kept no longer."""

    def _slot(self, timestamp: float) -> int:
        """The newest slot that is complete and published by then, were there no holes."""
        return floor((timestamp - self._offset_s - self._lag_s) / T) - 1

    def _hole(self, fault: Fault, gone: datetime, back: datetime) -> Hole:
        first = self._slot(gone.timestamp()) + 1
        if fault.layer == "ingest":
            # Nothing came in: the first whole slot after the return is the first that can be made.
            until = ceil((back.timestamp() - self._offset_s) / T)
        else:
            # Everything before the packager went on: the last segment is still there when it is back.
            until = self._slot(back.timestamp())
        return Hole(gone.timestamp(), back.timestamp(), first, max(first, until))

    def holes(self, t: datetime) -> list[Hole]:
        """The last of those that began by `t`, oldest first."""
        world = self._world
        if world.start != self._start:
            self._forget(world.start)
        if t > self._seen:
            self._open += [f for f in world.begun(self._seen, t) if f.interrupts and self._channel in f.entities]
            self._seen = t
        if not self._open:
            return self._holes
        # Asked anew, since a fault may end before its time.
        self._open = [world.occurrence(f.kind, f.number) for f in self._open]
        found = [
            self._hole(fault, gone, back)
            for fault in self._open
            for gone, back in world.spells(fault, self._channel)
            if gone <= t
        ]
        if all(fault.end <= t for fault in self._open):
            self._open = []
            self._holes += [hole for hole in found if hole.until > hole.first]
            for hole in self._holes[:-HOLES_KEPT]:
                self._lost += hole.until - hole.first
                self._breaks += 1
            self._holes = self._holes[-HOLES_KEPT:]
            return self._holes
        return [*self._holes, *found]

    def newest(self, t: datetime) -> int:
        """The slot of the newest segment that is published at `t`."""
        now = t.timestamp()
        slot = self._slot(now)
        for hole in reversed(self.holes(t)):
            if hole.gone <= now < hole.back or hole.first <= slot < hole.until:
                slot = min(slot, hole.first - 1)
        return slot

    def slots(self, newest: int, count: int, t: datetime) -> list[int]:
        """The last `count` published slots up to `newest`, oldest first."""
        holes, found = self.holes(t), [newest]
        while len(found) < count:
            slot = found[-1] - 1
            for hole in reversed(holes):
                if hole.first <= slot < hole.until:
                    slot = hole.first - 1
            found.append(slot)
        return found[::-1]

    def sequence(self, slot: int, t: datetime) -> int:
        """The MEDIA-SEQUENCE of a published slot."""
        return slot - self._lost - sum(hole.until - hole.first for hole in self.holes(t) if hole.until <= slot)

    def slot_of(self, sequence: int, t: datetime) -> int:
        """The slot that bears the number."""
        slot = sequence + self._lost
        for hole in self.holes(t):
            if slot >= hole.first:
                slot += hole.until - hole.first
        return slot

    def breaks(self, slot: int, t: datetime) -> int:
        """How many discontinuities lie before the slot, its own not counted: EXT-X-DISCONTINUITY-SEQUENCE of a playlist
        that begins with it."""
        return self._breaks + sum(hole.first < hole.until < slot for hole in self.holes(t))

    def is_break(self, slot: int, t: datetime) -> bool:
        """Whether an EXT-X-DISCONTINUITY stands before it."""
        return any(hole.first < hole.until == slot for hole in self.holes(t))

    def begins(self, slot: int) -> datetime:
        return datetime.fromtimestamp(slot * T + self._offset_s, UTC)

    def published(self, slot: int) -> float:
        """Unix time at which the segment appeared."""
        return (slot + 1) * T + self._offset_s + self._lag_s
