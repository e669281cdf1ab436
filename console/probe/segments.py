"""Which segment is looked at next, and what came of it.

A playlist is in a hurry and a segment is not: looks wait in lines of their own, one per rendition, one look at a time, so that
a segment which hangs delays the looks behind it in its own line and nothing else. How many looks wait is bounded; under the
policy `newest` there is never more than one, because only the newest tells what viewers will get.

A look that failed or showed wrong bytes is made once more a moment later. A segment that is *missing* (404, 410) is asked for
again when it has been listed for T/2 and for T: `waited_s` lets the judge tell a late one from one that never comes.

Old ones are asked for by HEAD: with a new segment the oldest that is listed, and of those that left the window, which must
stay for their duration plus the playlist's (RFC 8216 6.2.2), a few near the end of that time. A playlist's oldest is asked for
with every new segment under the policy `all`, while few are watched, or after it was missing; of a fleet in turns, so many a
second of all.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from console.model.channel import Vantage
from console.model.instant import Clock
from console.model.observation import Asked, MediaFacts, Observation, Outcome, SegmentFacts, Variant
from console.model.orders import ProbeOrders
from console.model.remark import Remark
from console.model.severity import Layer
from console.probe import content, schedule
from console.probe.address import shown
from console.probe.asking import Asker
from console.probe.budget import Budget
from console.probe.departed import Departed
from console.probe.fetch import Answer
from console.probe.heartbeat import Pulse
from console.probe.listed import Init, Listed
from console.probe.media.look import SEG_BAD
from console.probe.outbox import Outbox

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
LineKey = tuple[str, str, str | None]  # channel, vantage, rendition

WAITING_LIMIT = 8  # looks of one rendition
OLD_PER_S = 25.0  # oldest segments of playlists asked for, over all; an MPD's own promises are not counted
OLD_WINDOWS = 2.0  # and at the least once in so many windows of the playlist
RETRY_S = 1.0  # at most, until a failed look is made once more
MISSING_T = (0.5, 1.0)  # when a missing one is asked for again, in T since it was first listed
LEARN, LEAST_SHARE = 0.2, 0.01
GUESS_BYTES = 1_500_000.0  # of a segment whose rate nobody declares
LEAST_TIMEOUT_S, MOST_TIMEOUT_S = 5.0, 30.0
TIMEOUT_EXTINF = 3.0  # a segment that takes three times as long as it plays has failed; up to there it is slow
_HEAD_REFUSED = (400, 403, 405, 501)
_MISSING = (404, 410)


class Look(msgspec.Struct):
    """One segment that is to be looked at."""

    listed: Listed
    shown_at: float  # when the playlist first showed it
    tries: int = 0
    left_at: float | None = None  # when it left the playlist
    is_old: bool = False  # the oldest that the document still promises
    is_doubtful: bool = False  # its bytes are wrong, the last one's were not: a copy half written looks so too


class Line:
    """The looks of one rendition at one vantage."""

    def __init__(self, key: LineKey, vantage: Vantage) -> None:
        self.key = key
        self.vantage = vantage
        self.variant: Variant | None = None
        self.target_s: float | None = None
        self.newest: int | None = None
        self.waiting: deque[Look] = deque()
        self.task: asyncio.Task[None] | None = None
        self.timers: set[asyncio.TimerHandle] = set()
        self.bytes_per_s = 0.0  # of the last whole segment, per second of its EXTINF
        self.init: tuple[Init, bytes] | None = None
        self.departed = Departed()
        self.old_due_at = 0.0  # when the oldest that is listed is asked for next
        self.was_bad = False  # what the newest look showed
        self.is_dropped = False


class Segments:
    """All lines of the present orders."""

    def __init__(self, clock: Clock, asker: Asker, outbox: Outbox, pulse: Pulse, spawn: Spawn) -> None:
        self._clock = clock
        self._asker = asker
        self._outbox = outbox
        self._pulse = pulse
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._policy = "newest"
        self._budget = Budget(0.0, clock.now().mono)
        self._lines: dict[LineKey, Line] = {}
        self._ranged: set[str] = set()  # vantages that refuse HEAD
        self._true_share = 1.0  # of what masters declare, by the segments that came: a peak rate is more than the usual one

    def follow(self, orders: ProbeOrders) -> None:
        """The policy and the budget from now on."""
        self._policy = orders.segment_policy if orders.segments else "none"
        self._budget.set_rate(orders.segment_budget_Bps, self._clock.now().mono)
        if self._policy == "none":
            for key in list(self._lines):
                self.forget(key)

    def is_wanted(self, is_top: bool, kind: str) -> bool:
        """Whether segments of such a rendition are looked at."""
        if self._policy == "all":
            return kind != "iframe"
        return is_top and self._policy in ("newest", "head")

    def shown(
        self,
        key: LineKey,
        vantage: Vantage,
        variant: Variant | None,
        media: MediaFacts,
        newest: Callable[[int], tuple[Listed, ...]],
        oldest: Callable[[], Listed | None],
    ) -> None:
        """A playlist has answered. `newest` gives its last so many entries, `oldest` the one that has been promised longest;
        both are called only when there are new ones.
        """
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key, vantage)
        line.variant, line.target_s = variant, media.target_duration_s
        now = self._clock.now().mono
        if not media.segment_count:
            return
        last = line.newest
        is_known = last is not None and last - media.segment_count < media.newest_sequence <= last
        if not is_known:
            line.newest = media.newest_sequence
            is_ahead = last is not None and last < media.newest_sequence
            fresh = media.newest_sequence - last if last is not None and is_ahead else 1
            self._enqueue(line, newest(min(fresh, WAITING_LIMIT) if self._policy == "all" else 1), now)
            if now >= line.old_due_at:
                self._look_back(line, oldest(), media.window_s, now)
        leaving = line.departed.leaving(media, now)
        if leaving is not None:
            listed, at = leaving
            self._later(line, Look(listed, shown_at=now, left_at=now), at - now)

    def _look_back(self, line: Line, old: Listed | None, window_s: float, now: float) -> None:
        if old is None or not old.url or old.is_gap or any(look.is_old for look in line.waiting):
            return
        if old.promise is None:
            turn_s = min(len(self._lines) / OLD_PER_S, OLD_WINDOWS * window_s) if self._policy != "all" else 0.0
            line.old_due_at = now + turn_s * (0.75 + schedule.phase(str(line.key)) / 2)  # so that a fleet does not ask at once
        line.waiting.append(Look(old, shown_at=now, is_old=True))
        self._advance(line)

    def forget(self, key: LineKey) -> None:
        """The rendition is watched no longer."""
        line = self._lines.pop(key, None)
        if line is None:
            return
        line.is_dropped = True
        line.waiting.clear()
        for timer in line.timers:
            timer.cancel()
        if line.task is not None:
            line.task.cancel()
        self._budget.forget(key)

    def _enqueue(self, line: Line, fresh: tuple[Listed, ...], now: float) -> None:
        if self._policy != "all":  # an older one that nobody has asked for yet tells nothing any more
            line.waiting = deque(look for look in line.waiting if look.tries or look.left_at is not None)
        for listed in fresh:
            if listed.url and not listed.is_gap:
                line.waiting.append(Look(listed, shown_at=now))
        _bound(line)
        self._advance(line)

    def _advance(self, line: Line) -> None:
        if line.task is None and line.waiting and not line.is_dropped:
            line.task = self._spawn(self._run(line, line.waiting.popleft()))

    def _later(self, line: Line, look: Look, delay_s: float) -> None:
        def due() -> None:
            line.timers.discard(timer)
            if line.is_dropped:
                return
            line.waiting.appendleft(look)
            _bound(line)
            self._advance(line)

        timer = self._loop.call_later(max(0.0, delay_s), due)
        line.timers.add(timer)

    async def _run(self, line: Line, look: Look) -> None:
        try:
            await self._look(line, look)
            if look.is_doubtful and not line.is_dropped:  # two answers in a row are proof, so nothing of this line between
                await self._clock.sleep(min(RETRY_S, (line.target_s or schedule.UNKNOWN_TARGET_S) / 4))
                await self._look(line, look)
        finally:
            line.task = None
            if not self._loop.is_closed():
                self._advance(line)

    async def _look(self, line: Line, look: Look) -> None:
        asked_at = self._clock.now().mono
        listed = look.listed
        variant = line.variant
        facts = SegmentFacts(
            sequence=listed.sequence,
            extinf_s=listed.extinf_s,
            declared_bps=variant.bandwidth_bps if variant is not None else 0,
            average_bps=variant.average_bps if variant is not None else 0,
            waited_s=asked_at - look.shown_at if look.left_at is None and not look.is_old else 0.0,
            left_s=_left_s(look, asked_at),
        )
        if look.left_at is not None and not line.departed.is_promised(asked_at):
            line.departed.given_up()
            return
        remarks: tuple[Remark, ...] = ()
        estimate = self._estimate(line, listed)
        is_whole = look.left_at is None and not look.is_old and self._policy in ("newest", "all")
        if is_whole and self._budget.take(line.key, estimate, asked_at):
            answer, facts, remarks = await self._whole(line, listed, facts, estimate)
            was_bad, line.was_bad = line.was_bad, any(remark.code == SEG_BAD for remark in remarks)
            look.is_doubtful = look.is_doubtful or (line.was_bad and not was_bad)
        else:
            answer = await self._head(line, listed.url)
            if answer.outcome is Outcome.OK:
                facts = content.with_head(facts, answer, listed)
        if line.is_dropped:
            return
        self._pulse.received(answer.bytes_in)
        remarks += _promised(line, listed, answer, facts)
        self._outbox.put(_observation(line, look, answer, facts, remarks))
        self._after(line, look, answer)

    def _after(self, line: Line, look: Look, answer: Answer) -> None:
        """What the answer asks for next."""
        is_good = answer.outcome is Outcome.OK
        now = self._clock.now().mono
        target_s = line.target_s or schedule.UNKNOWN_TARGET_S
        first = look.tries == 0
        look.tries += 1
        if look.is_old:
            if not is_good:
                line.old_due_at = 0.0
            if not is_good and first:
                self._later(line, look, min(RETRY_S, target_s / 4))
        elif look.left_at is not None:
            if not is_good and first:
                self._later(line, look, min(RETRY_S, target_s / 4))
            else:
                line.departed.answered(is_good, now)
        elif is_good:
            if look.listed.promise is None and not look.is_doubtful:  # what an MPD promises ends with its window
                line.departed.seen(look.listed)
        elif first:
            self._later(line, look, min(RETRY_S, target_s / 4))
        elif answer.status in _MISSING:
            for times in MISSING_T[look.tries - 2 :]:
                if (at := look.shown_at + times * target_s) > now:
                    self._later(line, look, at - now)
                    break

    async def _whole(
        self, line: Line, listed: Listed, facts: SegmentFacts, estimate: float
    ) -> tuple[Answer, SegmentFacts, tuple[Remark, ...]]:
        """Every byte of it, within the budget that was taken for it."""
        spent = 0
        try:
            init: bytes | None = None
            if listed.init is not None:
                got = await self._init(line, listed.init)
                if not isinstance(got, bytes):
                    return got, facts, ()
                init = got
            gathered = content.Gathered()
            byte_range = listed.byte_range
            timeout_s = min(MOST_TIMEOUT_S, max(LEAST_TIMEOUT_S, TIMEOUT_EXTINF * listed.extinf_s))
            answer = await self._asker.body(
                line.vantage,
                listed.url,
                timeout_s,
                min(content.BODY_LIMIT, byte_range.length) if byte_range is not None else content.BODY_LIMIT,
                sink=gathered,
                byte_range=byte_range.header if byte_range is not None else "",
            )
            spent = gathered.size
        finally:
            self._budget.settle(estimate, spent, self._clock.now().mono)
        if answer.outcome is not Outcome.OK or line.is_dropped:
            return answer, facts, ()
        if byte_range is not None and answer.status != 206:  # ranges are not honoured: what came is another part
            return answer, facts, ()
        before_s = answer.asked_s or 0.0
        facts = msgspec.structs.replace(
            facts,
            size=gathered.size if not answer.is_cut else answer.size,
            digest=gathered.digest if not answer.is_cut else "",
            is_whole=not answer.is_cut,
            transfer_s=answer.elapsed_s - before_s if not answer.is_cut else None,
            first_byte_s=answer.first_byte_s - before_s if answer.first_byte_s is not None else None,
        )
        self._learn_rate(line, gathered.size, listed.extinf_s)
        facts, remarks = content.read(listed, gathered, answer, init, facts)
        return answer, facts, remarks

    async def _init(self, line: Line, init: Init) -> bytes | Answer:
        """The initialisation section, kept until another is named; the answer that failed when it cannot be had."""
        if line.init is not None and line.init[0] == init:
            return line.init[1]
        part = init.byte_range
        answer = await self._asker.body(
            line.vantage,
            init.url,
            schedule.timeout_s(line.target_s),
            content.INIT_LIMIT,
            byte_range=part.header if part is not None else "",
        )
        if answer.outcome is not Outcome.OK:
            return msgspec.structs.replace(answer, detail=f"its initialisation section: {answer.detail}"[:200])
        body = answer.body
        if part is not None and answer.status == 200:  # ranges are not honoured: all of it came
            body = body[part.first : part.first + part.length]
        line.init = (init, body)
        return body

    async def _head(self, line: Line, url: str) -> Answer:
        """Whether it is there."""
        vantage, timeout_s = line.vantage, schedule.timeout_s(line.target_s)
        is_ranged = vantage.name in self._ranged
        answer = await self._asker.head(vantage, url, timeout_s, method="GET" if is_ranged else "HEAD")
        if not is_ranged and answer.status in _HEAD_REFUSED:
            answer = await self._asker.head(vantage, url, timeout_s, method="GET")
            if answer.outcome is Outcome.OK:
                self._ranged.add(vantage.name)
        return answer

    def _estimate(self, line: Line, listed: Listed) -> float:
        """Bytes: what it is listed as, else what the last one was, else what the master declares."""
        if listed.byte_range is not None:
            return float(listed.byte_range.length)
        rate = line.bytes_per_s or self._true_share * (line.variant.bandwidth_bps / 8 if line.variant is not None else 0.0)
        return rate * max(1.0, listed.extinf_s) if rate else GUESS_BYTES

    def _learn_rate(self, line: Line, size: int, extinf_s: float) -> None:
        """A better guess for this line's next segment, and a little better one for those of which none has come."""
        if extinf_s <= 0:
            return
        line.bytes_per_s = size / extinf_s
        if line.variant is not None and line.variant.bandwidth_bps:
            share = line.bytes_per_s / (line.variant.bandwidth_bps / 8)
            self._true_share += LEARN * (min(2.0, max(LEAST_SHARE, share)) - self._true_share)


