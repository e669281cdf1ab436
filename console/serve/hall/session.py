"""One channel of one client: a console, a digest, or one command; and nothing of it afterwards.

`shell` with a terminal is the console: an app of its own over the one engine. `shell` without one, or on a terminal that can
show no screen, is the text digest. `exec` is a command of the allow-list. Each once for a channel; whatever else is asked for
is refused in words and recorded.

A fault of ours ends the session it happened in, and only that one: it is logged with its traceback, the client is told one
sentence, the next session knows nothing of it. However a session ends (the client leaves, hangs up, takes nothing, is idle, is
not allowed to read, the server stops), it ends by the same way, `_end`, which may be called twice.

What must not be done here: wait for a client, or show one what another's policy would not.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Coroutine
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncssh

from console.actions.licence import Licence
from console.actions.policy.policy import PolicyError
from console.app.app import MidwatchApp
from console.app.drawing import PICTURE_S
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.exit_codes import ExitCode
from console.feeds.desk import OVERVIEW, Desk
from console.model.scope import Scope
from console.serve.hall.desk import DeskOfOne
from console.serve.hall.driver import ChannelDriver, Seat, clamped
from console.serve.hall.moment import Asked, NotAsked, taken
from console.serve.hall.phasing import Beat, PhasedClock
from console.serve.hall.rights import Rights
from console.serve.hall.spoken import Spoken, fit, spoken
from console.serve.hall.wire import Wire
from console.serve.presence import Visit
from widgets.filter import clean

if TYPE_CHECKING:  # it makes us
    from console.serve.hall.hall import Hall

BEGIN_S = 15.0  # a channel that asks for nothing is closed
PARTING_S = 5.0  # how long the last words may take to leave
COMMAND = 4_096  # characters of a command
CONSOLE, DIGEST, EXEC = "console", "digest", "exec"

log = logging.getLogger(__name__)


class Ended(Exception):
    """The session is over: the exit code, and what the client is told."""

    def __init__(self, code: int, words: str, *, what: str = "") -> None:
        super().__init__(words)
        self.code = int(code)
        self.words = words
        self.what = what  # for the audit, where it is a refusal


class Session(asyncssh.SSHServerSession[bytes]):
    """Made by the hall for each channel that a logged-in client opens."""

    def __init__(self, hall: Hall, person: Any, connection: Any) -> None:
        self._hall = hall
        self._connection: Any = connection
        self._channel: Any = None
        self._seat: Seat | None = None
        self._task: asyncio.Task[None] | None = None
        self._beginning: asyncio.TimerHandle | None = None
        self._term = ""
        self._window = (0, 0)
        self._command: str | None = None
        self._parting: tuple[int, str] | None = None  # how it ends, where it is not the client who ends it
        self._is_over = False
        self._heard_at = 0.0
        self._is_warned = False
        self.person = person
        self.since = hall.engine.clock.now()
        self.kind = ""
        self.app: MidwatchApp | None = None
        self.licence: Licence | None = None
        self.rights: Rights | None = None
        self._visit: Visit | None = None
        self._beat: Beat | None = None

    @property
    def view(self) -> str:
        """What is on the screen."""
        screen = self.app.console_screen if self.app is not None else None
        return screen.place.view if screen is not None else ""

    # -- what asyncssh calls -------------------------------------------------------------------------------------------
    def connection_made(self, chan: Any) -> None:
        self._channel = chan
        self._heard_at = asyncio.get_running_loop().time()
        self._beginning = asyncio.get_running_loop().call_later(BEGIN_S, self._never_began)

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:
        self._term = term_type or "dumb"
        self._window = clamped(term_size[0], term_size[1])
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return True  # and answered in words: a bare failure tells nobody what would have been allowed

    def subsystem_requested(self, subsystem: str) -> bool:
        self._refused("subsystem " + clean(subsystem)[:100], "there are no subsystems here")
        return False

    def session_started(self) -> None:
        if self._beginning is not None:
            self._beginning.cancel()
            self._beginning = None
        said = spoken(self._term, self._channel.get_environment())
        wire = Wire(
            self._channel,
            self._connection,
            encoding=said.encoding,
            stalled_s=self._hall.bounds.stalled_s,
            stalled=self._stalled,
            sent=self._hall.sent,
        )
        self._seat = Seat(wire, self._window if self._term else clamped(0, 0), said.encoding, pause=self._pause)
        if self._command is not None:
            self.kind = EXEC
        else:
            self.kind = DIGEST if said.is_dumb else CONSOLE
        way = self._console(said) if self.kind == CONSOLE else self._told()
        # a context of its own: the connection's goes on after the app
        self._task = asyncio.create_task(self._run(way), name=f"session {self.person.name}", context=Context())

    def data_received(self, data: bytes, datatype: Any) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self._is_warned = False
        self._hurry()
        if self.kind == CONSOLE and self._seat is not None:
            self._seat.feed(data)

    def eof_received(self) -> bool:
        if self.kind == CONSOLE:  # its keyboard is gone
            self.leave(ExitCode.OK, "")
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        self._window = clamped(width, height)
        self._hurry()
        if self._seat is not None:
            self._seat.resize(width, height)

    def signal_received(self, signal: str) -> None:
        if signal in ("INT", "TERM", "HUP", "QUIT", "KILL"):
            self.leave(ExitCode.INTERRUPTED, "")

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()

    # -- its life ------------------------------------------------------------------------------------------------------
    async def _run(self, way: Coroutine[Any, Any, tuple[int, bytes]]) -> None:
        """Whatever happens in there ends here."""
        code, out, words = int(ExitCode.INTERNAL), b"", ""
        try:
            full = self._hall.enter(self)
            if full:
                way.close()
                raise Ended(ExitCode.REFUSED, full, what="session")
            code, out = await way
        except Ended as ended:
            code, words = ended.code, ended.words
            if ended.what:
                self._refused(ended.what, ended.words)
        except asyncio.CancelledError:
            if not self._is_over and self._parting is None:
                raise
        except Exception as error:
            log.exception("the session of %s ended by a fault of midwatch's own", self.person.name)
            self._hall.crashed(self)
            words = f"ended by a fault of its own: {type(error).__name__}; the server's log file has the traceback"
        finally:
            way.close()
            if self._parting is not None:
                code, words = self._parting
            self._end(code, out, words)

    def leave(self, code: int, words: str) -> None:
        """End it from outside: the client is told why. Returns at once."""
        if self._is_over or self._parting is not None:
            return
        self._parting = (int(code), words)
        if self.app is not None and self.app._running:
            self.app.exit()
            asyncio.get_running_loop().call_later(PARTING_S, self._cancel)  # one whose loop hangs is not asked twice
        else:
            self._cancel()

    def _cancel(self) -> None:
        if self._task is not None and not self._is_over:
            self._task.cancel()

    def _end(self, code: int, out: bytes, words: str) -> None:
        """Leave nothing behind, and the client its terminal."""
        if self._is_over:
            return
        self._is_over = True
        channel, self._channel = self._channel, None
        if channel is not None and not channel.is_closing():
            try:
                if out:
                    channel.write(out)
                if words:
                    channel.write_stderr(f"midwatch: {words}\r\n".encode())
                channel.exit(code)
                asyncio.get_running_loop().call_later(PARTING_S, channel.abort)
            except OSError:
                log.debug("the channel of %s was gone before its last words", self.person.name)
        self._let_go()

    def _let_go(self) -> None:
        if self._beginning is not None:
            self._beginning.cancel()
            self._beginning = None
        if self._seat is not None:
            self._seat.close()
            self._seat = None
        if self._visit is not None:
            self._visit.leave()
        if self._beat is not None:
            self._beat.close()
            self._beat = None
        app, self.app, self.licence, self._visit = self.app, None, None, None
        self._connection = None
        self._hall.left(self, app)

    def _gone(self) -> None:
        """The client is not there any more, or no longer spoken to."""
        self._channel = None
        if self._task is None:
            self._is_over = True
            self._let_go()
        else:
            self.leave(ExitCode.INTERRUPTED, "")

    def _never_began(self) -> None:
        self._beginning = None
        if self._channel is not None and self._task is None:
            self._channel.abort()

    def _stalled(self) -> None:
        """Nothing was taken for too long. Nobody else waits for it, but it must not be kept for ever."""
        log.warning("%s took nothing for %g s and is dropped", self.person.name, self._hall.bounds.stalled_s)
        self._hall.stalled(self)
        channel, connection = self._channel, self._connection
        is_below = self._seat is not None and self._seat.wire.is_blocked_below
        self._gone()
        if is_below and connection is not None:
            connection.abort()
        elif channel is not None:
            channel.abort()

    def _pause(self, is_full: bool) -> None:
        if self._channel is not None:
            (self._channel.pause_reading if is_full else self._channel.resume_reading)()

    def _hurry(self) -> None:
        if self._beat is not None:
            self._beat.hurry()

    def _refused(self, what: str, why: str) -> None:
        self._hall.refused(self.person, self._connection, what, why)

    # -- the console ---------------------------------------------------------------------------------------------------
    async def _permitted(self) -> Desk:
        """The desk of what this person may read. Raises Ended for one who may read nothing here."""
        try:
            self.rights = await self._hall.rights_of(self.person)
        except PolicyError as wrong:
            log.error("the policy cannot be read: %s", wrong)
            words = "the policy of this server cannot be read, so nobody may read anything; whoever keeps it must mend it"
            raise Ended(ExitCode.REFUSED, words, what="session") from wrong
        except PermissionError as no:
            raise Ended(ExitCode.REFUSED, str(no), what="session") from no
        return self._hall.desk_of(self.rights)

    def _sees_addresses(self) -> bool:
        return self.rights is not None and self.rights.addresses

    async def _console(self, said: Spoken) -> tuple[int, bytes]:
        hall, seat = self._hall, self._seat
        assert seat is not None
        permitted = await self._permitted()
        beat = self._beat = Beat(seat.wire.has_long_way, self._hall.turns)
        desk: Any = DeskOfOne(permitted, PhasedClock(hall.engine.clock, hall.turns, beat), hall)
        self.licence, unlicensed = await hall.licence_of(self.person)
        self._visit = hall.presence.enter(
            hall.actor(self.person), address=self.person.address, sees_addresses=self._sees_addresses
        )
        await hall.turns.turn()  # fifty logins at once are fifty apps to be built, one after the other
        screen = ConsoleScreen(
            desk,
            hall.engine.name,
            is_prod=hall.engine.is_prod,
            who=hall.shown(self.person),
            place=Place(OVERVIEW, Scope()),
            licence=self.licence,
            unlicensed=unlicensed,
            company=self._visit,
            courier=hall.courier_of(self.person, permitted),
        )
        screen.mark = hall.mark
        driver = partial(ChannelDriver, seat=seat)
        app = self.app = MidwatchApp(screen, theme=hall.theme, able=said.able, link=hall.link, driver=driver)
        fit(app, said)
        app.turn = beat
        beat.hurry()  # its first frames are awaited
        if self._parting is not None:
            raise Ended(*self._parting)
        await app.run_async()
        if app.fatal is not None:
            self._hall.crashed(self)
            raise Ended(
                ExitCode.INTERNAL,
                f"ended by a fault of its own: {clean(f'{type(app.fatal).__name__}: {app.fatal}')[:200]}",
            )
        return app.return_code if app.return_code is not None else ExitCode.OK, b""

    # -- words ---------------------------------------------------------------------------------------------------------
    async def _told(self) -> tuple[int, bytes]:
        """The digest, or what a command asks for; nobody waits for it longer than it may take at most."""
        if self._command is None:
            asked = Asked(size=(self._window[0] or 120, 36) if self._term else (120, 36))
        else:
            asked = self._understood(self._command)
        hall = self._hall
        try:
            async with asyncio.timeout(asked.wait_s + PICTURE_S):
                code, out = await taken(
                    await self._permitted(), hall.engine.name, asked,
                    is_prod=hall.engine.is_prod, who=hall.shown(self.person), turn=hall.drawing, redactor=hall.redactor,
                )  # fmt: skip
        except NotAsked as wrong:
            raise Ended(ExitCode.USAGE, str(wrong)) from wrong
        except TimeoutError as late:
            raise Ended(ExitCode.TIMED_OUT, "it took too long") from late
        except OSError as wrong:
            raise Ended(ExitCode.INTERNAL, str(wrong)) from wrong
        if self._term:  # a terminal in raw mode at the other end
            out = out.replace(b"\n", b"\r\n")
        return code, out

    def _understood(self, command: str) -> Asked:
        """Raises Ended for whatever is not of the allow-list."""
        hall = self._hall
        told = clean(command)[:100]
        ways = (f"`{word} VIEW`" if word == "snapshot" else f"`{word}`" for word in hall.bounds.executes)
        allowed = ", ".join(ways) or "nothing"
        no = f"`{told}` cannot be run here: this is a console and not a shell; what can be run: {allowed}"
        try:
            words = shlex.split(command) if len(command) <= COMMAND else []
        except ValueError:
            words = []
        if words[:1] == ["midwatch"]:
            words = words[1:]
        if not words or words[0] not in hall.bounds.executes or hall.grammar is None:
            raise Ended(ExitCode.USAGE, no, what=f"exec {told}")
        try:
            return hall.grammar(words)
        except NotAsked as wrong:
            raise Ended(ExitCode.USAGE, str(wrong), what=f"exec {told}") from wrong

    # -- idleness ------------------------------------------------------------------------------------------------------
    def look(self, now: float) -> None:
        """Once in a while, by the hall: has anybody touched a key?"""
        bounds = self._hall.bounds
        if bounds.idle_s <= 0 or self.kind != CONSOLE or self._is_over or self._hall.is_acting(self.person):
            return
        idle_s = now - self._heard_at
        if idle_s >= bounds.idle_s:
            self.leave(ExitCode.OK, f"no key for {bounds.idle_s / 60:g} min: logged out")
        elif idle_s >= bounds.idle_s - bounds.warn_s and not self._is_warned:
            self._is_warned = True
            self.tell(f"no key for a while: logged out in {bounds.idle_s - idle_s:.0f} s; any key stays")

    def tell(self, words: str) -> None:
        """A notice on its screen."""
        if self.app is not None and self.app._running:
            self._hurry()
            self.app.notify(words, severity="warning", timeout=20.0, markup=False)
