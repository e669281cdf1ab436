"""One command to one stats socket, over TCP or a Unix socket, one connection each.

HAProxy closes a connection that has no prompt after the answer, and that is how its end is known. An answer ends with an
empty line; one that does not was cut off, and is no answer.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from console.sources.sanitise import clean

LIMIT = 4_000_000  # bytes of an answer: some 20 000 servers


class Unasked(Exception):
    """Nothing was sent: the balancer is not there."""


class Unheard(Exception):
    """The command went out, and no answer came that can be believed."""


class Runtime:
    """`address`: HOST:PORT or unix:/PATH. `timeout_s`: for connecting, and again for the whole answer."""

    def __init__(self, name: str, address: str, timeout_s: float) -> None:
        self.name = name
        self.address = address
        self._timeout_s = timeout_s

    async def ask(self, command: str) -> str:
        """The answer without the empty line that ends it. Raises Unasked, Unheard; ValueError for what is not one command,
        since `;` and a line end would begin another.
        """
        if not command.isascii() or not command.isprintable() or ";" in command or "\\" in command:
            raise ValueError(f"not one command: {command!r}")
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await self._connected()
        except (OSError, TimeoutError, ValueError) as error:
            why = clean(str(error), 160) or f"no connection within {self._timeout_s:g} s"
            raise Unasked(f"{self.name} {self.address}: {why}") from error
        try:
            return await self._answer(reader, writer, command)
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.address.startswith("unix:"):
            return await asyncio.open_unix_connection(self.address.removeprefix("unix:"))
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> str:
        said = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s):
                writer.write(command.encode() + b"\n")
                await writer.drain()
                while chunk := await reader.read(65_536):
                    said += chunk
                    if len(said) > LIMIT:
                        raise Unheard(f"{self.name}: an answer of more than {LIMIT} bytes")
        except TimeoutError:
            raise Unheard(f"{self.name}: no answer within {self._timeout_s:g} s") from None
        except OSError as error:
            raise Unheard(f"{self.name}: {clean(str(error), 160) or 'the connection was lost'}") from error
        text = said.decode("utf-8", "replace")
        if text != "\n" and not text.endswith("\n\n"):
            raise Unheard(f"{self.name}: {'an answer that was cut off' if text else 'no answer'}")
        return text[:-1]
