"""Who tells one destination: few messages of much news.

A group waits `GATHER_S` for others, so that what comes together is told together. Groups that have no thread yet get one each;
with more than `THREADS` new ones a minute all that come share the storm's. In a thread a text follows the one before after 5 s,
then 10, 20, 40 and 60, until it has been quiet for five minutes; what comes in between is counted in the next. While the chat's
service does not keep up, news wait here, where they are added up. So nothing is lost by waiting, and what a minute can make is
bounded.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator

import msgspec

from console.bell.book import Opened, Posted, Telling, Thread
from console.bell.counts import Counts
from console.bell.journal import Busy, Journal
from console.bell.looking import Sighting, sighted
from console.bell.wording import document, worded
from console.chat.letter import LetterKind
from console.chat.message import Message
from console.chat.office import Office
from console.chat.store import QueueFull
from console.feeds.clock import wait_until
from console.feeds.desk import Desk
from console.model.instant import Clock
from console.redaction.redactor import Redactor

GATHER_S = 0.4
MOST_GATHER_S = 1.6  # while others follow: the first groups of a storm belong into its thread
THREADS = 5  # new ones within a minute
MINUTE_S = 60.0
CALM_S = 120.0  # without a new group, and the storm's thread takes no more
FIRST_S, LAST_S = 5.0, 60.0  # between two texts of one thread
BACKLOG = 20  # letters that wait for the service: from then on news wait here, where they are added up
AGAIN_S = 5.0  # after the queue took nothing
FIRST_TEXT_S = 1.0  # how long the first text of a thread comes before who calls next: in a storm those are thousands
_LOG = logging.getLogger(__name__)

Picture = Callable[[str, Message, Sighting], None]  # destination, text, what is seen; returns at once


class Teller:
    """One destination's. `run` it as long as it is to be told."""

    def __init__(
        self,
        name: str,
        journal: Journal,
        office: Office,
        desk: Desk,
        site: str,
        clock: Clock,
        counts: Counts,
        *,
        is_for_programs: bool,
        redactor: Callable[[], Redactor],
        picture: Picture,
    ) -> None:
        self.name = name
        self.journal = journal
        self._office = office
        self._desk = desk
        self._site = site
        self._clock = clock
        self._counts = counts
        self._is_for_programs = is_for_programs
        self._redactor = redactor
        self._picture = picture
        self._wake = asyncio.Event()
        self._hurries_until = float("-inf")
        self._gathering: tuple[float, float, int] | None = None  # since, until, how many: groups that wait, monotonic

    def wake(self) -> None:
        """There is news."""
        self._wake.set()

    @property
    def hurries(self) -> bool:
        """A thread is being opened."""
        return self._clock.now().mono < self._hurries_until

    @property
    def untold(self) -> int:
        """Alerts that no text has counted yet."""
        book = self.journal.book
        news = [book.state.groups[name].news for name in book.waiting]
        news += [each for thread in book.state.threads.values() for each in (thread.news, thread.telling)]
        return sum(each.fired + each.resolved for each in news if each is not None)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            now = self._clock.now()
            try:
                due = await self._told(now.mono, now.utc.timestamp())
            except (QueueFull, Busy, OSError) as error:
                self._counts.held_back += 1
                _LOG.warning("bell: %s is told later: %s", self.name, self._redactor()(str(error), 300))
                await self._clock.sleep(AGAIN_S)
                continue
            except Exception:  # a fault of ours with one thread's news must not silence the bell
                _LOG.exception("bell: %s could not be told", self.name)
                await self._clock.sleep(AGAIN_S)
                continue
            await wait_until(self._wake, self._clock, due)

    async def _told(self, mono: float, at: float) -> float | None:
        """Tell what is due; when the next is, on the monotonic clock. None: nothing waits."""
        is_over = self._is_gathered(mono)
        if not is_over and all(self._rests(thread, at) > 0 for thread in self._has_news()):
            return self._next(mono, at)
        if await asyncio.to_thread(self._backlog) > BACKLOG:
            self._counts.held_back += 1
            return mono + AGAIN_S
        if is_over:
            await self._opened(at)
            self._gathering = None
            self._is_gathered(mono)  # who came meanwhile
        for thread in list(self._has_news()):
            if self._rests(thread, at) <= 0:
                await self._tell(thread)
        return self._next(mono, at)

    def _next(self, mono: float, at: float) -> float | None:
        """When something is due, on the monotonic clock."""
        dues = [mono + self._rests(thread, at) for thread in self._has_news()]
        if self._gathering is not None:
            dues.append(self._gathering[1])
        return min(dues, default=None)

    def _is_gathered(self, mono: float) -> bool:
        """Whether the groups that wait have waited long enough. Another one makes it longer, until they are a storm."""
        count = len(self.journal.book.waiting)
        if not count:
            self._gathering = None
        elif self._gathering is None:
            self._gathering = (mono, mono + GATHER_S, count)
        elif self._gathering[2] < count <= THREADS:
            since = self._gathering[0]
            self._gathering = (since, min(since + MOST_GATHER_S, mono + GATHER_S), count)
        return self._gathering is not None and mono >= self._gathering[1]

    def _has_news(self) -> Iterator[Thread]:
        threads = self.journal.book.state.threads.values()
        return (thread for thread in threads if thread.news is not None or thread.telling is not None)

    def _backlog(self) -> int:
        """Texts that the chat's service has not taken yet. Blocks."""
        return sum(slot.kind is LetterKind.TEXT for slot in self._office.carrier(self.name).store.waiting())

    def _rests(self, thread: Thread, at: float) -> float:
        """How long its news still wait."""
        if thread.telling is not None or not thread.told:
            return 0.0
        return min(LAST_S, FIRST_S * 2.0 ** min(thread.pace, 8)) - max(0.0, at - thread.told_at)

    async def _opened(self, at: float) -> None:
        """Threads for the groups that wait."""
        book = self.journal.book
        groups = tuple(book.waiting)
        threads = book.state.threads
        storm = next((one for one in threads.values() if one.is_storm and at - one.joined_at < CALM_S), None)
        recent = sum(not one.is_storm and at - one.opened_at < MINUTE_S for one in threads.values())
        if storm is None:  # groups that join one make no first text
            self._hurries_until = self._clock.now().mono + FIRST_TEXT_S
        if storm is not None or len(groups) + recent > THREADS:
            name = storm.name if storm is not None else _name("storm", groups[0], at)
            await self.journal.append(Opened(at, name, groups, is_storm=True))
        else:
            for group in groups:
                await self.journal.append(Opened(at, _name("group", group, at), (group,)))

    async def _tell(self, thread: Thread) -> None:
        """One text. Raises QueueFull, Busy and OSError: then it is told again, under the same id."""
        if thread.telling is None:
            await self.journal.append(Telling(self._clock.now().utc.timestamp(), thread.name))
        news, is_opening = thread.telling, thread.is_new and thread.firing > 0
        if news is None:
            return
        thread = msgspec.structs.replace(thread)  # what is heard meanwhile belongs to the next text
        seen = sighted(self._desk, self._site, thread)
        redactor = self._redactor()
        message = await asyncio.to_thread(worded, thread, news, seen, redactor)
        told = await asyncio.to_thread(document, thread, news, seen, redactor) if self._is_for_programs else None
        await self._office.post(self.name, message, thread=thread.name, document=told)
        await self.journal.append(Posted(self._clock.now().utc.timestamp(), thread.name))
        self._counts.texts += 1
        if is_opening:
            self._picture(self.name, message, seen)


def _name(kind: str, group: str, at: float) -> str:
    return f"{kind}-{hashlib.sha256(f'{group}/{at}'.encode()).hexdigest()[:12]}"
