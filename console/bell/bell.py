"""The bell as a whole: who may ring it, whom it tells, and everything that runs while it hangs."""

from __future__ import annotations

import asyncio
import hmac
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from console.bell.about import Saying
from console.bell.counts import Counts
from console.bell.drawing import Wish, drawn
from console.bell.journal import Busy, Journal
from console.bell.looking import Sighting
from console.bell.notification import Notification, Unreadable, read
from console.bell.port import Calls, Head, Reply
from console.bell.still import redacted, taken
from console.bell.teller import Teller
from console.chat.message import Message
from console.chat.office import Office
from console.config.backend import Credential
from console.config.bell import Bell as Settings
from console.config.chat import ChatDestination, ChatKind
from console.config.scope import ScopeNames
from console.config.secrets import resolve
from console.feeds.desk import Desk
from console.model.failure import SourceError
from console.model.instant import Clock
from console.redaction.redactor import Redactor

SECRETS_S = 30.0  # how often the secrets that must not leave are read again
SMALL_BYTES, FEW = 16 * 1024, 5  # a call that is read where it came: about a millisecond at most
KEY_S = 10.0  # how long a credential is believed before its file is read again
PICTURES = 10  # that wait to be drawn
PARTING_S = 5.0  # for calls that are being taken when it is closed
_LOG = logging.getLogger(__name__)


