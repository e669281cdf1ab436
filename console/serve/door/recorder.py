"""Logins, logouts and refusals on their way into the audit, without anybody waiting for the disk.

An action is recorded before its first byte goes out; a login is not an action, and a full disk must not keep those out who
come to mend it. So the door hands over and goes on. What could not be written is counted and logged, and from then on nothing
can be changed from here anyway: the same journal stands before every action.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from console.actions.audit import kinds
from console.actions.audit.entry import Entry, Unwritable
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor
from console.actions.audit.writer import JournalClosed
from console.model.instant import Clock
from console.serve.door.halfopen import group_of
from console.serve.door.ledger import Ledger
from console.serve.door.refused import Denial, Why
from console.serve.person import Person

MOST_WAITING = 1000
LOOK_S = 5.0
BATCH = 64  # that go to the disk together
_NAME = 64  # characters of a name that was only said

log = logging.getLogger(__name__)


class Recorder:
    """One a process. Every method returns at once; a task of its own does the work, from `start` to the end of `close`."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.lost = 0
        self._journal = journal
        self._clock = clock
        self._strangers: Ledger[tuple[str, str]] = Ledger(("", ""))
        self._requests: Ledger[tuple[str, str, str]] = Ledger(("", "", ""))
        self._comings: Ledger[tuple[str, str]] = Ledger(("", ""), each=20, at_once=600, kinds=100)
        self._waiting: deque[Entry] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_ending = False

    def refused_login(self, denial: Denial, claimed: str, address: str, method: str) -> None:
        """Somebody was not let in. `claimed` is what they said, and may be anything."""
        name = _plain(claimed)
        fine = (name, address, denial.why, denial.key)
        if self._strangers.note(fine, (group_of(address), denial.why.value), self._now):
            log.info("refused %s from %s: %s %s", name or "somebody", address, denial.why.value, _plain(denial.text, 300))
            self._put(
                kinds.LoginRefused(
                    claimed=name,
                    address=address,
                    key=denial.key,
                    method=_plain(method),
                    why=denial.why.value,
                    reason=denial.text,
                )
            )

    def refused_request(self, person: Person, why: Why, what: str) -> None:
        """Somebody who is logged in asked for something that is not given."""
        text = _plain(what, 200)
        if self._requests.note((person.name, person.key, why, text), (person.name, person.address, why.value), self._now):
            log.info("refused %s (%s): %s %s", person.name, person.address, why.value, text)
            self._put(kinds.RequestRefused(by=actor(person), address=person.address, why=why.value, what=text))

    def came(self, person: Person) -> None:
        log.info("%s has logged in from %s with %s %s", person.name, person.address, person.key, person.certificate)
        if self._comings.note((person.name, person.address, True), ("login", person.name), self._now):
            self._put(kinds.LoggedIn(by=actor(person), address=person.address, certificate=person.certificate))

    def went(self, person: Person, lasted_s: float) -> None:
        log.info("%s has left (%s)", person.name, person.address)
        if self._comings.note((person.name, person.address, False), ("logout", person.name), self._now):
            self._put(kinds.LoggedOut(by=actor(person), address=person.address, duration_ns=round(lasted_s * 1e9)))

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="who came and went")

    async def close(self) -> None:
        """What was counted and what waits, written."""
        self._is_ending = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._is_ending:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            self._count()
            await self._write()
        self._count(is_end=True)  # what came while the last of it was written
        await self._write()

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.gather(*(self._append(self._waiting.popleft()) for _ in range(min(BATCH, len(self._waiting)))))

    async def _append(self, entry: Entry) -> None:
        try:
            await self._journal.append(entry)
        except (JournalClosed, Unwritable) as wrong:
            self._lose(1, str(wrong))

    @property
    def _now(self) -> float:
        return self._clock.now().mono

    def _put(self, entry: Entry) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._lose(1, "more waits for the disk than may")
            return
        self._waiting.append(entry)
        self._wake.set()

    def _count(self, is_end: bool = False) -> None:
        for (group, why), count in self._strangers.due(self._now, is_end=is_end):
            self._put(kinds.LoginRefused(address=group, why=why, reason="counted over a minute", count=count))
        for (name, address, why), count in self._requests.due(self._now, is_end=is_end):
            by = Actor(name=name) if name else None
            self._put(kinds.RequestRefused(by=by, address=address, why=why, what="counted over a minute", count=count))
        for (what, name), count in self._comings.due(self._now, is_end=is_end):
            kind = kinds.LoggedOut if what == "logout" else kinds.LoggedIn
            self._put(kind(by=Actor(name=name or "several"), count=count))

    def _lose(self, count: int, why: str) -> None:
        if not self.lost:
            log.error("the audit no longer holds who logs in: %s", why)
        self.lost += count


def actor(person: Person) -> Actor:
    """The person as the audit names them."""
    return Actor(name=person.name, id=person.key, roles=person.roles)


def _plain(text: str, most: int = _NAME) -> str:
    """Foreign text in ASCII and in one line: it is read in a log, too."""
    cut = text[: most * 2].encode("ascii", "backslashreplace").decode()
    return "".join(each if " " <= each <= "~" else repr(each)[1:-1] for each in cut)[:most]
