"""Who carries the letters of one destination: two lanes, text and pictures, so that a picture that hangs holds up no text.

A lane takes the letter with the fewest attempts, the oldest of them; what was throttled rests both lanes, what failed rests its
own lane, for longer each time. A letter is given up after so many attempts or so much time, and that is told.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import datetime

import msgspec

from console.chat.bucket import Bucket
from console.chat.letter import PICTURE_OF, LetterKind, Receipt
from console.chat.outcome import Again, Delivered, Outcome, Refused
from console.chat.service import Service
from console.chat.store import Hold, Slot, Store
from console.feeds.clock import wait_until
from console.model.failure import SourceError
from console.model.instant import Clock
from console.redaction.redactor import Redactor
from console.sources.backoff import Backoff

ATTEMPTS = 12
LIFE_S = 3600.0  # what nobody was told for an hour is in the console, or over
DOWN = 3  # failures in a row that are the destination's, not a letter's
LOOK_S = 1.0  # how soon a letter of another process is noticed
ATTEMPT_S = 180.0  # no attempt lasts longer, whatever an adapter does
_LOG = logging.getLogger(__name__)


class Standing(msgspec.Struct, frozen=True):
    """How a destination does, for a screen and a doctor."""

    name: str
    waiting: int
    delivered: int  # by this process
    dead: int
    evicted: int
    trouble: str = ""  # the last, until something arrives again
    is_broken: bool = False  # the configuration has to be mended


class Carrier:
    """Run it as long as letters are to leave. Its store and its hold are its own."""

    def __init__(
        self,
        name: str,
        store: Store,
        service: Service,
        clock: Clock,
        redactor: Redactor,
        *,
        rate: float | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.name = name
        self.store = store
        self.service = service
        self._clock = clock
        self._redactor = redactor
        self._bucket = Bucket(clock, rate or service.rate, service.burst if rate is None else 1)
        self._backoffs = {kind: Backoff(1.0, 300.0, rng) for kind in LetterKind}
        self._rest_until = dict.fromkeys(LetterKind, 0.0)
        self._due: dict[str, float] = {}  # id -> when it may be tried again
        self._unsettled: dict[str, Receipt] = {}  # arrived, and the disk took no receipt: must not be sent again
        self._threads: dict[str, str] = {}  # id -> the thread it belongs to
        self._wakes = {kind: asyncio.Event() for kind in LetterKind}
        self._hold = Hold(store.folder)
        self._delivered = 0
        self._trouble, self._is_broken = "", False
        self.has_hold = False

    def wake(self) -> None:
        """There is a new letter."""
        for wake in self._wakes.values():
            wake.set()

    async def standing(self) -> Standing:
        """How it does now."""
        waiting, dead = await asyncio.to_thread(lambda: (len(self.store.waiting()), len(self.store.dead())))
        return Standing(
            self.name, waiting, self._delivered, dead, self.store.evicted, self._trouble, self._is_broken
        )

    async def run(self) -> None:
        """Until cancelled. Waits while another process delivers from the same queue."""
        try:
            while not await asyncio.to_thread(self._hold.take):
                await self._clock.sleep(LOOK_S)
            self.has_hold = True
            await asyncio.to_thread(self.store.recover)
            async with asyncio.TaskGroup() as lanes:
                for kind in LetterKind:
                    lanes.create_task(self._lane(kind), name=f"chat {self.name} {kind.value}")
        finally:
            self.has_hold = False
            self._hold.release()

    async def _lane(self, kind: LetterKind) -> None:
        wake = self._wakes[kind]
        while True:
            wake.clear()
            now = self._clock.now().mono
            slot = None
            if now >= self._rest_until[kind]:
                try:
                    slot = await asyncio.to_thread(self._next, kind, now)
                except OSError as error:
                    self._told(f"its queue cannot be read: {error.strerror or type(error).__name__}")
            if slot is None:
                await wait_until(wake, self._clock, now + LOOK_S)
                continue
            await self._bucket.take()
            try:
                await self._carry(slot)
            except FileNotFoundError:
                continue  # evicted meanwhile
            except OSError as error:
                self._told(f"its queue cannot be written: {error.strerror or type(error).__name__}")
                await self._clock.sleep(LOOK_S)

    def _next(self, kind: LetterKind, now: float) -> Slot | None:
        """The letter to be tried now. Blocks."""
        waiting = self.store.waiting()
        present = {slot.id for slot in waiting}
        for remembered in (self._due, self._threads):
            for gone in [id for id in remembered if id not in present]:
                del remembered[gone]
        mine = [slot for slot in waiting if slot.kind is kind and self._due.get(slot.id, 0.0) <= now]
        for slot in sorted(mine, key=lambda slot: (slot.attempts, slot.sequence)):
            is_early = (
                slot.id.removesuffix(PICTURE_OF) in present
                if kind is LetterKind.PICTURE
                else self.service.has_threads and self._waits_for_opener(slot, waiting)
            )
            if not is_early:
                return slot
        return None

    def _waits_for_opener(self, slot: Slot, waiting: list[Slot]) -> bool:
        """An answer never overtakes what it answers."""
        thread = self._thread_of(slot)
        if not thread or self.store.opener(thread) is not None:
            return False
        return any(
            earlier.sequence < slot.sequence and earlier.kind is LetterKind.TEXT and self._thread_of(earlier) == thread
            for earlier in waiting
        )

    def _thread_of(self, slot: Slot) -> str:
        if slot.id not in self._threads:
            try:
                self._threads[slot.id] = self.store.read(slot)[0].thread
            except (ValueError, FileNotFoundError):
                self._threads[slot.id] = ""  # it will be given up, or has been
        return self._threads[slot.id]

    async def _carry(self, slot: Slot) -> None:
        """One attempt at one letter."""
        if slot.id in self._unsettled:
            await self._done(slot, self._unsettled[slot.id])
            return
        if await asyncio.to_thread(self.store.receipt, slot.id) is not None:  # posted twice, by two processes
            await asyncio.to_thread(self.store.drop, slot)
            return
        slot = await asyncio.to_thread(self.store.trying, slot)
        try:
            letter, picture = await asyncio.to_thread(self.store.read, slot)
        except ValueError as error:
            await self._give_up(slot, f"cannot be read: {type(error).__name__}")
            return
        late_s = max(0.0, (self._clock.now().utc - letter.at).total_seconds())
        try:
            async with asyncio.timeout(ATTEMPT_S):
                if letter.kind is LetterKind.TEXT:
                    opener = await asyncio.to_thread(self.store.opener, letter.thread)
                    outcome: Outcome = await self.service.text(letter, opener, late_s)
                else:
                    text = await asyncio.to_thread(self.store.receipt, letter.of)
                    if text is None and await asyncio.to_thread(self.store.is_dead, letter.of):
                        await self._give_up(slot, "its text was given up")
                        return
                    outcome = await self.service.picture(letter, picture, text)
        except SourceError as error:
            outcome = Again(f"{error.failure.tried} ({error.failure.on}): {error.failure.got}")
        except TimeoutError:
            outcome = Again("no end in time; it may have arrived")
        await self._settle(slot, outcome, letter.at, late_s)

    async def _settle(self, slot: Slot, outcome: Outcome, at: datetime, late_s: float) -> None:
        if isinstance(outcome, Delivered):
            receipt = msgspec.structs.replace(outcome.receipt, id=slot.id, at=at)
            await self._done(slot, receipt)
        elif isinstance(outcome, Refused):
            self._is_broken = self._is_broken or outcome.is_broken
            await self._give_up(slot, outcome.why)
        elif slot.attempts >= ATTEMPTS or late_s > LIFE_S:
            await self._give_up(slot, f"after {slot.attempts} attempts: {outcome.why}")
        else:
            wait_s = self._backoffs[slot.kind].next_s(outcome.after_s)
            now = self._clock.now().mono
            self._due[slot.id] = now + wait_s
            for kind in LetterKind if outcome.is_throttled else (slot.kind,):
                self._rest_until[kind] = max(self._rest_until[kind], now + wait_s)
            self._told(f"{slot.kind.value} {slot.id}, attempt {slot.attempts}: {outcome.why}")

    async def _done(self, slot: Slot, receipt: Receipt) -> None:
        self._unsettled[slot.id] = receipt
        await asyncio.to_thread(self.store.done, slot, receipt)
        del self._unsettled[slot.id]
        if self._backoffs[slot.kind].failures >= DOWN:  # it was down, and is back: nothing else waits for its own turn
            self._due.clear()
        self._backoffs[slot.kind].reset()
        self._due.pop(slot.id, None)
        self._delivered += 1
        self._trouble, self._is_broken = "", False
        self.wake()

    async def _give_up(self, slot: Slot, why: str) -> None:
        why = self._redactor(why, 300)
        await asyncio.to_thread(self.store.give_up, slot, why)
        self._due.pop(slot.id, None)
        self._told(f"{slot.kind.value} {slot.id} was given up: {why}", logging.ERROR)
        self.wake()

    def _told(self, what: str, level: int = logging.WARNING) -> None:
        what = self._redactor(what, 300)
        if what != self._trouble:
            _LOG.log(level, "chat %s: %s", self.name, what)
        self._trouble = what
