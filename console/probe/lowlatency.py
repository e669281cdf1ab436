"""Blocking reloads: a low-latency playlist followed as a player follows it, and now and then asked what it must refuse.

One question at a time: the next part is asked for once the answer to the last came, and never sooner than a part target after
it was asked for. The ordinary polls go on beside it; they are the control. What came by them is where a reload that failed
begins anew, and a part that they show while a reload for it is held proves that it is held for nothing.

What one answer shows may be the network's. So a fault of reloads is told while two of the last eight answers have one, and a
rehearsal (a question that a good server refuses, a delta update) that went wrong is told when it went wrong twice. Rehearsals
are made between two reloads, one every two T. `_HLS_skip` is never asked where a cache leaves directives out of its key: every
player behind it would be given the delta.

The reader of the reloads is one of its own: what a directive brought never becomes the plain playlist's ETag or older copy.
This file is imported when the first playlist offers blocking reloads, and not before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from console.model.instant import Clock
from console.model.observation import Asked, MediaFacts, Observation, Outcome
from console.model.remark import Remark
from console.probe import schedule
from console.probe.address import printable, shown
from console.probe.asking import Asker
from console.probe.fetch import Answer
from console.probe.heartbeat import Pulse
from console.probe.hls.limits import PlaylistError
from console.probe.hls.media import Media
from console.probe.hls.merged import differing, merged
from console.probe.hls.reader import Reader
from console.probe.hls.reload import FAR_SEGMENTS, Ask, asked, early, following, has, held, plain, position, refused, unrefused
from console.probe.hls.siblings import Sibling, key_of, lagging, last_msn, skipping
from console.probe.hls_manifest import HlsTrack
from console.probe.outbox import Outbox
from console.probe.target import Target

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

LEAST_PERIOD_S = 0.2  # between two reloads, however short a part target is
LONGEST_HOLD_S = 60.0  # T may be a day
HOLD_SLACK_S = 1.0  # after 3 T, for the 503 to come
OVERTAKEN_S = 1.0  # and two part targets: how long a reload may go on after a plain answer showed its part
BYTES_PER_S = 500_000.0  # of playlists that are read; a longer one is reloaded less often
RECENT, NEEDED = 8, 2  # reloads, and how many of them must be wrong
REHEARSE_T = 2.0  # between two rehearsals; there are three kinds, so each is made every 6 T
AGAIN_S = 1.0  # until one that went wrong is made once more
REHEARSAL_S = 2.0  # an answer that is due at once takes longer than that: it is held
KINDS = ("part", "far", "skip")
_INCONCLUSIVE = (401, 403, 429, 500, 502, 503, 504)  # somebody else's refusal


class Reloads:
    """Follows one playlist at one vantage. Mutable on purpose: it belongs to one target of one loop."""

    def __init__(
        self,
        clock: Clock,
        asker: Asker,
        outbox: Outbox,
        pulse: Pulse,
        spawn: Spawn,
        target: Target,
        siblings: Callable[[], Iterable[Target]],
    ) -> None:
        self._clock = clock
        self._asker = asker
        self._outbox = outbox
        self._pulse = pulse
        self._target = target
        self._siblings = siblings
        self._reader = Reader()
        self._copy: Media | None = None  # the newest that a reload brought, while reloads are answered
        self._polled = asyncio.Event()  # an ordinary poll was answered well
        self._waits_for: Ask | None = None
        self._patience: asyncio.Timeout | None = None
        self._recent: deque[Remark | None] = deque(maxlen=RECENT)
        self._rehearsed: dict[str, Remark] = {}  # by kind: what went wrong twice
        self._doubts: set[str] = set()  # the kinds that went wrong once
        self._again = ""  # the one that is made once more
        self._turn = 0
        self._rehearse_at: float | None = None
        self._delta: tuple[Media, Media] | None = None  # merged, and what it was merged with
        self._task = spawn(self._run())

    def stop(self) -> None:
        """The playlist is watched no longer, or no longer the one that matters most."""
        self._task.cancel()

    def polled(self) -> None:
        """An ordinary poll was answered well."""
        self._polled.set()
        facts, ask, patience = self._plain(), self._waits_for, self._patience
        if facts is None or ask is None or patience is None or facts.has_endlist or not has(facts, ask):
            return
        at = asyncio.get_running_loop().time() + max(OVERTAKEN_S, 2 * (facts.part_target_s or 0.0))
        before = patience.when()
        if before is None or at < before:
            patience.reschedule(at)

    # ---- reloads
    async def _run(self) -> None:
        while True:
            facts = self._newest()
            if facts is None or not facts.can_block or not facts.part_target_s or facts.has_endlist:
                self._copy = None
                await self._next_poll()
                continue
            began = self._clock.now().mono
            size = await self._reload(facts)
            if self._copy is None:
                await self._next_poll()
                continue
            await self._rehearse_when_due()
            pause_s = max(LEAST_PERIOD_S, facts.part_target_s, size / BYTES_PER_S)
            await self._clock.sleep(max(0.0, began + pause_s - self._clock.now().mono))

    async def _next_poll(self) -> None:
        self._polled.clear()
        await self._polled.wait()

    def _plain(self) -> MediaFacts | None:
        track = self._target.manifest.track if self._target.manifest is not None else None
        return track.facts if track is not None else None

    def _newest(self) -> MediaFacts | None:
        """Of what reloads and polls have shown: where the next reload begins."""
        polled = self._plain()
        if self._copy is None or polled is None:
            return polled
        mine = self._copy.facts
        return mine if position(mine) >= position(polled) else polled

    async def _reload(self, facts: MediaFacts) -> int:
        """One reload, told. Afterwards there is a copy if it was answered well. Returns the bytes read."""
        ask = following(facts)
        known = self._known() if self._copy is not None else {}
        target_s = facts.target_duration_s
        limit_s = min(3 * target_s + HOLD_SLACK_S, LONGEST_HOLD_S)
        self._waits_for = ask
        is_there = False
        start = self._clock.now().mono
        try:
            async with asyncio.timeout(None) as self._patience:
                answer = await self._asker.reload(
                    self._target.vantage, asked(self._target.url, ask.directives), limit_s
                )
        except TimeoutError:
            is_there = True
            at = self._clock.now()
            answer = Answer(Outcome.TIMEOUT, at, at.mono - start, self._target.url, detail="given up: it is there already")
        finally:
            self._waits_for = self._patience = None
        size = answer.bytes_in
        self._pulse.started(0.0)
        self._pulse.received(size)
        outcome, detail, media, remarks = self._taken(answer)
        fault: Remark | None = None
        if media is not None:
            fault = early(ask, media.facts, answer.elapsed_s, answer.age_header_s, answer.served_by)
        elif outcome is Outcome.TIMEOUT:
            fault = held(ask, answer.elapsed_s, is_there) if is_there or limit_s > 3 * target_s else None
        else:
            fault = refused(ask, answer.status, detail or outcome.value, answer.elapsed_s, target_s)
        if media is not None or fault is not None:
            self._recent.append(fault)
        if media is not None and fault is None:
            remarks += self._compared(media, known)
        # one that went back is asked about by an ordinary poll first
        self._copy = media if media is not None and media.newest >= facts.newest_sequence else None
        self._outbox.put(self._observation(answer, outcome, detail, media, self._faults(fault) + remarks))
        answer.body = b""
        return size

    def _taken(self, answer: Answer) -> tuple[Outcome, str, Media | None, tuple[Remark, ...]]:
        """What came, read; of its remarks only what polls are too seldom to see."""
        if answer.outcome is not Outcome.OK:
            return answer.outcome, answer.detail, None, ()
        try:
            taken = self._reader.take(
                answer.body, plain(answer.url), answer.at.utc, imported=self._target.variables
            )
        except PlaylistError as error:
            outcome = Outcome.MALFORMED if error.is_playlist else Outcome.NOT_PLAYLIST
            return outcome, printable(str(error)), None, ()
        if taken.media is None or taken.media.is_partial:
            what = "a master playlist" if taken.media is None else "a delta update that nobody asked for"
            return Outcome.MALFORMED, f"{what} in answer to a reload", None, ()
        return Outcome.OK, "", taken.media, tuple(remark for remark in taken.remarks if remark.code == "LL_HINT")

    def _faults(self, fault: Remark | None) -> tuple[Remark, ...]:
        """What is told of reloads: the newest fault while there are enough of them, and of rehearsals."""
        faults = [one for one in self._recent if one is not None]
        told = [fault or faults[-1]] if len(faults) >= NEEDED else []
        return (*told, *self._rehearsed.values())

    def _compared(self, media: Media, known: dict[str, Sibling]) -> tuple[Remark, ...]:
        """A copy made after the question was asked, beside what was known before."""
        if self._delta is not None:
            delta, base = self._delta
            self._delta = None
            self._settle("skip", differing(delta, base, media))
        found = (lagging(media, known), skipping(media, known)) if known else ()
        return tuple(remark for remark in found if remark is not None)

    def _known(self) -> dict[str, Sibling]:
        """The other renditions of this vantage that have parts, by their playlists."""
        known: dict[str, Sibling] = {}
        for target in self._siblings():
            track = target.manifest.track if target.manifest is not None else None
            if target is self._target or not isinstance(track, HlsTrack) or track.facts.part_target_s is None:
                continue
            known[key_of(target.url)] = Sibling(target.rendition or "", last_msn(track.facts), track.media.control)
        return known

    def _observation(
        self, answer: Answer, outcome: Outcome, detail: str, media: Media | None, remarks: tuple[Remark, ...]
    ) -> Observation:
        target = self._target
        return Observation(
            channel=target.channel.name,
            vantage=target.vantage.name,
            asked=Asked.BLOCKED,
            rendition=target.rendition,
            at=answer.at,
            elapsed_s=answer.elapsed_s,
            outcome=outcome,
            status=answer.status,
            detail=detail,
            url=shown(target.url),
            media=media.facts if media is not None else None,
            age_header_s=answer.age_header_s,
            remarks=remarks,
            served_by=answer.served_by,
        )

    # ---- rehearsals
    async def _rehearse_when_due(self) -> None:
        copy, now = self._copy, self._clock.now().mono
        if copy is None:
            return
        every_s = REHEARSE_T * copy.facts.target_duration_s
        if self._rehearse_at is None:
            place = f"{self._target.channel.name}/{self._target.vantage.name}/rehearsal"
            self._rehearse_at = now + schedule.phase(place) * every_s
        if now < self._rehearse_at:
            return
        kind, self._again = self._again, ""
        if not kind:
            kind = KINDS[self._turn % len(KINDS)]
            self._turn += 1
        self._rehearse_at = now + every_s
        if kind == "skip":
            await self._rehearse_delta(copy)
        else:
            await self._rehearse(kind, copy)

    async def _rehearse(self, kind: str, copy: Media) -> None:
        """What has to be answered 400 at once."""
        if kind == "part":
            directives, why = "_HLS_part=0", "_HLS_part without _HLS_msn"
        else:
            far = copy.newest + FAR_SEGMENTS
            directives, why = Ask(far).directives, f"_HLS_msn {FAR_SEGMENTS} ahead of the newest"
        answer = await self._ask(directives)
        answer.body = b""
        is_held = answer.outcome is Outcome.TIMEOUT
        if not is_held and (answer.status is None or answer.status in _INCONCLUSIVE):
            self._doubts.discard(kind)
            return
        fault = None if answer.status == 400 else unrefused(directives, why, answer.status, is_held)
        self._settle(kind, fault)

    async def _rehearse_delta(self, copy: Media) -> None:
        """The delta, to be held against the next whole answer."""
        is_merging = any(one is not None and "cached" in one.evidence for one in self._recent)
        if copy.control.can_skip_until_s is None or is_merging:
            return
        # with a segment that is there the answer comes at once, and no cache has it from long ago
        directives = f"{Ask(copy.newest).directives}&_HLS_skip=YES"
        answer = await self._ask(directives)
        if answer.outcome is not Outcome.OK:
            if answer.status is None or answer.status in _INCONCLUSIVE:
                self._doubts.discard("skip")
                return
            says = f"the answer to _HLS_skip=YES is {answer.status}"
            self._settle("skip", Remark("LL_SKIP", 1.0, says, {"asked": directives, "status": answer.status}))
            return
        found = merged(answer.body, plain(answer.url), self._target.variables, copy)
        if isinstance(found, Media):
            self._delta = (found, copy)
        else:
            self._settle("skip", found)

    async def _ask(self, directives: str) -> Answer:
        answer = await self._asker.reload(self._target.vantage, asked(self._target.url, directives), REHEARSAL_S)
        self._pulse.received(answer.bytes_in)
        return answer

    def _settle(self, kind: str, fault: Remark | None) -> None:
        """What came of a rehearsal: told from the second time on that it went wrong, until it goes well."""
        if fault is None:
            self._rehearsed.pop(kind, None)
            self._doubts.discard(kind)
        elif kind in self._rehearsed or kind in self._doubts:
            self._rehearsed[kind] = fault
            self._doubts.discard(kind)
        else:
            self._doubts.add(kind)
            self._again = kind
            if self._rehearse_at is not None:
                self._rehearse_at = min(self._rehearse_at, self._clock.now().mono + AGAIN_S)
