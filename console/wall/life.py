"""One child of the wall's keeper: what it tells, how long it has said nothing, and how it ended."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress

import msgspec

from console.exit_codes import BY_SIGNAL
from console.wall.pulse import AGAIN, BEAT, FAULT, LONGEST

TICK_S = 1.0
_SIGNALS = {each.value: each.name for each in signal.Signals}
_TOLD = 4096  # bytes of an unfinished word that are kept


class Patience(msgspec.Struct, frozen=True):
    """Seconds."""

    first_s: float = 90.0  # until the first frame, on a cold and busy machine
    stuck_s: float = 20.0  # between two frames; a wall's clock makes one a second
    parting_s: float = 8.0  # from being asked to end until killed
    autopsy_s: float = 2.0  # for the stacks of one that is stuck
    least_s: float = 1.0  # before another one is started
    most_s: float = 60.0
    well_s: float = 600.0  # who has lived so long has not died of its start: the next is started after `least_s` again


class Life:
    """Of one child: what it told, how long it said nothing, and how it ended."""

    def __init__(self, pid: int, told: int, patience: Patience) -> None:
        self.pid = pid
        self.status: int | None = None
        self.has_shown = False
        self.stuck = ""
        self.again = ""
        self._fault = ""
        self._told = told
        self._patience = patience
        self._begun = time.monotonic()
        self._silent_s = 0.0  # counted while we are awake ourselves
        self._rest = b""
        os.set_blocking(told, False)

    @property
    def lasted_s(self) -> float:
        return time.monotonic() - self._begun

    def tick(self, awake: int) -> None:
        """One tick: hear what it says, see whether it has ended, and end it when it has said nothing for too long."""
        before = time.monotonic()
        wait([self._told, awake] if self._told >= 0 else [awake], TICK_S)
        drain(awake)
        # a machine that slept, or a job that was stopped, has not been silent
        self._silent_s += min(time.monotonic() - before, 2 * TICK_S)
        self._hear()
        self._reap()
        limit_s = self._patience.stuck_s if self.has_shown else self._patience.first_s
        if self.status is None and self._silent_s > limit_s:
            self.stuck = f"stuck: no frame for {limit_s:g} s"
            self.end(signal.SIGABRT, self._patience.autopsy_s, awake)

    def end(self, number: int, within_s: float, awake: int) -> None:
        """By this signal, and when that is not heard in time, outright."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)
        deadline = time.monotonic() + within_s
        while self.status is None and (left_s := deadline - time.monotonic()) > 0:
            wait([awake], min(left_s, TICK_S))
            drain(awake)
            self._reap()
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            while self.status is None:
                wait([awake], TICK_S)
                drain(awake)
                self._reap()
        self._hear()

    @property
    def code(self) -> int:
        """How it ended: an exit code, or below zero a signal's number."""
        assert self.status is not None
        return os.waitstatus_to_exitcode(self.status)

    @property
    def reason(self) -> str:
        """Why it ended, in words for a screen."""
        if self.stuck:
            return self.stuck
        if self._fault:
            return self._fault
        number = -self.code if self.code < 0 else self.code - BY_SIGNAL
        if number > 0:
            return f"ended by {_SIGNALS.get(number, f'signal {number}')}"
        return f"it ended with code {self.code}"

    def _hear(self) -> None:
        if self._told < 0:
            return
        try:
            data = os.read(self._told, 65_536)
        except BlockingIOError:
            return
        if not data:
            self._told = -1  # whoever opened it closes it
            return
        *words, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_TOLD:]
        for word in words:
            kind, text = word[:1], "".join(filter(str.isprintable, word[1:].decode("utf-8", "replace")))[:LONGEST]
            if kind == BEAT:
                self.has_shown, self._silent_s = True, 0.0
            elif kind == FAULT:
                self._fault = text
            elif kind == AGAIN:
                self.again = text or "wanted"

    def _reap(self) -> None:
        status = reap(self.pid)
        if status is not None:
            self.status = status


def reap(pid: int) -> int | None:
    """How that child ended; None: it has not. Others, which we have only as the first process of a container, go by the way."""
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        if not ended:
            return None
        if ended == pid:
            return status


def wait(fds: list[int], within_s: float) -> None:
    with suppress(InterruptedError):
        select.select(fds, [], [], within_s)


def drain(fd: int) -> None:
    with suppress(BlockingIOError):
        while os.read(fd, 4096):
            pass


