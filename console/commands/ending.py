"""What asks a command to end: a signal, told in the loop, and the exit code that says which."""

from __future__ import annotations

import asyncio
import signal

from console.exit_codes import BY_SIGNAL, ExitCode

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """From its making on, the first of those signals sets `wake` instead of killing us; the next ones change nothing."""

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self.number = 0  # of the signal that came first; 0: none came
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._came, number)

    def _came(self, number: int) -> None:
        self.number = self.number or number
        self._wake.set()

    @property
    def has_come(self) -> bool:
        return self.number != 0

    @property
    def code(self) -> int:
        """As a shell would say it."""
        return ExitCode.INTERRUPTED if self.number == signal.SIGINT else BY_SIGNAL + self.number
