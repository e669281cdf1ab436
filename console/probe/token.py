"""The signed query string of a vantage whose URLs expire, from a command that the configuration names.

The command is run without a shell, with no input, a timeout and a capped output; its words never come from
outside. The token is kept in memory only and never put into an observation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

TIMEOUT_S = 10.0
OUTPUT_LIMIT = 8192  # bytes
KEEP_S = 60.0
PARTING_S = 2.0


class TokenError(Exception):
    """The command failed; the text says which and how."""


async def run(command: tuple[str, ...]) -> str:
    """What the command prints, stripped. Raises TokenError."""
    name = command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise TokenError(f"token command {name}: {error.strerror or error}") from error
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            out = b""
            while len(out) <= OUTPUT_LIMIT and (
                chunk := await process.stdout.read(OUTPUT_LIMIT + 1 - len(out))
            ):
                out += chunk
            if len(out) > OUTPUT_LIMIT:
                raise TokenError(f"token command {name} printed more than {OUTPUT_LIMIT} bytes")
            code = await process.wait()
    except TimeoutError as error:
        raise TokenError(f"token command {name} took more than {TIMEOUT_S:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await _ended(process)
    if code != 0:
        raise TokenError(f"token command {name} ended with {code}")
    text = out.decode("ascii", "replace").strip().removeprefix("?")
    if not text or not text.isprintable() or " " in text or "#" in text:
        raise TokenError(f"token command {name} printed no query string")
    return text


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Reap what was killed. asyncio tells of an exit only once the pipe was read to its end; a descendant that holds it open
    is not waited for.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(PARTING_S):
            while process.stdout is not None and await process.stdout.read(OUTPUT_LIMIT):
                pass
            await process.wait()


class Token:
    """The newest token of one command, renewed when it is old or was refused. Callers of one moment share
    one run.
    """

    def __init__(self, command: tuple[str, ...], mono: Callable[[], float]) -> None:
        self._command = command
        self._mono = mono
        self._lock = asyncio.Lock()
        self._text = ""
        self._until = 0.0
        self._error: TokenError | None = None

    async def query(self) -> str:
        """The query string. Raises TokenError, the same one for a few seconds: a broken command is not run
        at every poll.
        """
        async with self._lock:
            if self._mono() >= self._until:
                try:
                    self._text, self._error = await run(self._command), None
                    self._until = self._mono() + KEEP_S
                except TokenError as error:
                    self._error = error
                    self._until = self._mono() + 5.0
        if self._error is not None:
            raise self._error
        return self._text

    def refused(self) -> None:
        """The server said 401 or 403: ask the command again, at most every five seconds."""
        self._until = min(self._until, self._mono() + 5.0)


def signed(url: str, query: str) -> str:
    """The URL with the token's query string added to its own."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
