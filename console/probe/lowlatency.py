"""Blocking reloads: a low-latency playlist followed as a player follows it.

One question at a time: the next part is asked for once the answer to the last came, two in a row within two part targets at
most. (Not one within one: who asks at the pace of the parts finds each of them there already, and never learns whether an
answer would have been held.) The ordinary polls go on beside it; they are the control. What came by them is where a reload
that failed begins anew, and a part that they show while a reload for it is held proves that it is held for nothing.

What one answer shows may be the network's. A fault of reloads is told with the answer that has it, and with those after it
while two of the last eight have one. Between two reloads there may be a rehearsal (`rehearsals.py`).

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
from console.probe.address import printable
from console.probe.asking import Asker
from console.probe.fetch import Answer
from console.probe.heartbeat import Pulse
from console.probe.hls.limits import PlaylistError
from console.probe.hls.media import Media
from console.probe.hls.reader import Reader
from console.probe.hls.reload import Ask, asked, early, following, has, held, plain, position, refused
from console.probe.hls.siblings import Sibling, key_of, lagging, last_msn, skipping
from console.probe.hls_manifest import HlsTrack
from console.probe.outbox import Outbox
from console.probe.rehearsals import Rehearsals
from console.probe.target import Target

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

BURST = 2  # reloads in as many part targets
LEAST_PERIOD_S = 0.2  # for one reload, however short a part target is
LONGEST_PERIOD_S = 10.0  # and however long
LONGEST_HOLD_S = 60.0  # T may be a day
HOLD_SLACK_S = 1.0  # after 3 T, for the 503 to come
OVERTAKEN_S = 1.0  # and two part targets: how long a reload may go on after a plain answer showed its part
BYTES_PER_S = 500_000.0  # of playlists that are read; a longer one is reloaded less often
URLS = 64
RECENT, NEEDED = 8, 2  # reloads, and how many of them must be wrong


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
        self._begun, self._left = 0.0, 0  # when the present pair of reloads was begun, and how many of it are to come
        self._recent: deque[Remark | None] = deque(maxlen=RECENT)
        self._rehearsals = Rehearsals(clock, asker, pulse, target)
        self._told: dict[str, str] = {}  # what of a URL may be told; each costs as much as reading a copy's new lines
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
            if self._left == 0:
                self._begun, self._left = self._clock.now().mono, BURST
            self._left -= 1
            size = await self._reload(facts)
            if self._copy is None:
                await self._next_poll()
                continue
            is_merging = any(one is not None and "cached" in one.evidence for one in self._recent)
            await self._rehearsals.made_when_due(self._copy, is_merging)
            period_s = min(LONGEST_PERIOD_S, max(LEAST_PERIOD_S, facts.part_target_s, size / BYTES_PER_S))
            if self._left == 0:
                await self._clock.sleep(max(0.0, self._begun + BURST * period_s - self._clock.now().mono))

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
        """What is told of reloads: a fault of this one, or the newest while there are enough of them; and of rehearsals."""
        faults = [one for one in self._recent if one is not None]
        told = fault or (faults[-1] if len(faults) >= NEEDED else None)
        return (*((told,) if told is not None else ()), *self._rehearsals.told())

    def _compared(self, media: Media, known: dict[str, Sibling]) -> tuple[Remark, ...]:
        """A copy made after the question was asked, beside what was known before."""
        self._rehearsals.came(media)
        found = (lagging(media, known), skipping(media, known)) if known else ()
        return tuple(remark for remark in found if remark is not None)

    def _known(self) -> dict[str, Sibling]:
        """The other renditions of this vantage that have parts, by their playlists."""
        known: dict[str, Sibling] = {}
        for target in self._siblings():
            track = target.manifest.track if target.manifest is not None else None
            if target is self._target or not isinstance(track, HlsTrack) or track.facts.part_target_s is None:
                continue
            known[self._shown(target.url)] = Sibling(target.rendition or "", last_msn(track.facts), track.media.control)
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
            url=self._shown(target.url),
            media=media.facts if media is not None else None,
            age_header_s=answer.age_header_s,
            remarks=remarks,
            served_by=answer.served_by,
        )

    def _shown(self, url: str) -> str:
        told = self._told.get(url)
        if told is None:
            if len(self._told) >= URLS:  # signed anew and anew
                self._told.clear()
            told = self._told[url] = key_of(url)
        return told
