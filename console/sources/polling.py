"""One async question asked again and again, as a `Source`.

What all polled systems share is here once: the first answer at once, a phase of its own afterwards, a fixed
cadence, failures that keep the last value, backoff and breaker, ages and skew. A room supplies `ask` and
nothing else. There is no queue: the next question is asked when the consumer wants the next reading, so a
slow consumer costs the backend less.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.model.instant import Clock
from console.model.reading import Reading, connecting
from console.model.severity import State
from console.model.source import Cost
from console.sources.backoff import Backoff
from console.sources.breaker import Breaker
from console.sources.meter import Meter
from console.sources.sanitise import clean

T = TypeVar("T")
log = logging.getLogger(__name__)

PHASE = 0.10  # of the period: how far sources started together drift apart
CEILING_S = 30.0  # between questions to a backend that fails
FAST_CEILING_S = 10.0  # the same for one that is asked each second: its recovery is waited for
HOPELESS = frozenset((FailureKind.UNAUTHORIZED, FailureKind.NOT_FOUND, FailureKind.REJECTED))


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """What one question brought.

    `as_of` is when the value was true by the server's clock (None: when it answered). `server_date` is the
    `Date` header. A non-empty `partial_reason`, or any of `warnings` (the server's own words), makes the
    reading `partial`.
    """

    value: T
    as_of: datetime | None = None
    server_date: datetime | None = None
    partial_reason: str = ""
    warnings: tuple[str, ...] = ()


class PollingSource(Generic[T]):
    """A `Source[T]` made of one question.

    `ask` raises `SourceError` for the outside system's faults; any other exception is ours and becomes a
    failure of kind INTERNAL whose `ref` finds the traceback in the log. `period_s` may be a function when the
    server decides the pace. `limit_s` ends a question that forgot its own timeouts. `close` releases what
    `ask` opened; `ask` must be able to open it again, since a source may be started again after its last
    subscriber left.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        ask: Callable[[], Awaitable[Answer[T]]],
        period_s: float | Callable[[], float],
        clock: Clock,
        stale_after_s: float | None = None,
        rng: random.Random | None = None,
        meter: Meter | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
        limit_s: float = 120.0,
    ) -> None:
        self._name = name
        self._kind = kind
        self._ask = ask
        self._period = period_s
        self._clock = clock
        self._stale_after_s = stale_after_s
        self._rng = rng if rng is not None else random.Random()
        self._meter = meter if meter is not None else Meter(clock)
        self._close = close
        self._limit_s = limit_s
        self._breaker = Breaker(clock)

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def period_s(self) -> float:
        """Seconds from the start of one question to the start of the next."""
        return max(0.05, self._period() if callable(self._period) else self._period)

    @property
    def stale_after_s(self) -> float:
        """Silence longer than this makes the last reading stale; three periods unless the maker said
        otherwise.
        """
        return self._stale_after_s if self._stale_after_s is not None else 3 * self.period_s

    @property
    def cost(self) -> Cost:
        return self._meter.cost

    @property
    def note(self) -> str:
        """For the `sources` view: that the breaker is open, and for how long still."""
        return f"resting {self._breaker.rest_s:.0f} s after failures" if self._breaker.is_open else ""

    async def readings(self) -> AsyncGenerator[Reading[T], None]:
        """Readings for ever; ends only by being closed or cancelled, and then releases what `ask` opened."""
        backoff = Backoff(ceiling_s=min(CEILING_S, max(3 * self.period_s, FAST_CEILING_S)), rng=self._rng)
        reading: Reading[T] = connecting()
        phase_s = self._rng.uniform(0.0, PHASE)  # of the first period only
        try:
            while True:
                started = self._clock.now().mono
                failure: Failure | None = None
                try:
                    reading = self._read(await self._asked())
                except SourceError as error:
                    failure = error.failure
                except Exception as error:  # ours: one pane tells it, the screen lives on
                    failure = self._internal(error)
                if failure is None:
                    self._breaker.succeeded()
                    backoff.reset()
                    wait_s = started + self.period_s * (1 + phase_s) - self._clock.now().mono
                    phase_s = 0.0
                else:
                    self._breaker.failed()
                    reading = reading.failed(failure)
                    wait_s = max(backoff.next_s(failure.retry_after_s), self._breaker.rest_s)
                    if failure.kind in HOPELESS:
                        wait_s = max(wait_s, self.period_s)
                yield reading
                await self._clock.sleep(max(0.0, wait_s))
        finally:
            if self._close is not None:
                await self._close()

    async def _asked(self) -> Answer[T]:
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._ask()
        except TimeoutError:
            raise SourceError(
                Failure(
                    kind=FailureKind.TIMEOUT,
                    tried="ask",
                    on=self._name,
                    got=f"no answer within {self._limit_s:.0f} s",
                    hint="midwatch doctor",
                )
            ) from None

    def _read(self, answer: Answer[T]) -> Reading[T]:
        now = self._clock.now()
        as_of = answer.as_of or answer.server_date or now.utc
        age_s = skew_s = None
        if answer.server_date is not None:
            age_s = (answer.server_date - as_of).total_seconds()
            skew_s = (answer.server_date - now.utc).total_seconds()
        reason = "; ".join(clean(part, 200) for part in (answer.partial_reason, *answer.warnings[:3]) if part)
        return Reading(
            value=answer.value,
            state=State.PARTIAL if reason else State.LIVE,
            received=now,
            as_of=as_of,
            server_age_s=max(0.0, age_s or 0.0),
            skew_s=skew_s,
            partial_reason=reason,
        )

    def _internal(self, error: Exception) -> Failure:
        ref = f"{self._rng.getrandbits(32):08x}"
        log.error("%s: ref %s: our own exception while asking", self._name, ref, exc_info=error)
        return Failure(
            kind=FailureKind.INTERNAL,
            tried="ask",
            on=self._name,
            got=f"midwatch's own {type(error).__name__}",
            hint=f"look for ref {ref} in the log file and report it",
            ref=ref,
        )
