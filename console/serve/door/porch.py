"""Where connections arrive: taken from the kernel, and those of an address that opens too many put out before anything is made
for them.

asyncio's own server makes a transport, a protocol and a task of whatever it accepts and asks afterwards. Under a flood that is
what everybody else waits for, so here the address is asked first, and a refusal costs two system calls.

What must not be done here: read from a connection, or wait for one.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from console.serve.door.arrivals import Arrivals
from console.serve.door.halfopen import group_of

BACKLOG = 256  # connections that the kernel holds for us
WELCOME = 4  # taken in one turn of the loop: a flood of newcomers must leave turns to those who log in
LOOKED_AT = 32  # the same, those that are put out counted in
AGAIN_S = 1.0  # without descriptors or memory: until the next try
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: closed with a reset, and nothing of it kept in the kernel

log = logging.getLogger(__name__)


class Porch:
    """One listening socket's, which it closes. `told` hears the address of each connection that was put out."""

    def __init__(
        self,
        listens: socket.socket,
        arrivals: Arrivals,
        made: Callable[[], asyncio.Protocol],
        told: Callable[[str], None],
    ) -> None:
        self._listens = listens
        self._arrivals = arrivals
        self._made = made
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._coming: set[asyncio.Task[object]] = set()
        self._again: asyncio.TimerHandle | None = None
        listens.setblocking(False)
        listens.listen(BACKLOG)
        self.name = listens.getsockname()
        self._loop.add_reader(listens.fileno(), self._arrive)

    def _arrive(self) -> None:
        welcome = 0
        for _ in range(LOOKED_AT):
            try:
                came, peer = self._listens.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as wrong:
                if wrong.errno not in _EXHAUSTED:
                    raise
                self._rest(wrong)
                return
            address = str(peer[0]).removeprefix("::ffff:") if peer else ""
            if not self._arrivals.is_welcome(group_of(address), self._loop.time()):
                with suppress(OSError):  # gone already
                    came.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                came.close()
                self._told(address)
                continue
            came.setblocking(False)
            task: asyncio.Task[object] = self._loop.create_task(self._let_in(came), name="a connection")
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)
            welcome += 1
            if welcome >= WELCOME:
                return

    async def _let_in(self, came: socket.socket) -> None:
        if self._listens.fileno() < 0:  # closed since
            came.close()
            return
        try:
            await self._loop.connect_accepted_socket(self._made, came)
        except OSError as wrong:  # no transport was made
            came.close()
            log.debug("a connection was gone before it had begun: %s", wrong)

    def _rest(self, wrong: OSError) -> None:
        """What is not there now may be in a moment, and the kernel holds those who wait."""
        log.error("no connection can be taken for %g s: %s", AGAIN_S, wrong.strerror)
        self._loop.remove_reader(self._listens.fileno())
        self._again = self._loop.call_later(AGAIN_S, self._go_on)

    def _go_on(self) -> None:
        self._again = None
        self._loop.add_reader(self._listens.fileno(), self._arrive)

    def close(self) -> None:
        """Nobody arrives any more. May be called twice."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._listens.fileno() >= 0:
            self._loop.remove_reader(self._listens.fileno())
            self._listens.close()
