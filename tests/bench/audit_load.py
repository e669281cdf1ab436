"""A child: records acknowledged by the audit journal, by one appender or by many; or as many bytes in a bare loop of write
and fdatasync; or that loop in a thread which an event loop hands each line to, since the journal may not block its loop.

Both write beside each other under the temporary directory, so set TMPDIR to the disk that is meant; on a tmpfs an fsync
costs nothing and the figures mean nothing.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
import time
from pathlib import Path

from console.actions.audit import kinds
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor, Outcome
from console.feeds.clock import SystemClock
from tests.bench.harness import tell


def entry(number: int) -> kinds.StepDone:
    """What a drain records of one eviction."""
    return kinds.StepDone(
        op="0b2e8f6c", step=number + 1, outcome=Outcome.SUCCESS, status=201, uid="6e8cf1c4-4f0b-4f51-9a3e-0c5a8b2d7e11",
        answer="packager-7c9d8b5f6d-abcde evicted", generation=3, duration_ns=41_000_000,
    )  # fmt: skip


async def ours(place: Path, tasks: int, records: int) -> None:
    """`records` acknowledged, shared out among `tasks` appenders that each wait for every one of theirs."""
    async with await Journal.open(place / "audit", SystemClock(), Actor(name="anna", id="1000")) as journal:
        tally = journal.tally
        bytes_before, syncs_before = tally.bytes, tally.syncs
        began, cpu = time.perf_counter(), time.process_time()

        async def append(first: int) -> None:
            for number in range(first, records, tasks):
                await journal.append(entry(number))

        await asyncio.gather(*map(append, range(tasks)))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        written, syncs = tally.bytes - bytes_before, tally.syncs - syncs_before
    tell({"wall_s": wall, "cpu_s": cpu, "records": records, "bytes_out": written, "syncs": syncs})


def bare(place: Path, size: int, records: int) -> None:
    """As many lines of `size` bytes, each with an fdatasync of its own, and nothing else."""
    descriptor = os.open(place / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    line = b"x" * (size - 1) + b"\n"
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(records):
        os.write(descriptor, line)
        os.fdatasync(descriptor)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    tell({"wall_s": wall, "cpu_s": cpu, "records": records, "bytes_out": size * records, "syncs": records})


async def handed(place: Path, size: int, records: int) -> None:
    """The bare loop behind a queue: what leaving the event loop costs, whoever leaves it."""
    descriptor = os.open(place / "handed", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    line = b"x" * (size - 1) + b"\n"
    loop = asyncio.get_running_loop()
    waiting: queue.SimpleQueue[asyncio.Future[None] | None] = queue.SimpleQueue()

    def write() -> None:
        while (future := waiting.get()) is not None:
            os.write(descriptor, line)
            os.fdatasync(descriptor)
            loop.call_soon_threadsafe(future.set_result, None)

    thread = threading.Thread(target=write)
    thread.start()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(records):
        future: asyncio.Future[None] = loop.create_future()
        waiting.put(future)
        await future
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    waiting.put(None)
    thread.join()
    tell({"wall_s": wall, "cpu_s": cpu, "records": records, "bytes_out": size * records, "syncs": records})


if __name__ == "__main__":
    kind, number, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    folder = Path(os.environ["BENCH_RESULT"]).parent
    if kind == "ours":
        asyncio.run(ours(folder, number, count))
    elif kind == "handed":
        asyncio.run(handed(folder, number, count))
    else:
        bare(folder, number, count)
