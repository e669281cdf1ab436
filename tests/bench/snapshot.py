"""A snapshot: what a cold one costs that waits for nothing, beside a Textual app of one word; how soon a running server has given
one, by the client's clock from asking for a session until its end; and what a picture of settled readings costs.

The cold one is a whole process, with all that it starts and waits for, on a site whose ports are closed: the words are that
nothing is known yet. The picture is the first of a fresh process whose readings stand already, so that all
styles are parsed for it; importing a face, which a console and a server have behind them, is told beside it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.figure import Figure, Goal, figure
from tests.bench.first_paint import CLOSED
from tests.bench.harness import ROOT, BenchFailed, cpu_until, environment, interleaved, measured
from tests.bench.idle import calm
from tests.bench.sessions import child

PATIENCE_S = 60.0


def run(is_quick: bool) -> Iterator[Figure]:
    repeats = 1 if is_quick else 9
    yield from _cold(repeats)
    yield from _served(3 if is_quick else 30)
    pictures = [measured("snapshot_load", size=(120, 36)) for _ in range(1 if is_quick else 5)]
    yield figure("snapshot_png", "ms", [each["cpu_s"] * 1000 for each in pictures], goal=Goal(1000.0))
    yield figure("snapshot_png_import", "ms", [each["imported_s"] * 1000 for each in pictures], goal=None)
    yield figure("snapshot_png_again", "ms", [each["again_s"] * 1000 for each in pictures], goal=None)


def _cold(repeats: int) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="midwatch-bench-") as folder:
        place = Path(folder)
        config = place / "midwatch.toml"
        config.write_text(CLOSED)
        words = ["-m", "console", "--config", str(config), "snapshot", "overview", "--wait", "0"]

        def ours() -> float:
            child = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env=environment(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            out, err = child.stdout.read(), child.stderr.read()  # type: ignore[union-attr]
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if b"UTC" not in out or child.returncode not in (3, 4, 5):
                raise BenchFailed(f"snapshot --wait 0: exit {child.returncode}, {out[-300:]!r} {err[-300:]!r}")
            return (used.ru_utime + used.ru_stime) * 1000

        def bare() -> float:
            return cpu_until("bare", "tests.bench.bare") * 1000

        ours(), bare()  # for the byte code
        values, baselines = interleaved(ours, bare, repeats)
    yield figure("snapshot_cold", "ms", values, baselines, goal=Goal(3.0, is_ratio=True))


def _served(repeats: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="midwatch-bench-")))
        server = stack.enter_context(child(place, "serve", str(stack.enter_context(calm(place)))))
        found = asyncio.run(_asked(server.heard()["port"], repeats))
    yield figure("snapshot_served", "ms", found["text"], goal=Goal(300.0), basis="wall")
    yield figure("snapshot_served_json", "ms", found["json"], goal=None, basis="wall")
    yield figure("snapshot_served_png", "ms", found["png"], goal=None, basis="wall")


async def _asked(port: int, repeats: int) -> dict[str, list[float]]:
    """Milliseconds from asking for a session until the last byte of it, by format, over one connection."""
    from tests.console.serve.listening import connected

    connection = await connected(port)
    found: dict[str, list[float]] = {"text": [], "json": [], "png": []}

    async def once(format: str) -> float:
        at = time.perf_counter()
        async with asyncio.timeout(PATIENCE_S):
            done = await connection.run(f"snapshot overview --format {format}", encoding=None, check=False)
        took_s = time.perf_counter() - at
        if not done.stdout or done.exit_status not in (0, 5):
            raise BenchFailed(f"snapshot of a server: exit {done.exit_status}, {done.stderr!r}")
        return took_s * 1000

    try:
        await once("text")  # waits until the panes have settled
        for format, count in (("text", repeats), ("json", repeats), ("png", max(1, repeats // 6))):
            for _ in range(count):
                found[format].append(await once(format))
                await asyncio.sleep(0.1)  # another moment, so that nothing stands from the one before
    except TimeoutError:
        raise BenchFailed(f"a server gave no snapshot within {PATIENCE_S:g} s") from None
    finally:
        connection.close()
        await connection.wait_closed()
    return found