def _left_s(look: Look, now: float) -> float | None:
    """How long ago it left; 0 for an old one that a playlist still lists, None for what is new."""
    if look.left_at is not None:
        return now - look.left_at
    return 0.0 if look.is_old and look.listed.promise is None else None


def _bound(line: Line) -> None:
    """The oldest go; the newest tell what viewers will get."""
    while len(line.waiting) > WAITING_LIMIT:
        if line.waiting.popleft().left_at is not None:
            line.departed.given_up()


def _promised(line: Line, listed: Listed, answer: Answer, facts: SegmentFacts) -> tuple[Remark, ...]:
    """What the answer makes of what its document said of the segment."""
    if listed.promise is None:
        return ()
    if answer.status in _MISSING:
        return listed.promise.missing(answer.at.utc, line.vantage.layer is Layer.EDGE)
    return listed.promise.carries(facts.first_time_s) if facts.first_time_s is not None else ()


def _observation(line: Line, look: Look, answer: Answer, facts: SegmentFacts, remarks: tuple[Remark, ...]) -> Observation:
    channel, vantage, rendition = line.key
    return Observation(
        channel=channel,
        vantage=vantage,
        asked=Asked.WINDOW if look.is_old and look.listed.promise is not None else Asked.SEGMENT,
        rendition=rendition,
        at=answer.at,
        elapsed_s=answer.elapsed_s,
        outcome=answer.outcome,
        status=answer.status,
        detail=answer.detail,
        url=shown(look.listed.url),
        age_header_s=answer.age_header_s,
        is_retry=look.tries > 0,
        remarks=remarks,
        segment=facts,
        served_by=answer.served_by,
    )
