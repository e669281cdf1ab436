"""`midwatch`: the console itself."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from console import __version__
from console.commands.flags import Flags, UsageError
from console.commands.logging_to import logging_to
from console.commands.opening import Opened, opened
from console.config.link import LinkMode
from console.config.site import Guard
from console.exit_codes import BY_SIGNAL, ExitCode

if TYPE_CHECKING:  # nothing of it is needed for the first frame
    from console.actions.licence import Licence
    from console.actions.service import ActionService
    from console.app.screen import ConsoleScreen
    from console.app.sending import Courier
    from console.assembly import Engine
    from console.commands.sending import Counter

# Python's collector of cycles would go through all modules again and again while they are being imported, a fifth of what
# starting costs. So it waits until all that stays is there, and does not look at that any more.
_STARTING = (200_000, 10, 10)  # new objects before it looks: some 20 MB
_SETTLED = (10_000, 20, 20)
_SETTLED_S = 8.0  # after the first frame: every connector has been imported, and has listed what there is
# Killed outright, we would leave the other screen, a hidden cursor and mouse reports to whoever is at the terminal.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def run(flags: Flags, environ: Mapping[str, str]) -> int:
    """Opens the site and shows it. Raises UsageError when there is nothing to open."""
    gc.set_threshold(*_STARTING)
    found = opened(flags, environ)
    if not _has_terminal(environ):
        print("midwatch: no terminal to draw on: this is the text digest (midwatch snapshot)", file=sys.stderr)
        from console.commands import snapshot

        return snapshot.run(
            flags,
            environ,
            view="overview",
            format="text",
            size=(120, 36),
            output=None,
            wait=10.0,
            from_host=None,
            exit_status=False,
            post=None,
        )
    with logging_to(flags, environ, "midwatch.log") as path:
        return asyncio.run(_shown(found, flags, environ, path))


def _has_terminal(environ: Mapping[str, str]) -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and environ.get("TERM", "") not in ("", "dumb")


async def _shown(found: Opened, flags: Flags, environ: Mapping[str, str], log: Path) -> int:
    # after the checks above, so that a refusal never waits for textual
    from console.app.abilities import abilities
    from console.app.app import MidwatchApp, theme_of
    from console.app.curtain import Curtain
    from widgets.filter import clean

    if not sys.stderr.isatty():
        sys.__stderr__ = sys.__stdout__  # type: ignore[misc]  # textual draws on it; `midwatch 2>file` must not
    try:
        theme = theme_of(flags.theme or found.config.theme)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    behind = Behind(found, flags, environ)
    app = MidwatchApp(
        Curtain(found.site_name, str(flags.scope), is_prod=found.site.guard is Guard.PROD),
        opening=behind.opened,
        started=behind.started,
        theme=theme,
        able=abilities(
            environ, getattr(sys.__stderr__, "encoding", None) or "utf-8", kitty_keys=found.config.kitty_keys
        ),
        link=flags.link or found.config.link or LinkMode.FULL,
    )
    # not the loop's own handlers: it may be waiting for a terminal that takes nothing
    before = {sign: signal.signal(sign, lambda number, _: app.leave(BY_SIGNAL + number)) for sign in _ENDING}
    try:
        await app.run_async()
    finally:
        app.give_back()
        await behind.close()
        for sign, handler in before.items():
            signal.signal(sign, handler)
    if app.fatal is not None:
        words = clean(f"{type(app.fatal).__name__}: {app.fatal}")[:300]
        print(
            f"midwatch {__version__}: ended by a fault of its own, not a verdict: {words} (the traceback is in {log})",
            file=sys.stderr,
        )
    return app.return_code if app.return_code is not None else ExitCode.OK


class Behind:
    """What is behind the curtain: imported in a thread, once the curtain is on the terminal."""

    def __init__(self, found: Opened, flags: Flags, environ: Mapping[str, str]) -> None:
        self._found, self._flags, self._environ = found, flags, environ
        self._engine: Engine | None = None
        self._service: ActionService | None = None
        self._counter: Counter | None = None
        self._watching: asyncio.Task[None] | None = None
        self._settling: asyncio.TimerHandle | None = None

    async def opened(self) -> ConsoleScreen:
        """The engine and the screen that shows it; no feed runs before `started`."""
        await asyncio.to_thread(_imported, self._flags.write, has_chat=bool(self._found.config.chat))
        from console.app.identity import who
        from console.app.pivots import Place
        from console.app.screen import ConsoleScreen
        from console.assembly import Engine
        from console.commands.watching import watch
        from console.config.reload import Reloader
        from console.feeds.clock import SystemClock
        from console.feeds.desk import OVERVIEW

        found = self._found
        engine = self._engine = Engine.open(found.config, found.site_name, SystemClock(), self._environ)
        engine.hub.hold()
        place = Place(OVERVIEW, self._flags.scope)
        licence = self._licence(engine)
        screen = ConsoleScreen(
            engine.desk,
            found.site_name,
            is_prod=engine.is_prod,
            who=who(self._environ),
            place=place,
            licence=licence,
            unlicensed="read-only: start midwatch with --write",
            courier=self._courier(engine),
        )

        def mark(text: str) -> None:
            screen.mark = text

        reloader = Reloader(found.path, self._environ, found.config)
        self._watching = asyncio.create_task(watch(reloader, mark, engine.clock), name="configuration")
        return screen

    def _licence(self, engine: Engine) -> Licence | None:
        """To act in the name of whoever sits here. Without --write nothing that could write is even made."""
        if not self._flags.write:
            return None
        from console.acting.arming import armed
        from console.actions.audit.person import person_here
        from console.actions.locks import HOST

        person = person_here(self._environ)
        self._service = armed(engine, self._found.config, self._environ, person, host_locks=HOST)
        return self._service.licence(person)

    def _courier(self, engine: Engine) -> Courier | None:
        """To post what is seen, where the configuration names a chat. Alone on a host it takes no right but one's own files."""
        if not self._found.config.chat:
            return None
        from console.actions.audit.person import person_here
        from console.app.identity import who
        from console.commands.sending import Counter

        found = self._found
        self._counter = Counter(found.config, self._environ, engine.clock, self._flags.theme or found.config.theme)
        return self._counter.clerk(
            engine.desk,
            found.site_name,
            is_prod=engine.is_prod,
            who=who(self._environ),
            by=person_here(self._environ),
            journal=lambda: self._service.journal if self._service is not None else None,
        )

    def started(self) -> None:
        """The screen has been painted: now the feeds may run, and connectors be imported."""
        if self._engine is not None:
            self._engine.hub.open()
        self._settling = asyncio.get_running_loop().call_later(_SETTLED_S, _settled)

    async def close(self) -> None:
        """Everything that was begun, ended."""
        if self._settling is not None:
            self._settling.cancel()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._counter is not None:
            await self._counter.close()
        if self._service is not None:
            await self._service.close()
        if self._engine is not None:
            await self._engine.close()


def _settled() -> None:
    gc.freeze()
    gc.set_threshold(*_SETTLED)


def _imported(may_write: bool, *, has_chat: bool) -> None:
    """What the screen and the engine stand on; what can write only where somebody may, and post only where there is a chat."""
    for name in ("console.assembly", "console.app.screen", "console.commands.watching"):
        import_module(name)
    if may_write:
        import_module("console.acting.arming")
    if has_chat:
        import_module("console.commands.sending")
