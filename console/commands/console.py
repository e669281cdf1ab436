"""`midwatch`: the console itself."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack

from console.assembly import Engine
from console.commands import snapshot
from console.commands.flags import Flags, UsageError
from console.commands.opening import Opened, opened
from console.commands.watching import watch
from console.config.paths import log_dir, made
from console.config.reload import Reloader
from console.exit_codes import ExitCode
from console.feeds.clock import SystemClock
from console.feeds.desk import OVERVIEW
from console.logfile import logged_to

_BY_SIGNAL = 128  # a shell's way to say what ended a process


def run(flags: Flags, environ: Mapping[str, str]) -> int:
    """Opens the site and shows it. Raises UsageError when there is nothing to open."""
    found = opened(flags, environ)
    if flags.write:
        print("midwatch: --write has no effect yet: no action is built in this version", file=sys.stderr)
    if not _has_terminal(environ):
        print("midwatch: no terminal to draw on: this is the text digest (midwatch snapshot)", file=sys.stderr)
        return snapshot.run(
            flags,
            environ,
            view=OVERVIEW,
            format="text",
            size=(120, 36),
            output=None,
            wait=10.0,
            from_host=None,
            exit_status=False,
            post=None,
        )
    path = flags.log_file if flags.log_file is not None else log_dir(environ) / "midwatch.log"
    with ExitStack() as logging_to:
        try:
            if flags.log_file is None:
                made(path.parent)
            logging_to.enter_context(logged_to(path))
        except OSError as wrong:
            raise UsageError(
                f"cannot write the log file {path}: {wrong.strerror or wrong}; name another: --log-file FILE"
            ) from wrong
        return asyncio.run(_shown(found, flags, environ))


def _has_terminal(environ: Mapping[str, str]) -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and environ.get("TERM", "") not in ("", "dumb")


async def _shown(found: Opened, flags: Flags, environ: Mapping[str, str]) -> int:
    # after the checks above, so that a refusal never waits for textual
    from console.app.app import MidwatchApp, theme_of
    from console.app.identity import who
    from console.app.pivots import Place

    if not sys.stderr.isatty():
        sys.__stderr__ = sys.__stdout__  # type: ignore[misc]  # textual draws on it; `midwatch 2>file` must not
    try:
        theme = theme_of(flags.theme or found.config.theme)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    engine = Engine.open(found.config, found.site_name, SystemClock())
    engine.hub.hold()
    app = MidwatchApp(
        engine.desk,
        found.site_name,
        is_prod=engine.is_prod,
        who=who(environ),
        place=Place(OVERVIEW, flags.scope),
        started=engine.hub.open,
        theme=theme,
    )

    def mark(text: str) -> None:
        app.console_screen.mark = text

    reloader = Reloader(found.path, environ, found.config)
    watching = asyncio.create_task(watch(reloader, mark, SystemClock()), name="configuration")
    # Killed outright, we would leave the other screen, a hidden cursor and mouse reports to whoever is at the terminal.
    for sign in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sign, app.exit, None, _BY_SIGNAL + sign)
    try:
        await app.run_async()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await engine.close()
    return app.return_code if app.return_code is not None else ExitCode.OK
