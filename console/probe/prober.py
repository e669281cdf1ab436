"""Follows orders: which playlists there are, asks each when it is due, and tells what came back.

The event loop's own timer heap is the schedule: one timer a playlist, so nothing walks over three hundred of
them. A playlist is never asked twice at once; one that hangs costs its own polls and its door's slots, nobody
else's.
"""

from __future__ import annotations

import asyncio

from console.model.channel import Channel, Vantage
from console.model.instant import Clock
from console.model.observation import Asked, MediaFacts, Observation, Outcome
from console.model.orders import ProbeOrders
from console.model.severity import Layer
from console.probe import schedule
from console.probe.address import printable, shown
from console.probe.fetch import Answer, Fetcher, Question
from console.probe.heartbeat import Pulse
from console.probe.outbox import Outbox
from console.probe.playlist import MasterFacts, name_of
from console.probe.target import Target
from console.probe.token import Token, TokenError, signed

CONSULT_EVERY_S = 0.5  # the origin is asked out of turn at most this often per playlist
_HEAD_REFUSED = (400, 403, 405, 501)


class Prober:
    """All targets of the present orders."""

    def __init__(self, clock: Clock, outbox: Outbox, pulse: Pulse) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._outbox = outbox
        self._pulse = pulse
        self._fetcher = Fetcher(clock.now)
        self._orders = ProbeOrders(channels=())
        self._targets: dict[tuple[str, str, str | None], Target] = {}
        self._tokens: dict[tuple[str, ...], Token] = {}
        self._segments: dict[tuple[str, str], int] = {}  # newest sequence whose segment has been asked for
        self._ranged: set[str] = set()  # vantages that refuse HEAD
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def channels(self) -> int:
        return len(self._orders.channels)

    @property
    def in_flight(self) -> int:
        return self._fetcher.in_flight

    def follow(self, orders: ProbeOrders) -> None:
        """From now on watch this. What is in both the old and the new orders keeps its schedule and its
        memory.
        """
        old, self._orders = self._orders, orders
        kept = {(c.name, v): c for c in orders.channels for v in _hashable(c)}
        for target in list(self._targets.values()):
            channel = kept.get((target.channel.name, _frozen(target.vantage)))
            if channel is None or orders.period_s != old.period_s:
                self._drop(target)
            else:
                target.channel = channel
        for channel in orders.channels:
            for vantage in channel.vantages:
                if not any(key[:2] == (channel.name, vantage.name) for key in self._targets):
                    self._add(channel, vantage, Asked.MASTER, None, vantage.url)

    async def close(self) -> None:
        """Stop asking, and close every connection."""
        for target in list(self._targets.values()):
            self._drop(target)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._fetcher.close()

    def _add(self, channel: Channel, vantage: Vantage, asked: Asked, rendition: str | None, url: str) -> None:
        now = self._clock.now().mono
        spread = schedule.media_period_s(None, self._orders.period_s)
        pace = schedule.begun(f"{channel.name}/{vantage.name}/{rendition}", now, min(1.0, spread))
        target = Target(channel, vantage, asked, rendition, url, pace)
        self._targets[target.key] = target
        self._arm(target)

    def _drop(self, target: Target) -> None:
        target.is_dropped = True
        if target.timer is not None:
            target.timer.cancel()
        if target.task is not None:
            target.task.cancel()
        self._targets.pop(target.key, None)

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
        target.timer = self._loop.call_later(max(0.0, at - now), self._begin, target, at, reason)

    def _begin(self, target: Target, due: float, reason: schedule.Reason) -> None:
        if target.is_dropped or target.task is not None:
            return
        now = self._clock.now().mono
        if now < due:  # timers may fire a clock tick early, and a deadline poll must not
            self._arm_at(target, due, now, reason)
            return
        self._pulse.started(now - due)
        target.last_start = now
        target.pace = schedule.started(target.pace, now, self._period_s(target))
        target.task = self._spawn(self._poll(target, is_retry=reason is schedule.Reason.RETRY))

    def _spawn(self, work: object) -> asyncio.Task[None]:
        task: asyncio.Task[None] = self._loop.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _period_s(self, target: Target) -> float:
        override = self._orders.period_s
        if target.asked is Asked.MASTER:
            return schedule.master_period_s(self._target_s(target), override)
        return schedule.media_period_s(target.pace.target_s, override)

    def _target_s(self, target: Target) -> float | None:
        """T of a playlist; of a master, that of its top rendition."""
        if target.asked is Asked.MEDIA or not isinstance(target.facts, MasterFacts):
            return target.pace.target_s
        top = target.facts.top
        media = self._targets.get((target.channel.name, target.vantage.name, top.rendition if top else None))
        return media.pace.target_s if media is not None else None

    async def _poll(self, target: Target, is_retry: bool) -> None:
        try:
            answer = await self._ask(target, target.url, etag=target.etag)
            if target.is_dropped:
                return
            self._pulse.received(answer.bytes_in)
            before = target.pace
            if target.asked is Asked.MASTER and target.rendition is None:
                seen = self._master_or_media(target, answer, is_retry)
            else:
                seen = target.observed(answer, is_retry)
            self._outbox.put(seen)
            target.pace = schedule.answered(before, seen)
            self._follow_up(target, before, seen)
        finally:
            target.task = None
            if not self._loop.is_closed():
                self._arm(target)

    def _master_or_media(self, target: Target, answer: Answer, is_retry: bool) -> Observation:
        """A vantage's URL may be a media playlist itself: then it is one rendition, named by the ladder or
        its URL.
        """
        seen = target.observed(answer, is_retry)
        if seen.media is None or target.facts is None or isinstance(target.facts, MasterFacts):
            return seen
        self._targets.pop(target.key, None)
        wanted = target.channel.renditions
        target.rendition = wanted[0] if len(wanted) == 1 else name_of(target.url)
        target.asked = Asked.MEDIA
        self._targets[target.key] = target
        return target.observed(answer, is_retry)

    def _follow_up(self, target: Target, before: schedule.Pace, seen: Observation) -> None:
        if target.asked is Asked.MASTER and seen.outcome is Outcome.OK and target.pace.retry_at is None:
            self._climb(target)
        if seen.media is not None and self._orders.segments:
            self._look_at_segment(target)
        met = target.pace.deadlines_met > before.deadlines_met
        if met or (target.pace.was_suspect and not before.was_suspect):
            self._consult_origin(target)

    def _climb(self, master: Target) -> None:
        """Watch the rungs that the master names now; forget those it no longer does."""
        assert isinstance(master.facts, MasterFacts)
        if master.climbed is master.facts:  # the same bytes as last time: a rung is dropped only with its master
            return
        master.climbed = master.facts
        rungs = {rung.rendition: rung for rung in master.facts.variants}
        mine = [t for t in self._targets.values() if t.key[:2] == master.key[:2] and t.rendition is not None]
        for target in mine:
            rung = rungs.pop(target.rendition or "", None)
            if rung is None:
                self._drop(target)
            else:
                target.url = rung.uri
        for rung in rungs.values():
            self._add(master.channel, master.vantage, Asked.MEDIA, rung.rendition, rung.uri)

    def _consult_origin(self, target: Target) -> None:
        """An edge looks bad: ask the origin for the same playlist now, so that the judge need not guess
        whose fault it is.
        """
        origin = target.channel.origin
        if origin is None or origin.name == target.vantage.name or target.vantage.layer is not Layer.EDGE:
            return
        same = self._targets.get((target.channel.name, origin.name, target.rendition))
        if same is None or same.is_dropped:
            return
        now = self._clock.now().mono
        if same.task is not None:  # asked before the edge looked bad, so its answer cannot vouch
            self._loop.call_later(CONSULT_EVERY_S, self._consult_origin, target)
            return
        if same.timer is not None:
            same.timer.cancel()
        at = min(max(now, same.last_start + CONSULT_EVERY_S), max(now, schedule.due(same.pace)[0]))
        self._arm_at(same, at, now, schedule.Reason.REGULAR)

    def _look_at_segment(self, target: Target) -> None:
        facts = target.facts
        if not isinstance(facts, MediaFacts) or not facts.segment_count or not self._is_top(target):
            return
        key = (target.channel.name, target.vantage.name)
        last = self._segments.get(key)
        if last is not None and last - facts.segment_count < facts.newest_sequence <= last:
            return
        self._segments[key] = facts.newest_sequence
        self._spawn(self._segment(target, facts.newest_uri))

    def _is_top(self, target: Target) -> bool:
        master = self._targets.get((target.channel.name, target.vantage.name, None))
        if master is None or not isinstance(master.facts, MasterFacts):
            return True
        top = master.facts.top
        return top is not None and top.rendition == target.rendition

    async def _segment(self, target: Target, url: str) -> None:
        """Whether the newest segment is there. A failure is looked at once more, a moment later."""
        for is_retry in (False, True):
            if is_retry:
                await self._clock.sleep(min(1.0, (target.pace.target_s or 4.0) / 4))
            method = "GET" if target.vantage.name in self._ranged else "HEAD"
            answer = await self._ask(target, url, method=method, is_peek=True)
            if method == "HEAD" and answer.status in _HEAD_REFUSED:
                answer = await self._ask(target, url, method="GET", is_peek=True)
                if answer.outcome is Outcome.OK:
                    self._ranged.add(target.vantage.name)
            if target.is_dropped:
                return
            self._pulse.received(answer.bytes_in)
            self._outbox.put(
                Observation(
                    channel=target.channel.name,
                    vantage=target.vantage.name,
                    asked=Asked.SEGMENT,
                    rendition=target.rendition,
                    at=answer.at,
                    elapsed_s=answer.elapsed_s,
                    outcome=answer.outcome,
                    status=answer.status,
                    detail=answer.detail,
                    url=shown(url),
                    age_header_s=answer.age_header_s,
                    is_retry=is_retry,
                )
            )
            if answer.outcome is Outcome.OK:
                return

    async def _ask(
        self, target: Target, url: str, etag: str | None = None, method: str = "GET", is_peek: bool = False
    ) -> Answer:
        vantage = target.vantage
        token = self._token(vantage)
        if token is not None:
            start = self._clock.now()
            try:
                url = signed(url, await token.query())
            except TokenError as error:
                at = self._clock.now()
                return Answer(
                    Outcome.UNREACHABLE, at, at.mono - start.mono, url, detail=printable(str(error))
                )
        answer = await self._fetcher.ask(
            Question(
                url=url,
                trusted=vantage.url,
                connect_to=vantage.connect_to,
                headers=vantage.headers,
                timeout_s=schedule.timeout_s(self._target_s(target)),
                etag=etag,
                method=method,
                is_peek=is_peek,
            )
        )
        if token is not None and answer.status in (401, 403):
            token.refused()
        return answer

    def _token(self, vantage: Vantage) -> Token | None:
        command = vantage.token_command
        if not command:
            return None
        token = self._tokens.get(command)
        if token is None:
            token = self._tokens[command] = Token(command, lambda: self._clock.now().mono)
        return token


def _frozen(vantage: Vantage) -> tuple[object, ...]:
    return (
        vantage.name,
        vantage.layer,
        vantage.url,
        vantage.connect_to,
        tuple(sorted(vantage.headers.items())),
        vantage.token_command,
    )


def _hashable(channel: Channel) -> list[tuple[object, ...]]:
    return [_frozen(vantage) for vantage in channel.vantages]
