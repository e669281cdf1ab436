"""`ssh HOST snapshot VIEW ...`: one moment of the running engine, to a client without a screen.

The words are read by the command line's own grammar, never by a shell. Nothing is started for it: the feeds run anyway, so
there is nothing to wait for once they have settled. Text and JSON are made of rows; a picture is drawn by an app of its own
without a terminal, and an SVG becomes a PNG in a child process, because drawing it holds the interpreter for half a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from console.app.picture import drawn
from console.feeds.desk import VIEWS, Desk
from console.model.scope import Scope
from console.redaction.redactor import Redactor
from console.redaction.veil import veiled
from console.rows.digest import to_json, to_text
from console.serve.hall.spoken import fit
from console.snapshot import exit_code, session

TEXT, JSON = "text", "json"


class Asked(msgspec.Struct, frozen=True):
    """What a client wants to see, already understood."""

    view: str = "overview"
    format: str = TEXT
    size: tuple[int, int] = (120, 36)
    wait_s: float = 10.0
    tells_health: bool = False
    scope: Scope = Scope()
    theme: str | None = None
    redacted: bool = True


class NotAsked(Exception):
    """The words are no command that may be run here; the text says which are."""


Grammar = Callable[[Sequence[str]], Asked]  # raises NotAsked


async def taken(
    desk: Desk,
    site: str,
    asked: Asked,
    *,
    is_prod: bool,
    who: str,
    turn: asyncio.Semaphore,
    redactor: Callable[[], Redactor] = Redactor,
) -> tuple[int, bytes]:
    """The exit code, and what is to be sent. `turn` bounds how many pictures are drawn at a time; `redactor` knows the secrets
    of this server, and may block. Raises NotAsked.
    """
    if asked.view not in VIEWS:
        raise NotAsked(f"snapshot: the view `{asked.view}` is not built yet; there are {', '.join(VIEWS)}")
    with session(desk, site, asked.view, asked.scope) as taking:
        digest = await taking.settled(asked.wait_s)
        code = int(exit_code(digest, tells_health=asked.tells_health))
        if asked.redacted:
            desk, digest = await veiled(desk, await asyncio.to_thread(redactor), digest)
        if asked.format == JSON:
            return code, to_json(digest) + b"\n"
        if asked.format == TEXT:
            return code, to_text(digest, asked.size[0]).encode()
        async with turn:
            return code, await drawn(
                desk, site, is_prod=is_prod, who=who, view=asked.view, scope=asked.scope, theme=asked.theme, size=asked.size,
                format=asked.format, fit=lambda app: fit(app, None), is_apart=True,
            )  # fmt: skip
