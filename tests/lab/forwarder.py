"""A way between two servers of the lab, made so that a test can block it, or so that it translates one word.

`python forwarder.py PORT TO_PORT LAB [WORD OTHER]`. Stopped by SIGSTOP it takes connections and answers nothing, as a lost
way does. With a WORD every `"WORD"` on the way to the server is told as `"OTHER"`: OTHER must not be longer, and spaces
fill up what is missing, so that no length that was told before is wrong (between JSON's tokens spaces mean nothing). LAB is
not read: it is there so that the process can be told for the lab's own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

CHUNK = 64 * 1024
Translation = Callable[[bytes], tuple[bytes, bytes]]


def untouched(data: bytes) -> tuple[bytes, bytes]:
    """All of it may go on, nothing has to wait."""
    return data, b""


def translation(word: str, other: str) -> Translation:
    """What may go on, and what has to wait because the word may have been cut in two by the end of the data."""
    old = f'"{word}"'.encode()
    new = f'"{other}"'.encode().ljust(len(old))
    if len(new) != len(old):
        raise ValueError(f"{other!r} is longer than {word!r}")

    def translated(data: bytes) -> tuple[bytes, bytes]:
        data = data.replace(old, new)
        cut = next((n for n in range(min(len(old) - 1, len(data)), 0, -1) if old.startswith(data[-n:])), 0)
        return (data[:-cut], data[-cut:]) if cut else (data, b"")

    return translated


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, translate: Translation = untouched) -> None:
    """One direction, until its end; whoever hangs up ends it without a word."""
    waiting = b""
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            ready, waiting = translate(waiting + chunk)
            writer.write(ready)
            await writer.drain()
        writer.write(waiting)
    with suppress(ConnectionError):
        writer.close()
        await writer.wait_closed()


async def main(port: str, to_port: str, _lab: str, *words: str) -> None:
    """Serves until it is ended. A server that is not there is told by hanging up."""
    translate = translation(*words) if words else untouched

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answers, asks = await asyncio.open_connection("127.0.0.1", int(to_port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, asks, translate), pump(answers, writer))

    server = await asyncio.start_server(forward, "127.0.0.1", int(port))
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))
