"""`snapshot --from HOST`: the snapshot that a server there takes, written here, and posted to a chat of ours.

For the chat the server is asked once more, for the same without the secrets that it knows, however we saw it (`--as-seen`);
what it sends is redacted here again, by those that we know, and is drawn there: only there are the panes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.commands import remote
from console.commands.flags import Flags, UsageError
from console.commands.writing import write
from console.exit_codes import ExitCode, most_telling


class Far(msgspec.Struct, frozen=True):
    """What is wanted, as on the command line."""

    view: str
    format: str
    size: tuple[int, int]
    wait_s: float
    exit_status: bool
    as_seen: bool


def run(
    flags: Flags, environ: Mapping[str, str], host: str, wanted: Far, output: Path | None, post: str | None
) -> int:
    """Its exit code is the server's own. Raises UsageError."""
    host = remote.checked(host)
    if flags.site is not None and flags.site != environ.get("MIDWATCH_SITE"):
        raise UsageError(f"snapshot --from {host}: --site is not for a server, which has one; name the host of that site")
    if post is not None:
        from console.commands.delivering import known
        from console.commands.opening import loaded

        known(loaded(flags, environ)[1], post)
    try:
        answer = _asked(flags, environ, host, wanted)
    except remote.Unreached as wrong:
        print(f"midwatch: {wrong}", file=sys.stderr)
        return wrong.code
    for line in answer.words:
        print(line, file=sys.stderr)
    write(output, answer.content)
    if post is None:
        return answer.code
    return most_telling((ExitCode(answer.code), asyncio.run(_posted(flags, environ, host, wanted, post))))


def _asked(flags: Flags, environ: Mapping[str, str], host: str, wanted: Far) -> remote.Answer:
    asked = remote.command(
        wanted.view,
        flags,
        format=wanted.format,
        size=wanted.size,
        wait_s=wanted.wait_s,
        exit_status=wanted.exit_status,
        as_seen=wanted.as_seen,
    )
    return remote.fetched(host, asked, wanted.format, environ, wait_s=wanted.wait_s)


async def _posted(flags: Flags, environ: Mapping[str, str], host: str, wanted: Far, name: str) -> ExitCode:
    from console.commands.delivering import handed_in
    from console.commands.opening import loaded
    from console.feeds.clock import SystemClock
    from console.redaction.known import known_secrets
    from console.redaction.redactor import Redactor
    from console.rows.reread import NoDigest, digest_of

    _, config = loaded(flags, environ)
    redactor = Redactor(await asyncio.to_thread(known_secrets, config, environ))
    without = msgspec.structs.replace(wanted, as_seen=False, exit_status=False)
    try:
        told = await asyncio.to_thread(_asked, flags, environ, host, msgspec.structs.replace(without, format="json"))
        digest = await asyncio.to_thread(digest_of, told.content)
    except (remote.Unreached, NoDigest) as wrong:
        print(f"midwatch: nothing was posted to {name}: {redactor(str(wrong), 300)}", file=sys.stderr)
        return ExitCode.UNREACHABLE

    async def picture() -> bytes:
        drawn = await asyncio.to_thread(_asked, flags, environ, host, msgspec.structs.replace(without, format="png"))
        return drawn.content

    return await handed_in(config, environ, SystemClock(), redactor, digest, name, picture)
