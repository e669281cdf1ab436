"""What the process that shows the wall tells the one that keeps it: that it lives, and why it ends."""

from __future__ import annotations

import faulthandler
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

import msgspec

BEAT, FAULT, AGAIN = b".", b"F", b"R"
LONGEST = 160  # characters of a reason
RECENT_S = 600.0
MOST_STACKS = 262_144  # bytes


class Past(msgspec.Struct, frozen=True):
    """What became of the processes before this one."""

    restarts: int = 0
    last_at: datetime | None = None
    reason: str = ""

    def banner(self, now: datetime) -> str:
        """For the screen; "" when there was only ever this one."""
        if not self.restarts or self.last_at is None:
            return ""
        times = "once" if self.restarts == 1 else f"{self.restarts} times"
        day = "" if now - self.last_at < _DAY else f"{self.last_at:%Y-%m-%d} "
        return f"restarted {times}, last {day}{self.last_at:%H:%M:%S} UTC: {self.reason}"

    def is_recent(self, now: datetime) -> bool:
        """The last restart is less than ten minutes ago."""
        return self.last_at is not None and (now - self.last_at).total_seconds() < RECENT_S


_DAY = datetime(2026, 1, 2, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)


class Flight(Protocol):
    """Of the link: how many frames have left, and whether the terminal still has to take the last one."""

    frames: int
    in_flight: bool


class Pulse:
    """One end of a pipe. Nothing here waits or raises: a wall must not end for want of somebody who listens.

    But when nobody is there any more to listen, we end as if asked to: what goes on drawing without its keeper fights with
    the shell, or with the next wall, for the terminal.
    """

    def __init__(self, fd: int | None = None) -> None:
        """None: nobody keeps us."""
        self._fd = fd
        self._frames = -1
        self._stacks: IO[str] | None = None
        if fd is not None:
            os.set_blocking(fd, False)

    def beat(self) -> None:
        """The screen is alive: to be called when a frame has left for the terminal."""
        self._say(BEAT)

    def look(self, flight: Flight) -> None:
        """To be called every second or so: beats when a frame has left since, and also while the last one is on its way. A
        terminal that takes nothing is no fault of ours, and another process would stand before the same one.
        """
        if flight.frames != self._frames or flight.in_flight:
            self._frames = flight.frames
            self.beat()

    def fault(self, words: str) -> None:
        """Why the end comes that follows."""
        self._say(FAULT + words[:LONGEST].encode("utf-8", "replace"))

    def again(self, words: str) -> None:
        """The end that follows is wanted, and so is another one at once: a changed configuration is followed by it."""
        self._say(AGAIN + words[:LONGEST].encode("utf-8", "replace"))

    def stacks_to(self, path: Path) -> None:
        """Where every thread's stack is written when we are killed for being stuck, or end by a fault in machine code. Those of
        processes before us are kept, as long as they are few. Raises OSError.
        """
        is_full = path.exists() and path.stat().st_size > MOST_STACKS
        self._stacks = path.open("w" if is_full else "a", buffering=1)
        self._stacks.write(f"process {os.getpid()}, begun {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        faulthandler.enable(self._stacks)

    def _say(self, words: bytes) -> None:
        if self._fd is None:
            return
        try:
            os.write(self._fd, words.replace(b"\n", b" ") + b"\n")
        except BlockingIOError:
            return  # it is stopped, and has plenty to read when it goes on
        except OSError:
            self._fd = None
            os.kill(os.getpid(), signal.SIGTERM)