class Bell:
    """`office` is open and somebody else's."""

    def __init__(
        self,
        settings: Settings,
        destinations: Mapping[str, ChatDestination],
        office: Office,
        folder: Path,
        desk: Desk,
        site: str,
        clock: Clock,
        environ: Mapping[str, str],
        names: ScopeNames,
        redactor: Callable[[], Redactor],
        *,
        is_prod: bool = False,
        who: str = "midwatch",
        theme: str | None = None,
        draw: Callable[[Wish], Awaitable[bytes]] = drawn,
    ) -> None:
        """`folder`: of the bell's own, below the state directory. `redactor`: of all secrets as they are now; blocks."""
        self.counts = Counts()
        self._settings = settings
        self._destinations = destinations
        self._office = office
        self._desk = desk
        self._site = site
        self._clock = clock
        self._key = Key(settings.auth, environ, clock)
        self._renewed = redactor
        self._names = names
        self.redactor = Redactor()  # that of `open` replaces it
        self._saying = Saying(self.redactor, names)
        self._reading = ThreadPoolExecutor(1, "bell")  # one: what it remembers is not for two
        self._draws = (is_prod, who, theme)
        self._draw = draw
        self._pictures: asyncio.Queue[tuple[str, Message, Sighting]] = asyncio.Queue(PICTURES)
        self._tellers = {name: self._teller(name, folder / name) for name in settings.to}
        self._calls = Calls(self._entry, self._taken, self.counts)
        self._calls.gives_way = lambda: any(teller.hurries for teller in self._tellers.values())
        self._tasks: list[asyncio.Task[None]] = []
        self._listening: list[asyncio.Task[None]] = []
        self.counts.waiting = lambda: sum(teller.untold for teller in list(self._tellers.values()))

    def _teller(self, name: str, folder: Path) -> Teller:
        return Teller(
            name,
            Journal(folder),
            self._office,
            self._desk,
            self._site,
            self._clock,
            self.counts,
            is_for_programs=self._destinations[name].kind is ChatKind.WEBHOOK,
            redactor=lambda: self.redactor,
            picture=self._wanted,
        )

    @property
    def told(self) -> tuple[str, ...]:
        """The destinations."""
        return tuple(self._tellers)

    async def open(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on these sockets, which stay their owner's.

        Raises OSError where the state cannot be kept, SourceError where the credential cannot be read."""
        await self._key.read()
        await self._renew()
        for teller in self._tellers.values():
            await asyncio.to_thread(teller.journal.open)
        self._tasks.append(asyncio.create_task(self._paint(), name="bell: pictures"))
        self._tasks.append(asyncio.create_task(self._keep_renewing(), name="bell: secrets"))
        for teller in self._tellers.values():
            self._tasks.append(asyncio.create_task(teller.journal.run(), name=f"bell: {teller.name} journal"))
            self._tasks.append(asyncio.create_task(teller.run(), name=f"bell: {teller.name}"))
        self._listening = [asyncio.create_task(self._calls.listen(each), name="bell: who comes") for each in sockets]

    async def close(self) -> None:
        """Nobody new; who is being answered gets an answer. What is untold is told after the next start."""
        self._calls.closing = True
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        for call in list(self._calls.open):
            if not call.is_let_in:
                call.end()
        until = asyncio.get_running_loop().time() + PARTING_S
        while self._calls.open and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 - each tells nobody when it ends
            await asyncio.sleep(0.02)
        for call in list(self._calls.open):
            call.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._reading.shutdown(wait=False, cancel_futures=True)

    async def _keep_renewing(self) -> None:
        while True:
            await self._clock.sleep(SECRETS_S)
            await self._renew()

    async def _renew(self) -> None:
        """Replaced as a whole: threads are at work with the one before."""
        self.redactor = await asyncio.to_thread(self._renewed)
        self._saying = Saying(self.redactor, self._names)

    # -- a call --------------------------------------------------------------------------------------------------------
    async def _entry(self, head: Head) -> Reply | None:
        """Who calls, then where. What is wrong with a credential is said to nobody."""
        try:
            is_known = await self._key.fits(head.headers)
        except SourceError as error:
            _LOG.error("bell: who calls cannot be told: %s (%s): %s", error.failure.tried, error.failure.on, error.failure.got)
            return Reply(503, "who calls cannot be told at the moment; midwatch's log says why")
        if not is_known:
            return Reply(401, "not the credential that [bell] names")
        if self._calls.closing:
            return Reply(503, "midwatch is being stopped here")
        if self._told_by(head.path) is None:
            return Reply(404, "there is no such destination in [bell] to; post to / or to /NAME of one of them")
        return None

    def _told_by(self, path: str) -> list[Teller] | None:
        name = path.strip("/")
        if not name:
            return list(self._tellers.values())
        return [self._tellers[name]] if name in self._tellers else None

    async def _taken(self, head: Head, body: bytearray) -> Reply:
        """200 once all that is new in it is on the disk."""
        loop = asyncio.get_running_loop()
        tellers = self._told_by(head.path) or []
        if not body:
            return Reply(400, "the body is empty")
        try:
            # A thread for a small one would cost more than reading it: of a storm there are thousands.
            told = read(body) if len(body) <= SMALL_BYTES else await loop.run_in_executor(self._reading, read, body)
        except Unreadable as wrong:
            return Reply(400, str(wrong))
        self.counts.alerts += len(told.alerts)
        try:
            news = [await self._heard(teller, told) for teller in tellers]
        except Busy as wrong:
            return Reply(503, f"{wrong}; try again")
        except OSError as wrong:
            _LOG.error("bell: what was heard could not be written down: %s", wrong.strerror or wrong)
            return Reply(503, "it could not be written down; try again")
        self.counts.news += max(news, default=0)
        return Reply(200, f"{len(told.alerts)} alerts, {max(news, default=0)} of them news")

    async def _heard(self, teller: Teller, told: Notification) -> int:
        """How many alerts of it are news, now on the disk. Raises Busy and OSError."""
        book = teller.journal.book
        at = self._clock.now().utc.timestamp()
        news = book.news(told, at)
        if not news and not book.is_more_left_out(told):
            return 0
        if not book.has_room(len(news)):
            raise Busy("as many alerts fire or are untold as can be remembered")
        if len(told.alerts) <= FEW:
            heard = self._saying.heard(told, news, at)
        else:
            loop = asyncio.get_running_loop()
            heard = await loop.run_in_executor(self._reading, self._saying.heard, told, news, at)
        await teller.journal.append(heard)
        teller.wake()
        return len(news)

    # -- pictures ------------------------------------------------------------------------------------------------------
    def _wanted(self, name: str, message: Message, seen: Sighting) -> None:
        """A picture of it, when there is time. The text has been posted, and waits for nothing."""
        if self._office.carrier(name).service.no_picture:
            return
        try:
            self._pictures.put_nowait((name, message, seen))
        except asyncio.QueueFull:
            self.counts.pictures_missed += 1

    async def _paint(self) -> None:
        """One at a time."""
        is_prod, who, theme = self._draws
        while True:
            name, message, seen = await self._pictures.get()
            try:
                still = taken(self._desk, seen.view, seen.scope)
                still = await asyncio.to_thread(redacted, still, self.redactor)
                wish = Wish(still=still, site=self._site, is_prod=is_prod, who=who, view=seen.view, theme=theme)
                if await self._office.post_picture(name, message, await self._draw(wish)):
                    self.counts.pictures += 1
            except Exception:  # a picture that cannot be drawn costs nobody a text
                self.counts.pictures_missed += 1
                _LOG.exception("bell: the picture of %s could not be had", message.id)


class Key:
    """What Alertmanager has to show. Read again now and then, so that a new one is taken without a restart."""

    def __init__(self, credential: Credential, environ: Mapping[str, str], clock: Clock) -> None:
        self._credential = credential
        self._environ = environ
        self._clock = clock
        self._wanted: dict[str, bytes] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def read(self) -> None:
        """Raises SourceError; the one that was known is kept."""
        async with self._reading:
            if self._clock.now().mono - self._read_at < KEY_S:
                return
            told = await resolve(self._credential, self._environ)
            self._wanted = {name.lower(): _plain(value) for name, value in told.items()}
            self._read_at = self._clock.now().mono

    async def fits(self, headers: Mapping[str, str]) -> bool:
        """In constant time for whatever is shown. Raises SourceError where it was never read."""
        try:
            await self.read()
        except SourceError as error:
            if not self._wanted:
                raise
            _LOG.warning("bell: its credential cannot be read again: %s", error.failure.got)
        is_right = bool(self._wanted)
        for name, wanted in self._wanted.items():
            is_right &= hmac.compare_digest(_plain(headers.get(name, "")), wanted)
        return is_right


def _plain(value: str) -> bytes:
    """The word before the credential is written in any case."""
    scheme, blank, rest = value.strip().partition(" ")
    return (f"{scheme.lower()} {rest.strip()}" if blank else scheme).encode("utf-8", "surrogatepass")


