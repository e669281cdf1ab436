"""The way from one session to its client's terminal: never waited for, never filled, and known to have taken what was sent.

A frame has *landed* when the next one may follow it: nothing of it waits in the channel, in the connection or in the kernel to
be sent, and no more than `ALOFT` bytes are on their way. No answer of the terminal is awaited, and not even the last
acknowledgement of the network: at 64 kbit/s and 300 ms there and back, waiting for it would leave the link idle most of the
time, and a key's echo would come a round trip later. `ALOFT` is what such a link holds in that time, so that the next frame
never stands behind more than it.

On a slow line a packet that is lost holds up all that come after it, a key's echo among them, and the fewer there are the
seldomer that is: there, while nobody touches a key, one frame follows another no sooner than a few round trips later
(`_spacing_s`). `hurry` says that a key was touched.

What goes around the frames (modes, a bell, a copied text) is bounded: past `MOST` nothing more is taken until all of it has
gone, and then whoever draws is told to draw from the beginning (`resumed`).

A reader that takes nothing is found by counting: while bytes wait and none has gone for `stalled_s`, `stalled` is called once.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable
from typing import Any

ALOFT = 2_400  # bytes: 64 kbit/s for 300 ms
MOST = 262_144  # bytes that may wait in this process before nothing more is taken
LOOK_S = (0.002, 0.005, 0.01, 0.02, 0.03)  # until the next look whether a frame has landed; the last one again and again
SLOW_LOOK_S = 1.0  # how often we look whether a reader still takes
_SIOCOUTQNSD = 0x894B  # linux/sockios.h: bytes not yet sent; TIOCOUTQ: those, and what was sent and not acknowledged
SLOW_S = 0.08  # a round trip from which on a line is slow
LONG_S = 0.15  # and from which on it has a long way, so that its screen is renewed less often (phasing.py)
APART = 3  # round trips between two frames of a slow line, but no more than a second
PAINTED_S = 0.02  # from a key to its echo, mostly
HURRY_S = 1.0  # for how long a key counts
_RTT = struct.Struct("@68xI")  # tcp_info.tcpi_rtt, microseconds: eight bytes, then the sixteenth of its words
_IS_LINUX = sys.platform == "linux"


class Wire:
    """One channel's. `connection` and `channel` are asyncssh's; both may be gone at any moment."""

    def __init__(
        self,
        channel: Any,
        connection: Any,
        *,
        encoding: str = "utf-8",
        stalled_s: float = 30.0,
        stalled: Callable[[], None] = lambda: None,
        sent: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._channel: Any = channel
        self._connection: Any = connection
        self._encoding = encoding
        self._stalled_s = stalled_s
        self._stalled = stalled
        self._sent = sent
        self._loop = asyncio.get_running_loop()
        self._landed: Callable[[], None] | None = None
        self._looks = 0
        self._looking: asyncio.TimerHandle | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._is_full = False
        self.resumed: Callable[[], None] = lambda: None
        self.written = 0  # bytes, of all time
        self._sent_at = self._hurried_at = float("-inf")
        self._taken = 0  # bytes, when it was looked last
        self._moved_at = self._loop.time()

    # -- out -----------------------------------------------------------------------------------------------------------
    def write(self, text: str) -> None:
        """What is no frame. Dropped where nobody takes anything; `resumed` is called when there is room again."""
        if not text or self._channel is None or self._is_full:
            return
        if self.waiting > MOST:
            self._is_full = True
            self._watch_landing()
            return
        self._put(text)

    def send(self, text: str, landed: Callable[[], None]) -> None:
        """One frame; `landed` is called, in the loop and later, when the next one may follow."""
        self._put(text)
        self._landed = landed
        self._sent_at = self._loop.time()
        self._looks = 0
        self._watch_landing()

    def hurry(self) -> None:
        """A key was touched: what it changes is to be seen at once."""
        self._hurried_at = self._loop.time()
        if self._looking is not None and self._looks >= len(LOOK_S):
            # Not this moment: what waits would leave first, and the echo, which is painted in one, behind it.
            self._looking.cancel()
            self._looking = self._loop.call_later(PAINTED_S, self._look)

    def _put(self, text: str) -> None:
        if self._channel is None or self._channel.is_closing():
            return
        data = text.encode(self._encoding, "replace")  # a cell that it cannot show stays one cell: "?"
        if not self.waiting:
            self._moved_at = self._loop.time()
        self.written += len(data)
        self._channel.write(data)
        self._sent(len(data))
        if self._watching is None:
            self._watching = self._loop.call_later(SLOW_LOOK_S, self._watch)

    # -- how much of it is still here ----------------------------------------------------------------------------------
    @property
    def waiting(self) -> int:
        """Bytes in this process that the client has not made room for."""
        if self._channel is None:
            return 0
        return int(self._channel.get_write_buffer_size()) + self._in_transport()

    def _in_transport(self) -> int:
        transport = getattr(self._connection, "_transport", None)
        return int(transport.get_write_buffer_size()) if transport is not None else 0

    def _in_kernel(self) -> tuple[int, int]:
        """(not sent, sent and not acknowledged or not sent); zeros where the kernel does not tell."""
        if not _IS_LINUX or self._connection is None:
            return 0, 0
        tcp = self._connection.get_extra_info("socket")
        if tcp is None:
            return 0, 0
        try:
            unsent = struct.unpack("i", fcntl.ioctl(tcp.fileno(), _SIOCOUTQNSD, b"\0" * 4))[0]
            aloft = struct.unpack("i", fcntl.ioctl(tcp.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
        except (OSError, ValueError):  # no TCP socket, or closed a moment ago
            return 0, 0
        return unsent, aloft

    def _has_landed(self) -> bool:
        if self.waiting:
            return False
        unsent, aloft = self._in_kernel()
        return unsent == 0 and aloft <= ALOFT and self._is_time()

    def _is_time(self) -> bool:
        now = self._loop.time()
        return now - self._hurried_at < HURRY_S or now - self._sent_at >= self._spacing_s()

    def has_long_way(self) -> bool:
        """Whether a round trip takes so long that the fewer frames there are the better."""
        return self._trip_s() >= LONG_S

    def _spacing_s(self) -> float:
        trip_s = self._trip_s()
        return min(1.0, APART * trip_s) if trip_s >= SLOW_S else 0.0

    def _trip_s(self) -> float:
        """A round trip, as the kernel has it from the acknowledgements; 0 where nothing is known."""
        if not _IS_LINUX or self._connection is None:
            return 0.0
        tcp = self._connection.get_extra_info("socket")
        try:
            microseconds: int = _RTT.unpack(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RTT.size))[0]
        except (AttributeError, OSError, struct.error):  # no TCP, or closed a moment ago
            return 0.0
        return microseconds / 1e6

    # -- landing -------------------------------------------------------------------------------------------------------
    def _watch_landing(self) -> None:
        if self._looking is None:
            wait_s = LOOK_S[min(self._looks, len(LOOK_S) - 1)]
            self._looks += 1
            self._looking = self._loop.call_later(wait_s, self._look)

    def _look(self) -> None:
        self._looking = None
        if self._channel is None:
            return
        if not self._has_landed():
            self._watch_landing()
            return
        self._looks = 0
        landed, self._landed = self._landed, None
        if landed is not None:
            landed()
        if self._is_full:
            self._is_full = False
            self.resumed()

    # -- a reader that takes nothing -----------------------------------------------------------------------------------
    def _watch(self) -> None:
        """Whether anything left since the last look, as long as there is something to leave."""
        self._watching = None
        if self._channel is None:
            return
        now, here = self._loop.time(), self.waiting + self._in_kernel()[1]
        if not here:
            self._moved_at = now
            return
        # Encrypted it is a little longer than it was written, so this falls while nothing is taken, and rises only when it is.
        taken = self.written - here
        if taken > self._taken:
            self._moved_at = now
        self._taken = taken
        if now - self._moved_at >= self._stalled_s:
            self._stalled()
            return
        self._watching = self._loop.call_later(SLOW_LOOK_S, self._watch)

    @property
    def is_blocked_below(self) -> bool:
        """Whether it is the connection that takes nothing, rather than this one channel of it."""
        return bool(self._in_transport() or self._in_kernel()[1])

    def close(self) -> None:
        """Let go of everything; what was written goes out as far as the client takes it."""
        for handle in (self._looking, self._watching):
            if handle is not None:
                handle.cancel()
        self._looking = self._watching = None
        self._channel = self._connection = None
        self._landed = None
        self.resumed = lambda: None
        self._stalled = lambda: None
