"""`midwatch snapshot VIEW`: one moment, headless."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from console.assembly import Engine
from console.commands.flags import Flags, UsageError
from console.commands.opening import Opened, opened
from console.commands.writing import write
from console.exit_codes import ExitCode, most_telling
from console.feeds.clock import SystemClock
from console.feeds.desk import VIEWS, Desk
from console.rows.digest import Digest, to_json, to_text
from console.snapshot import exit_code, session

PICTURES = ("ansi", "svg", "png", "html")


def run(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    view: str,
    format: str,
    size: tuple[int, int],
    output: Path | None,
    wait: float,
    from_host: str | None,
    exit_status: bool,
    post: str | None,
    as_seen: bool = False,
) -> int:
    """One moment of `view` to stdout or `output`, and to the chat destination `post`; `wait` (seconds) is a ceiling.

    Raises UsageError.
    """
    if view not in VIEWS:
        raise UsageError(f"snapshot: the view `{view}` is not built yet; there are {', '.join(VIEWS)}")
    if format == "png" and output is None and sys.stdout.isatty():
        raise UsageError("snapshot --format png writes bytes; name a file with -o FILE or send stdout elsewhere")
    if from_host is not None:
        from console.commands import far  # ssh has it; nothing of ours is opened

        asked = far.Far(view, format, size, wait, exit_status, as_seen)
        return far.run(flags, environ, from_host, asked, output, post)
    found = opened(flags, environ)
    if post is not None:
        from console.commands.delivering import known  # a snapshot that stays here needs none of it

        known(found.config, post)
    if format in PICTURES or flags.theme is not None:  # a misspelt word is told even where nothing is painted
        _check_theme(flags.theme or found.config.theme)
    digest, drawn, sent = asyncio.run(_taken(found, flags, environ, view, format, size, wait, post, as_seen=as_seen))
    write(output, drawn)
    return most_telling((exit_code(digest, tells_health=exit_status), sent))


def _check_theme(name: str | None) -> None:
    from console.app.app import theme_of  # only a picture needs textual

    try:
        theme_of(name)
    except ValueError as wrong:
        raise UsageError(str(wrong)) from wrong


async def _taken(
    found: Opened,
    flags: Flags,
    environ: Mapping[str, str],
    view: str,
    format: str,
    size: tuple[int, int],
    wait_s: float,
    post: str | None,
    *,
    as_seen: bool,
) -> tuple[Digest, bytes, ExitCode]:
    engine = Engine.open(found.config, found.site_name, SystemClock())
    try:
        with session(engine.desk, found.site_name, view, flags.scope) as taking:
            digest = await taking.settled(wait_s)
            sent = ExitCode.OK
            if post is not None:
                from console.commands.delivering import delivered

                sent = await delivered(found, flags, environ, engine, digest, post, size)
            desk, told = engine.desk, digest
            if not as_seen:
                from console.redaction.known import known_secrets
                from console.redaction.redactor import Redactor
                from console.redaction.veil import veiled

                redactor = Redactor(await asyncio.to_thread(known_secrets, found.config, environ))
                desk, told = await veiled(desk, redactor, digest)
            if format == "json":
                return digest, to_json(told) + b"\n", sent
            if format == "text":
                return digest, to_text(told, size[0]).encode(), sent
            return digest, await _drawn(desk, engine.is_prod, found, flags, environ, view, format, size), sent
    finally:
        await engine.close()


async def _drawn(
    desk: Desk,
    is_prod: bool,
    found: Opened,
    flags: Flags,
    environ: Mapping[str, str],
    view: str,
    format: str,
    size: tuple[int, int],
) -> bytes:
    from console.app.identity import who
    from console.app.picture import drawn

    return await drawn(
        desk,
        found.site_name,
        is_prod=is_prod,
        who=who(environ),
        view=view,
        scope=flags.scope,
        theme=flags.theme or found.config.theme,
        size=size,
        format=format,
    )
