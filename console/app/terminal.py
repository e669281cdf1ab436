"""The terminal as the console holds it: taken, given back, lent to the shell for a while, and never waited for once it is gone.

Textual's own driver does the taking and giving back. What it leaves open is closed here:

- ctrl+z stops the whole job, as every shell expects: the prober with us, and `make` where it started us. A prober that ran
  on would ask the edges for nobody. Where no shell waits behind us (`ssh -t host midwatch`, a tmux window of its own)
  stopping would be for ever, so nothing is stopped.
- SIGTSTP and SIGCONT come at any moment, also while the loop's own queue is locked. They are only noted, and done in the loop.
- Someone else's SIGSTOP leaves the terminal to a shell without a word. After SIGCONT it is taken again from the beginning;
  started twice, Textual's driver would read the keys with two threads and remember the raw terminal as the sane one.
  What was typed meanwhile counts: who continued us may have pressed the next key already.
- A terminal that hung up answers every write with an error and every read with nothing. That ends the console once; it
  neither kills a thread whose queue then fills for ever, nor spins.
- A terminal that takes nothing (a stalled link) must not keep the console from being ended.
- Of the frames of the screen one is on its way at a time: `send` is told by `landed` when the tty has taken the last byte of
  it, and asked for the next one only then. What a tty has taken and not yet passed on counts as on its way where the kernel
  tells it (TIOCOUTQ: a serial line, a real console). Of a pty it tells nothing: that answers 0 whatever its other end has
  left unread, which may be some 17 kB on Linux; and behind it an sshd holds what its TCP connection and the channel's window
  allow. None of that can be asked for from here, and a terminal's own answer is not waited for: one that never comes would
  stop the screen. `--link slow` and, over SSH, `midwatch serve`, which holds the connection itself, are what helps there.

What must not be done here: no drawing, and no word of what the console shows.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import select
import signal
import sys
import termios
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Full
from threading import Event
from time import monotonic, sleep
from types import FrameType
from typing import Any

from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver

from console.exit_codes import BY_SIGNAL

log = logging.getLogger(__name__)

STUCK_S = 0.5  # how long one write may wait for a terminal that takes nothing, before we look whether we are to leave
PARTING_S = 2.0  # how long the last writes may stand still: a slow link gets its time, a dead one does not
CHUNK = 2048  # bytes a write, so that a slow terminal can be told from one that takes nothing
LOOK_S = 0.1  # how often we look again where nothing would wake us
READ = 4096  # bytes
DRAIN_S = 0.01  # how often a line that is slow itself is asked whether it is done


class Frame(str):
    """A frame among the other things that are written."""

    landed: Callable[[], None]


class Wire:
    """What Textual's writer thread writes to. It never raises: the first error is told, and from then on all is dropped."""

    def __init__(self, fd: int, encoding: str, gone: Callable[[OSError], None]) -> None:
        self._fd = fd
        self._encoding = encoding
        self._gone = gone
        self._kept: list[str] = []
        self._landing: list[Callable[[], None]] = []
        self.is_gone = False
        self.moved_at = 0.0  # monotonic: when the terminal last took something

    def fileno(self) -> int:
        return self._fd

    def write(self, text: str) -> None:
        self._kept.append(text)
        if isinstance(text, Frame):
            self._landing.append(text.landed)

    def flush(self) -> None:
        """All that was written since, onto the terminal; and whose frame it was is told."""
        self._put()
        landing, self._landing = self._landing, []
        if landing and not self.is_gone:
            self._drain()
            for landed in landing:
                landed()

    def _drain(self) -> None:
        """Until the line has passed on what it took; where the kernel does not know, at once."""
        before = 0
        while (waiting := _unsent(self._fd)) > 0:
            if waiting != before:
                before, self.moved_at = waiting, monotonic()
            sleep(DRAIN_S)

    def _put(self) -> None:
        data = "".join(self._kept).encode(self._encoding, "replace")  # a cell that it cannot show stays one cell: "?"
        self._kept.clear()
        while data and not self.is_gone:
            try:
                data = data[os.write(self._fd, data[:CHUNK]) :]
                self.moved_at = monotonic()
            except BlockingIOError:  # whoever shares the terminal with us has made it so
                select.select([], [self._fd], [], STUCK_S)
            except OSError as error:
                self.is_gone = True
                self._gone(error)


