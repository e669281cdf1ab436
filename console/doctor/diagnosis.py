"""What doctor found out about one backend."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.model.instant import Clock
from console.model.reading import SKEW_SHOWN_S

T = TypeVar("T")
_SILENT = (FailureKind.UNREACHABLE, FailureKind.TIMEOUT)
_OURSELVES = "midwatch doctor"  # the advice of many a failure, which would send the reader in a circle


class Diagnosis(msgspec.Struct, frozen=True):
    """One backend. `missing` and a skewed clock make it unwell; `notes` are only worth knowing."""

    name: str  # "prometheus", "kubernetes apac-1", "vantage edge-lhr"
    kind: str
    on: str  # "prometheus https://prom.example:9090"
    reachable: bool  # something answered there, be it a refusal
    is_remote: bool = True  # False for a file: reading it reaches nothing
    version: str = ""
    latency_ms: float | None = None  # of one question on a connection that stands
    skew_s: float | None = None  # its clock minus ours; None when it tells none. Whole seconds come over HTTP
    told: str = ""  # "12 of 12 targets up"
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def is_skewed(self) -> bool:
        return self.skew_s is not None and abs(self.skew_s) > SKEW_SHOWN_S

    @property
    def is_well(self) -> bool:
        return self.reachable and not self.missing and not self.is_skewed


class Chart:
    """What has been learned of one backend so far."""

    def __init__(self, name: str, kind: str, on: str, clock: Clock, *, is_remote: bool = True) -> None:
        self.name = name
        self.kind = kind
        self.on = on
        self.is_remote = is_remote
        self.version = ""
        self.told: list[str] = []
        self._clock = clock
        self._reachable = False
        self._latency_s: float | None = None
        self._skew_s: float | None = None
        self._missing: list[str] = []
        self._notes: list[str] = []
        self._advice: list[str] = []

    async def first(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The first question, from which we learn whether anybody is there. Raises SourceError.

        It is asked twice: the first time we build our client and connect, and only the second is the backend's latency.
        """
        try:
            await ask()
        except SourceError as error:
            self._reachable = _was_answered(error.failure)
            raise
        self._reachable = True
        began = self._clock.now().mono
        answer = await ask()
        if self.is_remote:
            self._latency_s = self._clock.now().mono - began
        return answer

    def dated(self, server_date: datetime | None) -> None:
        """The `Date` of an answer that has just come."""
        if server_date is not None:
            self._skew_s = (server_date - self._clock.now().utc).total_seconds()

    def failed(self, failure: Failure) -> None:
        """A question that ended the visit."""
        self.lacks(f"{failure.tried}: {failure.got}", failure.hint)

    def lacks(self, what: str, advice: str = "") -> None:
        """Something without which the console shows less."""
        self._missing.append(what)
        self._advise(advice)

    def note(self, text: str, advice: str = "") -> None:
        """Worth knowing, and no fault."""
        self._notes.append(text)
        self._advise(advice)

    def _advise(self, advice: str) -> None:
        advice = advice.replace(_OURSELVES, "").rstrip(" :;,")
        if advice and advice not in self._advice:
            self._advice.append(advice)

    def diagnosis(self) -> Diagnosis:
        """What is known now."""
        skewed = self._skew_s is not None and abs(self._skew_s) > SKEW_SHOWN_S
        clock = ("set the clock (NTP) of that server or of this machine: ages and late lines are judged by both",)
        return Diagnosis(
            name=self.name,
            kind=self.kind,
            on=self.on,
            reachable=self._reachable,
            is_remote=self.is_remote,
            version=self.version,
            latency_ms=None if self._latency_s is None else round(self._latency_s * 1000, 1),
            skew_s=None if self._skew_s is None else round(self._skew_s, 1),
            told=" · ".join(self.told),
            missing=tuple(self._missing),
            notes=tuple(self._notes),
            advice=(*self._advice, *(clock if skewed else ())),
        )


def _was_answered(failure: Failure) -> bool:
    """Whether a failure proves that somebody was asked and said something."""
    return failure.kind not in (*_SILENT, FailureKind.INTERNAL) and failure.tried != "read the credential"
