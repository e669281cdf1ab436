"""Textual's driver for a terminal at the other end of an SSH channel.

No thread and no signal handler: there may be fifty of these in a process, and what the process itself was started on is none of
their business. Keys come as bytes (`feed`) and are read in slices, so that a client who sends a megabyte of them takes its turn
like everybody; a session whose app does not keep up is not read from until it does.

What must not be done here: open anything on the server's own desktop or disk because a widget asks for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from textual import events
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message

from console.serve.hall.hearing import ESCAPE_S, Hearing
from console.serve.hall.wire import Wire

LEAST, MOST = (1, 1), (500, 200)  # columns, lines: of what a client says of its window
SLICE = 512  # bytes read at a time
BEFOREHAND = 64  # messages that wait in the app before no more are read
KEPT = 65_536  # bytes that wait here before the channel is not read from
WAIT_S = 0.02
_TAKEN = (
    "\x1b[?1049h"  # the other screen
    "\x1b[?25l"  # no cursor
    "\x1b[?1000h\x1b[?1006h"  # clicks and the wheel; every movement (1003) would be a packet each
    "\x1b[?1004h"  # focus
    "\x1b[?2004h"  # pastes in brackets
    "\x1b[?7l"  # no wrapping at the right edge
)
_GIVEN_BACK = "\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1006l\x1b[?1004l\x1b[0m\x1b[?1049l\x1b[?25h"
_ASKED = "\x1b[?2026$p"  # synchronised output


def clamped(width: int, height: int) -> tuple[int, int]:
    """A window that can be drawn, whatever a client says; zero stands for "I do not know"."""
    return (
        min(max(width or 80, LEAST[0]), MOST[0]),
        min(max(height or 24, LEAST[1]), MOST[1]),
    )


class ChannelDriver(Driver):
    """One session's. Made by the app, through `partial(ChannelDriver, seat=...)`."""

    def __init__(self, app: Any, *, seat: Seat, debug: bool = False, mouse: bool = True, size: Any = None) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=seat.size)
        self._app: Any = app
        self._seat: Seat | None = seat
        self._wire: Wire | None = seat.wire
        self._able = app.able
        self._is_taken = False
        seat.driver = self
        self._wire.resumed = self._again

    # -- out -----------------------------------------------------------------------------------------------------------
    def write(self, data: str) -> None:
        if self._wire is not None and self._is_taken:
            self._wire.write(self._able.without_questions(data))

    def send(self, text: str, landed: Callable[[], None]) -> None:
        """One frame; `landed` is called, later and in the loop, when the next may follow. Never onto a terminal that was
        given back: a shell stands there.
        """
        if self._wire is not None and self._is_taken:
            self._wire.send(text, landed)

    def _again(self) -> None:
        """Something was dropped on the way: what the terminal shows is not known."""
        self._app.action_repaint()

    # -- taking and giving back ----------------------------------------------------------------------------------------
    def start_application_mode(self) -> None:
        if self._seat is None or self._wire is None:
            return
        self._is_taken = True
        self._wire.write(_TAKEN + (_ASKED if self._able.is_asked else ""))
        self.resized(*self._seat.size)
        self._seat.listen()

    def stop_application_mode(self) -> None:
        if self._is_taken and self._wire is not None:
            self._is_taken = False
            self._wire.write(_GIVEN_BACK)

    def disable_input(self) -> None:
        if self._seat is not None:
            self._seat.deaf()

    def close(self) -> None:
        """The app is done; what it wrote is on its way."""
        if self._wire is not None:
            self._wire.resumed = lambda: None
        if self._seat is not None:
            self._seat.driver = None
        self._seat = self._wire = None

    # -- in ------------------------------------------------------------------------------------------------------------
    def send_message(self, message: Any) -> None:
        """Textual's comes from a thread; ours is in the loop already."""
        self._app.post_message(message)

    def backlog(self) -> int:
        """Messages that the app has not yet looked at, and keys that wait for their turn."""
        return int(self._app._message_queue.qsize()) + int(self._app.keyboard.waiting)

    def resized(self, width: int, height: int) -> None:
        self._size = (width, height)
        size = Size(width, height)
        self.send_message(events.Resize(size, size))

    def _get_terminal_size(self) -> tuple[int, int]:
        return self._size or clamped(0, 0)

    # -- what a widget may ask of its desktop, and must not ask of a server ----------------------------------------------
    def open_url(self, url: str, new_tab: bool = True) -> None:
        """The browser would open on the server."""

    def deliver_binary(self, binary: Any, **_how: Any) -> None:
        """The file would be written on the server."""
        binary.close()


