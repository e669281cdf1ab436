"""The terminal of a wall whose process was killed: given back, and told on, by the one that keeps it."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
from contextlib import suppress

WAIT_S = 0.5  # for a terminal to take a line
# What a terminal may be left in by who was killed: synchronised output, mouse, paste, focus, resizing, cursor, wrapping,
# colours, the other screen. Terminals pass over those that they do not know.
_SANE = (
    "\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?1004l\x1b[?2048l"
    "\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l"
)
_CUT_SHORT = "\x18"  # CAN: an end to whatever sequence was not finished


class Tty:
    """As it was when this was made. Nothing here raises, or waits for long: a terminal that hangs must not hang its keeper."""

    def __init__(self) -> None:
        try:
            self._attrs = termios.tcgetattr(sys.__stdin__ or 0)
        except (termios.error, OSError, ValueError):
            self._attrs = []  # no terminal

    def restore(self) -> None:
        """Who was killed could not give it back; and its last frame, which is not true any more, must not stand there."""
        _write(_CUT_SHORT + _SANE)
        if not self._attrs:
            return
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            termios.tcsetattr(sys.__stdin__ or 0, termios.TCSANOW, self._attrs)
        except (termios.error, OSError, ValueError):
            return  # it is gone
        finally:
            signal.signal(signal.SIGTTOU, before)

    def tell(self, words: str) -> None:
        """A line, while no child has it."""
        _write(f"\r\n{words}\r\n")


def _write(words: str) -> None:
    stream = sys.__stdout__
    if stream is None or not stream.isatty():
        return
    with suppress(OSError, ValueError):
        fd = stream.fileno()
        _, can, _ = select.select([], [fd], [], WAIT_S)
        if can:
            os.write(fd, words.encode("utf-8", "replace"))
