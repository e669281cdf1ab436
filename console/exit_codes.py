"""How midwatch ends: the number a script reads. The numbers are a contract."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

BY_SIGNAL = 128  # a shell's way to say what ended a process: 130 for SIGINT, 143 for SIGTERM


class ExitCode(IntEnum):
    """0 to 7 and 130 are the contract; INTERNAL keeps a fault of midwatch's own from looking like a
    verdict.
    """

    OK = 0
    UNHEALTHY = 1  # with --exit-status; probe with findings
    USAGE = 2  # or configuration
    UNREACHABLE = 3  # nothing could be reached
    TIMED_OUT = 4
    PARTIAL = 5
    REFUSED = 6  # by a guard
    OUTCOME_UNKNOWN = 7
    INTERNAL = 70
    INTERRUPTED = 130


_PRECEDENCE = (
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.OUTCOME_UNKNOWN,
    ExitCode.INTERRUPTED,
    ExitCode.REFUSED,
    ExitCode.UNHEALTHY,
    ExitCode.UNREACHABLE,
    ExitCode.PARTIAL,
    ExitCode.TIMED_OUT,
    ExitCode.OK,
)


def most_telling(codes: Iterable[ExitCode]) -> ExitCode:
    """The one code to end with when several hold; OK when there are none."""
    return min(codes, key=_PRECEDENCE.index, default=ExitCode.OK)
