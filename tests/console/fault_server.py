"""A server whose every answer is wrong, in a process of its own: `python -m tests.console.fault_server`.

The first segment of the path chooses the fault, so that one url per backend and fault is enough: html, truncated, huge, hang.
It prints its port, and ends when its stdin does. A process of its own, because what is measured beside it (loop lag, memory)
must not be the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HUGE = 200_000_000
_ROOT = Path(__file__).parents[2]
_PAGE = b"<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to go on.</body></html>"
_CUT = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"channel":"uk-'
_CHUNK = b'"' + b"x" * 65_533 + b'",'


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        head = await reader.readuntil(b"\r\n\r\n")
        fault = head.split(b" ", 2)[1].split(b"/")[1].decode()
        if fault == "hang":
            await reader.read()  # until the client leaves
        elif fault == "html":
            await _write(writer, "text/html", len(_PAGE), _PAGE)
        elif fault == "truncated":
            await _write(writer, "application/json", len(_CUT), _CUT)
        elif fault == "huge":
            await _write(writer, "application/json", HUGE, b"[")
            left = HUGE - 1
            while left > 0:
                writer.write(_CHUNK[:left])
                left -= len(_CHUNK)
                await writer.drain()
    writer.close()


async def _write(writer: asyncio.StreamWriter, kind: str, length: int, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nX-Elastic-Product: Elasticsearch\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
    await writer.drain()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextmanager
def faults() -> Iterator[tuple[str, int]]:
    """Runs it: its url and its process id."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.console.fault_server"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}", child.pid
    finally:
        child.stdin.close()
        child.terminate()
        child.wait(10)
        child.stdout.close()


if __name__ == "__main__":
    asyncio.run(_serve())
