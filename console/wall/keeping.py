"""The process that keeps the wall: it starts the one that shows it, and another one whenever that ends by itself or is stuck.

A child process and not a restart from within: what is to be survived is also a segmentation fault, the kernel's out-of-memory
killer and a loop that never comes back, of all of which nothing can be caught; and whatever leaked goes with the process. It is
a fork, before what watches or draws was imported: so the keeper stays at some 25 MB, one thread and little that could fail, and
every child reads the configuration, and all that watches and draws, as they are on the disk by then.

What must not be done here: import a room that imports anything heavy, start a thread before `keep`, or write to the terminal
while a child has it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from console.exit_codes import BY_SIGNAL, ExitCode
from console.wall.life import Life, Patience, drain, reap, wait
from console.wall.pulse import Past, Pulse
from console.wall.tty import Tty

_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_MINE = (*_ENDING, signal.SIGCHLD)

Shown = Callable[[Pulse, Past], int]


def keep(shown: Shown, patience: Patience | None = None) -> int:
    """Runs `shown` in a child for as long as the wall is wanted, and answers how it ended.

    It returns in the child, too, with what `shown` answered: that process then ends as any other does. What ends it all: that
    `shown` ended with 0 or 130 (somebody pressed a key), a signal to us, a terminal that hung up (129); and a first child that
    never came as far as a frame, whose exit code says why. After that there is no end: a configuration that is broken by now,
    a machine without memory, a missing file may all be mended while nobody is here.
    """
    return Keeper(shown, patience or Patience()).run()


class Keeper:
    """One wall's."""

    def __init__(self, shown: Shown, patience: Patience) -> None:
        self._shown = shown
        self._patience = patience
        self._past = Past()
        self._signal = 0  # that asked us to end
        self._has_shown = False  # a frame, by any child
        self._tries = 0  # in a row that did not last
        self._tty = Tty()
        self._awake: tuple[int, int] = (-1, -1)

    def run(self) -> int:
        """See `keep`."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._awake = os.pipe()
        for fd in self._awake:
            os.set_blocking(fd, False)
        before = {number: signal.signal(number, self._came) for number in _MINE}
        signal.set_wakeup_fd(self._awake[1], warn_on_full_buffer=False)
        is_child = False
        try:
            while True:
                told, tell = os.pipe()
                try:
                    with _held():
                        pid = os.fork()
                        is_child = not pid
                        if is_child:
                            self._become(before, told)
                except OSError as error:  # no memory, or no processes left
                    os.close(tell)
                    os.close(told)
                    if not self._has_shown:
                        raise
                    code = self._rest(f"another one could not be started: {error.strerror}", 0.0)
                    if code is not None:
                        return code
                    continue
                if is_child:
                    return self._shown(Pulse(tell), self._past)
                os.close(tell)
                life = self._kept(pid, told)
                os.close(told)
                code = self._after(life)
                if code is not None:
                    return code
        finally:
            if not is_child:
                self._become(before)

    def _become(self, before: Mapping[signal.Signals, Any], *fds: int) -> None:
        """Whoever we were before `run`, without its pipes."""
        signal.set_wakeup_fd(-1)
        for number, handler in before.items():
            signal.signal(number, handler)
        for fd in (*self._awake, *fds):
            os.close(fd)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._signal = self._signal or number

    def _kept(self, pid: int, told: int) -> Life:
        """Until this child has ended."""
        life = Life(pid, told, self._patience)
        while life.status is None:
            life.tick(self._awake[0])
            if self._signal and life.status is None:
                life.end(self._signal, self._patience.parting_s, self._awake[0])
        self._has_shown |= life.has_shown
        return life

    def _after(self, life: Life) -> int | None:
        """The code to end with; None: another one is to be started now."""
        code = life.code
        if code < 0:
            self._tty.restore()
        if self._signal:
            return self._asked
        if life.again and code == ExitCode.OK:
            return None
        if code in (ExitCode.OK, ExitCode.INTERRUPTED, BY_SIGNAL + signal.SIGHUP):
            return code
        if not self._has_shown:
            return code if code > 0 else BY_SIGNAL - code
        return self._rest(life.reason, life.lasted_s)

    def _rest(self, reason: str, lasted_s: float) -> int | None:
        """Before another one, the longer the more often the last ones have ended soon."""
        self._past = Past(self._past.restarts + 1, datetime.now(UTC), reason)
        self._tries = 1 if lasted_s >= self._patience.well_s else self._tries + 1
        rest_s = min(self._patience.most_s, self._patience.least_s * 2.0 ** min(self._tries - 1, 20))
        self._tty.tell(f"midwatch: the wall has ended ({reason}) and is started again in {rest_s:g} s")
        until = time.monotonic() + rest_s
        while not self._signal and (left_s := until - time.monotonic()) > 0:
            wait([self._awake[0]], left_s)
            drain(self._awake[0])
            reap(0)
        return self._asked if self._signal else None

    @property
    def _asked(self) -> int:
        return ExitCode.INTERRUPTED if self._signal == signal.SIGINT else BY_SIGNAL + self._signal


class _held:
    """No signal is delivered within: between a fork and its handlers being put back, one would be lost or heard twice."""

    def __enter__(self) -> None:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _MINE)

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
