"""The hall: one engine, held for as long as the server stands, and everybody who looks at it.

What the overview shows is read from the first moment, whether anybody is logged in or not: who comes in at night sees at once
how things stand, and a backend is asked once, by us, however many look. Each session is a console of its own over it
(session.py); what all of them share is here: how many there may be, whose turn it is to paint, who has been idle, whose rights
have changed, and how all of it ends.

What must not be done here: decide who somebody is (the door has, before it asks for a session), or what one may do (the
policy).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from console.actions.audit.operation import Actor
from console.actions.licence import Licence
from console.actions.policy.policy import Policy, PolicyError
from console.actions.service import ActionService
from console.app.app import MidwatchApp
from console.app.sending import Courier
from console.assembly import Engine
from console.config import Config
from console.config.link import LinkMode
from console.exit_codes import ExitCode
from console.feeds.desk import OVERVIEW_PANES, Desk, Seat
from console.redaction.redactor import Redactor
from console.serve.hall.moment import Grammar
from console.serve.hall.phasing import Turns
from console.serve.hall.rights import WITHOUT_POLICY, Rights, rights_of
from console.serve.hall.session import Session
from console.serve.hall.sweeping import Sweeper
from console.serve.presence import Presence

FOR_LIFE = (*OVERVIEW_PANES, "incidents", "actions", "sources")
LOOK_S = 1.0
PARTED_S = 10.0  # how long sessions may take to end once they were told to
PICTURES = 1  # drawn at a time
RIGHTS_EVERY = 5  # looks
AGAIN_S = 1.0  # between two looks of all feeds at the clock

log = logging.getLogger(__name__)


class Bounds(msgspec.Struct, frozen=True):
    """What the hall holds. `idle_s` 0: nobody is put out for being idle. `stalled_s`: how long a client may take nothing."""

    sessions: int = 64
    per_user: int = 8
    idle_s: float = 0.0
    warn_s: float = 60.0
    stalled_s: float = 30.0
    executes: tuple[str, ...] = ("snapshot",)


class Hall:
    """One for a server. `policy` None: no policy file, so everybody who is let in may read everything.

    Raises ValueError for a link that is off: whole regions would be written past the one frame in flight, and a slow reader
    would have them pile up here.
    """

    def __init__(
        self,
        engine: Engine,
        config: Config,
        *,
        bounds: Bounds = Bounds(),  # noqa: B008 - frozen
        policy: Callable[[], Awaitable[Policy]] | None = None,
        service: ActionService | None = None,
        theme: str | None = None,
        link: LinkMode = LinkMode.FULL,
        grammar: Grammar | None = None,
        tally: Any = None,
        courier: Callable[[Desk, Actor, str], Courier | None] | None = None,
        redactor: Callable[[], Redactor] = Redactor,
    ) -> None:
        """`courier`: of a session at this desk, of this person, as they are shown. `redactor`: of what is secret; may block."""
        if link is LinkMode.OFF:
            raise ValueError("a session's frames go through the link: full, or slow")
        self.engine = engine
        self.config = config
        self.bounds = bounds
        self.theme = theme or config.theme
        self.link = link
        self.grammar = grammar
        self.turns = Turns(sessions=lambda: len(self.sessions))
        self.drawing = asyncio.Semaphore(PICTURES)
        self._policy = policy
        self._service = service
        self._tally = tally
        self._courier = courier
        self.redactor = redactor
        self._sessions: dict[Session, None] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self._seats: list[Seat] = []
        self._looking: asyncio.Task[None] | None = None
        self._sweeper: Sweeper | None = None
        self._swept: asyncio.TimerHandle | None = None
        self._closing = ""
        self._mark = ""
        self._looked_at = float("-inf")
        self.presence = Presence(engine.clock)
        self._host = socket.gethostname().partition(".")[0]

    # -- opening and closing -------------------------------------------------------------------------------------------
    async def open(self) -> None:
        """Sit down at everything that the overview shows, and stay. Once, before the door listens."""
        self._seats = [self.engine.desk.sit(view) for view in FOR_LIFE]
        self.engine.hub.open()
        self._sweeper = Sweeper(asyncio.get_running_loop().time())
        self._looking = asyncio.create_task(self._look(), name="hall")

    async def drain(self, within_s: float = 30.0) -> None:
        """The server is to stop: nobody new, a notice on every screen, running operations waited for, then everybody out."""
        if not self._closing:
            self._closing = "midwatch is being stopped here: try again in a minute"
        running = self._service.running if self._service is not None else ()
        waits = f"; it waits up to {within_s:.0f} s for {len(running)} running operation(s)" if running else ""
        for session in self.sessions:
            session.tell(f"this server is being stopped{waits}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._service is not None and self._service.running:  # noqa: ASYNC110 - it tells nobody when one ends
                    await asyncio.sleep(0.1)
        left = len(self._service.running) if self._service is not None else 0
        words = "the server was stopped" + (f" while {left} operation(s) ran: see `midwatch audit show`" if left else "")
        for session in self.sessions:
            session.leave(ExitCode.OK, words)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTED_S):
                await self._empty.wait()

    async def close(self) -> None:
        """Leave nothing of ours. The engine and the service are closed by whoever made them."""
        if self._sessions or not self._closing:
            await self.drain(0.0)
        if self._swept is not None:
            self._swept.cancel()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._sweeper is not None:
            self._sweeper.close()
            self._sweeper = None
        for seat in self._seats:
            seat.close()
        self._seats = []

    async def _look(self) -> None:
        turns = 0
        while True:
            await asyncio.sleep(LOOK_S)
            now = asyncio.get_running_loop().time()
            turns += 1
            if turns % RIGHTS_EVERY == 0:
                try:
                    await self._look_at_rights()
                except Exception:
                    log.exception("what people may read could not be looked at")
            if self._sweeper is not None:
                self._sweeper.look(now)
            for session in self.sessions:
                try:
                    session.look(now)
                except Exception:
                    log.exception("the session of %s could not be looked after", session.person.name)

    # -- for the door --------------------------------------------------------------------------------------------------
    def full_for(self, person: Any) -> str:
        """Why there is no room for one more session of this person; "" when there is."""
        if self._closing:
            return self._closing
        if len(self._sessions) >= self.bounds.sessions:
            return f"all {self.bounds.sessions} places are taken: try again later"
        own = sum(each.person.name == person.name for each in self._sessions)
        if own >= self.bounds.per_user:
            return f"{person.name} has {own} sessions here already, which is the most: close one of them"
        return ""

    def session(self, person: Any, connection: Any) -> Session:
        """For one channel of a client that has logged in."""
        return Session(self, person, connection)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Those that have begun and not ended, oldest first."""
        return tuple(self._sessions)

    @property
    def mark(self) -> str:
        """What is wrong with the server itself, on every screen."""
        return self._mark

    @mark.setter
    def mark(self, words: str) -> None:
        self._mark = words
        for session in self.sessions:
            if session.app is not None and session.app.console_screen is not None:
                session.app.console_screen.mark = words

    # -- for sessions --------------------------------------------------------------------------------------------------
    def enter(self, session: Session) -> str:
        """Counted from here on; or why not."""
        full = self.full_for(session.person)
        if not full:
            self._sessions[session] = None
            self._empty.clear()
            if self._tally is not None:
                self._tally.opened(session.kind)
        return full

    def left(self, session: Session, app: MidwatchApp | None) -> None:
        """It has ended, and its app, where it had one, is to be gone soon."""
        if session not in self._sessions:
            return
        del self._sessions[session]
        if not self._sessions:
            self._empty.set()
        if self._tally is not None:
            self._tally.closed(session.kind)
        if self._sweeper is not None and app is not None:
            self._sweeper.left(app)
        if self._swept is None:
            self._swept = asyncio.get_running_loop().call_later(LOOK_S, self._sweep)

    def _sweep(self) -> None:
        self._swept = None
        if self._sweeper is not None:
            self._sweeper.sweep()

    def look_again(self, *, doubt: bool) -> None:
        """Every feed looks at the clock, because a session finds that time has passed unseen; all of them find it at once."""
        now = asyncio.get_running_loop().time()
        if doubt or now - self._looked_at >= AGAIN_S:
            self._looked_at = now
            self.engine.desk.look(doubt=doubt)

    def sent(self, count: int) -> None:
        if self._tally is not None:
            self._tally.sent(count)

    def stalled(self, _session: Session) -> None:
        if self._tally is not None:
            self._tally.dropped_slow()

    def crashed(self, _session: Session) -> None:
        if self._tally is not None:
            self._tally.crashed()

    def refused(self, person: Any, connection: Any, what: str, why: str) -> None:
        """Told to the door, which records it; where there is none, to the log."""
        tell = getattr(connection, "refused", None)
        if tell is not None:
            tell(what, why)
        else:
            log.warning("%s: %s refused: %s", person.name, what, why)

    async def rights_of(self, person: Any) -> Rights:
        """What this person may read. Raises PolicyError while nobody can tell, PermissionError where it is nothing."""
        if self._policy is None:
            return WITHOUT_POLICY
        rights = rights_of(await self._policy(), person, self.engine.name)
        if rights is None:
            raise PermissionError(nothing_to_read(person.name, self.engine.name))
        return rights

    def desk_of(self, rights: Rights) -> Desk:
        """The desk, with what may not be read taken away."""
        return self.engine.desk if rights.sight.is_everything else self.engine.desk.seen_by(rights.sight)

    async def _look_at_rights(self) -> None:
        """The policy may have changed. What a screen shows already cannot be taken back from it, so it ends.

        A policy that cannot be read takes nothing away from who is here: it is being written, and will be read in a moment.
        """
        if self._policy is None or not self._sessions:
            return
        try:
            policy = await self._policy()
        except PolicyError as wrong:
            log.warning("the policy cannot be read: %s", wrong)
            return
        for session in self.sessions:
            if session.rights is None:
                continue
            rights = rights_of(policy, session.person, self.engine.name)
            if rights is None:
                session.leave(ExitCode.REFUSED, nothing_to_read(session.person.name, self.engine.name))
            elif rights.sight != session.rights.sight:
                session.leave(ExitCode.REFUSED, "what you may read has changed: log in again")
            else:
                session.rights = rights

    async def licence_of(self, person: Any) -> tuple[Licence | None, str]:
        """To act in this person's name, where the server may write at all; else why not."""
        if self._service is None:
            return None, "read-only: this server was started without --write"
        return self._service.licence(self.actor(person)), ""

    def actor(self, person: Any) -> Actor:
        """The person as the audit names one, with no more roles than the key has."""
        return Actor(name=person.name, id=person.key, roles=person.roles)

    def courier_of(self, person: Any, desk: Desk) -> Courier | None:
        """To post what this desk shows, in this person's name."""
        return self._courier(desk, self.actor(person), self.shown(person)) if self._courier is not None else None

    def shown(self, person: Any) -> str:
        return f"{person.name}@{self._host}"

    def is_acting(self, person: Any) -> bool:
        """Whether an operation runs that this person may be waiting for."""
        return self._service is not None and bool(self._service.running)


def nothing_to_read(name: str, site: str) -> str:
    return f"no role of {name} may read the site {site}"


def settled() -> None:
    """All that stays is there: the collector of cycles need not look at it again."""
    gc.collect()
    gc.freeze()
