"""`ssh HOST snapshot VIEW ...`: one moment of the running engine, to a client without a screen.

The words are read by the command line's own grammar, never by a shell. Nothing is started for it: the feeds run anyway, so
there is nothing to wait for once they have settled. Text and JSON are made of rows; a picture is drawn by an app of its own
without a terminal, and an SVG becomes a PNG in a child process, because drawing it holds the interpreter for half a second.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence

import msgspec

from console.app.app import MidwatchApp
from console.app.picture import ansi, html, svg
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.feeds.desk import VIEWS, Desk
from console.model.scope import Scope
from console.rows import channel, streams
from console.rows.digest import to_json, to_text
from console.serve.hall.spoken import fit
from console.snapshot import exit_code, session

PICTURE_S = 30.0  # how long a picture may take before the child that draws it is ended
TEXT, JSON, PNG = "text", "json", "png"


class Asked(msgspec.Struct, frozen=True):
    """What a client wants to see, already understood."""

    view: str = "overview"
    format: str = TEXT
    size: tuple[int, int] = (120, 36)
    wait_s: float = 10.0
    tells_health: bool = False
    scope: Scope = Scope()
    theme: str | None = None


class NotAsked(Exception):
    """The words are no command that may be run here; the text says which are."""


Grammar = Callable[[Sequence[str]], Asked]  # raises NotAsked


async def taken(desk: Desk, site: str, asked: Asked, *, is_prod: bool, who: str, turn: asyncio.Semaphore) -> tuple[int, bytes]:
    """The exit code, and what is to be sent. `turn` bounds how many pictures are drawn at a time. Raises NotAsked."""
    if asked.view not in VIEWS:
        raise NotAsked(f"snapshot: the view `{asked.view}` is not built yet; there are {', '.join(VIEWS)}")
    with session(desk, site, asked.view, asked.scope) as taking:
        digest = await taking.settled(asked.wait_s)
        code = int(exit_code(digest, tells_health=asked.tells_health))
        if asked.format == JSON:
            return code, to_json(digest) + b"\n"
        if asked.format == TEXT:
            return code, to_text(digest, asked.size[0]).encode()
        async with turn:
            return code, await _picture(desk, site, asked, is_prod=is_prod, who=who)


async def _picture(desk: Desk, site: str, asked: Asked, *, is_prod: bool, who: str) -> bytes:
    view = channel.VIEW if asked.view == streams.VIEW and asked.scope.get("channel") else asked.view
    screen = ConsoleScreen(desk, site, is_prod=is_prod, who=who, place=Place(view, asked.scope))
    app = MidwatchApp(screen, theme=asked.theme)
    fit(app, None)
    async with app.run_test(size=asked.size) as pilot:
        await pilot.pause()
        screen.renew(desk.clock.now())
        await pilot.pause()
        if asked.format == "ansi":
            return ansi(app).encode()
        if asked.format == "html":
            return html(app).encode()
        drawn = svg(app, f"midwatch {site}").encode()
    return await _png(drawn) if asked.format == PNG else drawn


async def _png(drawn: bytes) -> bytes:
    """Raises OSError where the child could not draw it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console.serve.hall.drawing",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PICTURE_S):
            picture, said = await child.communicate(drawn)
    except TimeoutError:
        raise OSError(f"the picture was not drawn within {PICTURE_S:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise OSError(f"the picture could not be drawn: {last[:200]}")
    return picture
