"""`midwatch wall [VIEW ...]`: one screen for a room full of people, for months."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console import __version__
from console.commands.flags import Flags, UsageError
from console.commands.logging_to import logging_to
from console.commands.opening import Opened, opened
from console.config.link import LinkMode
from console.config.paths import log_dir
from console.config.readonly import without_writes
from console.config.site import Guard
from console.exit_codes import BY_SIGNAL, ExitCode
from console.wall.keeping import keep
from console.wall.pulse import Past, Pulse

if TYPE_CHECKING:
    from console.assembly import Engine
    from console.wall.screen import WallScreen

LEAST_S = 2.0  # of a page
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_SETTLED_S = 30.0  # after the first frame nearly everything is there that stays


def run(flags: Flags, environ: Mapping[str, str], *, views: Sequence[str], rotate: float) -> int:
    """Until q, ctrl+c or a signal. Raises UsageError for whatever keeps it from being shown at all."""
    if flags.write:
        raise UsageError("wall is read-only and has no --write")
    if rotate < LEAST_S:
        raise UsageError(f"wall --rotate: a page needs {LEAST_S:g} s to be read")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or environ.get("TERM", "") in ("", "dumb"):
        raise UsageError("wall needs a terminal to draw on; a picture of one moment: midwatch snapshot overview --format png")
    return keep(partial(_shown, flags, environ, tuple(views), rotate))


def _shown(flags: Flags, environ: Mapping[str, str], views: Sequence[str], rotate: float, pulse: Pulse, past: Past) -> int:
    """One life of the wall: from the configuration as it is on the disk now."""
    gc.set_threshold(200_000, 10, 10)  # nothing is collected while modules are imported
    found = opened(flags, environ)
    with logging_to(flags, environ, "wall.log") as path:
        return asyncio.run(_run(found, flags, environ, views, rotate, pulse, past, path))


async def _run(
    found: Opened,
    flags: Flags,
    environ: Mapping[str, str],
    views: Sequence[str],
    rotate: float,
    pulse: Pulse,
    past: Past,
    log: Path,
) -> int:
    from console.app.abilities import abilities
    from console.app.app import theme_of
    from console.assembly import Engine
    from console.feeds.clock import SystemClock
    from console.wall.app import WallApp
    from console.wall.screen import WallScreen
    from widgets.filter import clean

    if not sys.stderr.isatty():
        sys.__stderr__ = sys.__stdout__  # type: ignore[misc]  # textual draws on it
    try:
        theme = theme_of(flags.theme or found.config.theme)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong
    _note_stacks(pulse, environ)
    engine = Engine.open(without_writes(found.config), found.site_name, SystemClock(), environ)
    engine.hub.hold()
    screen = WallScreen(
        engine.desk,
        found.site_name,
        is_prod=found.site.guard is Guard.PROD,
        scope=flags.scope,
        views=views,
        every_s=rotate,
        past=past,
        pulse=pulse,
    )
    app = WallApp(
        screen,
        started=partial(_started, engine),
        theme=theme,
        able=abilities(environ, getattr(sys.__stderr__, "encoding", None) or "utf-8"),
        link=flags.link or found.config.link or LinkMode.FULL,
        pulse=pulse,
    )
    following = asyncio.create_task(_follow(found, environ, screen, app, pulse, engine), name="configuration")
    before = {sign: signal.signal(sign, lambda number, _: app.leave(BY_SIGNAL + number)) for sign in _ENDING}
    try:
        await app.run_async(mouse=False)
    finally:
        app.give_back()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await engine.close()
        for sign, handler in before.items():
            signal.signal(sign, handler)
    if app.fatal is not None:
        words = clean(f"{type(app.fatal).__name__}: {app.fatal}")[:300]
        told = f"the wall ended by a fault of its own: {words} (the traceback is in {log})"
        print(f"midwatch {__version__}: {told}", file=sys.stderr)
    return app.return_code if app.return_code is not None else ExitCode.OK


def _started(engine: Engine) -> None:
    """The first frame is out: now the feeds may run."""
    engine.hub.open()
    asyncio.get_running_loop().call_later(_SETTLED_S, _settled)


def _settled() -> None:
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _note_stacks(pulse: Pulse, environ: Mapping[str, str]) -> None:
    try:
        pulse.stacks_to(log_dir(environ) / "wall.stacks")
    except OSError:
        return  # only for whoever looks why it was stuck; the log file has been told to them already


async def _follow(
    found: Opened, environ: Mapping[str, str], screen: WallScreen, app: object, pulse: Pulse, engine: Engine
) -> None:
    """A changed configuration is shown by another process at once; one that is broken is told, and the last good one kept."""
    from console.commands.watching import CHANGED, watch
    from console.config.reload import Reloader
    from console.wall.app import WallApp

    assert isinstance(app, WallApp)
    reloader = Reloader(found.path, environ, found.config)

    def told(mark: str) -> None:
        if mark == CHANGED:
            if found.site_name in reloader.config.sites:
                pulse.again("configuration changed")
                app.exit(return_code=ExitCode.OK)
                return
            mark = f"configuration: it has no site {found.site_name} any more, the last good one kept"
        screen.mark = mark

    await watch(reloader, told, engine.clock)
