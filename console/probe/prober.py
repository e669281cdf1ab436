"""Follows orders: which documents there are, asks each when it is due, and tells what came back.

The event loop's own timer heap is the schedule: one timer a document, so nothing walks over three hundred of them. A document
is never asked twice at once; one that hangs costs its own polls and its door's slots, nobody else's.

What an answer leads to has rooms of its own: the ladder (`ladder.py`), the origin as a witness (`consult.py`), segments, keys.
To run it without a process: `Prober(clock, outbox, pulse)` inside a running loop, `follow(orders)`, then `await outbox.news()`
and `outbox.take()` until done, and `close()`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec

from console.model.channel import Channel, Vantage
from console.model.instant import Clock
from console.model.observation import Asked, MediaFacts, Observation, Outcome, Variant
from console.model.orders import ProbeOrders
from console.probe import consult, schedule
from console.probe.asking import Asker
from console.probe.fetch import Answer
from console.probe.heartbeat import Pulse
from console.probe.hls.master import name_of
from console.probe.keys import Keys
from console.probe.ladder import climb
from console.probe.manifest import Track
from console.probe.outbox import Outbox
from console.probe.roster import Roster
from console.probe.segments import Segments
from console.probe.target import Target

TICK_S = 0.02  # polls begin together on this grid, always after they are due: a wake-up for each would cost a sixth more


class Prober:
    """All targets of the present orders."""

    def __init__(self, clock: Clock, outbox: Outbox, pulse: Pulse) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox
        self._pulse = pulse
        self._asker = Asker(clock)
        self._orders = ProbeOrders(channels=())
        self._roster = Roster()
        self._tasks: set[asyncio.Task[None]] = set()
        self._segments = Segments(clock, self._asker, outbox, pulse, self._spawn)
        self._keys = Keys(clock, self._asker, outbox, pulse, self._spawn)

    @property
    def channels(self) -> int:
        return len(self._orders.channels)

    @property
    def in_flight(self) -> int:
        return self._asker.in_flight

    def follow(self, orders: ProbeOrders) -> None:
        """From now on watch this. What is in both the old and the new orders keeps its schedule and its
        memory.
        """
        old, self._orders = self._orders, orders
        self._segments.follow(orders)
        kept = {(c.name, _frozen(v)): c for c in orders.channels for v in c.vantages}
        for target in self._roster:
            channel = kept.get((target.channel.name, _frozen(target.vantage)))
            if channel is None or orders.period_s != old.period_s:
                self._drop(target)
            else:
                target.channel = channel
        for channel in orders.channels:
            for vantage in channel.vantages:
                if (channel.name, vantage.name) not in self._roster:
                    self._add(channel, vantage, Asked.MASTER, None, vantage.url)

    async def close(self) -> None:
        """Stop asking, and close every connection."""
        for target in self._roster:
            self._drop(target)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._asker.close()

    def _add(
        self,
        channel: Channel,
        vantage: Vantage,
        asked: Asked,
        rendition: str | None,
        url: str,
        variant: Variant | None = None,
        is_late: bool = False,
    ) -> Target:
        """`is_late`: it joins what is watched already, so that no burst is to be feared, and is asked at once."""
        now = self._clock.now().mono
        spread = 0.0 if is_late else min(1.0, schedule.media_period_s(None, self._orders.period_s))
        pace = schedule.begun(f"{channel.name}/{vantage.name}/{rendition}", now, spread)
        target = Target(channel, vantage, asked, rendition, url, pace, variant)
        self._roster.add(target)
        self._arm(target)
        return target

    def _drop(self, target: Target) -> None:
        target.is_dropped = True
        if target.timer is not None:
            target.timer.cancel()
        if target.task is not None:
            target.task.cancel()
        if target.reloads is not None:
            target.reloads.stop()
        self._roster.remove(target)
        self._segments.forget((*target.place, target.rendition))
        for rendition in target.looked_into:
            self._segments.forget((*target.place, rendition))
        if target.place not in self._roster:
            self._keys.forget(target.place)

    def _arm(self, target: Target) -> None:
        if target.is_dropped:
            return
        if target.timer is not None:
            target.timer.cancel()
        at, reason = schedule.due(target.pace)
        now = self._clock.now().mono
        # a poll that had to wait for its own predecessor is not late by our fault
        self._arm_at(target, max(at, now), now, reason)

    def _arm_at(self, target: Target, at: float, now: float, reason: schedule.Reason) -> None:
        delay_s = at - now
        if delay_s > 0.0:
            delay_s += TICK_S - at % TICK_S
        target.timer = self._loop.call_later(max(0.0, delay_s), self._begin, target, at, reason)

    def _begin(self, target: Target, due: float, reason: schedule.Reason) -> None:
        if target.is_dropped or target.task is not None:
            return
        now = self._clock.now().mono
        if now < due:  # timers may fire a clock tick early, and a deadline poll must not
            self._arm_at(target, due, now, reason)
            return
        self._pulse.started(now - due)
        if target.pace.retry_at is not None:  # whoever else wanted to know: what is asked now confirms the last answer or not
            reason = schedule.Reason.RETRY
        target.last_start = now
        target.pace = schedule.started(target.pace, now, self._period_s(target))
        target.task = self._spawn(self._poll(target, is_retry=reason is schedule.Reason.RETRY))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _period_s(self, target: Target) -> float:
        override = self._orders.period_s
        manifest = target.manifest
        if manifest is not None and manifest.period_s is not None and override is None:
            return manifest.period_s
        if target.asked is Asked.MASTER:
            return schedule.master_period_s(self._target_s(target), override)
        if target.is_gentle:
            return schedule.gentle_period_s(target.pace.target_s, override)
        return schedule.media_period_s(target.pace.target_s, override)

    def _target_s(self, target: Target) -> float | None:
        """T of a playlist; of a master, that of its top rendition."""
        if target.asked is Asked.MEDIA or target.manifest is None or not target.manifest.is_ladder:
            return target.pace.target_s
        top = target.top()
        if top is None:
            return None
        if (track := target.manifest.tracks.get(top.rendition)) is not None:
            return track.facts.target_duration_s
        media = self._roster.get(*target.place, top.rendition)
        return media.pace.target_s if media is not None else None

    async def _poll(self, target: Target, is_retry: bool) -> None:
        try:
            timeout_s = schedule.timeout_s(self._target_s(target))
            answer = await self._asker.playlist(target.vantage, target.url, timeout_s, etag=target.etag)
            if target.is_dropped:
                return
            self._pulse.received(answer.bytes_in)
            seen = self._observed(target, answer, is_retry)
            before = target.pace
            self._outbox.put(seen)
            for one in target.observed_tracks(seen):
                self._outbox.put(one)
            target.pace = schedule.answered(before, seen)
            if seen.outcome is Outcome.OK and target.manifest is not None and target.manifest.ask_at is not None:
                target.pace = schedule.at_latest(target.pace, target.manifest.ask_at)
            self._follow_up(target, before, seen)
            self._ask_clock(target)
        finally:
            target.task = None
            if not self._loop.is_closed():
                self._arm(target)

    def _observed(self, target: Target, answer: Answer, is_retry: bool) -> Observation:
        """A vantage's URL may be a media playlist itself: then it is one rendition, named by the channel's list or its URL."""
        seen = target.observed(answer, is_retry)
        if not target.is_root or seen.outcome is not Outcome.OK:
            return seen
        is_one = seen.media is not None
        if is_one is (target.rendition is not None):
            return seen
        self._roster.remove(target)
        self._segments.forget((*target.place, target.rendition))
        if seen.media is not None:
            wanted = target.channel.renditions
            target.became(Asked.MEDIA, wanted[0] if len(wanted) == 1 else name_of(target.url))
            # a master is asked seldom; what turned out to be none has its own rhythm at once
            grid_at = target.last_start + schedule.media_period_s(seen.media.target_duration_s, self._orders.period_s)
            target.pace = msgspec.structs.replace(target.pace, grid_at=min(target.pace.grid_at, grid_at))
        else:
            target.became(Asked.MASTER, None)
        self._roster.add(target)
        return target.renamed(seen)

    def _follow_up(self, target: Target, before: schedule.Pace, seen: Observation) -> None:
        manifest = target.manifest
        if manifest is not None and seen.outcome is Outcome.OK:
            if manifest.is_ladder and not manifest.tracks and target.pace.retry_at is None:
                self._climb(target)
            if manifest.track is not None and seen.media is not None:
                self._look_into(target, target.rendition, target.variant, manifest.track, self._is_top(target))
                if seen.media.can_block:
                    self._follow_parts(target)
            top = target.top() if manifest.tracks else None
            variants = {rung.rendition: rung for rung in manifest.variants} if manifest.tracks else {}
            for rendition in target.looked_into.difference(manifest.tracks):
                self._segments.forget((*target.place, rendition))
            target.looked_into = frozenset(manifest.tracks)
            for rendition, track in manifest.tracks.items():
                is_top = top is not None and rendition == top.rendition
                self._look_into(target, rendition, variants.get(rendition), track, is_top)
            if manifest.session_keys:
                self._keys.shown(target.place, target.vantage, None, manifest.session_keys, self._target_s(target))
        has_headers = any(remark.code == schedule.CACHE_HDR for remark in seen.remarks) if seen.remarks else False
        if has_headers and not target.has_headers and (origin := consult.origin_of(target, self._roster)) is not None:
            origin.etag = None  # a 304 would not tell what the origin's own headers are now
        target.has_headers = has_headers
        met = target.pace.deadlines_met > before.deadlines_met
        if met or (target.pace.was_suspect and not before.was_suspect):
            self._consult_origin(target)

    def _look_into(
        self, target: Target, rendition: str | None, variant: Variant | None, track: Track, is_top: bool
    ) -> None:
        """Segments and keys of one rendition that has just been told of."""
        facts: MediaFacts = track.facts
        if self._segments.is_wanted(is_top, variant.kind if variant is not None else "video"):
            self._segments.shown((*target.place, rendition), target.vantage, variant, facts, track.newest, track.oldest)
        self._keys.shown(target.place, target.vantage, rendition, track.keys(), facts.target_duration_s)

    def _follow_parts(self, target: Target) -> None:
        """The best rendition that offers blocking reloads is followed by them, beside its polls."""
        if not self._is_top(target):
            if target.reloads is not None:
                target.reloads.stop()
                target.reloads = None
            return
        if target.reloads is None:
            from console.probe.lowlatency import Reloads

            target.reloads = Reloads(
                self._clock, self._asker, self._outbox, self._pulse, self._spawn, target, lambda: self._roster.at(target.place)
            )
        target.reloads.polled()

    def _climb(self, master: Target) -> None:
        """Watch the rungs that the master names now; forget those it no longer does."""
        manifest = master.manifest
        if manifest is None or master.climbed is manifest.variants:
            return  # the same bytes as last time: a rung is dropped only with its master
        is_late = master.climbed is not None
        master.climbed = manifest.variants
        mine = [target for target in self._roster.at(master.place) if target.rendition is not None]
        step = climb(mine, manifest.variants)
        for target in step.left:
            self._drop(target)
        joined = [
            self._add(master.channel, master.vantage, Asked.MEDIA, rung.rendition, rung.uri, rung, is_late)
            for rung in step.joined
        ]
        for target, rung in step.kept:
            target.url, target.variant = rung.uri, rung
        for target in (*joined, *(target for target, _ in step.kept)):
            target.variables = dict(manifest.variables)

    def _ask_clock(self, target: Target) -> None:
        """The time source that a document names, when it is due."""
        watch = target.clock()
        source = watch.due(self._clock.now().mono) if watch is not None else None
        if watch is not None and source is not None:
            self._spawn(self._asker.time(target.vantage, watch, source))

    def _is_top(self, target: Target) -> bool:
        master = self._roster.get(*target.place, None)
        if master is None or master.manifest is None or not master.manifest.is_ladder:
            return True
        top = master.top()
        return top is not None and top.rendition == target.rendition

    def _consult_origin(self, target: Target) -> None:
        origin = consult.origin_of(target, self._roster)
        if origin is None:
            return
        now = self._clock.now().mono
        at = consult.due(origin, now)
        if at is None:
            self._loop.call_later(consult.EVERY_S, self._consult_origin, target)
            return
        if origin.timer is not None:
            origin.timer.cancel()
        self._arm_at(origin, at, now, schedule.Reason.REGULAR)


def _frozen(vantage: Vantage) -> tuple[object, ...]:
    return (
        vantage.name,
        vantage.layer,
        vantage.url,
        vantage.connect_to,
        tuple(sorted(vantage.headers.items())),
        vantage.token_command,
    )
