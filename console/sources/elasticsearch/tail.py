"""The tail: every document shown exactly once, or accounted for.

Shards become visible independently, so what is newer than the last line is not all that is new. Each poll
therefore asks again for an overlap before the watermark, under a point in time of its own, page by page until
nothing is left, and drops what it has taken before by `_index/_id` (a rollover changes the index, so the id
alone would not do). The watermark is the newest tracking time of a poll that was whole: it never decreases
and stands still while shards fail. Time bounds are the server's own (`now` is evaluated there), so a wrong
clock on our side neither loses nor invents lines.

While shards fail the tail reads on from the newest line it has, and remembers the debt: when all answer
again, it reads once from the watermark that stood still. What a ceiling keeps from being fetched is counted
and dropped with a mark.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Mapping
from typing import Any

import msgspec

from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock, Instant
from console.model.logline import LogAccounting, LogBatch, LogLine
from console.model.reading import SKEW_SHOWN_S
from console.sources.access import Access
from console.sources.elasticsearch import query as ask_for
from console.sources.elasticsearch.answers import Hit, LogIndex, Searched
from console.sources.elasticsearch.client import KEEP_ALIVE, KIND, ElasticIndex
from console.sources.elasticsearch.fields import ECS, Fields, line_of
from console.sources.elasticsearch.limits import LIMITS, Limits
from console.sources.elasticsearch.nanos import NS, moment, nanos, spelt
from console.sources.elasticsearch.refusals import undated, unreadable_page
from console.sources.elasticsearch.seen import Seen
from console.sources.elasticsearch.skipped import Skipped
from console.sources.elasticsearch.tally import WORTH, Tally
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 60.0  # at field capabilities and refresh interval: a rollover may change both
_HIT = msgspec.json.Decoder(Hit)


class Tail:
    """One tail over one index pattern and one scope. Not for two readers at once: it holds the watermark."""

    def __init__(
        self,
        index: LogIndex,
        clock: Clock,
        fields: Fields = ECS,
        scope: Mapping[str, str] | None = None,
        scope_fields: Mapping[str, str] = ask_for.SCOPE_FIELDS,
        limits: Limits = LIMITS,
        timeout_s: float = 8.0,
    ) -> None:
        self._index = index
        self._clock = clock
        self._fields = fields
        self._filters = ask_for.scope_filters(scope or {}, scope_fields)
        self._limits = limits
        self._timeout = f"{max(1, int(timeout_s))}s"
        self._page_size = limits.page
        self._refresh_s = 1.0
        self._tracking = fields.at
        self._is_tracking_ingest = False
        self._looked_at: float | None = None
        self._began: Instant | None = None
        self._floor: int | None = None  # nothing before it: the tail began here
        self._watermark: int | None = None
        self._newest: int | None = None  # of all taken; ahead of the watermark while it is held
        self._seen = Seen(limits.capacity)
        self._skipped = Skipped(limits.recounted)
        self._pending: list[LogLine] = []  # taken, not yet handed over: survives a poll that fails half-way
        self._lacking = ""  # why the last poll was not whole: the watermark is held
        self._last_good: Instant | None = None
        self._has_failed = False
        self._received = self._shown = self._dropped = 0
        self._late = self._duplicates = self._held = 0

    @property
    def period_s(self) -> float:
        """Asking more often than shards refresh shows nothing new."""
        return max(self._refresh_s, 1.0)

    @property
    def overlap_s(self) -> float:
        """How far before the watermark a late document is still found."""
        return max(self._limits.overlap_s, 2 * self._refresh_s)

    async def ask(self) -> Answer[LogBatch]:
        """One poll. Raises SourceError.

        What was taken before a failure is handed over by the next poll that succeeds, or by this one, as a
        partial answer, when so much has gathered that it must not be kept.
        """
        before, was_failed = self._received, self._has_failed
        self._has_failed = True
        try:
            await self._look()
            if self._watermark is None:
                await self._first()
            else:
                await self._following()
        except SourceError as error:
            if len(self._pending) < 2 * self._limits.pages * self._limits.page:
                raise
            return self._handed_over(self._clock.now(), error.failure.short)
        now = self._clock.now()
        self._mark_gap(now, self._received - before, was_failed)
        self._has_failed = False
        self._last_good = now
        return self._handed_over(now, self._lacking)

    async def _look(self) -> None:
        now = self._clock.now()
        if self._looked_at is not None and now.mono - self._looked_at < LOOK_AGAIN_S:
            return
        capabilities = await self._index.capabilities([self._fields.ingested, self._fields.at])
        try:
            self._refresh_s = await self._index.refresh_interval_s()
        except SourceError as error:
            # Reading settings needs a right of its own, which a reader of logs may lack.
            if error.failure.kind is not FailureKind.UNAUTHORIZED:
                raise
        if capabilities.indices and not capabilities.silent and not capabilities.is_date_somewhere(self._fields.at):
            raise SourceError(undated(self._fields.at, capabilities))
        has_ingest = capabilities.is_date_everywhere(self._fields.ingested)
        # While an index cannot be asked, what it has is unknown: nothing is decided anew then.
        is_known = not capabilities.silent or self._looked_at is None
        if has_ingest is not self._is_tracking_ingest and is_known:
            self._is_tracking_ingest = has_ingest
            self._tracking = self._fields.ingested if has_ingest else self._fields.at
            self._skipped = Skipped(self._limits.recounted)
        self._page_size = self._limits.page
        self._looked_at = now.mono if capabilities.indices else None  # no index yet: look again at once

    @property
    def _settle_s(self) -> int:
        settle = self._limits.settle_s
        return settle if settle is not None else min(10, math.ceil(self._refresh_s))

    @property
    def _overlap_ns(self) -> int:
        return int(self.overlap_s * NS)

    async def _first(self) -> None:
        """The newest lines of the last seconds, without a point in time: one page, newest first, turned
        round.
        """
        now = self._clock.now()
        if self._began is None:
            self._began = now
        waited = now.mono - self._began.mono
        span_s = self._limits.first_s + math.ceil(waited)
        query = ask_for.matching([*self._filters, ask_for.since(self._tracking, f"now-{span_s}s", self._settle_s)])
        body = ask_for.page(query, self._tracking, self._fields, self._limits.first_lines, self._timeout, order="desc")
        answer = await self._index.search(body)
        self._judge(answer.lacking)
        hits = [hit for hit in map(self._hit, answer.hits.hits) if hit is not None]
        if not hits:
            return
        newest, oldest = (nanos(hit.sort[0]) for hit in (hits[0], hits[-1]))
        date = self._index.server_date
        if date is not None:
            self._floor = (int(date.timestamp()) + 1 - span_s) * NS
        else:  # what is older than two refreshes was visible already
            self._floor = min(oldest, newest - int(2 * self._refresh_s * NS))
        if len(answer.hits.hits) >= self._limits.first_lines:
            self._floor = max(self._floor, oldest)
        for hit in reversed(hits):
            self._take(hit, edge=None)
        self._watermark = self._floor if answer.lacking else newest

    async def _following(self) -> None:
        assert self._watermark is not None and self._newest is not None
        edge = self._newest
        lacking = await self._pass(self._newest if self._lacking else self._watermark, edge)
        if not lacking and self._lacking:
            lacking = await self._pass(self._watermark, edge)
        if not lacking and self._skipped:
            await self._recount()
        self._judge(lacking)
        if not lacking:
            self._watermark = max(self._watermark, self._newest)
        cutoff = max(self._watermark - self._overlap_ns, self._floor or 0)
        self._seen.forget_before(cutoff)
        self._skipped.forget_before(cutoff)

    async def _recount(self) -> None:
        try:
            more = await self._skipped.recount(self._index, self._tracking, self._filters)
        except SourceError as error:
            log.info("what lies beyond the ceiling is counted again at the next poll: %s", error)
            return
        self._received += more
        self._dropped += more

    def _judge(self, lacking: str) -> None:
        self._lacking = lacking
        if lacking:
            self._held += 1

    async def _pass(self, watermark: int, edge: int) -> str:
        """All that is visible since `watermark` less the overlap; why it was not all, or "". `edge`: late is
        before it.
        """
        start = max(watermark - self._overlap_ns, self._floor or 0, self._seen.horizon or 0)
        query = ask_for.matching(
            [*self._filters, ask_for.since(self._tracking, spelt(start), self._settle_s)],
            self._skipped.without(self._tracking),
        )
        pit = await self._index.open_pit()
        try:
            after, before, hits_seen, lacking = None, self._received, 0, ""
            # While little is known, reading it again costs less than counting it first.
            if len(self._seen) >= WORTH * self._limits.page and self._newest is not None and self._newest >= start:
                tally = Tally(self._tracking, start, self._newest, len(self._seen))
                query, pit, lacking = await tally.narrowed(
                    self._index,
                    query,
                    self._timeout,
                    pit,
                    self._seen.by_index(),
                    self._skipped.holds if self._skipped else None,
                )
            # The overlap's known lines come again and do not count, or a full overlap would leave no room for news.
            room = self._limits.pages * self._limits.page
            known = len(self._seen)
            while True:
                answer = await self._page(query, pit, after)
                pit = answer.pit_id or pit
                lacking = lacking or answer.lacking
                raw = answer.hits.hits
                hits_seen += len(raw)
                hits = [self._hit(one) for one in raw]
                for hit in hits:
                    if hit is not None:
                        self._take(hit, edge)
                last = next((hit for hit in reversed(hits) if hit is not None), None)
                if not raw or (len(raw) < self._page_size and not answer.lacking):
                    return lacking
                if last is None or last.sort == after:
                    raise SourceError(unreadable_page())
                after = last.sort
                if self._received - before >= room or hits_seen >= room + known:
                    body = ask_for.page(
                        query, self._tracking, self._fields, 1, self._timeout, (pit, KEEP_ALIVE), order="desc"
                    )
                    answer = await self._index.search(body)
                    pit = answer.pit_id or pit
                    await self._skip(nanos(after[0]), answer)
                    return lacking or answer.lacking
        finally:
            await self._close(pit)

    async def _page(self, query: dict[str, Any], pit: str, after: list[Any] | None) -> Searched:
        """One page; smaller ones after an answer that broke the byte cap, until the next look round."""
        while True:
            body = ask_for.page(
                query, self._tracking, self._fields, self._page_size, self._timeout, (pit, KEEP_ALIVE), after
            )
            try:
                return await self._index.search(body)
            except SourceError as error:
                if error.failure.kind is not FailureKind.TOO_LARGE or self._page_size == 1:
                    raise
                self._page_size = max(1, self._page_size // 8)

    async def _skip(self, last: int, beyond: Searched) -> None:
        """Count what lies from `last` to the newest hit of `beyond`, leave it out from now on, and say so."""
        newest = [self._hit(one) for one in beyond.hits.hits]
        ends_at = max((nanos(hit.sort[0]) for hit in newest if hit is not None), default=last)
        dropped = await self._skipped.add(
            self._index, self._tracking, self._filters, (last, max(last, ends_at)), self._seen
        )
        self._received += dropped
        self._dropped += dropped
        self._newest = max(self._newest or 0, ends_at)
        if dropped:
            self._pending.append(self._mark(f"{dropped:,} lines not fetched: more than this tail takes at once"))

    async def _close(self, pit: str) -> None:
        try:
            await self._index.close_pit(pit)
        except SourceError as error:
            log.info("a point in time stays open until it expires: %s", error)

    def _hit(self, raw: msgspec.Raw) -> Hit | None:
        try:
            hit = _HIT.decode(raw)
            if not hit.sort or f"{hit.index}/{hit.id}" not in self._seen:  # of what was taken before, the time was read then
                nanos(hit.sort[0] if hit.sort else None)
        except (msgspec.MsgspecError, ValueError):
            self._unreadable(f"?/{hash(bytes(raw))}")
            return None
        return hit

    def _unreadable(self, key: str) -> None:
        """A hit without id or time: known by its bytes, so that the overlap does not count it every second."""
        if key not in self._seen:
            latest = max(self._newest or 0, int(self._clock.now().utc.timestamp()) * NS)
            self._seen.add(key, latest + self._overlap_ns)
            self._received += 1
            self._dropped += 1

    def _take(self, hit: Hit, edge: int | None) -> None:
        key = f"{hit.index}/{hit.id}"
        if key in self._seen:
            self._duplicates += 1
            return
        tracking = nanos(hit.sort[0])
        self._seen.add(key, tracking)
        self._received += 1
        self._newest = max(self._newest or 0, tracking)
        is_late = edge is not None and tracking < edge
        try:
            line = line_of(msgspec.json.decode(hit.source), key, self._fields, is_late)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self._dropped += 1
            return
        self._late += is_late
        self._shown += 1
        self._pending.append(line)

    def _mark_gap(self, now: Instant, fetched: int, has_failed: bool) -> None:
        if self._last_good is None:
            return
        away_s = now.mono - self._last_good.mono
        if has_failed or away_s > self.overlap_s + 3 * self.period_s:
            word = "reconnected" if has_failed else "resumed"
            self._pending.insert(0, self._mark(f"{word}: {away_s:.0f} s missing, {fetched:,} lines fetched"))

    def _mark(self, text: str) -> LogLine:
        return LogLine(at=self._clock.now().utc, level="", message=text, is_mark=True)

    def _handed_over(self, now: Instant, partial_reason: str) -> Answer[LogBatch]:
        lines, self._pending = tuple(self._pending), []
        date = self._index.server_date
        # A Date has whole seconds: too coarse for a lag, unless our own clock is wrong.
        server_now = date if date is not None and abs((date - now.utc).total_seconds()) > SKEW_SHOWN_S else now.utc
        newest = max((line.at for line in lines if not line.is_mark), default=None)
        batch = LogBatch(
            lines=lines,
            accounting=LogAccounting(
                received=self._received,
                shown=self._shown,
                dropped=self._dropped,
                late=self._late,
                duplicates=self._duplicates,
                held_polls=self._held,
            ),
            watermark=moment(self._watermark) if self._watermark is not None else None,
            lag_s=max(0.0, (server_now - newest).total_seconds()) if newest is not None else None,
            overlap_s=self.overlap_s,
            note="; ".join(self._notes()),
        )
        return Answer(value=batch, server_date=date, partial_reason=partial_reason)

    def _notes(self) -> list[str]:
        notes = []
        if self._lacking:
            notes.append(f"{self._lacking}: watermark held")
        if self._looked_at is None:
            notes.append("no index matches")
        elif not self._is_tracking_ingest:
            notes.append(f"late documents older than {self.overlap_s:.0f} s are not shown")
        if self._seen.horizon is not None and self._newest is not None:
            shorter_s = (self._newest - self._seen.horizon) / NS
            notes.append(f"overlap shortened to {shorter_s:.1f} s: more than {self._limits.capacity:,} lines in it")
        return notes


def tail_source(
    name: str,
    access: Access,
    index: str,
    clock: Clock,
    meter: Meter,
    scope: Mapping[str, str] | None = None,
    scope_fields: Mapping[str, str] = ask_for.SCOPE_FIELDS,
    fields: Fields = ECS,
    limits: Limits = LIMITS,
    rng: random.Random | None = None,
) -> PollingSource[LogBatch]:
    """The tail of one index pattern as a source. A new scope is a new source: its account begins anew."""
    client = ElasticIndex(access, index, meter)
    tail = Tail(client, clock, fields, scope, scope_fields, limits, timeout_s=0.8 * access.timeout_s)
    return PollingSource(
        name,
        KIND,
        tail.ask,
        lambda: tail.period_s,
        clock,
        stale_after_s=max(5.0, 3 * tail.period_s),
        rng=rng,
        meter=meter,
        close=client.close,
    )