def _unsent(fd: int) -> int:
    """Bytes that a tty has taken and not sent; 0 as well where that cannot be known."""
    try:
        return int.from_bytes(fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0


class Ending(Event):
    """That the thread which reads keys is to end, as something `select` can wait for: it need not wake to look."""

    def __init__(self) -> None:
        super().__init__()
        self._told, self._tell = os.pipe()

    def fileno(self) -> int:
        return self._told

    def set(self) -> None:
        if not self.is_set():
            super().set()
            os.write(self._tell, b"!")

    def clear(self) -> None:
        if self.is_set():
            super().clear()
            os.read(self._told, 1)


class Terminal(LinuxDriver):
    """One terminal for the life of the console."""

    def __init__(self, app: Any, **options: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_held = False  # we have the terminal: raw, on the other screen
        self._is_stopping = False  # within `stop_job`: the SIGCONT that ends it is awaited there
        self._is_leaving = False
        self._is_retaking = False  # within `take_again`: the keys stay ours
        super().__init__(app, **options)
        self._app: Any = app
        stderr: Any = sys.__stderr__
        self._file: Any = Wire(stderr.fileno(), stderr.encoding or "utf-8", self._hung_up)
        self.exit_event: Ending = Ending()
        self._auto_restart = False  # what Textual's handlers would do in the middle of anything, ours do in the loop
        signal.signal(signal.SIGTSTP, self._asked_to_stop)
        signal.signal(signal.SIGCONT, self._continued)

    # -- taking and giving back ----------------------------------------------------------------------------------------
    def start_application_mode(self) -> None:
        """Take the terminal, once we are the job in front of it."""
        while not self._is_leaving and not self._is_in_front() and has_shell():
            self._stop(signal.SIGTTOU)
        if self._is_leaving:
            return
        self._in_band_window_resize = False  # it is asked for again: until it answers, SIGWINCH counts
        self._is_held = True
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def stop_application_mode(self) -> None:
        """Give it back as it was. Twice does no harm."""
        if not self._is_held:
            return
        if self._is_leaving and not self._is_in_front():
            self.attrs_before = None  # a shell has it, in a mode of its own
        super().stop_application_mode()
        self._is_held = False

    def take_again(self) -> None:
        """From the beginning: somebody else had it. Keys that were not read yet are read."""
        if self._is_held:
            self._is_retaking = True
            try:
                self.suspend_application_mode()
            finally:
                self._is_retaking = False
            self.start_application_mode()

    def disable_input(self) -> None:
        """Textual's throws away what was typed and not yet read, which is right only for a terminal that is given back."""
        if not self._is_retaking:
            super().disable_input()
        elif self._key_thread is not None:
            self.exit_event.set()
            self._key_thread.join()
            self.exit_event.clear()

    def close(self) -> None:
        """Wait for the last writes, but not for a terminal that takes nothing."""
        thread = self._writer_thread
        self._writer_thread = None
        if thread is None:
            return
        self._file.moved_at = monotonic()
        has_ended = False
        while thread.is_alive() and monotonic() - self._file.moved_at < PARTING_S:
            try:
                if not has_ended:
                    thread._queue.put(None, timeout=LOOK_S)
                    has_ended = True
            except Full:
                continue
            thread.join(LOOK_S)
        if thread.is_alive():  # it is a daemon: it ends with us
            log.warning("the terminal takes nothing: what was not yet written is dropped")
            with suppress(termios.error):
                termios.tcflush(self.fileno, termios.TCOFLUSH)
            thread.join(STUCK_S)

    def write(self, data: str) -> None:
        """Waits for a slow terminal, as long as nobody asks us to leave; without a terminal there is nothing to write."""
        self._queue(self._app.able.without_questions(data))

    def send(self, text: str, landed: Callable[[], None]) -> None:
        """A frame; `landed` is called in the loop once the tty has taken it. One that is dropped, because the terminal is lent
        or gone, never lands: whoever takes the terminal again gives it up (`forget_terminal`).
        """

        def told() -> None:
            with suppress(RuntimeError):  # the loop is closed: we have ended
                self._loop.call_soon_threadsafe(landed)

        frame = Frame(text)
        frame.landed = told
        self._queue(frame)

    def _queue(self, data: str) -> None:
        thread = self._writer_thread
        while data and thread is not None and self._is_held:
            try:
                thread._queue.put(data, timeout=STUCK_S)
            except Full:
                if self._is_leaving:
                    return
            else:
                return

    def leave(self, code: int) -> None:
        """End the app with this code. May be called from a signal handler and from any thread."""
        self._is_leaving = True
        self._loop.call_soon_threadsafe(self._app.exit, None, code)

    def _hung_up(self, error: OSError) -> None:
        log.error("the terminal is gone: %s", error)
        self.leave(BY_SIGNAL + signal.SIGHUP)

    def _get_terminal_size(self) -> tuple[int, int]:
        """Of the terminal itself: COLUMNS and LINES, once exported, are never right again."""
        try:
            width, height = os.get_terminal_size(self._file.fileno())
        except OSError:
            width = height = 0
        return (width, height) if width and height else super()._get_terminal_size()

    # -- job control ---------------------------------------------------------------------------------------------------
    def stop_job(self) -> None:
        """Give the terminal back and stop with the whole job; returns when it was continued, the terminal not yet taken."""
        self._is_stopping = True
        self.suspend_application_mode()
        self._stop(signal.SIGTSTP)
        # `kill -CONT` of us alone would leave the prober stopped
        os.killpg(0, signal.SIGCONT)
        self._loop.call_soon(self._has_continued)

    def _has_continued(self) -> None:
        self._is_stopping = False

    def _stop(self, sign: signal.Signals) -> None:
        """Stop the process group, by a signal that the kernel withholds where nobody could continue it."""
        before = signal.signal(sign, signal.SIG_DFL)
        try:
            os.killpg(0, sign)
        finally:
            signal.signal(sign, before)

    def _is_in_front(self) -> bool:
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:  # not our controlling terminal, or gone: there is no front to be in
            return True

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._app.call_later, self._app.run_action, "suspend_process")

    def _continued(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_stopping:
            self._loop.call_soon_threadsafe(self._app.call_later, self._app.run_action, "take_terminal")

    # -- keys ----------------------------------------------------------------------------------------------------------
    def run_input_thread(self) -> None:
        """Textual's, but for two things: the end of the input, which it takes for silence and asks again at once; and that
        it wakes ten times a second, which was a third of what an idle console cost. Only what may still become one key
        (an escape, and nothing after it) needs a look at the time.
        """
        decode = getincrementaldecoder("utf-8")("replace").decode
        parser = XTermParser(self._debug)
        settled_at = 0.0  # monotonic: from then on no key waits for its end
        while not self.exit_event.is_set():
            patience_s = LOOK_S if monotonic() < settled_at else None
            ready, _, _ = select.select([self.fileno, self.exit_event], [], [], patience_s)
            if self.fileno in ready:
                try:
                    data = os.read(self.fileno, READ)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self._hung_up(error)
                    return
                if not data:
                    self._hung_up(OSError("the input has ended"))
                    return
                for event in parser.feed(decode(data)):
                    self.process_message(event)
                settled_at = monotonic() + ESCAPE_DELAY + 2 * LOOK_S
            for event in parser.tick():
                self.process_message(event)
        try:
            for _ in parser.feed(""):
                pass
        except (EOFError, ParseError):
            pass


def has_shell() -> bool:
    """Whether a shell with job control waits behind our process group: only then can somebody continue us.

    As the kernel sees it, the group is not orphaned: the parent of one of it is of our session and of another group. Where
    that cannot be found out (no /proc) we believe it is so; the kernel withholds the signal where it is not.
    """
    group, session, pid = os.getpgrp(), os.getsid(0), os.getpid()
    try:
        while True:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            parent = int(stat[1])
            if parent == 0:
                return False
            if os.getpgid(parent) != group:
                return os.getsid(parent) == session
            pid = parent
    except FileNotFoundError:
        return True
    except OSError:
        return False
