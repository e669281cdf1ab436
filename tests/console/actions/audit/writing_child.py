"""Forks a writer for each line it is told, so that a test can kill many: `DIRECTORY ACKNOWLEDGED` -> the writer's pid; when it is dead, `dead`.

A writer appends from many tasks at once, and notes each acknowledgement in a file of its own before it goes on: SIGKILL
takes away a process, not what it has handed to the kernel.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from console.actions.audit.journal import Journal
from console.actions.audit.kinds import UndoOffered
from console.actions.audit.operation import Actor
from console.feeds.clock import SystemClock

TASKS = 8


async def write(directory: Path, acknowledged: Path) -> None:
    notes = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    journal = await Journal.open(directory, SystemClock(), Actor(name="anna"))

    async def task(number: int) -> None:
        count = 0
        while True:
            count += 1
            receipt = await journal.append(UndoOffered(op=f"op-{number}", reason=f"{count} " + "x" * (count * 37 % 900)))
            os.write(notes, f"{receipt.sequence} {receipt.hash}\n".encode())

    await asyncio.gather(*map(task, range(TASKS)))


def main() -> None:
    for line in sys.stdin:
        directory, acknowledged = map(Path, line.split())
        pid = os.fork()
        if pid == 0:
            asyncio.run(write(directory, acknowledged))
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main()