class Seat:
    """Where a client sits: its window, its keys, and the wire to it. It outlives the driver a little at both ends."""

    def __init__(self, wire: Wire, size: tuple[int, int], encoding: str, *, pause: Callable[[bool], None]) -> None:
        self.wire = wire
        self.size = size
        self.driver: ChannelDriver | None = None
        self._pause = pause  # True: read no more from the channel
        self._hearing = Hearing(encoding)
        self._hearing.size = size
        self._waiting = bytearray()
        self._taken = 0  # bytes, of all time
        self._escapes: deque[int] = deque()  # after so many bytes a packet ended with an escape
        self._heard: deque[Message] = deque()
        self._is_listening = False
        self._is_paused = False
        self._turn: asyncio.Handle | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        """The app is there: what was typed ahead counts."""
        self._is_listening = True
        self._soon()

    def deaf(self) -> None:
        """Nothing that comes counts any more."""
        self._is_listening = False
        self._waiting.clear()
        self._escapes.clear()
        self._heard.clear()

    def feed(self, data: bytes) -> None:
        """What the client sent."""
        self.wire.hurry()
        self._waiting += data
        if data.endswith(b"\x1b"):
            self._escapes.append(self._taken + len(self._waiting))
        if len(self._waiting) > KEPT and not self._is_paused:
            self._is_paused = True
            self._pause(True)
        self._soon()

    def resize(self, width: int, height: int) -> None:
        """What the client says of its window."""
        size = clamped(width, height)
        if size != self.size:
            self.size = self._hearing.size = size
            if self.driver is not None:
                self.driver.resized(*size)

    def _soon(self) -> None:
        if self._turn is None and self._is_listening:
            self._turn = self._loop.call_soon(self._listen)

    def _listen(self) -> None:
        """One slice, one turn of the loop."""
        self._turn = None
        driver = self.driver
        if driver is None or not self._is_listening:
            return
        while self._heard and driver.backlog() < BEFOREHAND:
            driver.process_message(self._heard.popleft())
        if self._heard:
            self._turn = self._loop.call_later(WAIT_S, self._listen)
            return
        if self._waiting:
            self._read()
        if self._is_paused and len(self._waiting) <= KEPT // 2:
            self._is_paused = False
            self._pause(False)
        if self._waiting or self._heard:
            self._soon()

    def _read(self) -> None:
        """A slice. A terminal sends a sequence in one piece, and SSH keeps it one, however slow the line: an escape that a
        packet ends with is the key, whatever comes after it and however soon we come to read that.
        """
        size = min(SLICE, self._escapes[0] - self._taken) if self._escapes else SLICE
        part = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._taken += len(part)
        self._heard.extend(self._hearing.heard(part))
        if self._escapes and self._escapes[0] <= self._taken:
            self._escapes.popleft()
            if self._hearing.is_escaping:
                self._heard.extend(self._hearing.settle())
        self._wait_for_the_rest()

    def _wait_for_the_rest(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        if self._hearing.is_waiting:
            self._settling = self._loop.call_later(ESCAPE_S, self._settle)

    def _settle(self) -> None:
        self._settling = None
        if self._waiting:  # it is here, only not read yet
            self._wait_for_the_rest()
            return
        self._heard.extend(self._hearing.settle())
        self._soon()

    def close(self) -> None:
        """Leave nothing behind."""
        self.deaf()
        for handle in (self._turn, self._settling):
            if handle is not None:
                handle.cancel()
        self._turn = self._settling = None
        self.driver = None
        self._pause = lambda on: None
        self.wire.close()
