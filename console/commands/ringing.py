"""`serve --alert-webhook`: the bell hung up beside the door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from socket import gethostname, socket

from console.assembly import Engine
from console.bell.bell import Bell
from console.chat import elsewhere
from console.chat.office import Office
from console.commands.flags import UsageError
from console.commands.opening import Opened
from console.config.chat import ChatKind
from console.config.paths import state_dir
from console.config.serve import endpoint, told
from console.model.failure import SourceError
from console.redaction.redactor import Redactor
from console.serve.door.listening import CannotListen, bound

FOLDER = "bell"  # of what was heard, below the state directory
WHO = "midwatch"


def place(found: Opened, flag: tuple[str, int] | None) -> tuple[str, int] | None:
    """Where it is to listen, by flag or configuration; None: nowhere. Raises UsageError for what keeps it from ringing."""
    settings = found.config.bell
    if settings is None:
        if flag is not None:
            raise UsageError(
                "serve --alert-webhook: nobody would be told and anybody could ring: the configuration needs [bell] with `to` "
                '(names of [chat.NAME]) and `auth` (auth = { bearer_file = "/run/secrets/bell" })'
            )
        return None
    for name in settings.to:
        if found.config.chat[name].kind is ChatKind.APPRISE and not elsewhere.is_installed():
            raise UsageError(f"serve --alert-webhook: [chat.{name}]: {elsewhere.MISSING}")
    if flag is not None:
        return flag
    return endpoint(settings.listen) if settings.listen is not None else None


def sockets(stack: AsyncExitStack, where: tuple[str, int]) -> list[socket]:
    """Bound before anything is opened. Raises UsageError."""
    try:
        found = bound(*where)
    except CannotListen as wrong:
        raise UsageError(f"serve --alert-webhook: {wrong}") from wrong
    for each in found:
        stack.callback(each.close)
    return found


async def rung(
    stack: AsyncExitStack,
    found: Opened,
    environ: Mapping[str, str],
    engine: Engine,
    office: Office,
    redactor: Callable[[], Redactor],
    theme: str | None,
    listening: list[socket],
) -> tuple[Bell, str]:
    """The bell, ringing from now on, and where. Raises UsageError."""
    settings = found.config.bell
    assert settings is not None
    bell = Bell(
        settings,
        found.config.chat,
        office,
        state_dir(environ) / FOLDER,
        engine.desk,
        found.site_name,
        engine.clock,
        environ,
        found.config.scope,
        redactor,
        is_prod=engine.is_prod,
        who=f"{WHO}@{gethostname().partition('.')[0]}",
        theme=theme,
    )
    stack.push_async_callback(bell.close)
    office.open(*settings.to)
    try:
        await bell.open(listening)
    except SourceError as wrong:
        raise UsageError(f"serve --alert-webhook: {wrong.failure.on}: {wrong.failure.got}") from wrong
    except OSError as wrong:
        raise UsageError(f"serve --alert-webhook: cannot keep what is heard: {wrong.strerror or wrong}") from wrong
    addresses = [each.getsockname() for each in listening]
    return bell, ", ".join(told(address[0], address[1]) for address in addresses)
