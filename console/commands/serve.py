"""`midwatch serve`: the console for many, over SSH (console/serve/)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands import ringing
from console.commands.ending import Ending
from console.commands.flags import Flags, UsageError
from console.commands.logging_to import logging_to
from console.commands.opening import Opened, opened
from console.config.link import LinkMode
from console.config.paths import audit_dir, state_dir
from console.config.serve import Serve, endpoint, told
from console.exit_codes import ExitCode

if TYPE_CHECKING:
    from console.actions.audit.journal import Journal
    from console.actions.audit.operation import Actor
    from console.model.instant import Clock
    from console.serve.door.door import Door
    from console.serve.hall.hall import Hall
    from console.serve.tally import Tally

STANDBY_S = 0.5  # how often the one who waits looks whether the lock is free
SETTLED_S = 10.0


def run(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    listen: tuple[str, int] | None,
    metrics: tuple[str, int] | None,
    alert_webhook: tuple[str, int] | None,
    standby: bool,
) -> int:
    """Until SIGTERM or SIGINT. Raises UsageError for whatever keeps it from listening."""
    found = opened(flags, environ)
    bell = ringing.place(found, alert_webhook)
    settings = found.config.serve
    if settings.authorized_keys is None and settings.ca_keys is None:
        raise UsageError(
            "serve: nobody could log in: set authorized_keys (a directory, one file of public keys a person) or ca_keys "
            f"in [serve] of {found.path}"
        )
    _link(flags, found)
    where = listen or endpoint(settings.listen)
    scraped = metrics or (endpoint(settings.metrics) if settings.metrics is not None else None)
    return asyncio.run(_served(found, flags, environ, where, scraped, bell, may_wait=standby))


async def _served(
    found: Opened,
    flags: Flags,
    environ: Mapping[str, str],
    where: tuple[str, int],
    scraped: tuple[str, int] | None,
    bell: tuple[str, int] | None,
    *,
    may_wait: bool,
) -> int:
    wake = asyncio.Event()
    ending = Ending(wake)
    async with AsyncExitStack() as stack:
        if not await _is_active(stack, state_dir(environ), wake, may_wait):
            return ExitCode.INTERRUPTED if ending.code == ExitCode.INTERRUPTED else ExitCode.OK
        # not sooner: the one who stands by must not turn the pages of the one who serves
        stack.enter_context(logging_to(flags, environ, "serve.log"))
        server = await _Server.opened(stack, found, flags, environ, where, scraped, bell)
        print(server.told, file=sys.stderr, flush=True)
        await wake.wait()
        wake.clear()
        await server.drain("SIGINT" if ending.code == ExitCode.INTERRUPTED else "SIGTERM")
    return ExitCode.INTERRUPTED if ending.code == ExitCode.INTERRUPTED else ExitCode.OK


async def _is_active(stack: AsyncExitStack, state: Path, wake: asyncio.Event, may_wait: bool) -> bool:
    """Whether the lock is ours; False where a signal came first. Raises UsageError where another has it and we may not wait."""
    from console.serve.door.active import Active, Taken

    is_told = False
    while not wake.is_set():
        try:
            stack.callback(Active.claim(state).release)
            return True
        except OSError as wrong:
            raise UsageError(f"serve: cannot use the state directory {state}: {wrong.strerror or wrong}") from wrong
        except Taken as wrong:
            if not may_wait:
                raise UsageError(f"serve: {wrong}; stop it first, or wait for its end with --standby") from None
            if not is_told:
                print(f"midwatch: standing by: {wrong}", file=sys.stderr, flush=True)
                is_told = True
        try:
            async with asyncio.timeout(STANDBY_S):
                await wake.wait()
        except TimeoutError:
            continue
    return False


class _Server:
    """What stands while it serves. `opened` puts the way back of each thing on the stack it is given."""

    def __init__(self, settings: Serve) -> None:
        self.told = ""
        self._settings = settings
        self._marks: dict[str, str] = {}
        self._door: Door
        self._hall: Hall
        self._tally: Tally

    @classmethod
    async def opened(
        cls,
        stack: AsyncExitStack,
        found: Opened,
        flags: Flags,
        environ: Mapping[str, str],
        where: tuple[str, int],
        scraped: tuple[str, int] | None,
        bell: tuple[str, int] | None,
    ) -> _Server:
        from console.acting.arming import armed
        from console.actions.audit.person import person_here
        from console.actions.locks import HOST
        from console.actions.policy.watch import Policies
        from console.app.app import theme_of
        from console.assembly import Engine
        from console.commands.asked import asked
        from console.commands.watching import watch
        from console.config.reload import Reloader
        from console.feeds.clock import SystemClock
        from console.redaction.known import known_secrets
        from console.redaction.redactor import Redactor
        from console.serve.door.door import Door
        from console.serve.door.hostkey import HostKeyError, host_key
        from console.serve.door.hostkey import told as key_told
        from console.serve.door.keyring import Keyring, Places
        from console.serve.door.listening import CannotListen, bound
        from console.serve.door.recorder import Recorder
        from console.serve.exposing import Exposed
        from console.serve.hall.hall import Bounds, Hall, settled
        from console.serve.tally import Tally

        settings, clock, tally = found.config.serve, SystemClock(), Tally()
        self = cls(settings)
        try:
            theme = theme_of(flags.theme or found.config.theme)
            key = await asyncio.to_thread(host_key, _path(settings.host_key), state_dir(environ))
            sockets = bound(*where)
        except (HostKeyError, CannotListen, ValueError) as wrong:
            raise UsageError(f"serve: {wrong}") from wrong
        for each in sockets:
            stack.callback(each.close)
        rope = ringing.sockets(stack, bell) if bell is not None else None
        keyring = Keyring(Places.of(settings), clock)
        await keyring.read()
        if keyring.is_revocation_unread:
            raise UsageError("serve: what is revoked cannot be read:\n  " + "\n  ".join(keyring.problems[:10]))
        if keyring.mark and not (keyring.trust.people or keyring.trust.authorities):
            raise UsageError("serve: nobody could log in:\n  " + "\n  ".join(keyring.problems[:10]))
        for problem in keyring.problems[:20]:
            print(f"midwatch: keys: {problem}", file=sys.stderr)
        if found.config.policy_file is None:
            print("midwatch: no policy_file: whoever logs in may read everything, and nobody may write", file=sys.stderr)

        engine = Engine.open(found.config, found.site_name, clock, environ)
        stack.push_async_callback(engine.close)
        person = person_here(environ)
        journal = await _recording(stack, found, environ, person, clock)
        recorder = Recorder(journal, clock)
        recorder.start()
        stack.push_async_callback(recorder.close)
        service = None
        if flags.write:
            service = armed(
                engine,
                found.config,
                environ,
                person,
                alone=False,
                impersonates=True,
                journal=_handed(journal),
                host_locks=HOST,
            )
            stack.push_async_callback(service.close)
        policy = Policies(_path(found.config.policy_file)).current if found.config.policy_file is not None else None
        courier = None
        if found.config.chat:
            from console.commands.sending import Counter
            from console.commands.sending_for_many import couriers

            counter = Counter(found.config, environ, clock, theme)
            stack.push_async_callback(counter.close)
            courier = couriers(counter, engine, policy, journal)
        limits = settings.limits
        hall = Hall(
            engine,
            found.config,
            bounds=Bounds(
                sessions=limits.sessions,
                per_user=limits.per_user,
                idle_s=settings.idle_s,
                executes=tuple(each.value for each in settings.exec),
            ),
            policy=policy,
            service=service,
            theme=theme,
            courier=courier,
            redactor=lambda: Redactor(known_secrets(found.config, environ)),
            link=_link(flags, found),
            grammar=asked,
            tally=tally,
        )

        def mark(of: str, text: str) -> None:
            self._marks[of] = text
            hall.mark = " · ".join(each for each in self._marks.values() if each)

        exposed = None
        if scraped is not None:
            exposed = Exposed(engine.hub, clock, tally)
            try:
                port = stack.enter_context(exposed.listening(*scraped))
            except OSError as wrong:
                raise UsageError(f"serve --metrics: cannot listen on {told(*scraped)}: {wrong.strerror or wrong}") from wrong
            _kept(stack, asyncio.create_task(exposed.run(), name="metrics"))
            print(f"midwatch: metrics on http://{told(scraped[0], port)}/metrics", file=sys.stderr)
        await hall.open()
        stack.push_async_callback(hall.close)
        door = Door(settings, key, keyring, hall, recorder, clock, tally, told=partial(mark, "keys"))
        await door.open(sockets)
        stack.push_async_callback(door.close)
        if rope is not None:
            hung, heard = await ringing.rung(stack, found, environ, engine, counter.office, counter.redactor, theme, rope)
            if exposed is not None:
                exposed.beside.append(hung.counts)
            print(f"midwatch: alerts on http://{heard}/, told to {', '.join(hung.told)}", file=sys.stderr)
        reloader = Reloader(found.path, environ, found.config)
        _kept(stack, asyncio.create_task(watch(reloader, partial(mark, "configuration"), clock), name="configuration"))
        timer = asyncio.get_running_loop().call_later(SETTLED_S, settled)
        stack.callback(timer.cancel)
        self._door, self._hall, self._tally = door, hall, tally
        may = "may write" if flags.write else "read-only"
        self.told = (
            f"midwatch: serving {found.site_name} on {', '.join(door.addresses)} ({may}), host key {key_told(key)}"
        )
        return self

    async def drain(self, why: str) -> None:
        """Nobody new; whoever is in is told, and has until the end of `drain_s`."""
        self._tally.drain(why)
        self._door.shut("this server is stopped: try again in a minute")
        await self._hall.drain(self._settings.drain_s)


async def _recording(
    stack: AsyncExitStack, found: Opened, environ: Mapping[str, str], person: Actor, clock: Clock
) -> Journal:
    """The one chain of this process: logins are recorded in it, and operations where the server may write."""
    from console.actions.audit.chain import ChainHeld
    from console.actions.audit.journal import Journal
    from console.actions.audit.signing import Checkpoints, KeyUnusable, signing_key
    from console.actions.audit.writer import JournalClosed

    try:
        notary = None
        if found.config.checkpoint_file is not None:
            key = await asyncio.to_thread(signing_key, state_dir(environ))
            notary = Checkpoints(Path(found.config.checkpoint_file), key)
        journal = await Journal.open(audit_dir(environ), clock, person, notary=notary)
    except (ChainHeld, JournalClosed, KeyUnusable) as wrong:
        raise UsageError(f"serve: who logs in could not be recorded: {wrong}") from wrong
    except OSError as wrong:
        at = f" {wrong.filename}" if wrong.filename else ""
        raise UsageError(f"serve: who logs in could not be recorded:{at} {wrong.strerror or wrong}") from wrong
    stack.push_async_callback(journal.close)
    return journal


def _handed(journal: Journal) -> Callable[[], Awaitable[Journal]]:
    async def given() -> Journal:
        return journal

    return given


def _link(flags: Flags, found: Opened) -> LinkMode:
    """Of all sessions. Raises UsageError for `off`, which is for finding a fault on a terminal of one's own."""
    link = flags.link or found.config.link or LinkMode.FULL
    if link is LinkMode.OFF:
        where = "--link off" if flags.link is not None else f'link = "off" (of {found.path}, or MIDWATCH_LINK)'
        raise UsageError(
            f"serve: {where} is not for a server: a client that takes its frames slowly would have them pile up here; "
            "use --link full or --link slow, or look for the fault in a console of your own: midwatch --link off"
        )
    return link


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _kept(stack: AsyncExitStack, task: asyncio.Task[None]) -> None:
    """Ended with the rest."""

    async def ended() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(ended)
