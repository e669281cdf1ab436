"""Questions that show a low-latency server's manners: two that it must refuse, and one for a delta update.

They are made between two reloads, one every two T, so that each kind comes every six. What went wrong is made once more a
moment later, and told from the second time on with every reload, until it goes well. What somebody else refused (a token, an
overload) says nothing. `_HLS_skip` is not asked where a cache leaves directives out of its key: every player behind it would
be given the delta.
"""

from __future__ import annotations

from console.model.instant import Clock
from console.model.observation import Outcome
from console.model.remark import Remark
from console.probe import schedule
from console.probe.asking import Asker
from console.probe.fetch import Answer
from console.probe.heartbeat import Pulse
from console.probe.hls.media import Media
from console.probe.hls.merged import differing, merged
from console.probe.hls.reload import FAR_SEGMENTS, Ask, asked, plain, unrefused
from console.probe.target import Target

EVERY_T = 2.0
AGAIN_S = 1.0  # until one that went wrong is made once more
PATIENCE_S = 2.0  # an answer that is due at once takes longer than that: it is held
KINDS = ("part", "far", "skip")
_INCONCLUSIVE = (401, 403, 429, 500, 502, 503, 504)


class Rehearsals:
    """Those of one playlist at one vantage."""

    def __init__(self, clock: Clock, asker: Asker, pulse: Pulse, target: Target) -> None:
        self._clock = clock
        self._asker = asker
        self._pulse = pulse
        self._target = target
        self._wrong: dict[str, Remark] = {}  # by kind: what went wrong twice
        self._doubts: set[str] = set()  # the kinds that went wrong once
        self._again = ""  # the one that is made once more
        self._turn = 0
        self._due_at: float | None = None
        self._delta: tuple[Media, Media] | None = None  # merged, and what it was merged with

    def told(self) -> tuple[Remark, ...]:
        """What is wrong, standing."""
        return tuple(self._wrong.values())

    def came(self, whole: Media) -> None:
        """A reload brought the whole playlist: a delta is held against it."""
        if self._delta is not None:
            delta, base = self._delta
            self._delta = None
            self._settle("skip", differing(delta, base, whole))

    async def made_when_due(self, copy: Media, is_merging: bool) -> None:
        """The next one, if it is time. `copy` is the newest whole playlist; `is_merging`: a cache has the wrong key."""
        now = self._clock.now().mono
        every_s = EVERY_T * copy.facts.target_duration_s
        if self._due_at is None:
            place = f"{self._target.channel.name}/{self._target.vantage.name}/rehearsal"
            self._due_at = now + schedule.phase(place) * every_s
        if now < self._due_at:
            return
        kind, self._again = self._again, ""
        if not kind:
            kind = KINDS[self._turn % len(KINDS)]
            self._turn += 1
        self._due_at = now + every_s
        if kind != "skip":
            await self._refusal(kind, copy)
        elif copy.control.can_skip_until_s is not None and not is_merging:
            await self._update(copy)

    async def _refusal(self, kind: str, copy: Media) -> None:
        """What has to be answered 400 at once (6.2.5.2)."""
        if kind == "part":
            directives, why = "_HLS_part=0", "_HLS_part without _HLS_msn"
        else:
            directives, why = Ask(copy.newest + FAR_SEGMENTS).directives, f"_HLS_msn {FAR_SEGMENTS} ahead of the newest"
        answer = await self._ask(directives)
        answer.body = b""
        is_held = answer.outcome is Outcome.TIMEOUT
        if not is_held and (answer.status is None or answer.status in _INCONCLUSIVE):
            self._doubts.discard(kind)
            return
        self._settle(kind, None if answer.status == 400 else unrefused(directives, why, answer.status, is_held))

    async def _update(self, copy: Media) -> None:
        """A delta, kept until the next whole answer. With a segment that is there it comes at once, and no cache has it from
        long ago.
        """
        directives = f"{Ask(copy.newest).directives}&_HLS_skip=YES"
        answer = await self._ask(directives)
        if answer.outcome is not Outcome.OK:
            if answer.status is None or answer.status in _INCONCLUSIVE:
                self._doubts.discard("skip")
                return
            says = f"the answer to _HLS_skip=YES is {answer.status}"
            self._settle("skip", Remark("LL_SKIP", 1.0, says, {"asked": directives, "status": answer.status}))
            return
        found = merged(answer.body, plain(answer.url), self._target.variables, copy, is_cached=bool(answer.age_header_s))
        if isinstance(found, Media):
            self._delta = (found, copy)
        else:
            self._settle("skip", found)

    async def _ask(self, directives: str) -> Answer:
        answer = await self._asker.reload(self._target.vantage, asked(self._target.url, directives), PATIENCE_S)
        self._pulse.received(answer.bytes_in)
        return answer

    def _settle(self, kind: str, fault: Remark | None) -> None:
        """What came of one."""
        if fault is None:
            self._wrong.pop(kind, None)
            self._doubts.discard(kind)
        elif kind in self._wrong or kind in self._doubts:
            self._wrong[kind] = fault
            self._doubts.discard(kind)
        else:
            self._doubts.add(kind)
            self._again = kind
            self._due_at = min(self._due_at or 0.0, self._clock.now().mono + AGAIN_S)
