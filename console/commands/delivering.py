"""`snapshot --post DEST`: the digest and its picture on their way to a chat, and how that went."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping

from console.assembly import Engine
from console.chat import elsewhere
from console.chat.office import Office
from console.chat.posting import Posted, post
from console.chat.store import QueueFull
from console.commands.flags import Flags, UsageError
from console.commands.opening import Opened
from console.config import Config
from console.config.chat import ChatDestination, ChatKind
from console.config.errors import nearest
from console.config.paths import state_dir
from console.exit_codes import ExitCode
from console.model.instant import Clock
from console.redaction.known import known_secrets
from console.redaction.redactor import Redactor
from console.redaction.veil import VeiledDesk
from console.rows.digest import Digest

WAIT_S = 30.0  # to see it arrive; what has not by then waits on the disk
FOLDER = "chat"  # of all queues, below the state directory


def known(config: Config, name: str) -> ChatDestination:
    """The destination by this name. Raises UsageError that lists them, or names what is not installed."""
    there_are = config.chat
    if name not in there_are:
        near = nearest(name, tuple(there_are))
        hint = f"; did you mean `{near}`?" if near else ""
        listed = ", ".join(there_are) or "none; one is a table [chat.NAME]"
        raise UsageError(f"snapshot --post: no chat destination `{name}`: the configuration has {listed}{hint}")
    if there_are[name].kind is ChatKind.APPRISE and not elsewhere.is_installed():
        raise UsageError(f"snapshot --post {name}: {elsewhere.MISSING}")
    return there_are[name]


async def delivered(
    found: Opened, flags: Flags, environ: Mapping[str, str], engine: Engine, digest: Digest, name: str, size: tuple[int, int]
) -> ExitCode:
    """A digest of this engine, and its picture. Raises UsageError for a destination that is not there."""
    redactor = Redactor(await asyncio.to_thread(known_secrets, found.config, environ))

    async def picture() -> bytes:
        from console.app.identity import who
        from console.app.picture import drawn  # only a picture needs textual

        return await drawn(
            VeiledDesk(engine.desk, redactor),
            found.site_name,
            is_prod=engine.is_prod,
            who=who(environ),
            view=digest.view,
            scope=flags.scope,
            theme=flags.theme or found.config.theme,
            size=size,
            format="png",
        )

    return await handed_in(found.config, environ, engine.clock, redactor, digest, name, picture)


async def handed_in(
    config: Config,
    environ: Mapping[str, str],
    clock: Clock,
    redactor: Redactor,
    digest: Digest,
    name: str,
    picture: Callable[[], Awaitable[bytes]],
) -> ExitCode:
    """Post, wait a while, tell how it went on stderr. Raises UsageError for a destination that is not there."""
    destination = known(config, name)
    office = Office(config.chat, state_dir(environ) / FOLDER, clock, environ, redactor)
    try:
        office.open(name)
        posted = await post(office, name, destination, digest, picture, clock, wait_s=WAIT_S)
    except (QueueFull, OSError) as wrong:
        print(f"midwatch: nothing was posted to {name}: {redactor(str(wrong), 300)}", file=sys.stderr)
        return ExitCode.UNREACHABLE
    finally:
        await office.close()
    text, code = _told(name, posted)
    print(f"midwatch: {text}", file=sys.stderr)
    return code


def _told(name: str, posted: Posted) -> tuple[str, ExitCode]:
    if posted.dead:
        return f"{name} did not take {posted.id}: {posted.dead}", ExitCode.UNREACHABLE
    if not posted.has_arrived:
        why = f" ({posted.trouble})" if posted.trouble else ""
        return (
            f"{posted.id} waits for {name}{why}; it is kept, and leaves with the next midwatch that posts there",
            ExitCode.TIMED_OUT,
        )
    if posted.picture:
        return f"{posted.id} arrived at {name}; its picture did not: {posted.picture}", ExitCode.OK
    return f"{posted.id} arrived at {name}", ExitCode.OK
