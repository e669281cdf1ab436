"""One open watch: a bounded queue between the store, which pushes at once, and the connection, which may be
slow.

The store never waits for a client. Who does not keep up is cut off without a word, as a real server does with
a slow watcher, and must resume from the last version it saw.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from console.demo.kubernetes.selectors import Selection

if TYPE_CHECKING:
    from console.demo.kubernetes.store import Stored

QUEUE = 10_000
"""Events a client may be behind."""


class Watch:
    """`after`: changes up to this revision are not for this watcher."""

    def __init__(self, selection: Selection, after: int) -> None:
        self.selection = selection
        self.after = after
        self.ended: str | None = None
        """None, or how: clean, cut, expired."""
        self._queue: deque[tuple[str, Stored]] = deque()
        self._woken = asyncio.Event()

    def begin(self, type_: str, stored: Stored) -> None:
        """For the backlog, which may be as long as the resource."""
        self._queue.append((type_, stored))

    def push(self, type_: str, stored: Stored) -> None:
        if self.ended is not None or stored.revision <= self.after:
            return
        if len(self._queue) >= QUEUE:
            self.end("clean")
            return
        self._queue.append((type_, stored))
        self._woken.set()

    def end(self, how: str) -> None:
        if self.ended is None:
            self.ended = how
        self._woken.set()

    def take(self) -> list[tuple[str, Stored]]:
        """Everything waiting, oldest first."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    async def wait(self, timeout_s: float) -> None:
        """Returns at a new event, at the end, or after `timeout_s`."""
        if not self._queue and self.ended is None:
            self._woken.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._woken.wait()
            except TimeoutError:
                pass
